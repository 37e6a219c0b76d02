// Transactions that are decided, durably, and of which no participant has heard.
#pragma once

#include "tests/integration/system/deployment.hpp"

namespace assent::bench {

// Leaves `transactions` of them, of two branches each, prepared in both databases. The coordinator
// that decided them runs on, and goes on losing every commit it sends. Participants are restarted
// with room for as many branches.
void leave_in_doubt(test::Deployment& bank, std::size_t transactions);

}  // namespace assent::bench
