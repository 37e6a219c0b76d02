#include "tests/lab/situations.hpp"

#include <algorithm>
#include <regex>
#include <stdexcept>
#include <utility>

#include "tests/lab/actors.hpp"
#include "tests/lab/points.hpp"

namespace assent::lab {

using test::Deployment;
using namespace std::chrono_literals;

namespace {

// Long enough for a sweep, an inquiry and a repetition by the coordinator.
constexpr auto kObeyed = 8s;
// A client's patience while something is broken on purpose: it is asked again when it is not.
constexpr auto kBrief = 2500ms;

const std::map<std::string, std::string> kRarePoints = {
    {"engine.log.epoch", "old-ledger"},
    {"engine.log.member", "new-ledger"},
    {"engine.log.heuristic", "damaged"},
    {"engine.log.resolution", "resolved"},
    {"engine.log.acknowledgement", "acknowledged"},
    {"engine.send.welcome", "coordinator-starts"},
    {"engine.send.execute", "interactive"},
    {"engine.send.ask", "careful-ledger"},
    {"agent.send.hello", "participant-starts"},
    {"agent.send.ready", "participant-starts"},
    {"agent.send.executed", "interactive"},
    {"agent.send.inquiry", "doubt"},
    {"agent.send.evidence", "careful-ledger"},
    {"agent.verb.run-work", "interactive"},
    {"agent.done.run-work", "interactive"},
    {"agent.verb.drop", "interactive"},
    {"agent.done.drop", "interactive"},
    {"agent.verb.verify", "external"},
    {"agent.done.verify", "external"},
    {"agent.verb.settle", "connection-lost"},
    {"agent.done.settle", "connection-lost"},
    {"agent.verb.cancel", "cancelled"},
    {"agent.verb.read-status", "finished-by-hand"},
    {"agent.done.read-status", "finished-by-hand"},
    {"agent.verb.raise-mark", "participant-starts"},
    {"agent.done.raise-mark", "participant-starts"},
    {"agent.verb.list", "participant-starts"},
    {"agent.done.list", "participant-starts"},
    {"agent.step.told", "together"},
    {"agent.verb.read-journal", "careful-ledger"},
    {"agent.done.read-journal", "careful-ledger"}};

client::Patience brief() {
  client::Patience patience;
  patience.limit = patience.attempt = kBrief;
  return patience;
}

}  // namespace

Situations::Situations(Deployment& deployment)
    : bank_(deployment),
      all_{{"transfers", &Situations::transfers},
           {"interactive", &Situations::interactive},
           {"external", &Situations::external},
           {"doubt", &Situations::doubt},
           {"finished-by-hand", &Situations::finished_by_hand},
           {"damaged", &Situations::damaged},
           {"connection-lost", &Situations::connection_lost},
           {"together", &Situations::together},
           {"cancelled", &Situations::cancelled},
           {"participant-starts", &Situations::participant_starts},
           {"coordinator-starts", &Situations::coordinator_starts},
           {"new-ledger", &Situations::new_ledger},
           {"careful-ledger", &Situations::careful_ledger},
           {"old-ledger", &Situations::old_ledger},
           {"resolved", &Situations::resolved},
           {"acknowledged", &Situations::acknowledged}} {}

std::string Situations::of_point(const std::string& point) {
  const auto rare = kRarePoints.find(point);
  return rare == kRarePoints.end() ? "transfers" : rare->second;
}

void Situations::bring_about(const std::string& situation, const Orders& orders) {
  account_ = account_ % 90 + 1;
  (this->*all_.at(situation))(orders);
}

// ---- what situations are made of

void Situations::arm_running(const Orders& orders) {
  order_at(orders.of_coordinator ? bank_.coordinator_admin() : bank_.participant_admin(0),
           orders.point, orders.order);
}

test::Environment Situations::environment_of(const Orders& orders) const {
  return {{"ASSENT_CRASH_POINTS", orders.point + "=" + orders.order}};
}

void Situations::restart_participant(const test::Environment& env) {
  bank_.kill_participant(0);
  test::Environment all = env;
  all.emplace_back("ASSENT_SWEEP", "500ms");
  bank_.start_participant(0, std::move(all));
}

void Situations::restart_coordinator(const test::Environment& env,
                                     std::vector<std::string> options) {
  bank_.kill_coordinator();
  bank_.launch_coordinator(env, std::move(options));
  bank_.coordinator().wait_for_port(bank_.port(), 10s);
}

void Situations::ask(int accounts) {
  for (int i = 0; i < accounts; ++i) {
    const std::string name = "point/" + std::to_string(++number_);
    Asked asked{name, marked_transfer(name, "bank_a", account_, "bank_b", account_, "list0"),
                Attempt{name, {"bank_a", "bank_b"}, "list0", client::Fate::unknown}};
    const auto done = bank_.client(brief()).run(asked.shot, asked.key);
    if (done) {
      asked.attempt.told = client::Fate::committed;
      answered_.push_back(asked.attempt);
    } else {
      unanswered_.push_back(std::move(asked));
    }
  }
}

void Situations::ask_in_vain() {
  static_cast<void>(bank_.client(brief()).run(
      test::transfer("bank_a", account_, "bank_b", account_, "5000000.00")));
}

void Situations::ask_interactively() {
  client::Client assent = bank_.client(brief());
  for (const bool commits : {true, false}) {
    const auto begun = assent.begin();
    if (!begun) continue;
    std::int64_t seq = 0;
    for (const char* bank : {"bank_a", "bank_b"})
      static_cast<void>(assent.execute(
          begun->id, ++seq,
          {bank, {{"update account set balance = balance where id = 95", {}, {}}}, false}));
    if (!commits || !assent.commit(begun->id)) static_cast<void>(assent.rollback(begun->id));
  }
}

void Situations::await_prepared(std::size_t number) {
  dev::poll_until([&] { return bank_.prepared() >= number; }, 5s);
}

void Situations::by_hand(const std::string& verb) {
  for (const dev::Row& row : bank_.cluster(0).query("select gid from pg_prepared_xacts", "bank_a"))
    bank_.cluster(0).query(verb + " prepared '" + row[0].value_or("") + "'", "bank_a");
}

void Situations::await_obeyed(const Orders& orders) {
  dev::Process& daemon = orders.of_coordinator ? bank_.coordinator() : bank_.participant(0);
  const std::string admin =
      orders.of_coordinator ? bank_.coordinator_admin() : bank_.participant_admin(0);
  dev::poll_until(
      [&] {
        if (!daemon.running()) return true;
        for (const PointCount& count : count_points(admin))
          if (count.point == orders.point && count.obeyed > 0) return true;
        return false;
      },
      kObeyed);
}

void Situations::hold_commits() {
  order_at(bank_.coordinator_admin(), "engine.send.commit", "error@1+");
}

void Situations::release_commits() {
  if (bank_.coordinator().running()) order_at(bank_.coordinator_admin(), "engine.send.commit", "");
}

Names Situations::finish() {
  Names wrong;
  if (!bank_.coordinator().running()) restart_coordinator();
  if (!bank_.coordinator().running())
    wrong.push_back("the coordinator does not start: " + bank_.coordinator().log_tail(3));
  if (!bank_.participant(0).running()) restart_participant();
  for (const PointCount& count : count_points(bank_.coordinator_admin()))
    order_at(bank_.coordinator_admin(), count.point, "");
  for (const PointCount& count : count_points(bank_.participant_admin(0)))
    order_at(bank_.participant_admin(0), count.point, "");
  if (!dev::poll_until([&] { return bank_.ready(); }, 20s))
    wrong.push_back("not every participant becomes ready");
  if (std::exchange(in_doubt_, false)) decide_doubts();
  for (Asked& asked : std::exchange(unanswered_, {})) {
    // A clean abort is an answer too, where a deadline passed or a lock is still held; its key may
    // then be used again.
    auto done = bank_.client().run(asked.shot, asked.key);
    for (int attempt = 0; attempt < 5 && !done && done.error().fate == client::Fate::aborted;
         ++attempt)
      done = bank_.client().run(asked.shot, asked.key);
    asked.attempt.told = done ? client::Fate::committed : done.error().fate;
    if (!done)
      wrong.push_back(asked.key + " is not committed when it is repeated: " + done.error().reason);
    answered_.push_back(std::move(asked.attempt));
  }
  if (!bank_.settles(20s)) wrong.push_back("something stays prepared");
  return wrong;
}

void Situations::tell(History& history) const {
  history.attempts.insert(history.attempts.end(), answered_.begin(), answered_.end());
}

// ---- the situations

void Situations::transfers(const Orders& orders) {
  arm_running(orders);
  ask();
  ask_in_vain();
  await_obeyed(orders);
}

void Situations::interactive(const Orders& orders) {
  arm_running(orders);
  ask_interactively();
  await_obeyed(orders);
}

// The application prepares over its own connections, and asks for the commit.
void Situations::external(const Orders& orders) {
  arm_running(orders);
  client::Client assent = bank_.client(brief());
  const auto begun = assent.begin_external({.participants = {"bank_a", "bank_b"}, .timeout = 8s});
  if (!begun) throw std::runtime_error("no external transaction: " + begun.error().reason);
  for (std::size_t i = 0; i < 2; ++i) {
    std::string sql = "begin; update account set balance = balance " +
                      std::string(i == 0 ? "- 1" : "+ 1") + " where id = 97";
    for (const std::string& statement : begun->branches.at(i).prepare) sql += "; " + statement;
    dev::query(bank_.cluster(i).conninfo(Deployment::name(i)), sql);
  }
  static_cast<void>(assent.commit(begun->id));
  await_obeyed(orders);
}

// Decided, and neither branch hears of it: the participants ask.
void Situations::doubt(const Orders& orders) {
  hold_commits();
  arm_running(orders);
  ask();
  await_obeyed(orders);
  release_commits();
}

// The gid is gone when the commit comes, and the commit log must say why.
void Situations::finished_by_hand(const Orders& orders) {
  hold_commits();
  arm_running(orders);
  ask();
  await_prepared(2);
  by_hand("commit");
  release_commits();
  await_obeyed(orders);
}

// The same, guessed wrong; without money or marks, so that the damage does none.
void Situations::damaged(const Orders& orders) {
  hold_commits();
  if (!orders.point.empty()) arm_running(orders);
  client::OneShot shot;
  for (const char* bank : {"bank_a", "bank_b"})
    shot.branches.push_back(
        {bank, {{"update account set balance = balance where id = 96", {}, {}}}, false});
  static_cast<void>(bank_.client(brief()).run(shot));
  await_prepared(2);
  by_hand("rollback");
  release_commits();
  if (!orders.point.empty()) await_obeyed(orders);
}

// The connection is lost while the branch is being prepared: nobody knows whether it is.
void Situations::connection_lost(const Orders& orders) {
  order_at(bank_.participant_admin(0), "agent.verb.prepare", "error@1");
  arm_running(orders);
  ask();
  await_obeyed(orders);
}

// bank_a waits for a row when the refusal of bank_b makes its work vain.
void Situations::cancelled(const Orders& orders) {
  Session holder("holder", bank_.cluster(0).conninfo("bank_a"));
  holder.execute("begin; update account set balance = balance where id = " +
                 std::to_string(account_));
  dev::poll_until([&] { return !holder.outcome().busy; }, 5s);
  arm_running(orders);
  static_cast<void>(bank_.client(brief()).run(
      test::transfer("bank_b", account_, "bank_a", account_, "5000000.00")));
  await_obeyed(orders);
  holder.execute("rollback");
}

// Two are decided and bank_a has heard of neither: when it is back it hears of both at once.
void Situations::together(const Orders& orders) {
  hold_commits();
  for (int i = 0; i < 2; ++i) {  // of rows of their own, or the second would wait for the first
    account_ = account_ % 90 + 1;
    static_cast<void>(
        bank_.client(brief()).run(test::transfer("bank_a", account_, "bank_b", account_, "1.00")));
  }
  await_prepared(4);
  bank_.kill_participant(0);
  release_commits();
  restart_participant(environment_of(orders));
  await_obeyed(orders);
}

void Situations::participant_starts(const Orders& orders) {
  restart_participant(environment_of(orders));
  await_obeyed(orders);
}

void Situations::coordinator_starts(const Orders& orders) {
  restart_coordinator(environment_of(orders));
  await_obeyed(orders);
}

// Only a ledger that has never heard of a participant records it.
void Situations::new_ledger(const Orders& orders) {
  bank_.kill_coordinator();
  std::filesystem::remove_all(bank_.ledger());
  dev::ProcessOptions init;
  init.argv = {(dev::executable_folder() / "assent-coordinator").string(), "init", "--ledger",
               bank_.ledger().string()};
  const dev::Finished made = dev::run(init);
  if (!made.status.ok()) throw std::runtime_error(made.output);
  restart_coordinator(environment_of(orders));
  await_obeyed(orders);
}

// Prepared in both, decided by nobody, and a person has rolled one back: a coordinator that may not
// presume must ask bank_a about what bank_b holds.
void Situations::careful_ledger(const Orders& orders) {
  order_at(bank_.coordinator_admin(), "engine.log.commit", "kill");
  ask();
  await_prepared(2);
  by_hand("rollback");
  restart_participant(orders.of_coordinator ? test::Environment{} : environment_of(orders));
  restart_coordinator(orders.of_coordinator ? environment_of(orders) : test::Environment{},
                      {"--restored"});
  await_obeyed(orders);
}

// The participants have seen a higher sequence number than the ledger holds.
void Situations::old_ledger(const Orders& orders) {
  put_back_ledger([] {});
  restart_coordinator(environment_of(orders), {"--restored"});
  await_obeyed(orders);
}

// The same, and two branches are prepared of which it knows nothing: a person decides.
void Situations::resolved(const Orders& orders) {
  put_back_ledger([this] {
    order_at(bank_.coordinator_admin(), "engine.log.commit", "kill");
    ask();
    await_prepared(2);
  });
  restart_coordinator(environment_of(orders), {"--restored"});
  bank_.await_ready();
  decide_doubts();
  await_obeyed(orders);
  in_doubt_ = true;  // where the decision was lost or refused, finish() decides once more
}

void Situations::acknowledged(const Orders& orders) {
  damaged({});
  arm_running(orders);
  const std::regex id(R"re("id":"([^"]*)")re");
  std::smatch found;
  std::string listed;
  dev::poll_until(
      [&] {
        listed = bank_.http("GET", "/v1/transactions?state=damaged&limit=1").body;
        return std::regex_search(listed, found, id);
      },
      5s);
  if (!found.empty()) static_cast<void>(bank_.client(brief()).acknowledge(found[1], "seen"));
  await_obeyed(orders);
}

void Situations::decide_doubts() {
  const std::regex id(R"re("id":"([^"]*)")re");
  const auto listed = [&] {
    return bank_.http("GET", "/v1/transactions?state=in_doubt&older_than=1s").body;
  };
  dev::poll_until([&] { return std::regex_search(listed(), id); }, 5s);
  const std::string all = listed();
  for (auto each = std::sregex_iterator(all.begin(), all.end(), id); each != std::sregex_iterator();
       ++each)
    static_cast<void>(bank_.client(brief()).resolve((*each)[1], "aborted", "drawn"));
}

// What happens between its copy and its return is `lost`.
void Situations::put_back_ledger(const std::function<void()>& lost) {
  namespace fs = std::filesystem;
  const fs::path copy = bank_.ledger().parent_path() / "ledger-copy";
  bank_.kill_coordinator();
  fs::remove_all(copy);
  fs::copy(bank_.ledger(), copy, fs::copy_options::recursive);
  restart_coordinator();
  bank_.await_ready();
  ask(2);
  dev::poll_until(
      [&] {
        return bank_.cluster(0).value("select max(sequence) from assent.mark", "bank_a") != "0";
      },
      5s);
  lost();
  bank_.kill_coordinator();
  fs::remove_all(bank_.ledger());
  fs::copy(copy, bank_.ledger(), fs::copy_options::recursive);
}

}  // namespace assent::lab
