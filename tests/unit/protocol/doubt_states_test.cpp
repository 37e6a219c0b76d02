// Every cell of the table of a transaction in doubt in protocol/README.md.
#include <iostream>

#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/coordinator_bench.hpp"
#include "tests/unit/protocol/support/state_table.hpp"

namespace assent {
namespace {

using bench::CoordinatorBench;

const TxId kTx = bench::tx(1);
const std::vector<std::string> kPeers = {"orders", "stock", "billing"};

std::string ask(CoordinatorBench& b, Outcome outcome) {
  return b.act(ResolveAsked{8, kTx, outcome, "ann", "why", {}});
}

Gid gid(CoordinatorBench& b, const std::string& participant) {
  return b.gid(kTx, participant, 2);
}

std::string evidence(CoordinatorBench& b, const std::string& from, Knowledge knowledge) {
  return b.from(from, Evidence{gid(b, from), knowledge, 0});
}

Outcome decision(CoordinatorBench& b) {
  const Transaction* tx = b.m().find(kTx);
  return tx && fate_of(tx->state) == Fate::committed ? Outcome::committed : Outcome::aborted;
}

std::string applied(CoordinatorBench& b, Application how) {
  return b.from("orders", Applied{gid(b, "orders"), decision(b), how, 0});
}

// A contradicted ledger knows nothing of it. orders holds it prepared, stock has no trace of it,
// and billing has not answered yet.
CoordinatorBench in_state(const std::string& state) {
  CoordinatorBench b;
  b.recovered.records = {EpochRecord{2, bench::life(2), {}, 1, 0, 0, 0, 0},
                         MemberRecord{"billing", bench::server(), 0},
                         MemberRecord{"orders", bench::server(), 0},
                         MemberRecord{"stock", bench::server(), 0}};
  b.hello("orders", {{bench::ledger(), 2, bench::life(2), 1}});
  b.logged();
  b.ready("orders", {{gid(b, "orders"), 700, kPeers}}, 1);
  b.connect("stock");
  b.connect("billing");
  b.tick_after(b.limits.resend_interval);
  evidence(b, "stock", Knowledge::nothing);
  if (state == "in doubt") return b;
  const bool commits = state == "deciding commit" || state.starts_with("commit");
  ask(b, commits ? Outcome::committed : Outcome::aborted);
  if (state.starts_with("deciding")) return b;
  b.logged();
  if (state.ends_with("ting")) return b;
  applied(b, Application::applied);
  b.logged();
  return b;
}

std::string state_of(CoordinatorBench& b) {
  if (const Transaction* tx = b.m().find(kTx))
    return tx->state == TxState::deciding ? "adopted" : std::string(to_string(tx->state));
  const auto doubt = b.m().doubts().find(kTx);
  if (doubt == b.m().doubts().end()) return "forgotten";
  if (!doubt->second.pending) return "in doubt";
  return doubt->second.pending->record.outcome == Outcome::committed ? "deciding commit"
                                                                     : "deciding abort";
}

std::string back(CoordinatorBench& b, const std::string& name, bool holding) {
  std::vector<HeldBranch> held;
  if (holding) held.push_back({gid(b, name), 700, kPeers});
  std::vector<std::string> parts;
  for (const std::string& part :
       {b.act(LinkDown{name}), b.connect(name, held, name == "orders" ? 1 : 0)})
    if (!part.empty()) parts.push_back(part);
  return bench::join(parts);
}

RecordNumber record_of(CoordinatorBench& b) {
  const auto doubt = b.m().doubts().find(kTx);
  return doubt != b.m().doubts().end() && doubt->second.pending ? b.last : 999;
}

using Doing = std::function<std::string(CoordinatorBench&)>;

const std::vector<std::pair<std::string, Doing>>& events() {
  static const std::vector<std::pair<std::string, Doing>> all = {
      {"operator commits", [](auto& b) { return ask(b, Outcome::committed); }},
      {"operator aborts", [](auto& b) { return ask(b, Outcome::aborted); }},
      {"logged", [](auto& b) { return b.logged(); }},
      {"log refused", [](auto& b) { return b.act(LogRefused{record_of(b)}); }},
      {"inquiry",
       [](auto& b) {
         return b.from("orders", Inquiry{gid(b, "orders"), kPeers});
       }},
      {"billing: committed", [](auto& b) { return evidence(b, "billing", Knowledge::committed); }},
      {"billing: aborted", [](auto& b) { return evidence(b, "billing", Knowledge::aborted); }},
      {"billing: prepared", [](auto& b) { return evidence(b, "billing", Knowledge::prepared); }},
      {"billing: nothing", [](auto& b) { return evidence(b, "billing", Knowledge::nothing); }},
      {"applied", [](auto& b) { return applied(b, Application::applied); }},
      {"applied otherwise", [](auto& b) { return applied(b, Application::heuristic); }},
      {"back, holding it", [](auto& b) { return back(b, "orders", true); }},
      {"back, without it", [](auto& b) { return back(b, "orders", false); }},
      {"billing back, holding it", [](auto& b) { return back(b, "billing", true); }},
      {"billing back, without it", [](auto& b) { return back(b, "billing", false); }},
      {"tick", [](auto& b) { return b.tick_when_due(); }},
      {"acknowledged",
       [](auto& b) {
         return b.act(AcknowledgeAsked{8, kTx, "ann", "seen"});
       }},
  };
  return all;
}

const std::vector<std::string> kStates = {"in doubt",   "deciding commit", "deciding abort",
                                          "committing", "committed",       "aborting",
                                          "aborted"};

std::string happens(const std::string& state, const Doing& doing) {
  CoordinatorBench b = in_state(state);
  REQUIRE(state_of(b) == state);
  const std::string done = doing(b);
  return bench::cell_text(done, state, state_of(b));
}

}  // namespace

TEST_CASE("a transaction in doubt: every cell of its table", "[P47][P48][P49]") {
  const bench::StateTable table =
      bench::read_state_table(ASSENT_PROTOCOL_README, "### The table of a doubt");
  REQUIRE(table.states == kStates);
  REQUIRE(table.events.size() == events().size());
  for (const auto& [event, doing] : events())
    for (const std::string& state : kStates) {
      INFO("D/" << state << "/" << event);
      const auto cell = table.cells.find({state, event});
      REQUIRE(cell != table.cells.end());
      CHECK(cell->second == happens(state, doing));
    }
}

// After a change that is meant: prints the table as it is now, for a person to review.
TEST_CASE("a transaction in doubt: print its table", "[.print]") {
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
