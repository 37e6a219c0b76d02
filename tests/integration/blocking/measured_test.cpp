// How long an application's own branch held its locks, by its participant's measure.
#include <map>

#include <boost/json.hpp>

#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using namespace assent::test;
using namespace std::chrono_literals;

namespace {

namespace json = boost::json;

// In one request, as a driver without two-phase calls of its own would.
void prepare(Deployment& bank, const client::Transaction& transaction, std::size_t i) {
  std::string sql = "begin; update account set balance = balance where id = 16";
  for (const std::string& statement : transaction.branches.at(i).prepare) sql += "; " + statement;
  dev::query(bank.cluster(i).conninfo(Deployment::name(i), "shop_app"), sql);
}

std::int64_t prepared_for_us(Deployment& bank, std::size_t i) {
  return std::stoll(bank.cluster(i).value(
      "select coalesce((extract(epoch from clock_timestamp() - min(prepared)) * "
      "1000000)::bigint, 0) from pg_prepared_xacts"));
}

std::map<std::string, std::int64_t> measured(Deployment& bank, const std::string& id) {
  std::map<std::string, std::int64_t> found;
  const json::value story =
      json::parse(bank.http("GET", "/v1/transactions/" + id + "/events").body);
  for (const json::value& event : story.at("events").as_array())
    if (const json::value* time = event.as_object().if_contains("locks_held_us"))
      found[std::string(event.at("participant").as_string())] = time->to_number<std::int64_t>();
  return found;
}

}  // namespace

TEST_CASE("An external branch's locks are measured, also over its participant's restart") {
  Deployment bank;
  for (std::size_t i = 0; i < bank.size(); ++i) {
    bank.cluster(i).query("create role shop_app login; grant assent_branch to shop_app");
    bank.cluster(i).query("grant all on account to shop_app", Deployment::name(i));
  }
  client::Client assent = bank.client();
  const auto transaction =
      assent.begin_external({.participants = {"bank_a", "bank_b"}, .timeout = 120s});
  REQUIRE(transaction.has_value());
  prepare(bank, *transaction, 0);
  prepare(bank, *transaction, 1);
  bank.kill_participant(0);
  bank.start_participant(0);
  bank.await_ready();
  REQUIRE(dev::poll_until([&] { return prepared_for_us(bank, 0) > 2'000'000; }, 20s));
  const std::map<std::string, std::int64_t> least = {{"bank_a", prepared_for_us(bank, 0)},
                                                     {"bank_b", prepared_for_us(bank, 1)}};
  REQUIRE(assent.commit(transaction->id).has_value());
  REQUIRE(dev::poll_until([&] { return measured(bank, transaction->id).size() == 2; }, 30s));
  for (const auto& [participant, time] : measured(bank, transaction->id)) {
    INFO(participant);
    CHECK(time > least.at(participant) - 100'000);  // its age was told in milliseconds, once
    CHECK(time < least.at(participant) + 60'000'000);
  }
  CHECK(bank.settles());
}
