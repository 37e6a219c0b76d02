#include "protocol/runtime/link.hpp"

#include "protocol/runtime/upgrade_state.hpp"
#include "protocol/runtime/websocket_link.hpp"

namespace assent {

Upgrade::Upgrade(std::shared_ptr<UpgradeState> given) : state(std::move(given)) {}
Upgrade::~Upgrade() = default;
Upgrade::Upgrade(Upgrade&&) noexcept = default;
Upgrade& Upgrade::operator=(Upgrade&&) noexcept = default;

void accept_link(Upgrade upgrade, LinkOptions options, LinkCallbacks callbacks,
                 std::function<void(std::shared_ptr<Link>)> opened) {
  auto& state = *upgrade.state;
  auto request = std::make_shared<http::request<http::string_body>>(std::move(state.request));
  auto link = std::make_shared<WebSocketLink>(std::move(state.stream), options);
  link->accept(std::move(request), [link = link.get(), callbacks = std::move(callbacks),
                                    opened = std::move(opened)](std::string_view failure) {
    if (!failure.empty()) return;
    opened(hold(link->shared_from_this()));
    link->run(callbacks);
  });
}

}  // namespace assent
