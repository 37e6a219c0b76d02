// What campaigns that look for growth have in common: stores filled beforehand, rest before each
// reading, and the judgement (docs/decisions/0013-what-drift-is.md).
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "tests/lab/campaign.hpp"
#include "tests/lab/use.hpp"

namespace assent::lab {

// Of the coordinator: a history that is full within a minute, and then always is.
test::Environment small_history();
// What a campaign does in its time, and what it does at rest.
struct Course {
  std::function<void(std::chrono::duration<double>)> go_on;
  std::function<void()> rest;   // brings all to rest, checks it, and reads what is used
  std::function<void()> judge;  // of what was read, if anything was
};
// Fills the stores; half of the time goes by, and the rest of it in twelve rounds, with a rest
// before the first and after each. An exception is a violation; after one, logs go to standard
// error. `filled`: how many transactions filled the stores.
void watch_growth(test::Deployment& deployment, CampaignResult& result, double minutes,
                  std::size_t& filled, const Course& course);
// Neither a transaction that has not ended nor one in doubt, anywhere.
bool is_at_rest(test::Deployment& deployment);
// What the readings, at equal distances, have grown by goes to the figures; too much is a
// violation.
void judge_growth(const std::vector<Use>& readings, CampaignResult& result);

}  // namespace assent::lab
