// A participant's machine on the bench: real events in, actions out as short text.
//
//   "Vote yes"              what is sent to the coordinator is named by its message
//   "FinishPrepared committed", "alarm", "CloseLink", …
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/protocol/support/coordinator_bench.hpp"

namespace assent::bench {

inline std::string brief(const Vote& vote) {
  return "Vote " + std::string(to_string(vote.verdict));
}
inline std::string brief(const Executed& executed) {
  return std::holds_alternative<Failure>(executed.result) ? "Executed failure" : "Executed";
}
inline std::string brief(const Applied& applied) {
  return "Applied " + std::string(to_string(applied.outcome)) + " " +
         std::string(to_string(applied.application));
}
inline std::string brief(const Evidence& evidence) {
  return "Evidence " + std::string(to_string(evidence.knowledge));
}
inline std::string brief(const Ready& ready) {
  return ready.held.empty() ? "Ready" : "Ready holding " + std::to_string(ready.held.size());
}
template <typename Other>
std::string brief(const Other& other) {
  return name_of(other);
}
inline std::string brief(const SendToCoordinator& send) {
  return std::visit([](const auto& message) { return brief(message); }, send.message);
}
inline std::string brief(const FinishPrepared& finish) {
  return "FinishPrepared " + std::string(to_string(finish.outcome));
}
inline std::string brief(const Alarm&) {
  return "alarm";
}

struct ParticipantBench {
  ParticipantLimits limits;
  Now now{Instant(std::chrono::seconds(1000)), kWall};
  Epoch epoch = 3;  // of the coordinator that the link goes to
  Gid gid{ledger(), 3, tx(1), "orders"};
  std::optional<ParticipantMachine> machine;
  std::vector<ParticipantAction> actions;  // of the last step

  ParticipantBench() {
    limits.sweep_interval = Duration(3'600'000);
    limits.journal_interval = Duration(60'000);
  }

  ParticipantMachine& m() {
    if (!machine) machine.emplace("orders", limits);
    return *machine;
  }

  std::string act(const ParticipantEvent& event) {
    actions.clear();
    m().step(event, now, actions);
    std::vector<std::string> parts;
    for (const ParticipantAction& action : actions)
      parts.push_back(std::visit([](const auto& each) { return brief(each); }, action));
    return join(parts);
  }
  std::string from(ToParticipant message) { return act(FromCoordinator{std::move(message)}); }

  template <typename Action>
  const Action* done() const {
    for (const ParticipantAction& action : actions)
      if (const auto* found = std::get_if<Action>(&action)) return found;
    return nullptr;
  }
  template <typename Message>
  const Message* sent() const {
    for (const ParticipantAction& action : actions)
      if (const auto* send = std::get_if<SendToCoordinator>(&action))
        if (const auto* message = std::get_if<Message>(&send->message)) return message;
    return nullptr;
  }
  // "batch: number outcome sequence, …, up to sequence" of the last step's WriteJournal.
  std::string text_of_journal() const {
    const auto* write = done<WriteJournal>();
    if (!write) return {};
    std::vector<std::string> lines;
    for (const JournalLine& line : write->lines)
      lines.push_back(std::to_string(number_of(line.gid.tx)) + " " +
                      std::string(to_string(line.outcome)) + " " + std::to_string(line.sequence));
    for (const auto& [ledger, sequence] : write->up_to)
      lines.push_back("up to " + std::to_string(sequence));
    return std::to_string(write->batch) + ": " + join(lines);
  }
  const Branch* branch() {
    const auto found = m().branches().find(gid);
    return found == m().branches().end() ? nullptr : &found->second;
  }
  bool remembered() {
    for (const EndedBranch& ended : m().ended())
      if (ended.gid == gid) return true;
    return false;
  }

  Mark mark(Sequence sequence = 0) const {
    return {ledger(), epoch, life(static_cast<std::uint8_t>(epoch)), sequence};
  }
  std::string database_up(std::vector<HeldBranch> held = {}, std::vector<Mark> marks = {},
                          std::uint32_t line = 1) {
    return act(DatabaseUp{server(line), std::move(marks), std::move(held)});
  }
  std::string welcome() { return from(Welcome{ledger(), epoch, mark().life}); }
  std::string link_up(Sequence sequence = 0) {
    std::vector<std::string> parts{act(LinkOpened{}), welcome(), act(MarkRaised{mark(sequence)})};
    return join(parts);
  }
  HeldBranch held() const { return {gid, 700, {}}; }

  std::string prepare() {
    return from(Prepare{gid, Work{"w"}, {"orders", "stock"}, Duration(60'000)});
  }
  std::string prepared() { return act(PrepareDone{gid, PrepareDone::Yes{700, Results{}}}); }
  std::string commit(Sequence sequence = 5) { return from(Commit{gid, sequence, 700, server()}); }
  std::string abort() { return from(Abort{gid}); }
  std::string finished(FinishDone::Result result, std::string message = {}) {
    const Branch* known = branch();
    const Outcome outcome = known && known->decided ? *known->decided : Outcome::aborted;
    return act(FinishDone{gid, outcome, result, std::move(message)});
  }
  std::string status(StatusRead::Status found) { return act(StatusRead{gid, found}); }
  std::string journal(Knowledge knowledge, bool available = true,
                      Application application = Application::applied) {
    return act(JournalRead{gid, knowledge, 0, available, application});
  }
  // External: asked to look, and what is found.
  std::string verify(std::uint32_t ask = 1) {
    return from(Prepare{gid, {}, {"orders", "stock"}, Duration(60'000), ask});
  }
  std::string verified(std::variant<Xid, Failure> found, std::uint32_t ask = 1) {
    return act(Verified{gid, ask, {"orders", "stock"}, std::move(found)});
  }
  std::string not_verified() { return verified(failure_of(Problem::branch_not_prepared)); }

  // Prepared, voted for, and ended as decided.
  void end(Outcome outcome, Sequence sequence = 5) {
    prepare();
    prepared();
    if (outcome == Outcome::committed)
      commit(sequence);
    else
      abort();
    finished(FinishDone::Result::done);
  }

  std::string tick_after(Duration time) {
    now.steady += time;
    now.wall_ms += time.count();
    return act(ParticipantTick{});
  }
};

// "The database is up and the link is ready", as most tests begin.
inline ParticipantBench working_participant() {
  ParticipantBench bench;
  bench.database_up();
  bench.link_up();
  return bench;
}

}  // namespace assent::bench
