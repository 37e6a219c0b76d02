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

using test::Deployment;
using namespace std::chrono_literals;

namespace {

constexpr auto kStart = 20s;
// How long a step waits for its statement: one that waits for a lock is left to itself then.
constexpr auto kStatement = 400ms;

std::string word_of_crash_points(const Step& step, std::size_t point) {
  return step.words[point] + "=" + step.words[point + 1];
}

std::filesystem::path copy_of(const std::filesystem::path& ledger) {
  return ledger.parent_path() / "ledger-copy";
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
    case Verb::heal:
      return perform_link(step);
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
      fault(words[0], step.text);
      return signal(words[0], SIGSTOP);
    case Verb::go_on:
      timeline_.mark(words[0], MarkKind::start, step.text);
      return signal(words[0], SIGCONT);
    case Verb::start:
      return start(words[0]);
    case Verb::start_with:
      return start("coordinator", {}, {words[0]});
    case Verb::start_ordering:
      return start(words[0], {{"ASSENT_CRASH_POINTS", word_of_crash_points(step, 1)}});
    case Verb::order:
      fault(words[2], step.text);
      return order_at(admin_of(words[2]), words[0], words[1]);
    case Verb::release:
      timeline_.mark(words[1], MarkKind::step, step.text);
      return order_at(admin_of(words[1]), words[0], "");
    case Verb::terminate:
      fault(words[0] + ".db", step.text);
      deployment_->cluster(index_of(words[0]))
          .query(
              "select pg_terminate_backend(pid) from pg_stat_activity where usename = "
              "'assent_participant'");
      return;
    case Verb::fail_disk:
      return fail_disk(step);
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
    default:
      return proxy(link).heal();
  }
}

void Stage::perform_ledger(const Step& step) {
  namespace fs = std::filesystem;
  const fs::path& ledger = deployment_->ledger();
  timeline_.mark("coordinator", MarkKind::fault, step.text);
  switch (step.verb) {
    case Verb::copy_ledger:
      fs::remove_all(copy_of(ledger));
      return fs::copy(ledger, copy_of(ledger), fs::copy_options::recursive);
    case Verb::put_back:
      fs::remove_all(ledger);
      return fs::copy(copy_of(ledger), ledger, fs::copy_options::recursive);
    case Verb::second:
      return start_second(ledger);
    case Verb::second_copy:
      return start_second(copy_of(ledger));
    case Verb::lead:
      if (!second_) throw std::runtime_error("there is no second coordinator");
      return proxy(step.words[0] + "-coordinator").lead_to(second_port_);
    default:
      return proxy(step.words[0] + "-coordinator").lead_to(deployment_->port());
  }
}

void Stage::start_second(const std::filesystem::path& ledger) {
  second_port_ = dev::free_port();
  dev::ProcessOptions process;
  process.name = "second coordinator";
  process.argv = {(dev::executable_folder() / "assent-coordinator").string(),
                  "--ledger",
                  ledger.string(),
                  "--listen",
                  "127.0.0.1:" + std::to_string(second_port_),
                  "--admin-listen",
                  "127.0.0.1:" + std::to_string(dev::free_port()),
                  "--log-format",
                  "text"};
  process.log = folder_ / "second-coordinator.log";
  second_ = std::make_unique<dev::Process>(process);
  second_->wait_for_port(second_port_, kStart);
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
      const dev::Cluster& cluster = deployment_->cluster(index_of(database));
      session = std::make_unique<Session>(name, cluster.conninfo(database));
    }
    session->execute(step.words[2]);
  }
  dev::poll_until([&] { return !outcome_of(name).busy; }, kStatement);
}

void Stage::kill(const std::string& process) {
  fault(process, "kill -9 " + process);
  alive_[process] = false;
  if (process == "coordinator") return deployment_->kill_coordinator();
  if (process.ends_with(".db")) return deployment_->cluster(index_of(process)).crash();
  deployment_->kill_participant(index_of(process));
}

void Stage::signal(const std::string& process, int number) {
  if (process == "coordinator") return deployment_->coordinator().signal(number);
  if (!process.ends_with(".db")) return deployment_->participant(index_of(process)).signal(number);
  dev::Cluster& cluster = deployment_->cluster(index_of(process));
  if (number == SIGSTOP)
    cluster.pause();
  else
    cluster.resume();
}

void Stage::start(const std::string& process, test::Environment env,
                  std::vector<std::string> options) {
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

// Read by disk_faults.cpp, inside the daemon.
void Stage::fail_disk(const Step& step) {
  const std::map<std::string, int> errors = {{"EIO", EIO}, {"ENOSPC", ENOSPC}};
  const auto error = errors.find(step.words[2]);
  if (error == errors.end() || (step.words[0] != "pwrite" && step.words[0] != "fdatasync"))
    throw std::runtime_error("pwrite or fdatasync can fail, with EIO or ENOSPC");
  fault("coordinator", step.text);
  const std::filesystem::path control = disk_control();
  const std::filesystem::path whole = control.string() + ".new";
  std::ofstream(whole) << step.words[0] << ' ' << step.words[1] << ' ' << error->second << '\n';
  std::filesystem::rename(whole, control);
}

void Stage::by_hand(const std::string& verb, const std::string& name, const std::string& database) {
  const dev::Cluster& cluster = deployment_->cluster(index_of(database));
  fault(database + ".db", verb + " prepared, by hand: " + name);
  for (const dev::Row& row : cluster.query("select gid from pg_prepared_xacts", database)) {
    const auto gid = parse_gid(row[0].value_or(""));
    if (!gid || gid->participant != database) continue;
    const std::vector<std::string> holders = prepared_at(name);
    if (std::find(holders.begin(), holders.end(), database) == holders.end()) continue;
    cluster.query(verb + " prepared '" + to_string(*gid) + "'", database);
    return;
  }
  throw std::runtime_error(name + " is not prepared at " + database);
}

}  // namespace assent::lab
