// `assent watch`: transactions and what blocks, live. On a terminal a screen that is drawn anew
// once a second; otherwise a line for each thing that happens.
#pragma once

#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "clients/cli/blocking.hpp"

namespace assent::cli {

extern const char* const kWatchFooter;

class Watch {
 public:
  // Terminal and connect outlive this. `watch` and `json` of the options do not matter.
  Watch(const BlockingOptions& options, const Terminal& terminal, const Connect& connect);
  ~Watch();
  // Asks once, and shows what there is to show.
  void look();

 private:
  struct Rates;
  std::optional<boost::json::object> get(const std::string& target);
  void draw(const BlockingAnswer& blocking);
  std::string screen(const BlockingAnswer& blocking);
  std::string rates();
  void tell(const BlockingAnswer& blocking);
  void tell_happenings();
  void line(const std::string& at, const std::string& text);

  const BlockingOptions options_;
  const Terminal& terminal_;
  const Connect& connect_;
  std::unique_ptr<client::Transport> coordinator_;
  std::unique_ptr<Rates> rates_;
  std::string last_event_;
  std::string last_gist_;
};

// Until it is interrupted.
int show_watch(const BlockingOptions& options, const Terminal& terminal, const Connect& connect);

}  // namespace assent::cli
