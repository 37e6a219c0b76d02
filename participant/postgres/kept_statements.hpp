// Which SQL texts a connection's backend keeps parsed and planned. Parsing and planning a simple
// UPDATE costs PostgreSQL as much as carrying it out.
//
// A text is prepared when it comes for the second time, so that texts with values written into them
// do not fill the backend's memory. Bounded: what comes when there is no room is sent as it is.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace assent {

class KeptStatements {
 public:
  struct Use {
    const char* name = nullptr;  // of the prepared statement; nullptr: send the text
    bool prepare = false;        // under this name, first
  };
  // How a text is to be sent now. `name` stays valid until the text is forgotten.
  Use use(std::string_view sql);
  // Not to be used again. False: it was not prepared.
  bool forget(std::string_view sql);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> known_;  // text → name or ""
  std::size_t prepared_ = 0;  // ever: the backend has as many
};

}  // namespace assent
