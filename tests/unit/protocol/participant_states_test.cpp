// Every cell of the participant's state table in protocol/README.md.
#include <cstdlib>
#include <functional>
#include <iostream>

#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/participant_bench.hpp"
#include "tests/unit/protocol/support/state_table.hpp"

namespace assent {
namespace {

using bench::ParticipantBench;
using Result = FinishDone::Result;
using Status = StatusRead::Status;

// One branch, in the state of that name, brought there by what brings it there in life. `idle` is
// working without a statement under way.
ParticipantBench in_state(const std::string& state, Duration sweep_interval) {
  ParticipantBench b;
  b.limits.sweep_interval = sweep_interval;
  b.database_up();
  b.link_up();
  if (state == "none") return b;
  if (state == "working" || state == "idle" || state == "dropping") {
    b.from(Execute{b.gid, 1, Work{"w"}, Duration(1000)});
    if (state == "working") return b;
    b.act(WorkDone{b.gid, 1, Results{}});
    if (state == "dropping") b.abort();
    return b;
  }
  b.prepare();
  if (state == "preparing") return b;
  if (state == "settling") {
    b.act(PrepareDone{b.gid, PrepareDone::Lost{}});
    return b;
  }
  b.prepared();
  if (state == "prepared") return b;
  if (state == "rolling_back") {
    b.abort();
    return b;
  }
  b.commit();
  if (state == "committing") return b;
  if (state == "proving") b.finished(Result::no_such_gid);
  if (state == "denied") b.finished(Result::denied, "must be owner");
  if (state == "ended") b.finished(Result::done);
  return b;
}

std::string state_of(ParticipantBench& b) {
  if (const Branch* branch = b.branch()) {
    if (branch->state == BranchState::working && !branch->busy) return "idle";
    return std::string(to_string(branch->state));
  }
  return b.remembered() ? "ended" : "none";
}

std::string joined(std::initializer_list<std::string> texts) {
  std::vector<std::string> parts;
  for (const std::string& text : texts)
    if (!text.empty()) parts.push_back(text);
  return bench::join(parts);
}

using Doing = std::function<std::string(ParticipantBench&)>;

std::string prepare_done(ParticipantBench& b, decltype(PrepareDone::result) result) {
  return b.act(PrepareDone{b.gid, std::move(result)});
}

using Events = std::vector<std::pair<std::string, Doing>>;

Events messages_and_surroundings() {
  return {
      {"Execute",
       [](auto& b) {
         return b.from(Execute{b.gid, 2, Work{"w"}, Duration(1000)});
       }},
      {"Execute again",
       [](auto& b) {
         return b.from(Execute{b.gid, 1, Work{"w"}, Duration(1000)});
       }},
      {"Prepare",
       [](auto& b) {
         return b.from(Prepare{b.gid, {}, {}, Duration(1000)});
       }},
      {"Prepare with work", [](auto& b) { return b.prepare(); }},
      {"Prepare external", [](auto& b) { return b.verify(); }},
      {"Commit", [](auto& b) { return b.commit(); }},
      {"Commit of another",
       [](auto& b) {
         return b.from(Commit{b.gid, 5, 699, bench::server()});
       }},
      {"Abort", [](auto& b) { return b.abort(); }},
      {"Abort of a yes",
       [](auto& b) {
         return b.from(Abort{b.gid, 700, bench::server()});
       }},
      {"Ask", [](auto& b) { return b.from(Ask{b.gid}); }},
      {"link lost", [](auto& b) { return b.act(LinkClosed{}); }},
      {"link back",
       [](auto& b) {
         return joined({b.act(LinkClosed{}), b.link_up()});
       }},
      {"database lost", [](auto& b) { return b.act(DatabaseDown{"gone"}); }},
      {"database back, holding it",
       [](auto& b) {
         return joined({b.act(DatabaseDown{"gone"}), b.database_up({b.held()}), b.link_up()});
       }},
      {"database back, told to commit",
       [](auto& b) {
         const std::string lost = b.act(DatabaseDown{"gone"});
         const DatabaseUp up{bench::server(), {}, {b.held()}, 0, {{b.gid, 5}}};
         return joined({lost, b.act(up), b.link_up()});
       }},
      {"database back, without it",
       [](auto& b) {
         return joined({b.act(DatabaseDown{"gone"}), b.database_up(), b.link_up()});
       }},
      {"listed",
       [](auto& b) {
         b.tick_after(b.limits.sweep_interval);
         return b.act(ListDone{{b.held()}});
       }},
      {"not listed",
       [](auto& b) {
         b.tick_after(b.limits.sweep_interval);
         return b.act(ListDone{});
       }},
  };
}

Events up_to_the_vote() {
  return {
      {"work done",
       [](auto& b) {
         return b.act(WorkDone{b.gid, 1, Results{}});
       }},
      {"work failed",
       [](auto& b) {
         return b.act(WorkDone{b.gid, 1, bench::failure_of(Problem::statement_failed)});
       }},
      {"prepared: yes",
       [](auto& b) {
         return prepare_done(b, PrepareDone::Yes{700, Results{}});
       }},
      {"prepared: read-only",
       [](auto& b) { return prepare_done(b, PrepareDone::ReadOnly{Results{}}); }},
      {"prepared: no",
       [](auto& b) {
         return prepare_done(b, PrepareDone::No{bench::failure_of(Problem::deadlock)});
       }},
      {"prepared: refused",
       [](auto& b) {
         return prepare_done(
             b, PrepareDone::Refused{700, bench::failure_of(Problem::expectation_failed)});
       }},
      {"prepared: lost", [](auto& b) { return prepare_done(b, PrepareDone::Lost{}); }},
      {"settled: prepared",
       [](auto& b) {
         return b.act(Settled{b.gid, 700});
       }},
      {"settled: not prepared",
       [](auto& b) {
         return b.act(Settled{b.gid, std::nullopt});
       }},
      {"dropped", [](auto& b) { return b.act(Dropped{b.gid}); }},
      {"verified", [](auto& b) { return b.verified(Xid{700}); }},
      {"not verified", [](auto& b) { return b.not_verified(); }},
  };
}

Events phase_two() {
  return {
      {"finish: done", [](auto& b) { return b.finished(Result::done); }},
      {"finish: no such gid", [](auto& b) { return b.finished(Result::no_such_gid); }},
      {"finish: again", [](auto& b) { return b.finished(Result::again, "busy"); }},
      {"finish: denied", [](auto& b) { return b.finished(Result::denied, "must be owner"); }},
      {"status: committed", [](auto& b) { return b.status(Status::committed); }},
      {"status: aborted", [](auto& b) { return b.status(Status::aborted); }},
      {"status: in progress", [](auto& b) { return b.status(Status::in_progress); }},
      {"status: unknown", [](auto& b) { return b.status(Status::unknown); }},
      {"status: unavailable", [](auto& b) { return b.status(Status::unavailable); }},
      {"journal: committed", [](auto& b) { return b.journal(Knowledge::committed); }},
      {"journal: aborted", [](auto& b) { return b.journal(Knowledge::aborted); }},
      {"journal: told",
       [](auto& b) {
         return b.act(
             JournalRead{b.gid, Knowledge::committed, 5, true, Application::applied, true});
       }},
      {"journal: nothing", [](auto& b) { return b.journal(Knowledge::nothing); }},
      {"journal: unavailable", [](auto& b) { return b.journal(Knowledge::nothing, false); }},
      {"tick", [](auto& b) { return b.tick_after(Duration(10'000)); }},
  };
}

Events events() {
  Events all = messages_and_surroundings();
  for (const Events& more : {up_to_the_vote(), phase_two()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

const std::vector<std::string> kStates = {"none",         "working",  "idle",     "preparing",
                                          "settling",     "dropping", "prepared", "committing",
                                          "rolling_back", "proving",  "denied",   "ended"};

std::string happens(const std::string& state, const std::string& event, const Doing& doing) {
  // Only where the list is what happens, its time comes before that of anything else.
  const bool lists = event == "listed" || event == "not listed";
  ParticipantBench b = in_state(state, Duration(lists ? 20 : 3'600'000));
  REQUIRE(state_of(b) == state);
  const std::string done = doing(b);
  return bench::cell_text(done, state, state_of(b));
}

}  // namespace

TEST_CASE("participant: every cell of the state table") {
  const bench::StateTable table =
      bench::read_state_table(ASSENT_PROTOCOL_README, "### The participant's table");
  REQUIRE(table.states == kStates);
  REQUIRE(table.events.size() == events().size());
  for (const auto& [event, doing] : events())
    for (const std::string& state : kStates) {
      INFO("P/" << state << "/" << event);
      const auto cell = table.cells.find({state, event});
      REQUIRE(cell != table.cells.end());
      CHECK(cell->second == happens(state, event, doing));
    }
}

// After a change that is meant: prints the table as it is now, for a person to review.
TEST_CASE("participant: print the state table", "[.print]") {
  std::cout << "| event |";
  for (const std::string& state : kStates) std::cout << " " << state << " |";
  std::cout << "\n|---|";
  for (std::size_t i = 0; i < kStates.size(); ++i) std::cout << "---|";
  for (const auto& [event, doing] : events()) {
    std::cout << "\n| " << event << " |";
    for (const std::string& state : kStates)
      std::cout << " " << happens(state, event, doing) << " |";
  }
  std::cout << "\n";
}

}  // namespace assent
