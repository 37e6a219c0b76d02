// Every cell of the state table of an external transaction in protocol/README.md, up to the record.
#include <iostream>

#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/coordinator_bench.hpp"
#include "tests/unit/protocol/support/state_table.hpp"

namespace assent {
namespace {

using bench::CoordinatorBench;

const TxId kTx = bench::tx(1);

// `asked`: stock has voted yes. `missing`: stock has said that it is not prepared yet. `seen` is
// open, and stock voted yes when the commit was asked for the first time.
CoordinatorBench in_state(const std::string& state) {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.external(1, kTx));
  if (state == "open") return b;
  b.act(CommitAsked{2, kTx});
  b.external_vote(kTx, "stock", state == "missing" ? Verdict::not_yet : Verdict::yes);
  if (state == "seen") b.external_vote(kTx, "orders", Verdict::not_yet);
  return b;
}

std::string state_of(CoordinatorBench& b) {
  const Transaction& tx = b.at(kTx);
  const BranchPhase stock = tx.branch("stock")->phase;
  if (tx.state == TxState::open) return stock == BranchPhase::yes ? "seen" : "open";
  if (tx.state == TxState::preparing && stock == BranchPhase::preparing) return "asking";
  if (tx.state == TxState::preparing) return stock == BranchPhase::yes ? "asked" : "missing";
  return std::string(to_string(tx.state));
}

std::string back(CoordinatorBench& b, bool holding) {
  std::vector<HeldBranch> held;
  if (holding) held.push_back({b.gid(kTx, "stock"), 700, {}});
  std::vector<std::string> parts;
  for (const std::string& part : {b.act(LinkDown{"stock"}), b.connect("stock", held)})
    if (!part.empty()) parts.push_back(part);
  return bench::join(parts);
}

using Doing = std::function<std::string(CoordinatorBench&)>;

const std::vector<std::pair<std::string, Doing>>& events() {
  static const std::vector<std::pair<std::string, Doing>> all = {
      {"execute",
       [](auto& b) {
         return b.act(ExecuteAsked{8, kTx, "orders", 1, Work{"w"}});
       }},
      {"commit asked",
       [](auto& b) {
         return b.act(CommitAsked{8, kTx});
       }},
      {"rollback asked",
       [](auto& b) {
         return b.act(RollbackAsked{8, kTx});
       }},
      {"vote yes", [](auto& b) { return b.external_vote(kTx, "orders", Verdict::yes); }},
      {"vote not_yet", [](auto& b) { return b.external_vote(kTx, "orders", Verdict::not_yet); }},
      {"vote no", [](auto& b) { return b.external_vote(kTx, "orders", Verdict::no); }},
      {"vote yes, of no asking", [](auto& b) { return b.vote(kTx, "orders", Verdict::yes); }},
      {"inquiry",
       [](auto& b) {
         return b.from("orders", Inquiry{b.gid(kTx, "orders"), {}});
       }},
      {"link lost", [](auto& b) { return b.act(LinkDown{"orders"}); }},
      {"stock back, holding it", [](auto& b) { return back(b, true); }},
      {"stock back, without it", [](auto& b) { return back(b, false); }},
      {"tick", [](auto& b) { return b.tick_when_due(); }},
  };
  return all;
}

const std::vector<std::string> kStates = {"open", "asked", "missing", "seen"};

std::string happens(const std::string& state, const Doing& doing) {
  CoordinatorBench b = in_state(state);
  REQUIRE(state_of(b) == state);
  const std::string done = doing(b);
  return bench::cell_text(done, state, state_of(b));
}

}  // namespace

TEST_CASE("external: every cell of the state table") {
  const bench::StateTable table =
      bench::read_state_table(ASSENT_PROTOCOL_README, "### An external transaction");
  REQUIRE(table.states == kStates);
  REQUIRE(table.events.size() == events().size());
  for (const auto& [event, doing] : events())
    for (const std::string& state : kStates) {
      INFO("E/" << state << "/" << event);
      const auto cell = table.cells.find({state, event});
      REQUIRE(cell != table.cells.end());
      CHECK(cell->second == happens(state, doing));
    }
}

// After a change that is meant: prints the table as it is now, for a person to review.
TEST_CASE("external: print the state table", "[.print]") {
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
