#include "tests/simulation/coordinator_host.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/participant_host.hpp"

namespace assent::simulation {

CoordinatorHost::CoordinatorHost(World& world, Network& network, LedgerDisk& disk, std::string name,
                                 CoordinatorLimits limits)
    : world_(world),
      network_(network),
      disk_(disk),
      name_(std::move(name)),
      limits_(limits),
      turns_(
          world, [this] { take_turn(); }, [this] { post(CoordinatorTick{}); }) {}

// ---- life and death
// --------------------------------------------------------------------------------

void CoordinatorHost::start() {
  if (machine_ || retired) return;
  turns_.end();
  stopped_itself_ = false;
  const bool dies = crashes_in_recovery > 0;
  const auto kind =
      world_.random.percent(50) ? LedgerDisk::Crash::process : LedgerDisk::Crash::machine;
  if (dies) --crashes_in_recovery;
  const bool while_opening = dies && world_.random.percent(50);
  if (while_opening) disk_.die_at_operation(1 + world_.random.below(12), kind);
  auto opened = disk_.open(log_host(), world_.wall_ms(wall_offset_ms));
  if (!opened) return;
  const auto& [recovered, start] = *opened;
  world_.trace.name(start.life, name_ + std::to_string(start.epoch));
  if (world_.plant == Plant::resolution_forgotten)
    std::erase_if(opened->recovered.records, [](const LogRecord& record) {
      return std::holds_alternative<ResolutionRecord>(record);
    });
  EpochRecord believed = start;
  if (world_.plant == Plant::epoch_not_raised && start.epoch > 1) --believed.epoch;
  machine_.emplace(limits_, recovered, believed, read_clock());
  world_.say(name_ + " starts with epoch " + std::to_string(start.epoch) + ", " +
             std::to_string(recovered.records.size()) + " records" +
             (recovered.tail == Tail::torn ? ", torn" : "") +
             (recovered.same_place ? "" : ", moved") + (recovered.restored ? ", restored" : ""));
  turns_.wake_at(machine_->wake_at());
  if (dies && !while_opening) crash_after(1 + static_cast<unsigned>(world_.random.below(12)), kind);
}

LedgerDisk::Host CoordinatorHost::log_host() {
  LedgerDisk::Host host;
  host.on_durable = [this](RecordNumber number) { post(Logged{number}); };
  host.on_failed = [this] { crash(LedgerDisk::Crash::process); };
  host.on_death = [this](LedgerDisk::Crash kind) { crash(kind); };
  host.snapshot = [this] {
    std::vector<LogRecord> records = machine_->snapshot();
    if (world_.plant == Plant::snapshot_forgets)
      std::erase_if(records, [](const LogRecord& record) {
        return std::holds_alternative<CommitRecord>(record);
      });
    return records;
  };
  return host;
}

void CoordinatorHost::crash(LedgerDisk::Crash kind) {
  if (!machine_) return;
  world_.say(name_ + (kind == LedgerDisk::Crash::process ? " is killed" : " loses power"));
  turns_.end();
  machine_.reset();
  inbox_.clear();
  outbox_.clear();
  disk_.close(kind);
  for (auto& [request, answer] : std::exchange(answers_, {}))
    world_.scheduler.after(Micros(100), [answer = std::move(answer)] { answer(std::nullopt); });
  for (auto& [name, link] : std::exchange(links_, {})) unnamed_.push_back(link);
  for (const LinkPtr& link : std::exchange(unnamed_, {})) {
    link->at_coordinator = false;
    network_.break_link(link, kind == LedgerDisk::Crash::process ? 20'000 : 5'000'000);
  }
}

void CoordinatorHost::crash_after(unsigned actions, LedgerDisk::Crash kind) {
  turns_.die_after(actions, [this, kind] { crash(kind); });
}

// ---- the loop
// --------------------------------------------------------------------------------------

void CoordinatorHost::post(CoordinatorEvent event) {
  if (!machine_) return;
  if (auto* begin = std::get_if<Begin>(&event); begin && world_.plant == Plant::key_dropped)
    begin->key.reset();
  inbox_.push_back(std::move(event));
  turns_.request();
}

void CoordinatorHost::take_turn() {
  const auto life = turns_.life();
  while (!inbox_.empty()) {
    const CoordinatorEvent event = std::move(inbox_.front());
    inbox_.pop_front();
    take(event);
    if (life != turns_.life()) return;
  }
  disk_.flush();
  for (auto& [name, frame] : std::exchange(outbox_, {})) {
    if (turns_.dies_now()) return;
    for (const ToParticipant& message : frame) observe(Send{name, message});
    const auto link = links_.find(name);
    if (link != links_.end()) network_.send(link->second, frame);
  }
  for (const Violation& violation : check(*machine_)) world_.observer.report(violation);
  turns_.wake_at(machine_->wake_at());
}

void CoordinatorHost::take(const CoordinatorEvent& event) {
  const auto life = turns_.life();
  world_.trace.add(world_.now(), name_, '<', event);
  world_.observer.coordinator_took(event, machine_->epoch());
  std::vector<CoordinatorAction> actions;
  machine_->step(event, read_clock(), actions);
  if (world_.plant != Plant::none) planted(event);
  for (const CoordinatorAction& action : actions) {
    if (turns_.dies_now()) return;
    world_.trace.add(world_.now(), name_, '>', action);
    perform(action);
    if (life != turns_.life()) return;
  }
}

void CoordinatorHost::perform(const CoordinatorAction& action) {
  if (const auto* send = std::get_if<Send>(&action)) {
    outbox_[send->participant].push_back(send->message);
    return;
  }
  if (const auto* reply = std::get_if<Reply>(&action);
      reply && reply->fate == Fate::aborted && world_.plant == Plant::abort_told_as_commit &&
      machine_->find(reply->tx))
    observe(Reply{reply->request, reply->tx, std::nullopt, Fate::committed});
  else
    observe(action);
  if (const auto* log = std::get_if<Log>(&action)) {
    log_record(*log);
  } else if (const auto* reply = std::get_if<Reply>(&action)) {
    const auto waiting = answers_.find(reply->request);
    if (waiting == answers_.end()) return;
    const Answer answer = std::move(waiting->second);
    answers_.erase(waiting);
    world_.scheduler.after(world_.latency(30, 2'000), [answer, reply = *reply] { answer(reply); });
  } else if (const auto* disconnect = std::get_if<Disconnect>(&action)) {
    const auto link = links_.find(disconnect->participant);
    if (link == links_.end()) return;
    const LinkPtr closed = link->second;
    network_.break_link(closed, 20'000);
  } else {
    if (!world_.ledger_disputed)
      world_.observer.report({"I7", name_ + " stops itself although nobody disputes its ledger: " +
                                        std::get<Stop>(action).reason});
    crash(LedgerDisk::Crash::process);
    stopped_itself_ = true;
  }
}

void CoordinatorHost::log_record(const Log& log) {
  if (!disk_.append(log.number, log.record)) {
    if (world_.plant != Plant::refusal_swallowed) inbox_.push_back(LogRefused{log.number});
    return;
  }
  if (world_.plant == Plant::logged_before_durable) inbox_.push_back(Logged{log.number});
  if (world_.plant == Plant::acknowledged_at_once &&
      std::holds_alternative<AcknowledgementRecord>(log.record))
    inbox_.push_back(Logged{log.number});
  const auto* resolution = std::get_if<ResolutionRecord>(&log.record);
  if (resolution && world_.plant == Plant::resolution_sent_at_once) send_at_once(*resolution);
  const auto* commit = std::get_if<CommitRecord>(&log.record);
  if (world_.plant != Plant::commit_sent_at_once || !commit) return;
  for (const DecidedBranch& branch : commit->branches)
    outbox_[branch.participant].push_back(
        Commit{Gid{machine_->ledger(), commit->epoch, commit->tx, branch.participant},
               commit->sequence, branch.xid, branch.server});
}

void CoordinatorHost::send_at_once(const ResolutionRecord& record) {
  for (const DecidedBranch& branch : record.branches) {
    const Gid gid{machine_->ledger(), record.epoch, record.tx, branch.participant};
    if (record.outcome == Outcome::committed)
      outbox_[branch.participant].push_back(
          Commit{gid, record.sequence, branch.xid, branch.server});
    else
      outbox_[branch.participant].push_back(Abort{gid, branch.xid, branch.server});
  }
}

// What one says whose ledger somebody else rules with is void; its effects are checked where they
// are had, at the participants.
void CoordinatorHost::observe(const CoordinatorAction& action) {
  if (!superseded) world_.observer.coordinator_did(action, *machine_);
}

TxId CoordinatorHost::new_tx() {
  return TxId{world_.uuid(world_.wall_ms(wall_offset_ms))};
}

Fate CoordinatorHost::fate_of(const TxId& tx) {
  Fate fate = Fate::unknown;
  if (const Transaction* known = machine_->find(tx)) {
    if (known->state == TxState::committing || known->state == TxState::committed)
      fate = Fate::committed;
    if (known->state == TxState::aborting || known->state == TxState::aborted) fate = Fate::aborted;
  } else {
    fate = machine_->fate_of_unknown(tx, read_clock());
    if (fate == Fate::unknown && world_.plant == Plant::unknown_told_as_aborted)
      fate = Fate::aborted;
  }
  // Of two coordinators neither can know what the other has begun since.
  if (!disk_.competed() || machine_->find(tx)) observe(Reply{0, tx, std::nullopt, fate});
  return fate;
}

// ---- links
// -----------------------------------------------------------------------------------------

void CoordinatorHost::link_opened(const LinkPtr& link) {
  unnamed_.push_back(link);
}

void CoordinatorHost::link_closed(const LinkPtr& link) {
  if (!std::exchange(link->at_coordinator, false)) return;
  std::erase(unnamed_, link);
  const std::string& name = link->participant->name();
  const auto found = links_.find(name);
  if (found == links_.end() || found->second != link) return;
  links_.erase(found);
  outbox_.erase(name);
  post(LinkDown{name});
}

void CoordinatorHost::received(const LinkPtr& link, const ToCoordinator& message) {
  const std::string& name = link->participant->name();
  const auto* hello = std::get_if<Hello>(&message);
  if (!hello) return post(FromParticipant{name, message});
  const auto older = links_.find(name);
  if (older != links_.end() && older->second != link) {
    const LinkPtr closed = older->second;
    network_.break_link(closed, 20'000);
    link_closed(closed);
  }
  std::erase(unnamed_, link);
  links_[name] = link;
  if (const auto put_back = world_.put_back.find(name); put_back != world_.put_back.end())
    if (!put_back->second.first_heard) put_back->second.first_heard = hello->next_xid;
  post(LinkUp{*hello});
}

// ---- mistakes made on purpose
// ----------------------------------------------------------------------

void CoordinatorHost::planted(const CoordinatorEvent& event) {
  const auto* from = std::get_if<FromParticipant>(&event);
  if (!from) return;
  if (const auto* inquiry = std::get_if<Inquiry>(&from->message)) {
    const Transaction* tx = machine_->find(inquiry->gid.tx);
    const bool committed =
        tx && (tx->state == TxState::committing || tx->state == TxState::committed);
    if (world_.plant == Plant::inquiry_presumes_abort && !committed)
      outbox_[from->participant].push_back(Abort{inquiry->gid});
  }
  if (const auto* applied = std::get_if<Applied>(&from->message)) {
    const Transaction* tx = machine_->find(applied->gid.tx);
    if (world_.plant != Plant::applied_for_all || !tx) return;
    for (const TxBranch& branch : tx->branches) {
      if (branch.phase != BranchPhase::finishing) continue;
      Applied other = *applied;
      other.gid.participant = branch.participant;
      inbox_.push_back(FromParticipant{branch.participant, other});
    }
  }
}

}  // namespace assent::simulation
