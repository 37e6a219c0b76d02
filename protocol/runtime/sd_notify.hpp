// Tells systemd (or whoever set NOTIFY_SOCKET) how the service is doing: "READY=1", "STOPPING=1",
// "STATUS=…". Without that variable nothing happens.
#pragma once

#include <string_view>

namespace assent {

void notify_service_manager(std::string_view state);

}  // namespace assent
