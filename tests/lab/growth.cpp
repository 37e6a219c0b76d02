#include "tests/lab/growth.hpp"

#include <atomic>
#include <exception>
#include <iostream>
#include <thread>

#include <boost/json.hpp>

#include "tests/lab/trend.hpp"

namespace assent::lab {

using test::Deployment;
using namespace std::chrono_literals;

namespace {

constexpr double kMostDrift = 0.05;
constexpr int kRounds = 12;

// More transactions than the daemons keep anything of: participants remember how the last 20,000
// branches ended.
constexpr std::size_t kFilling = 21'000;
constexpr int kFillingClients = 16;
constexpr int kAccountsEach = 6;

void judge(const std::vector<Use>& readings, const std::string& what, double Use::*part,
           CampaignResult& result) {
  std::vector<double> line;
  for (const Use& use : readings) line.push_back(use.*part);
  const Trend trend = trend_of(line);
  result.figures.emplace_back(what + "_at_begin", trend.begin);
  result.figures.emplace_back(what + "_at_end", trend.end);
  result.figures.emplace_back(what + "_drift", trend.growth());
  if (trend.growth() > kMostDrift)
    result.violations.push_back(what + " grew from " + std::to_string(trend.begin) + " to " +
                                std::to_string(trend.end));
}

// Transactions without a fault until everything is full that holds so many. Returns how many
// committed; too few in a quarter of an hour is a violation.
std::size_t fill_stores(Deployment& deployment, CampaignResult& result) {
  std::atomic<std::size_t> committed{0};
  std::vector<std::thread> clients;
  const auto limit = std::chrono::steady_clock::now() + 15min;
  for (int number = 0; number < kFillingClients; ++number)
    clients.emplace_back([&, number] {
      client::Client assent = deployment.client();
      for (int n = 0; committed < kFilling && std::chrono::steady_clock::now() < limit; ++n) {
        const int account = 1 + number * kAccountsEach + n % kAccountsEach;
        const bool back = n / kAccountsEach % 2 == 1;
        if (assent.run(test::transfer(Deployment::name(back ? 1 : 0), account,
                                      Deployment::name(back ? 0 : 1), account, "1.00")))
          ++committed;
      }
    });
  for (std::thread& client : clients) client.join();
  if (committed < kFilling)
    result.violations.push_back("it takes more than a quarter of an hour to commit " +
                                std::to_string(kFilling) + " transactions");
  return committed;
}

}  // namespace

test::Environment small_history() {
  // Its time limit would make it as large as the last minutes were fast.
  return {{"ASSENT_HISTORY_COUNT", "1000"}, {"ASSENT_HISTORY_KEEP", "1h"}};
}

void watch_growth(Deployment& deployment, CampaignResult& result, double minutes,
                  std::size_t& filled, const Course& course) {
  const std::chrono::duration<double> whole(minutes * 60);
  try {
    filled = fill_stores(deployment, result);
    course.go_on(whole / 2);
    course.rest();
    for (int round = 0; round < kRounds && result.violations.empty(); ++round) {
      course.go_on(whole / 2 / kRounds);
      course.rest();
    }
  } catch (const std::exception& error) {
    result.violations.push_back(error.what());
  }
  course.judge();
  if (!result.violations.empty()) std::cerr << deployment.logs() << '\n';
}

bool is_at_rest(Deployment& deployment) {
  boost::system::error_code malformed;
  const auto overview = boost::json::parse(deployment.http("GET", "/v1/overview").body, malformed);
  if (malformed || !overview.is_object()) return false;
  const boost::json::object& states = overview.as_object().at("transactions").as_object();
  for (const auto& [state, count] : states)
    if (state != "committed" && state != "aborted" && count.to_number<int>() > 0) return false;
  return deployment.prepared() == 0;
}

void judge_growth(const std::vector<Use>& readings, CampaignResult& result) {
  judge(readings, "memory", &Use::memory_kib, result);
  judge(readings, "descriptors", &Use::descriptors, result);
  judge(readings, "connections", &Use::connections, result);
  judge(readings, "slots", &Use::slots, result);
  judge(readings, "journal_rows", &Use::overdue_rows, result);
}

}  // namespace assent::lab
