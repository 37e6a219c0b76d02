// A coordinator's machine on the bench: real events in, actions out as short text.
//
//   "log Commit"            a record was asked for
//   "Commit to orders"      a message; "to both" where orders and stock get the same one
//   "answer committed"      a Reply without a failure, and the fate it tells
//   "refuse deadlock aborted"
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "protocol/coordinator_machine.hpp"
#include "protocol/invariants.hpp"
#include "protocol/text.hpp"

namespace assent::bench {

inline constexpr std::int64_t kWall = 1'800'000'000'000;

inline LedgerId ledger() {
  return {make_uuid7(1, {9})};
}
inline Uuid life(std::uint8_t number) {
  return make_uuid7(2, {number});
}
// Made at `wall_ms`, so that age and forgetting can be told.
inline TxId tx(std::uint8_t number, std::int64_t wall_ms = kWall + 10) {
  return {make_uuid7(wall_ms, {number})};
}
// The number it was made of; at most 15.
inline int number_of(const TxId& id) {
  return id.uuid.bytes[6] & 0x0f;
}
inline ServerIdentity server(std::uint32_t timeline = 1) {
  return {77, timeline, "shop"};
}
inline RequestKey request_key(std::uint8_t key, std::uint8_t body = 1) {
  return {{key}, {body}};
}
inline Failure failure_of(Problem problem) {
  Failure failure;
  failure.problem = problem;
  return failure;
}

template <typename T>
std::string name_of(const T& value) {
  const std::string text = to_text(value);
  return text.substr(0, text.find_first_of(" :\n"));
}

inline std::string join(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all;
}

struct CoordinatorBench {
  CoordinatorLimits limits;
  Recovered recovered;
  EpochRecord start;
  Now now{Instant(std::chrono::seconds(1000)), kWall};
  std::optional<CoordinatorMachine> machine;
  std::vector<CoordinatorAction> actions;  // of the last step
  std::vector<LogRecord> records;          // asked for and not refused
  RecordNumber last = 0;

  CoordinatorBench() {
    recovered.ledger = ledger();
    start.epoch = 3;
    start.life = life(3);
    start.wall_ms = kWall;
  }

  CoordinatorMachine& m() {
    if (!machine) machine.emplace(limits, recovered, start, now);
    return *machine;
  }
  const Transaction& at(const TxId& id) { return *m().find(id); }

  std::string act(const CoordinatorEvent& event) {
    actions.clear();
    m().step(event, now, actions);
    for (const Violation& violation : check(m()))
      throw std::logic_error(violation.invariant + ": " + violation.what);
    for (const CoordinatorAction& action : actions)
      if (const auto* log = std::get_if<Log>(&action)) {
        records.push_back(log->record);
        last = log->number;
      }
    return text();
  }

  std::string text() const {
    std::vector<std::string> parts;
    for (const CoordinatorAction& action : actions) {
      const std::string part = std::visit([](const auto& each) { return brief(each); }, action);
      const auto without = [](const std::string& whole, const std::string& end) {
        return whole.ends_with(end) ? whole.substr(0, whole.size() - end.size()) : "";
      };
      const std::string before = parts.empty() ? "" : parts.back();
      const std::string what = without(part, " to stock") + without(part, " to orders");
      const std::string other = part.ends_with(" to stock") ? " to orders" : " to stock";
      if (!what.empty() && before == what + other)
        parts.back() = what + " to both";
      else
        parts.push_back(part);
    }
    return join(parts);
  }

  static std::string brief(const Send& send) {
    return std::visit([](const auto& message) { return name_of(message); }, send.message) + " to " +
           send.participant;
  }
  static std::string brief(const Log& log) {
    const std::string name = std::visit([](const auto& each) { return name_of(each); }, log.record);
    return "log " + name.substr(0, name.find("Record"));
  }
  static std::string brief(const Reply& reply) {
    if (!reply.failure) return "answer " + std::string(to_string(reply.fate));
    return "refuse " + std::string(to_string(reply.failure->problem)) + " " +
           std::string(to_string(reply.fate));
  }
  static std::string brief(const Disconnect& each) { return "disconnect " + each.participant; }
  static std::string brief(const Stop&) { return "stop"; }

  // The message of the last step's only Send of that type, or nothing.
  template <typename Message>
  const Message* sent(const std::string& participant) const {
    for (const CoordinatorAction& action : actions)
      if (const auto* send = std::get_if<Send>(&action))
        if (send->participant == participant)
          if (const auto* message = std::get_if<Message>(&send->message)) return message;
    return nullptr;
  }
  template <typename Record>
  const Record* logged_record() const {
    for (auto each = records.rbegin(); each != records.rend(); ++each)
      if (const auto* record = std::get_if<Record>(&*each)) return record;
    return nullptr;
  }

  Gid gid(const TxId& id, const std::string& participant, Epoch epoch = 0) {
    return {ledger(), epoch ? epoch : start.epoch, id, participant};
  }
  std::string from(const std::string& participant, ToCoordinator message) {
    return act(FromParticipant{participant, std::move(message)});
  }
  std::string logged() { return act(Logged{last}); }

  std::string hello(const std::string& name, std::vector<Mark> marks = {}, std::uint32_t line = 1) {
    return act(LinkUp{Hello{name, server(line), std::move(marks)}});
  }
  std::string ready(const std::string& name, std::vector<HeldBranch> held = {}, Sequence mark = 0) {
    return from(name, Ready{{ledger(), start.epoch, start.life, mark}, server(), std::move(held)});
  }
  // From no link to work, with what must be recorded made durable.
  std::string connect(const std::string& name, std::vector<HeldBranch> held = {},
                      Sequence mark = 0) {
    std::vector<std::string> parts;
    const auto add = [&](const std::string& part) {
      if (!part.empty()) parts.push_back(part);
    };
    add(hello(name));
    if (m().members().at(name).state == Member::State::greeting) add(logged());
    add(ready(name, std::move(held), mark));
    return bench::join(parts);
  }

  std::string vote(const TxId& id, const std::string& from_whom, Verdict verdict) {
    Vote message;
    message.gid = gid(id, from_whom);
    message.verdict = verdict;
    if (verdict == Verdict::yes) {
      message.xid = 700;
      message.server = server();
    }
    if (verdict == Verdict::no) message.failure = failure_of(Problem::deadlock);
    return from(from_whom, std::move(message));
  }
  std::string applied(const TxId& id, const std::string& from_whom, Outcome outcome,
                      Application how = Application::applied, Sequence durable = 0) {
    return from(from_whom, Applied{gid(id, from_whom), outcome, how, durable});
  }

  Begin one_shot(RequestId request, const TxId& id,
                 const std::vector<std::string>& participants = {"orders", "stock"}) {
    Begin begin;
    begin.request = request;
    begin.tx = id;
    for (const std::string& name : participants) begin.branches.push_back({name, Work{"w"}});
    begin.timeout = Duration(60'000);
    return begin;
  }
  Begin interactive(RequestId request, const TxId& id) {
    Begin begin = one_shot(request, id, {});
    begin.mode = Mode::interactive;
    begin.idle_timeout = Duration(30'000);
    return begin;
  }

  Begin external(RequestId request, const TxId& id) {
    Begin begin = one_shot(request, id);
    begin.mode = Mode::external;
    for (BranchWork& branch : begin.branches) branch.work = {};
    return begin;
  }
  // Of the last asking, if none is named.
  std::string external_vote(const TxId& id, const std::string& from_whom, Verdict verdict,
                            std::uint32_t ask = 0, Xid xid = 700) {
    Vote message;
    message.gid = gid(id, from_whom);
    message.verdict = verdict;
    message.ask = ask != 0 ? ask : at(id).asks;
    if (verdict == Verdict::yes) message.xid = xid;
    if (verdict == Verdict::yes) message.server = server();
    if (verdict == Verdict::no) message.failure = failure_of(Problem::session_lost);
    if (verdict == Verdict::not_yet) message.failure = failure_of(Problem::branch_not_prepared);
    return from(from_whom, std::move(message));
  }

  // A one-shot transaction of orders and stock up to its durable decision.
  void decide(const TxId& id, RequestId request = 1) {
    act(one_shot(request, id));
    vote(id, "orders", Verdict::yes);
    vote(id, "stock", Verdict::yes);
    logged();
  }
  void commit(const TxId& id, Sequence durable = 0) {
    decide(id);
    applied(id, "orders", Outcome::committed, Application::applied, durable);
    applied(id, "stock", Outcome::committed, Application::applied, durable);
    logged();
  }

  void wait(Duration time) {
    now.steady += time;
    now.wall_ms += time.count();
  }
  std::string tick_after(Duration time) {
    wait(time);
    return act(CoordinatorTick{});
  }
  std::string tick_when_due() {
    const auto at = m().wake_at();
    if (!at) return "no timer";
    return tick_after(std::max(Duration(0), std::chrono::ceil<Duration>(*at - now.steady)));
  }

  // The next start of the same ledger, a second later: what was logged is all it knows.
  CoordinatorBench restarted() const {
    CoordinatorBench next;
    next.limits = limits;
    next.recovered = recovered;
    next.recovered.records.push_back(start);
    for (const LogRecord& record : records) next.recovered.records.push_back(record);
    next.start.epoch = start.epoch + 1;
    next.start.life = life(static_cast<std::uint8_t>(start.epoch + 1));
    next.now = now;
    next.wait(Duration(1000));
    next.start.wall_ms = next.now.wall_ms;
    return next;
  }
};

// "orders and stock are connected", as most tests begin.
inline CoordinatorBench working_coordinator() {
  CoordinatorBench bench;
  bench.connect("orders");
  bench.connect("stock");
  return bench;
}

}  // namespace assent::bench
