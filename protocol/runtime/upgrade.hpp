// A connection that asked for a WebSocket, on its way from the HTTP server to a link.
#pragma once

#include <memory>

namespace assent {

struct UpgradeState;

// Whoever takes it owns the connection: dropping it closes that, unless the upgrade handler
// returned false, when the server answers 404 on it.
class Upgrade {
 public:
  explicit Upgrade(std::shared_ptr<UpgradeState> state);
  ~Upgrade();
  Upgrade(Upgrade&&) noexcept;
  Upgrade& operator=(Upgrade&&) noexcept;

  std::shared_ptr<UpgradeState> state;  // for accept_link
};

}  // namespace assent
