// What the steps of a scenario do.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <stdexcept>

#include "protocol/ids.hpp"
#include "protocol/runtime/config.hpp"
#include "tests/lab/points.hpp"
#include "tests/lab/stage.hpp"

namespace assent::lab {

using namespace std::chrono_literals;

namespace {

constexpr auto kStart = 20s;
// How long a step waits for its statement: one that waits for a lock is left to itself then.
constexpr auto kStatement = 400ms;
constexpr auto kTransfers = 120s;

std::string word_of_crash_points(const Step& step, std::size_t point) {
  return step.words[point] + "=" + step.words[point + 1];
}

// A postmaster and a backend are told of where their server is.
std::string lane_of(const std::string& victim) {
  const auto dot = victim.find('.');
  return dot == std::string::npos ? victim : victim.substr(0, dot) + ".db";
}

}  // namespace

void Stage::fault(const std::string& lane, const std::string& text) {
  timeline_.mark(lane, MarkKind::fault, text);
}

void Stage::perform(const Step& step) {
  switch (step.verb) {
    case Verb::transfer:
      return begin_transfer(step, false);
    case Verb::transfer_retrying:
      return begin_transfer(step, true);
    case Verb::run:
      return begin_run(step);
    case Verb::begin:
      timeline_.mark("client", MarkKind::step, step.text);
      add_transaction(step.words[0]).begin();
      return;
    case Verb::statement:
      return statement(step);
    case Verb::until_refused:
    case Verb::until_committed:
      return transfers_until(step.verb == Verb::until_committed, step.text);
    case Verb::commit:
    case Verb::rollback:
      timeline_.mark("client", MarkKind::step, step.text);
      if (step.verb == Verb::commit)
        transaction(step.words[0]).commit();
      else
        transaction(step.words[0]).rollback();
      return;
    case Verb::hold:
    case Verb::hold_towards:
    case Verb::delay:
    case Verb::slow:
    case Verb::reset:
    case Verb::duplicate:
    case Verb::heal:
      return perform_link(step);
    case Verb::terminate:
    case Verb::terminate_one:
    case Verb::take_connections:
    case Verb::give_connections:
    case Verb::take_slots:
    case Verb::give_slots:
    case Verb::promote:
    case Verb::back_up:
    case Verb::put_backup_back:
      return perform_database(step);
    case Verb::fail_disk:
    case Verb::fill_disk:
    case Verb::free_disk:
    case Verb::clock_forward:
    case Verb::clock_back:
    case Verb::copy_ledger:
    case Verb::put_back:
    case Verb::second:
    case Verb::second_copy:
    case Verb::lead:
    case Verb::lead_back:
      return perform_ledger(step);
    default:
      return perform_process(step);
  }
}

void Stage::perform_process(const Step& step) {
  const auto& words = step.words;
  switch (step.verb) {
    case Verb::kill:
      return kill(words[0]);
    case Verb::stop:
      fault(lane_of(words[0]), step.text);
      return signal(words[0], SIGSTOP);
    case Verb::go_on:
      timeline_.mark(lane_of(words[0]), MarkKind::start, step.text);
      return signal(words[0], SIGCONT);
    case Verb::start:
      return start(words[0]);
    case Verb::start_with:
      return start("coordinator", {}, {words[0]});
    case Verb::start_ordering:
      return start(words[0], {{"ASSENT_CRASH_POINTS", word_of_crash_points(step, 1)}});
    case Verb::order:
      fault(words[2], step.text);
      ordered_.insert({words[2], words[0]});
      return order_at(to_string(admin_of(words[2])), words[0], words[1]);
    case Verb::release:
      timeline_.mark(words[1], MarkKind::step, step.text);
      return order_at(to_string(admin_of(words[1])), words[0], "");
    case Verb::restart:
      return restart(words[0]);
    case Verb::by_hand_commit:
      return by_hand("commit", words[0], words[1]);
    case Verb::by_hand_rollback:
      return by_hand("rollback", words[0], words[1]);
    default:
      throw std::logic_error("no step: " + step.text);
  }
}

void Stage::perform_link(const Step& step) {
  const std::string& link = step.words[0];
  const auto dash = link.find('-');
  const std::string lane = link.substr(0, dash) == "client" ? "client" : link.substr(0, dash);
  if (step.verb == Verb::heal)
    timeline_.mark(lane, MarkKind::start, step.text);
  else
    fault(lane, step.text);
  switch (step.verb) {
    case Verb::hold:
      return proxy(link).hold(Direction::both);
    case Verb::hold_towards:
      if (step.words[1] != link.substr(0, dash) && step.words[1] != link.substr(dash + 1))
        throw std::runtime_error(step.words[1] + " is neither end of " + link);
      return proxy(link).hold(step.words[1] == link.substr(0, dash) ? Direction::in
                                                                    : Direction::out);
    case Verb::delay:
      return proxy(link).delay(parse_duration(step.words[1]).value());
    case Verb::slow:
      return proxy(link).slow();
    case Verb::reset:
      return proxy(link).reset();
    case Verb::duplicate:
      return proxy(link).duplicate();
    default:
      return proxy(link).heal();
  }
}

void Stage::begin_transfer(const Step& step, bool retrying) {
  const auto account = [](const std::string& text) {
    const auto slash = text.find('/');
    return std::pair(text.substr(0, slash), std::stoi(text.substr(slash + 1)));
  };
  const auto [from, from_account] = account(step.words[2]);
  const auto [to, to_account] = account(step.words[3]);
  client::OneShot shot = test::transfer(from, from_account, to, to_account, step.words[1]);
  for (client::Branch& branch : shot.branches)
    branch.statements.push_back({"insert into lab_mark values ($1)", {step.words[0]}, {}});
  shot.timeout = 5s;
  timeline_.mark("client", MarkKind::step, step.text);
  add_transaction(step.words[0]).run(std::move(shot), retrying);
}

void Stage::transfers_until(bool committed, const std::string& text) {
  timeline_.mark("client", MarkKind::step, text);
  begin_unnamed();
  client::Client client("http://" + to_string(at_.coordinator));
  const std::vector<std::string> names = at_.names();
  std::size_t number = 0;
  const bool became = dev::poll_until(
      [&] {
        client::OneShot shot = test::transfer(names.front(), 100, names.back(), 100, "0.01");
        shot.timeout = 5s;
        const auto done = client.run(shot);
        ++number;
        return done.has_value() == committed;
      },
      kTransfers);
  const std::string told = std::to_string(number) + " transfers asked for";
  if (!became) throw std::runtime_error(told + ", and it did not come to that");
  timeline_.mark("client", MarkKind::answer, told);
}

void Stage::begin_run(const Step& step) {
  client::OneShot shot;
  for (const auto& [database, sql] : step.branches) {
    client::Branch* branch = nullptr;
    for (client::Branch& each : shot.branches)
      if (each.participant == database) branch = &each;
    if (!branch) {
      shot.branches.push_back({database, {}, false});
      branch = &shot.branches.back();
      branch->statements.push_back({"insert into lab_mark values ($1)", {step.words[0]}, {}});
    }
    branch->statements.push_back({sql, {}, {}});
  }
  shot.timeout = 5s;
  timeline_.mark("client", MarkKind::step, step.text);
  add_transaction(step.words[0]).run(std::move(shot), false);
}

void Stage::statement(const Step& step) {
  const std::string& name = step.words[0];
  const std::string& database = step.words[1];
  timeline_.mark(transactions_.contains(name) ? "client" : database + ".db", MarkKind::step,
                 step.text);
  if (transactions_.contains(name)) {
    transaction(name).execute(database, {step.words[2], {}, {}});
  } else {
    auto& session = sessions_[name];
    if (!session) {
      session = std::make_unique<Session>(name, conninfo(database));
    }
    session->execute(step.words[2]);
  }
  dev::poll_until([&] { return !outcome_of(name).busy; }, kStatement);
}

void Stage::kill(const std::string& victim) {
  fault(lane_of(victim), "kill -9 " + victim);
  if (victim.ends_with(".backend")) return signal(victim, SIGKILL);  // the server goes on
  alive_[lane_of(victim)] = false;
  if (!deployment_) return kill_existing(victim);
  if (victim == "coordinator") return deployment_->kill_coordinator();
  if (victim.ends_with(".db")) return deployment_->cluster(index_of(victim)).crash();
  if (victim.ends_with(".postmaster"))
    return deployment_->cluster(index_of(victim)).kill_postmaster();
  deployment_->kill_participant(index_of(victim));
}

void Stage::signal(const std::string& victim, int number) {
  if (!deployment_) return signal_existing(victim, number);
  if (victim == "coordinator") return deployment_->coordinator().signal(number);
  const std::size_t index = index_of(victim);
  dev::Cluster& cluster = deployment_->cluster(index);
  if (victim.ends_with(".postmaster")) {
    ::kill(cluster.postmaster_pid(), number);
  } else if (victim.ends_with(".backend")) {
    if (number != SIGCONT) stopped_[victim] = backend_of(at_.participants[index].name);
    if (const pid_t pid = stopped_[victim]; pid > 0) ::kill(pid, number);
  } else if (!victim.ends_with(".db")) {
    deployment_->participant(index).signal(number);
  } else if (number == SIGSTOP) {
    cluster.pause();
  } else {
    cluster.resume();
  }
}

void Stage::restart(const std::string& process) {
  static_cast<void>(own());
  if (process.ends_with(".db")) {
    timeline_.mark(process, MarkKind::start, "restart " + process);
    return deployment_->cluster(index_of(process)).restart();
  }
  timeline_.mark(process, MarkKind::step, "end " + process + " in order");
  dev::Process& daemon = process == "coordinator" ? deployment_->coordinator()
                                                  : deployment_->participant(index_of(process));
  daemon.stop(kStart);
  alive_[process] = false;
  start(process);
}

void Stage::start(const std::string& process, test::Environment env,
                  std::vector<std::string> options) {
  static_cast<void>(own());
  if (running(process)) throw std::runtime_error(process + " runs already");
  timeline_.mark(process, MarkKind::start, "start " + process);
  if (process == "coordinator") {
    deployment_->launch_coordinator(std::move(env), std::move(options));
    deployment_->coordinator().wait_for_port(deployment_->port(), kStart);
  } else if (process.ends_with(".db")) {
    deployment_->cluster(index_of(process)).start();
  } else {
    deployment_->start_participant(index_of(process), std::move(env));
  }
}

}  // namespace assent::lab
