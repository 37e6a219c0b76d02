#include "coordinator/api/transaction_view.hpp"

#include <boost/json.hpp>

#include "coordinator/api/participant_view.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/api/transaction_list.hpp"
#include "tests/support/catch.hpp"

namespace assent {
namespace {

constexpr std::int64_t kBegun = 1'782'907'200'000;  // 2026-07-01T12:00:00Z
const char* const kId = "019f1d8c-e200-7000-8000-000000000000";

Transaction transaction(TxState state) {
  Transaction tx;
  tx.tx = {make_uuid7(kBegun, {})};
  tx.state = state;
  tx.begun_wall_ms = kBegun;
  tx.begun_at = Instant(std::chrono::seconds(100));
  tx.deadline = tx.begun_at + std::chrono::seconds(30);
  return tx;
}

std::string rendered(const Transaction& tx, Detail detail = Detail::full) {
  std::string out;
  append_transaction(out, tx, detail);
  boost::json::parse(out);
  return out;
}

}  // namespace

TEST_CASE("each state of a transaction has its JSON") {
  struct Case {
    TxState state;
    const char *name, *outcome, *more;
  };
  const char* const expires = R"("expires_at":"2026-07-01T12:00:30.000Z",)";
  const Case cases[] = {
      {TxState::preparing, "preparing", "unknown", expires},
      {TxState::deciding, "deciding", "unknown", ""},
      {TxState::committing, "committing", "committed", ""},
      {TxState::committed, "committed", "committed", ""},
      {TxState::aborting, "aborting", "aborted", ""},
      {TxState::aborted, "aborted", "aborted", ""},
  };
  for (const Case& each : cases)
    CHECK(rendered(transaction(each.state)) ==
          std::string(R"({"id":")") + kId + R"(","state":")" + each.name + R"(","outcome":")" +
              each.outcome + R"(","mode":"one_shot","begun_at":"2026-07-01T12:00:00.000Z",)" +
              each.more + R"("branches":[]})");
}

TEST_CASE("an open transaction says what comes next and when it ends") {
  Transaction tx = transaction(TxState::open);
  tx.mode = Mode::interactive;
  tx.conversation.last_seq = 4;
  tx.conversation.idle_at = tx.begun_at + std::chrono::seconds(10);
  CHECK(rendered(tx).find(R"("mode":"interactive",)") != std::string::npos);
  CHECK(rendered(tx).find(R"("next_seq":5,"expires_at":"2026-07-01T12:00:10.000Z")") !=
        std::string::npos);
  tx.conversation.idle_at = tx.begun_at + std::chrono::seconds(60);
  CHECK(rendered(tx).find(R"("expires_at":"2026-07-01T12:00:30.000Z")") != std::string::npos);
}

TEST_CASE("a transaction shows its times, labels, branches and failure") {
  Transaction tx = transaction(TxState::aborted);
  tx.decided_wall_ms = kBegun + 5;
  tx.ended_wall_ms = kBegun + 9;
  tx.labels = R"({"app":"shop"})";
  tx.branches.resize(2);
  tx.branches[0].participant = "orders";
  tx.branches[0].phase = BranchPhase::applied;
  tx.branches[0].results = Results{};
  tx.branches[1].participant = "stock";
  tx.branches[1].phase = BranchPhase::no;
  tx.failure = failure_of(Problem::deadlock, "m");
  const std::string front = std::string(R"({"id":")") + kId +
                            R"(","state":"aborted","outcome":"aborted","mode":"one_shot",)"
                            R"("begun_at":"2026-07-01T12:00:00.000Z",)"
                            R"("decided_at":"2026-07-01T12:00:00.005Z",)"
                            R"("ended_at":"2026-07-01T12:00:00.009Z","labels":{"app":"shop"},)"
                            R"("branches":[{"participant":"orders","state":"applied")";
  const std::string back = R"(},{"participant":"stock","state":"refused"}],)"
                           R"("failure":{"code":"deadlock","detail":"m","retry":"new-key"}})";
  CHECK(rendered(tx) == front + R"(,"results":[])" + back);
  CHECK(rendered(tx, Detail::summary) == front + back);
}

TEST_CASE("branches are named in the API's words, and damage is marked") {
  struct Case {
    BranchPhase phase;
    const char* state;
    bool in_doubt, damaged;
  };
  const Case cases[] = {
      {BranchPhase::working, "working", false, false},
      {BranchPhase::preparing, "preparing", false, false},
      {BranchPhase::yes, "prepared", true, false},
      {BranchPhase::read_only, "read_only", false, false},
      {BranchPhase::no, "refused", false, false},
      {BranchPhase::finishing, "pending", true, false},
      {BranchPhase::applied, "applied", false, false},
      {BranchPhase::heuristic, "heuristic", false, true},
      {BranchPhase::unproven, "unproven", false, true},
  };
  for (const Case& each : cases) {
    INFO(each.state);
    Transaction tx = transaction(TxState::committing);
    tx.branches.resize(1);
    tx.branches[0].phase = each.phase;
    CHECK(branch_state(each.phase) == each.state);
    CHECK(in_doubt(tx) == each.in_doubt);
    CHECK((rendered(tx).find(R"("damaged":true)") != std::string::npos) == each.damaged);
  }
}

TEST_CASE("a doubt is shown as in doubt, with its reason") {
  Doubt doubt;
  doubt.gid.tx = {make_uuid7(kBegun, {})};
  doubt.askers = {"orders", "stock"};
  doubt.why = "the ledger was moved";
  std::string out;
  append_doubt(out, doubt);
  CHECK(out == std::string(R"({"id":")") + kId +
                   R"(","state":"in_doubt","outcome":"unknown",)"
                   R"("begun_at":"2026-07-01T12:00:00.000Z","why":"the ledger was moved",)"
                   R"("branches":[{"participant":"orders","state":"prepared"},)"
                   R"({"participant":"stock","state":"prepared"}]})");
}

TEST_CASE("a participant is shown with its server and what it holds") {
  Member member;
  member.state = Member::State::ready;
  member.server = {7'423'000'000'000'000'001, 3, "shop"};
  member.mark.epoch = 2;
  member.mark.sequence = 40;
  member.durable_mark = 39;
  HeldBranch held;
  held.gid.epoch = 1;
  held.gid.tx = {make_uuid7(kBegun, {})};
  held.gid.participant = "orders";
  held.xid = 771;
  held.peers = {"orders", "stock"};
  member.held.push_back(held);
  const std::string front =
      R"({"name":"orders","state":"ready","server":{"system_identifier":"7423000000000000001",)"
      R"("timeline":3,"database":"shop"},"mark":{"epoch":2,"sequence":40,"durable_sequence":39},)";
  std::string out;
  append_participant(out, "orders", member, {}, false);
  CHECK(out == front + R"("prepared_count":1})");
  out.clear();
  member.rewound_below = 2;
  member.unanswered = 3;
  append_participant(out, "orders", member, {}, true);
  const std::string prepared = R"("prepared_count":1,"prepared":[{"gid":")" + to_string(held.gid) +
                               R"(","transaction":")" + kId +
                               R"(","xid":"771","peers":["orders","stock"]}]})";
  CHECK(out == front + R"("rewound_below_epoch":2,"unanswered_requests":3,)" + prepared);
}

TEST_CASE("the filter of the list is read, and its faults named") {
  const auto parsed = parse_filter({{"state", "committing"},
                                    {"participant", "orders"},
                                    {"older_than", "2m"},
                                    {"limit", "7"},
                                    {"page_token", kId}});
  REQUIRE(std::holds_alternative<TransactionFilter>(parsed));
  const TransactionFilter& filter = std::get<TransactionFilter>(parsed);
  CHECK(filter.state == TxState::committing);
  CHECK_FALSE(filter.in_doubt);
  CHECK(filter.participant == "orders");
  CHECK(filter.older_than == Duration(120'000));
  CHECK(filter.limit == 7);
  CHECK(to_string(filter.before.value()) == kId);
  CHECK(std::get<TransactionFilter>(parse_filter({{"state", "in_doubt"}})).in_doubt);
  CHECK(std::get<TransactionFilter>(parse_filter({})).limit == 100);

  struct Case {
    QueryParameters query;
    const char* message;
  };
  const Case cases[] = {
      {{{"state", "done"}},
       "state: must be in_doubt, damaged, open, preparing, deciding, committing, committed, "
       "aborting or "
       "aborted"},
      {{{"participant", "A"}}, "participant: must be a participant's name"},
      {{{"older_than", "30"}}, "older_than: must be a duration such as 500ms, 30s, 5m or 2h"},
      {{{"older_than", "-1s"}}, "older_than: must be a duration such as 500ms, 30s, 5m or 2h"},
      {{{"limit", "0"}}, "limit: must be a whole number from 1 to 1000"},
      {{{"limit", "1001"}}, "limit: must be a whole number from 1 to 1000"},
      {{{"limit", "7x"}}, "limit: must be a whole number from 1 to 1000"},
      {{{"page_token", "x"}}, "page_token: must be the next_page_token of an earlier page"},
      {{{"limits", "7"}}, "limits: unknown query parameter; did you mean limit?"},
      {{{"limit", "7"}, {"limit", "8"}}, "limit: given twice"},
  };
  for (const Case& each : cases) {
    const auto refused = parse_filter(each.query);
    REQUIRE(std::holds_alternative<Failure>(refused));
    CHECK(std::get<Failure>(refused).message == each.message);
  }
}

}  // namespace assent
