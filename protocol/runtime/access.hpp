// Asks who sends a request: by its bearer token, else by the client's certificate. Belongs to the
// I/O thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/runtime/callers.hpp"

namespace assent {

struct HttpRequest;

class Access {
 public:
  // An empty path: everybody is everything. Throws as parse_callers.
  explicit Access(std::string file = {});
  // Reads the file again. Throws as the constructor; what was known before stays then.
  void reload();
  bool is_open() const { return file_.empty(); }

  // Who sent this, or why nobody is known to have.
  struct Identity {
    CallerPtr caller;     // null: refused
    std::string refusal;  // a sentence without anything of the credential
  };
  Identity identify(const HttpRequest& request) const;
  // Whether a caller identified earlier would still be.
  bool knows(const Caller& caller) const;

 private:
  CallerPtr by_token(std::string_view token) const;

  std::string file_;
  std::vector<CallerPtr> callers_;
};

}  // namespace assent
