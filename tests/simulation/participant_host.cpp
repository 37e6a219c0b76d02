#include "tests/simulation/participant_host.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/coordinator_host.hpp"

namespace assent::simulation {

ParticipantHost::ParticipantHost(World& world, Network& network, Server& server, std::string name,
                                 ParticipantLimits limits)
    : world_(world),
      network_(network),
      server_(server),
      name_(std::move(name)),
      limits_(limits),
      turns_(
          world, [this] { take_turn(); }, [this] { post(ParticipantTick{}); }) {}

// ---- life and death
// --------------------------------------------------------------------------------

void ParticipantHost::start() {
  if (machine_) return;
  turns_.end();
  world_.say(name_ + " starts");
  machine_.emplace(name_, limits_);
  clients_.push_back(std::make_unique<DatabaseClient>(
      world_, server_, [this](ParticipantEvent event) { post(std::move(event)); }));
  client_ = clients_.back().get();
  client_->reply_loss_permille = reply_loss_permille;
  client_->connect_later();
  server_.on_crash = [this] { lose_database("the server is gone"); };
  keep_dialing();
}

void ParticipantHost::crash() {
  if (!machine_) return;
  world_.say(name_ + " is killed");
  turns_.end();
  machine_.reset();
  client_->kill();
  client_ = nullptr;
  inbox_.clear();
  outbox_.clear();
  if (const LinkPtr link = std::exchange(link_, nullptr)) {
    link->at_participant = false;
    network_.break_link(link, world_.random.percent(70) ? 20'000 : 5'000'000);
  }
}

void ParticipantHost::crash_after(unsigned actions) {
  turns_.die_after(actions, [this] { crash(); });
}

void ParticipantHost::lose_database(const std::string& reason) {
  if (client_) client_->lost(reason);
}

// ---- the loop
// --------------------------------------------------------------------------------------

void ParticipantHost::post(ParticipantEvent event, Epoch from) {
  if (!machine_) return;
  inbox_.push_back({std::move(event), from, client_ ? client_->listed_at() : Instant{}});
  turns_.request();
}

void ParticipantHost::take_turn() {
  const auto life = turns_.life();
  while (!inbox_.empty()) {
    const Item item = std::move(inbox_.front());
    inbox_.pop_front();
    take(item);
    if (life != turns_.life()) return;
  }
  if (!outbox_.empty() && link_) {
    for (ToCoordinator& message : outbox_) {
      if (world_.plant != Plant::none) planted(message);
      if (!believes_too_much(message))
        world_.observer.participant_did(name_, SendToCoordinator{message});
    }
    network_.send(link_, outbox_);
  }
  outbox_.clear();
  for (const Violation& violation : check(*machine_)) world_.observer.report(violation);
  turns_.wake_at(machine_->wake_at());
}

void ParticipantHost::take(const Item& item) {
  const auto life = turns_.life();
  world_.trace.add(world_.now(), name_, '<', item.event);
  world_.observer.participant_took(name_, item.event, item.from);
  std::vector<ParticipantAction> actions;
  machine_->step(as_heard(item.event), {world_.now(), world_.wall_ms()}, actions);
  if (world_.plant == Plant::dropped_with_link && std::holds_alternative<LinkClosed>(item.event))
    for (const auto& [gid, branch] : machine_->branches())
      if (branch.state == BranchState::prepared)
        actions.push_back(FinishPrepared{gid, Outcome::aborted});
  for (const ParticipantAction& action : actions) {
    if (turns_.dies_now()) return;
    world_.trace.add(world_.now(), name_, '>', action);
    std::visit([this](const auto& each) { perform(each); }, action);
    if (life != turns_.life()) return;
    if (const auto* alarm = std::get_if<Alarm>(&action)) check_missing(alarm->gid, item.listed_at);
    if (!std::holds_alternative<SendToCoordinator>(action))
      world_.observer.participant_did(name_, action);
  }
}

// P42: what a list did not show was not there, though an application may have prepared it since. A
// process that was paused may read a list of a server that has gone meanwhile; then it also reads
// that it has gone.
void ParticipantHost::check_missing(const Gid& gid, Instant listed_at) {
  const bool of_a_server_that_has_gone = std::any_of(
      inbox_.begin(), inbox_.end(),
      [](const Item& item) { return std::holds_alternative<DatabaseDown>(item.event); });
  if (of_a_server_that_has_gone) return;
  const auto branch = machine_->branches().find(gid);
  if (branch != machine_->branches().end() && branch->second.missing &&
      server_.held_before(gid, listed_at))
    world_.observer.report({"P42", to_string(gid) + " is said to be missing, and is prepared"});
}

// A coordinator that rules with a copy of the ledger, or that the participant did not reach before
// it was killed, has not heard that the database was put back before the ids were used up again,
// which P43 does not promise to find.
bool ParticipantHost::believes_too_much(const ToCoordinator& message) const {
  const auto* applied = std::get_if<Applied>(&message);
  if (!applied || !world_.observer.is_excused(applied->gid.tx, name_)) return false;
  const auto put_back = world_.put_back.find(name_);
  const Xid promised = world_.observer.promised_xid(applied->gid);
  return world_.ledger_disputed ||
         (put_back != world_.put_back.end() && put_back->second.first_heard > promised &&
          put_back->second.used_by_others.contains(promised));
}

void ParticipantHost::perform(const SendToCoordinator& action) {
  outbox_.push_back(action.message);
}

void ParticipantHost::perform(const CloseLink&) {
  outbox_.clear();
  if (link_) network_.break_link(link_, 20'000);
}

void ParticipantHost::perform(const Alarm&) {
  ++alarms_;
}

// ---- link
// ------------------------------------------------------------------------------------------

void ParticipantHost::keep_dialing() {
  world_.scheduler.after(world_.latency(20'000, 500'000), [this, life = turns_.life()] {
    if (life != turns_.life()) return;
    if (!link_ && !paused()) network_.dial(*this);
    keep_dialing();
  });
}

void ParticipantHost::link_opened(const LinkPtr& link) {
  link_ = link;
  post(LinkOpened{});
}

void ParticipantHost::link_closed(const LinkPtr& link) {
  if (!std::exchange(link->at_participant, false) || link != link_) return;
  link_ = nullptr;
  post(LinkClosed{});
}

void ParticipantHost::received(const LinkPtr& link, const ToParticipant& message) {
  if (link == link_) post(FromCoordinator{message}, link->epoch);
}

// ---- mistakes made on purpose
// ----------------------------------------------------------------------

ParticipantEvent ParticipantHost::as_heard(ParticipantEvent event) const {
  if (world_.plant != Plant::gid_is_enough) return event;
  const auto whatever_has_the_name = [this](const Gid& gid, Xid& xid) {
    for (const HeldBranch& held : server_.list())
      if (held.gid == gid) xid = held.xid;
  };
  const auto all_told = [&](std::vector<ToldCommit>& told) {
    for (ToldCommit& each : told) whatever_has_the_name(each.gid, each.xid);
  };
  if (auto* received = std::get_if<FromCoordinator>(&event))
    if (auto* commit = std::get_if<Commit>(&received->message))
      whatever_has_the_name(commit->gid, commit->xid);
  if (auto* listed = std::get_if<ListDone>(&event)) all_told(listed->told);
  if (auto* up = std::get_if<DatabaseUp>(&event)) all_told(up->told);
  return event;
}

void ParticipantHost::planted(ToCoordinator& message) const {
  if (auto* vote = std::get_if<Vote>(&message);
      vote && world_.plant == Plant::no_vote_counts_as_yes && vote->verdict == Verdict::no)
    vote->verdict = Verdict::yes;
  if (auto* vote = std::get_if<Vote>(&message);
      vote && world_.plant == Plant::not_yet_counts_as_yes && vote->verdict == Verdict::not_yet)
    vote->verdict = Verdict::yes;
  if (auto* applied = std::get_if<Applied>(&message);
      applied && world_.plant == Plant::heuristic_hidden)
    applied->application = Application::applied;
}

}  // namespace assent::simulation
