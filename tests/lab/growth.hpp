// What campaigns that look for growth have in common: stores filled beforehand, rest before each
// reading, and the judgement (docs/decisions/0013-what-drift-is.md).
#pragma once

#include <vector>

#include "tests/lab/campaign.hpp"
#include "tests/lab/use.hpp"

namespace assent::lab {

// Of the coordinator: a history that is full within a minute, and then always is.
test::Environment small_history();
// Transactions without a fault until everything is full that holds so many. Returns how many
// committed; too few in a quarter of an hour is a violation.
std::size_t fill_stores(test::Deployment& deployment, CampaignResult& result);
// Neither a transaction that has not ended nor one in doubt, anywhere.
bool is_at_rest(test::Deployment& deployment);
// What the readings, at equal distances, have grown by goes to the figures; too much is a
// violation.
void judge_growth(const std::vector<Use>& readings, CampaignResult& result);

}  // namespace assent::lab
