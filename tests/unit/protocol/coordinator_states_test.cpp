// Every cell of the coordinator's state table in protocol/README.md.
#include <cstdlib>
#include <iostream>

#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/coordinator_bench.hpp"
#include "tests/unit/protocol/support/state_table.hpp"

namespace assent {
namespace {

using bench::CoordinatorBench;

const TxId kTx = bench::tx(1);

// An interactive transaction with a key, in the state of that name. Up to `preparing` both branches
// are alike; from there on stock is ahead: it has voted, or has applied.
CoordinatorBench in_state(const std::string& state) {
  CoordinatorBench b = bench::working_coordinator();
  Begin begin = b.interactive(1, kTx);
  begin.key = bench::request_key(1);
  b.act(begin);
  b.act(ExecuteAsked{2, kTx, "stock", 1, Work{"w"}});
  b.from("stock", Executed{b.gid(kTx, "stock"), 1, Results{}});
  b.act(ExecuteAsked{3, kTx, "orders", 2, Work{"w"}});
  if (state == "running") return b;
  b.from("orders", Executed{b.gid(kTx, "orders"), 2, Results{}});
  if (state == "open") return b;
  b.act(CommitAsked{4, kTx});
  if (state == "aborting" || state == "aborted") {
    b.vote(kTx, "stock", Verdict::no);
    if (state == "aborted") b.applied(kTx, "orders", Outcome::aborted);
    return b;
  }
  b.vote(kTx, "stock", Verdict::yes);
  if (state == "preparing") return b;
  b.vote(kTx, "orders", Verdict::yes);
  if (state == "deciding") return b;
  b.logged();
  b.applied(kTx, "stock", Outcome::committed);
  if (state == "committing") return b;
  b.applied(kTx, "orders", Outcome::committed);
  return b;
}

std::string state_of(CoordinatorBench& b) {
  const Transaction* tx = b.m().find(kTx);
  if (!tx) return "forgotten";
  if (tx->state == TxState::open && tx->conversation.running) return "running";
  return std::string(to_string(tx->state));
}

std::string back(CoordinatorBench& b, const std::string& name, bool holding) {
  std::vector<HeldBranch> held;
  if (holding) held.push_back({b.gid(kTx, name), 700, {"orders", "stock"}});
  std::vector<std::string> parts;
  for (const std::string& part : {b.act(LinkDown{name}), b.connect(name, held)})
    if (!part.empty()) parts.push_back(part);
  return bench::join(parts);
}

Outcome decision(CoordinatorBench& b) {
  const TxState state = b.at(kTx).state;
  return state == TxState::aborting || state == TxState::aborted ? Outcome::aborted
                                                                 : Outcome::committed;
}

// That of the decision; before one was asked for, of nothing.
RecordNumber record_of(CoordinatorBench& b) {
  const RecordNumber record = b.at(kTx).record;
  return record != 0 ? record : 999;
}

std::string decide(CoordinatorBench& b, Outcome outcome) {
  return b.act(ResolveAsked{8, kTx, outcome, "ann", "why", {}});
}

using Doing = std::function<std::string(CoordinatorBench&)>;

const std::vector<std::pair<std::string, Doing>>& events() {
  static const std::vector<std::pair<std::string, Doing>> all = {
      {"execute",
       [](auto& b) {
         return b.act(ExecuteAsked{8, kTx, "orders", 3, Work{"w"}});
       }},
      {"execute again",
       [](auto& b) {
         return b.act(ExecuteAsked{8, kTx, "orders", 2, Work{"w"}});
       }},
      {"commit asked",
       [](auto& b) {
         return b.act(CommitAsked{8, kTx});
       }},
      {"rollback asked",
       [](auto& b) {
         return b.act(RollbackAsked{8, kTx});
       }},
      {"operator commits", [](auto& b) { return decide(b, Outcome::committed); }},
      {"operator aborts", [](auto& b) { return decide(b, Outcome::aborted); }},
      {"begin, same key",
       [](auto& b) {
         Begin begin = b.interactive(8, bench::tx(2));
         begin.key = bench::request_key(1);
         std::string text = b.act(begin);
         return text + (b.m().find(bench::tx(2)) ? " (a new one)" : "");
       }},
      {"executed",
       [](auto& b) {
         return b.from("orders", Executed{b.gid(kTx, "orders"), 2, Results{}});
       }},
      {"statement failed",
       [](auto& b) {
         return b.from("orders", Executed{b.gid(kTx, "orders"), 2,
                                          bench::failure_of(Problem::statement_failed)});
       }},
      {"vote yes", [](auto& b) { return b.vote(kTx, "orders", Verdict::yes); }},
      {"vote read-only", [](auto& b) { return b.vote(kTx, "orders", Verdict::read_only); }},
      {"vote no", [](auto& b) { return b.vote(kTx, "orders", Verdict::no); }},
      {"logged", [](auto& b) { return b.logged(); }},
      {"log refused", [](auto& b) { return b.act(LogRefused{record_of(b)}); }},
      {"applied", [](auto& b) { return b.applied(kTx, "orders", decision(b)); }},
      {"applied otherwise",
       [](auto& b) { return b.applied(kTx, "orders", decision(b), Application::heuristic); }},
      {"inquiry",
       [](auto& b) {
         return b.from("orders", Inquiry{b.gid(kTx, "orders"), {}});
       }},
      {"link lost", [](auto& b) { return b.act(LinkDown{"orders"}); }},
      {"back, holding it", [](auto& b) { return back(b, "orders", true); }},
      {"back, without it", [](auto& b) { return back(b, "orders", false); }},
      {"voter back, without it", [](auto& b) { return back(b, "stock", false); }},
      {"tick", [](auto& b) { return b.tick_when_due(); }},
  };
  return all;
}

const std::vector<std::string> kStates = {"open",       "running",   "preparing", "deciding",
                                          "committing", "committed", "aborting",  "aborted"};

std::string happens(const std::string& state, const Doing& doing) {
  CoordinatorBench b = in_state(state);
  REQUIRE(state_of(b) == state);
  const std::string done = doing(b);
  return bench::cell_text(done, state, state_of(b));
}

}  // namespace

TEST_CASE("coordinator: every cell of the state table") {
  const bench::StateTable table =
      bench::read_state_table(ASSENT_PROTOCOL_README, "### The coordinator's table");
  REQUIRE(table.states == kStates);
  REQUIRE(table.events.size() == events().size());
  for (const auto& [event, doing] : events())
    for (const std::string& state : kStates) {
      INFO("C/" << state << "/" << event);
      const auto cell = table.cells.find({state, event});
      REQUIRE(cell != table.cells.end());
      CHECK(cell->second == happens(state, doing));
    }
}

// After a change that is meant: prints the table as it is now, for a person to review.
TEST_CASE("coordinator: print the state table", "[.print]") {
  std::cout << "| event |";
  for (const std::string& state : kStates) std::cout << " " << state << " |";
  std::cout << "\n|---|";
  for (std::size_t i = 0; i < kStates.size(); ++i) std::cout << "---|";
  for (const auto& [event, doing] : events()) {
    std::cout << "\n| " << event << " |";
    for (const std::string& state : kStates) std::cout << " " << happens(state, doing) << " |";
  }
  std::cout << "\n";
}

}  // namespace assent
