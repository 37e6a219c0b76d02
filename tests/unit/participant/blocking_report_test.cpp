// What a participant reports of a snapshot, with what its machine knows.
#include "participant/blocking_report.hpp"

#include <boost/json.hpp>

#include "participant/postgres/observation.hpp"
#include "protocol/participant_machine.hpp"
#include "protocol/runtime/blocking_document.hpp"
#include "protocol/runtime/blocking_history.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/participant/snapshots.hpp"

using namespace assent;
using enum LockMode;
namespace json = boost::json;

namespace {

const std::string kLedger = "0197f7aa-0000-7000-8000-0000000000aa";
const std::string kTx = "0197f7aa-0000-7000-8000-000000000001";

std::string gid_of(const std::string& participant) {
  return "assent1:" + kLedger + ":3:" + kTx + ":" + participant;
}

struct Case {
  Snapshot snapshot;
  ParticipantMachine machine{"orders", ParticipantLimits{}};
  std::optional<std::chrono::milliseconds> away;
  std::optional<LedgerId> ledger = {};
  std::map<int, Gid> working = {};

  // The machine finds the branch when its database comes up.
  void find_branch() {
    std::vector<ParticipantAction> actions;
    DatabaseUp up;
    up.marks.push_back({{*parse_uuid(kLedger)}, 3, *parse_uuid(kTx), 0});
    up.held.push_back({*parse_gid(gid_of("orders")), 700, {}});
    machine.step(up, {Instant(std::chrono::seconds(1)), 1}, actions);
  }

  json::object report(std::size_t most_waiters = 1000) {
    Observation seen;
    seen.snapshot = snapshot;
    seen.blocking = analyse(seen.snapshot);
    seen.relations[1] = {"public.item", 'r', ""};
    seen.keys[{1, 0, 7}] = R"({"id" : "7"})";
    seen.role = "sidecar";
    seen.working = working;
    return blocking_report(seen, {machine, away, ledger, most_waiters});
  }
};

const json::value& first_root(const json::object& report) {
  return report.at("roots").at(0);
}

}  // namespace

TEST_CASE("A branch in doubt says what would free it") {
  Case one;
  one.snapshot.prepare(700, gid_of("orders"));
  one.snapshot.hold(-700, table(1), row_exclusive);
  one.away = std::chrono::milliseconds(42'000);
  one.find_branch();
  json::object report = one.report();
  CHECK(report.at("coordinator").at("away_ms") == 42'000);
  CHECK(first_root(report).at("kind") == "branch");
  CHECK(first_root(report).at("transaction") == json::value(kTx));
  CHECK(first_root(report).at("knowledge").at("text") == "in doubt, decision unknown");
  CHECK(first_root(report).at("frees").at("by") == "coordinator");
  CHECK(first_root(report).at("locks").at(0).at("what") == "public.item");
  CHECK(first_root(report).at("locks").at(0).at("modes").at(0) == "RowExclusiveLock");
  one.away.reset();
  CHECK(first_root(one.report()).at("frees").at("by") == "decision");
}

TEST_CASE("A ledger that this database has never obeyed needs a person") {
  Case one;
  const std::string other = "0197f7aa-0000-7000-8000-0000000000bb";
  const std::string gid = "assent1:" + other + ":3:" + kTx + ":orders";
  one.snapshot.prepare(700, gid);
  std::vector<ParticipantAction> actions;
  DatabaseUp up;
  up.marks.push_back({{*parse_uuid(kLedger)}, 3, *parse_uuid(kTx), 0});
  up.held.push_back({*parse_gid(gid), 700, {}});
  one.machine.step(up, {Instant(std::chrono::seconds(1)), 1}, actions);
  CHECK(first_root(one.report()).at("frees").at("by") == "operator");
}

TEST_CASE("A coordinator that began a ledger anew will not decide what the lost one asked for") {
  Case one;
  one.snapshot.prepare(700, gid_of("orders"));
  one.find_branch();
  one.ledger = LedgerId{*parse_uuid(kLedger)};
  CHECK(first_root(one.report()).at("frees").at("by") == "decision");
  one.ledger = LedgerId{*parse_uuid(kTx)};
  json::object report = one.report();
  CHECK(first_root(report).at("frees").at("by") == "operator");
  CHECK(first_root(report).at("frees").at("what").as_string().find(kTx) != json::string::npos);
  one.away = std::chrono::milliseconds(42'000);  // perhaps the right one comes
  CHECK(first_root(one.report()).at("frees").at("by") == "coordinator");
}

TEST_CASE("What is not ours is foreign, and said never to be touched") {
  Case one;
  one.snapshot.prepare(700, "somebody_elses");
  one.snapshot.prepare(701, gid_of("stock"));
  const json::object report = one.report();
  for (const json::value& root : report.at("roots").as_array()) {
    CHECK(root.at("kind") == "foreign");
    CHECK(root.at("frees").at("by") == "operator");
    CHECK(root.at("frees").at("what").as_string().find("Assent never touches it") !=
          json::string::npos);
  }
  CHECK(report.at("roots").at(1).at("knowledge").at("text") ==
        "belongs to another participant, stock");
}

TEST_CASE("Waiters stand in the order of the tree, with their row; the rest is counted") {
  Case one;
  one.snapshot.prepare(700, gid_of("orders"));
  one.snapshot.hold(11, row_of(1, 7), exclusive);
  one.snapshot.wait(11, transaction(700), share);
  one.snapshot.wait(12, row_of(1, 7), exclusive);
  one.snapshot.sessions[1].hidden = true;
  json::object report = one.report();
  const json::array& waiters = first_root(report).at("waiters").as_array();
  REQUIRE(waiters.size() == 2);
  CHECK(waiters[0].at("level") == 1);
  CHECK(waiters[0].at("waits_for").at("row").at("key").at("id") == "7");
  CHECK(waiters[0].at("blocked_by").at(0) == json::value(gid_of("orders")));
  CHECK(waiters[1].at("level") == 2);
  CHECK(waiters[1].at("blocked_by").at(0) == 11);
  CHECK(waiters[1].at("query_hidden") == "grant pg_read_all_stats to sidecar");
  CHECK(report.at("waiting").at("for_branches") == 2);

  report = one.report(1);
  CHECK(first_root(report).at("waiters").as_array().size() == 1);
  CHECK(report.at("waiters_left_out") == 1);
  CHECK(first_root(report).at("waiting") == 2);
}

TEST_CASE("This participant's own sessions say which transaction they work for") {
  Case one;
  one.snapshot.hold(10, table(1), access_exclusive);
  one.snapshot.wait(11, table(1), row_exclusive);
  one.working = {{11, *parse_gid(gid_of("orders"))}};
  json::object report = one.report();
  CHECK(first_root(report).at("frees").at("by") == "session");
  CHECK(first_root(report).at("waiters").at(0).at("works_for") == json::value(kTx));
  one.working = {{10, *parse_gid(gid_of("orders"))}};
  report = one.report();
  CHECK(first_root(report).at("works_for") == json::value(kTx));
  CHECK(first_root(report).at("frees").at("by") == "decision");
  CHECK_FALSE(first_root(report).at("waiters").at(0).as_object().contains("works_for"));
}

TEST_CASE("A thousand branches fit on the link, and each is counted") {
  Case one;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::string gid = gid_of("orders");
    const std::string number = std::to_string(1000 + i);
    one.snapshot.prepare(700 + i, gid.substr(0, gid.size() - 11) + number + ":orders");
    for (std::uint32_t relation = 1; relation <= 200; ++relation)
      one.snapshot.hold(-static_cast<int>(700 + i), table(relation), row_exclusive);
  }
  Observation seen;
  seen.snapshot = one.snapshot;
  seen.blocking = analyse(seen.snapshot);
  const json::object report = blocking_report(seen, {one.machine, one.away, one.ledger, 200, 20});
  std::string text = json::serialize(report);
  BlockingHistory history;
  CHECK(take_report(text, history, 0));
  CHECK(report.at("roots").as_array().size() == 1000);
  CHECK(report.at("roots").at(19).at("locks_held") == 200);
  CHECK_FALSE(report.at("roots").at(20).as_object().contains("locks"));
  CHECK(summarise(std::vector<BlockingPart>{{"orders", text, {}, {}}}).in_doubt == 1000);
}

TEST_CASE("A database that cannot be seen reports its trouble and no roots") {
  Case one;
  Observation seen;
  seen.trouble = "the server is a standby";
  const json::object report = blocking_report(seen, {one.machine, one.away, one.ledger});
  CHECK_FALSE(report.at("available").as_bool());
  CHECK(report.at("trouble") == "the server is a standby");
  CHECK_FALSE(report.contains("waiting"));
}
