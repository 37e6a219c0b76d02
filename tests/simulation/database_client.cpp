#include "tests/simulation/database_client.hpp"

#include <memory>
#include <utility>

namespace assent::simulation {
namespace {

Failure unavailable() {
  Failure failure;
  failure.problem = Problem::participant_unavailable;
  failure.message = "the connection to the database was lost";
  return failure;
}

}  // namespace

DatabaseClient::DatabaseClient(World& world, Server& server, Report report)
    : world_(world), server_(server), report_(std::move(report)) {}

void DatabaseClient::kill() {
  alive_ = false;
  if (connected_ && server_.up()) server_.abandon(connection_);
  connected_ = false;
  expected_.clear();
}

void DatabaseClient::connect_later() {
  if (!alive_ || connecting_) return;
  connecting_ = true;
  world_.scheduler.after(world_.latency(2'000, 300'000), [this] { try_connect(); });
}

// The duties behind DatabaseUp: the lock of the name, then every backend of a predecessor gone, and
// only then the marks and the prepared branches.
void DatabaseClient::try_connect() {
  connecting_ = false;
  if (!alive_) return;
  if (!server_.up() || server_.hung() || server_.no_connections || server_.reads_fail)
    return connect_later();
  server_.terminate_up_to(connection_ = server_.connect());
  connection_ = server_.connect();
  connected_ = true;
  waiting_.clear();
  telling_ = false;
  listed_at_ = world_.now();
  DatabaseUp up{server_.identity(), server_.marks(), server_.list(), server_.next_xid(),
                server_.told()};
  if (world_.plant == Plant::marks_ignored) up.marks.clear();
  if (world_.plant == Plant::standby_believed) up.held.clear();
  if (world_.plant == Plant::next_xid_ignored) up.next_xid = 0;
  report_(std::move(up));
  for (const Gid& gid : std::exchange(settling_, {})) settle(gid);
}

void DatabaseClient::lost(const std::string& reason) {
  if (!alive_ || !connected_) return;
  connected_ = false;
  if (server_.up()) server_.abandon(connection_);
  const bool down_first = world_.random.percent(50);
  if (down_first) report_(DatabaseDown{reason});
  for (auto& [id, event] : std::exchange(expected_, {})) report_(std::move(event));
  if (!down_first) report_(DatabaseDown{reason});
  connect_later();
}

// ---- completions
// -----------------------------------------------------------------------------------

DatabaseClient::Id DatabaseClient::expect(ParticipantEvent if_lost) {
  expected_.emplace(++last_id_, std::move(if_lost));
  return last_id_;
}

void DatabaseClient::answered(Id id, ParticipantEvent event) {
  if (!expected_.count(id)) return;
  const bool lost = world_.random.permille(reply_loss_permille);
  world_.scheduler.after(world_.latency(30, 2'000), [this, id, lost, event = std::move(event)] {
    const auto expected = expected_.find(id);
    if (expected == expected_.end()) return;
    ParticipantEvent told = lost ? std::move(expected->second) : event;
    if (lost) world_.count_fault("reply_lost");
    expected_.erase(expected);
    if (const auto* work = lost ? std::get_if<WorkDone>(&told) : nullptr) server_.drop(work->gid);
    report_(std::move(told));
  });
}

void DatabaseClient::report_soon(ParticipantEvent event) {
  const Id id = expect(event);
  answered(id, event);
}

void DatabaseClient::ask(ParticipantEvent if_lost, std::function<ParticipantEvent()> question) {
  if (!connected_) return report_soon(std::move(if_lost));
  const Id id = expect(std::move(if_lost));
  server_.later(connection_, world_.latency(30, 3'000),
                [this, id, question = std::move(question)] { answered(id, question()); });
}

// ---- verbs
// -----------------------------------------------------------------------------------------

void DatabaseClient::perform(const RunWork& verb) {
  const WorkDone gone{verb.gid, verb.seq, unavailable()};
  if (!connected_) return report_soon(gone);
  const Id id = expect(gone);
  const Instant deadline = world_.now() + std::max(verb.time_left, Duration(1));
  server_.run(connection_, verb.gid, verb.work, false, deadline,
              [this, id, verb](const Server::WorkResult& result) {
                WorkDone done{verb.gid, verb.seq, Results{"ok"}};
                if (const auto* failure = std::get_if<Failure>(&result)) done.result = *failure;
                answered(id, done);
              });
}

void DatabaseClient::perform(const PrepareBranch& verb) {
  const PrepareDone gone{verb.gid, PrepareDone::No{unavailable()}};
  if (!connected_) return report_soon(gone);
  // From when the PREPARE may be on its way, a lost connection says nothing.
  const Id id = expect(PrepareDone{verb.gid, PrepareDone::Lost{}});
  const Instant deadline = world_.now() + std::max(verb.time_left, Duration(1));
  server_.run(connection_, verb.gid, verb.work, true, deadline,
              [this, id, verb](const Server::WorkResult& result) {
                PrepareDone done{verb.gid, PrepareDone::Lost{}};
                if (const auto* prepared = std::get_if<Server::Prepared>(&result)) {
                  if (world_.plant == Plant::yes_called_read_only) {
                    done.result = PrepareDone::ReadOnly{Results{"ok"}};
                  } else if (prepared->refused && world_.plant != Plant::expectation_ignored) {
                    Failure failure;
                    failure.problem = Problem::expectation_failed;
                    done.result = PrepareDone::Refused{prepared->xid, failure};
                  } else {
                    done.result = PrepareDone::Yes{prepared->xid, Results{"ok"}};
                  }
                } else if (std::holds_alternative<Server::ReadOnly>(result)) {
                  done.result = PrepareDone::ReadOnly{Results{"ok"}};
                } else if (const auto* failure = std::get_if<Failure>(&result)) {
                  done.result = PrepareDone::No{*failure};
                  if (world_.plant == Plant::prepared_without_tag)
                    done.result = PrepareDone::Yes{1, Results{"ok"}};
                }
                answered(id, done);
              });
}

void DatabaseClient::perform(const SettleLost& verb) {
  if (!connected_) {
    settling_.insert(verb.gid);
    return;
  }
  settle(verb.gid);
}

void DatabaseClient::settle(const Gid& gid) {
  // A connection that is lost meanwhile does not end the search: it starts again.
  world_.scheduler.after(world_.latency(1'000, 50'000), [this, gid] {
    if (!alive_) return;
    if (!connected_) {
      settling_.insert(gid);
      return;
    }
    if (server_.hung() || server_.reads_fail) return settle(gid);
    server_.terminate(gid);
    Settled settled{gid, std::nullopt};
    for (const HeldBranch& held : server_.list())
      if (held.gid == gid) settled.xid = held.xid;
    report_(settled);
  });
}

void DatabaseClient::perform(const DropOpen& verb) {
  if (!connected_) return report_soon(Dropped{verb.gid});
  const Id id = expect(Dropped{verb.gid});
  server_.later(connection_, world_.latency(30, 3'000), [this, id, verb] {
    server_.drop(verb.gid);
    // After the WorkDone that this may have caused.
    world_.scheduler.after(Micros(2'500), [this, id, verb] { answered(id, Dropped{verb.gid}); });
  });
}

void DatabaseClient::perform(const CancelPrepare& verb) {
  if (!connected_) return;
  server_.later(connection_, world_.latency(30, 5'000), [this, verb] { server_.cancel(verb.gid); });
}

void DatabaseClient::perform(const FinishPrepared& verb) {
  FinishDone lost{verb.gid, verb.outcome, FinishDone::Result::again, "the connection was lost"};
  if (world_.plant == Plant::lost_reply_is_done) lost.result = FinishDone::Result::done;
  const bool alone = verb.outcome == Outcome::aborted || world_.plant == Plant::commit_not_told;
  if (alone) return ask(lost, [this, verb] { return finish(verb); });
  if (!connected_) return report_soon(std::move(lost));
  waiting_.push_back({expect(lost), verb, lost});
  if (waiting_.size() > 1 || telling_) return;
  world_.scheduler.after(Micros(0), [this, connection = connection_] { tell(connection); });
}

// Those that have come together go together, and meanwhile others wait.
void DatabaseClient::tell(Connection connection) {
  if (!connected_ || connection != connection_) return;
  const std::vector<Commit> commits = std::exchange(waiting_, {});
  telling_ = commits.size() > 1;
  if (commits.size() == 1) tell_alone(commits.front());
  if (telling_)
    server_.later(connection_, world_.latency(30, 3'000),
                  [this, connection, commits] { told(connection, commits); });
}

// One round trip, two transactions: what befalls the server in between leaves the line alone.
void DatabaseClient::tell_alone(const Commit& commit) {
  const auto told = std::make_shared<bool>(false);
  const Micros line = world_.latency(15, 1'500);
  const Micros then = line + world_.latency(15, 1'500);
  server_.later(connection_, line, [this, commit, told] { *told = server_.tell(commit.verb); });
  server_.later(connection_, then, [this, commit, told] {
    answered(commit.id, *told ? finish(commit.verb) : commit.lost);
  });
}

// The lines are one transaction; the commits are begun when its answer is here, if it comes.
void DatabaseClient::told(Connection connection, const std::vector<Commit>& commits) {
  bool all = true;
  for (const Commit& commit : commits) all = server_.tell(commit.verb) && all;
  if (world_.random.permille(reply_loss_permille)) all = false;
  world_.scheduler.after(world_.latency(30, 2'000), [this, connection, commits, all] {
    if (!connected_ || connection != connection_) return;
    for (const Commit& commit : commits) {
      if (all)
        server_.later(connection_, world_.latency(30, 3'000),
                      [this, commit] { answered(commit.id, finish(commit.verb)); });
      else
        answered(commit.id, commit.lost);
    }
    tell(connection);
  });
}

// The line's transaction fails then, and with it the commit (P54).
bool DatabaseClient::is_another(const FinishPrepared& verb) const {
  if (verb.xid == 0 || world_.plant == Plant::gid_is_enough) return false;
  const std::vector<HeldBranch> held = server_.list();
  return std::any_of(held.begin(), held.end(), [&](const HeldBranch& each) {
    return each.gid == verb.gid && each.xid != verb.xid;
  });
}

FinishDone DatabaseClient::finish(const FinishPrepared& verb) {
  if (verb.outcome == Outcome::committed && is_another(verb))
    return {verb.gid, verb.outcome, FinishDone::Result::no_such_gid, "another is prepared"};
  const bool swapped = world_.plant == Plant::outcome_swapped && world_.random.percent(5);
  const Outcome outcome = swapped ? Outcome::aborted : verb.outcome;
  FinishDone done{verb.gid, verb.outcome, server_.finish(verb.gid, outcome, EndedBy::participant),
                  ""};
  if (world_.plant == Plant::no_such_gid_is_done && done.result == FinishDone::Result::no_such_gid)
    done.result = FinishDone::Result::done;
  return done;
}

void DatabaseClient::perform(const ReadStatus& verb) {
  ask(StatusRead{verb.gid, StatusRead::Status::unavailable}, [this, verb] {
    if (server_.reads_fail) return StatusRead{verb.gid, StatusRead::Status::unavailable};
    const bool any_server = world_.plant == Plant::foreign_status_read;
    StatusRead read{verb.gid, server_.status(verb.gid, verb.xid,
                                             any_server ? server_.identity() : verb.server)};
    if (world_.plant == Plant::absence_is_abort && read.status == StatusRead::Status::unknown)
      read.status = StatusRead::Status::aborted;
    return read;
  });
}

void DatabaseClient::perform(const ListPrepared&) {
  ask(ListFailed{"the connection was lost"}, [this]() -> ParticipantEvent {
    if (world_.plant == Plant::standby_believed) return ListDone{};
    if (server_.reads_fail && world_.plant == Plant::failed_list_is_empty) return ListDone{};
    if (server_.reads_fail) return ListFailed{"the list could not be read"};
    listed_at_ = world_.now();
    return ListDone{server_.list(), server_.told()};
  });
}

void DatabaseClient::perform(const VerifyPrepared& verb) {
  const Verified gone{verb.gid, verb.ask, verb.peers, unavailable()};
  ask(gone, [this, verb, gone] {
    Verified verified = gone;
    if (server_.reads_fail) return verified;
    for (const HeldBranch& held : server_.list())
      if (held.gid == verb.gid) verified.result = held.xid;
    if (std::holds_alternative<Xid>(verified.result)) return verified;
    std::get<Failure>(verified.result).problem = Problem::branch_not_prepared;
    std::get<Failure>(verified.result).message = "nothing is prepared under its gid";
    if (world_.plant == Plant::external_not_verified) verified.result = server_.next_xid();
    return verified;
  });
}

void DatabaseClient::perform(const RaiseMark& verb) {
  ask(MarkFailed{verb.mark.ledger, "the connection was lost"}, [this, verb]() -> ParticipantEvent {
    if (server_.full) return MarkFailed{verb.mark.ledger, "no space (53100)"};
    if (world_.plant == Plant::mark_not_written) return MarkRaised{verb.mark};
    Mark mark = server_.raise(verb.mark);
    if (world_.plant == Plant::marks_ignored) {
      mark.epoch = verb.mark.epoch;
      mark.life = verb.mark.life;
    }
    return MarkRaised{mark};
  });
}

void DatabaseClient::perform(const WriteJournal& verb) {
  ask(JournalWritten{verb.batch, false}, [this, verb] {
    if (server_.full) return JournalWritten{verb.batch, false};
    server_.journal(verb);
    return JournalWritten{verb.batch, true};
  });
}

void DatabaseClient::perform(const ReadJournal& verb) {
  ask(JournalRead{verb.gid, Knowledge::nothing, 0, false, Application::applied}, [this, verb] {
    if (server_.reads_fail)
      return JournalRead{verb.gid, Knowledge::nothing, 0, false, Application::applied};
    JournalRead read = server_.read_journal(verb.gid);
    if (world_.plant == Plant::absence_is_abort && read.knowledge == Knowledge::nothing)
      read.knowledge = Knowledge::aborted;
    return read;
  });
}

}  // namespace assent::simulation
