// A connection that asked for a WebSocket, on its way from the HTTP server to a link.
#pragma once

#include <memory>

namespace assent {

struct UpgradeState;

// Whoever moves it away owns the connection: dropping it closes that. Left where it is, the request
// is answered as any other.
class Upgrade {
 public:
  explicit Upgrade(std::shared_ptr<UpgradeState> state);
  ~Upgrade();
  Upgrade(Upgrade&&) noexcept;
  Upgrade& operator=(Upgrade&&) noexcept;

  std::shared_ptr<UpgradeState> state;  // for accept_link
};

}  // namespace assent
