#include "tests/lab/workload.hpp"

#include <cmath>
#include <cstdlib>
#include <random>

namespace assent::lab {

using test::Deployment;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kLists = 6;
constexpr std::int64_t kAccounts = 100;

std::int64_t cents_of(const std::string& amount) {
  return std::llround(std::strtod(amount.c_str(), nullptr) * 100);
}

std::string text_of(const client::Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text ? *text : std::string();
}

}  // namespace

void install_workload(Deployment& deployment) {
  for (std::size_t i = 0; i < deployment.size(); ++i) {
    deployment.cluster(i).query(
        "create table lab_mark (name text not null);"
        "create table lab_list (id text primary key, names text[] not null default '{}');"
        "insert into lab_list (id) select 'list' || n from generate_series(0, " +
            std::to_string(kLists - 1) +
            ") n;"
            "grant select, insert, update on lab_mark, lab_list to assent_participant",
        Deployment::name(i));
  }
}

void clear_workload(Deployment& deployment) {
  for (std::size_t i = 0; i < deployment.size(); ++i)
    deployment.cluster(i).query("truncate lab_mark; update lab_list set names = '{}'",
                                Deployment::name(i));
}

client::OneShot marked_transfer(const std::string& name, const std::string& from, int from_account,
                                const std::string& to, int to_account, const std::string& list) {
  client::OneShot shot = test::transfer(from, from_account, to, to_account, "1.00");
  for (client::Branch& branch : shot.branches) {
    branch.statements.push_back({"insert into lab_mark values ($1)", {name}, {}});
    if (!list.empty())
      branch.statements.push_back(
          {"update lab_list set names = names || $1::text where id = $2", {name, list}, 1});
  }
  shot.timeout = 5s;
  // Two that meet in opposite order in two banks wait for each other until this is over.
  shot.lock_timeout = 500ms;
  return shot;
}

client::OneShot locked_sum(const Deployment& deployment) {
  client::OneShot shot;
  for (std::size_t i = 0; i < deployment.size(); ++i)
    shot.branches.push_back(
        {Deployment::name(i),
         {{"select sum(balance)::text from (select balance from account order by id for share) a",
           {},
           {}}},
         false});
  shot.timeout = 5s;
  shot.lock_timeout = 1s;
  return shot;
}

void observe(Deployment& deployment, History& history) {
  history.cents_after = deployment.total();
  for (std::size_t i = 0; i < deployment.size(); ++i) {
    const std::string name = Deployment::name(i);
    for (const dev::Row& row : deployment.cluster(i).query("select name from lab_mark", name))
      history.marks[name].push_back(row[0].value_or(""));
    for (const dev::Row& row : deployment.cluster(i).query(
             "select id, n.name from lab_list, unnest(names) with ordinality n(name, at) "
             "order by id, n.at",
             name))
      history.lists[name][row[0].value_or("")].push_back(row[1].value_or(""));
  }
}

Workload::Workload(Deployment& deployment, std::size_t clients, std::uint64_t seed,
                   std::string round)
    : deployment_(deployment), url_(deployment.url()), round_(std::move(round)) {
  for (std::size_t i = 0; i < clients; ++i)
    clients_.emplace_back([this, i, seed] { run(i, seed * 1000 + i); });
}

Workload::~Workload() {
  stop();
}

void Workload::stop() {
  stopping_ = true;
  for (std::thread& client : clients_) client.join();
  clients_.clear();
}

void Workload::run(std::size_t number, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  client::Patience patience;
  patience.limit = 30s;
  patience.attempt = 6s;
  patience.longest_pause = 200ms;
  client::Client assent(url_, patience);
  for (std::size_t n = 0; !stopping_; ++n) {
    const std::string name = round_ + "/" + std::to_string(number) + "/" + std::to_string(n);
    if (random() % 16 == 0)
      read(assent, name);
    else
      transfer(assent, name, random());
  }
}

void Workload::transfer(client::Client& assent, const std::string& name, std::uint64_t dice) {
  const std::size_t from = dice % deployment_.size();
  const std::size_t to = (from + 1) % deployment_.size();
  const auto account = [&](unsigned shift) {
    return 1 + static_cast<int>((dice >> shift) % static_cast<std::uint64_t>(kAccounts));
  };
  Attempt attempt{name, {Deployment::name(from), Deployment::name(to)}, {}, client::Fate::unknown};
  if ((dice >> 40) % 2 == 0) attempt.list = "list" + std::to_string((dice >> 41) % kLists);
  const auto shot = marked_transfer(name, Deployment::name(from), account(8), Deployment::name(to),
                                    account(16), attempt.list);
  const auto done = assent.run(shot, name);
  attempt.told = done ? client::Fate::committed : done.error().fate;
  if (done)
    ++committed_;
  else
    std::this_thread::sleep_for(20ms);  // who is refused does not come back at once
  const std::lock_guard lock(mutex_);
  attempts_.push_back(std::move(attempt));
}

void Workload::read(client::Client& assent, const std::string& name) {
  const auto done = assent.run(locked_sum(deployment_), name);
  if (!done) return;
  ReadOfAll sum{0, true};
  for (const client::BranchOutcome& branch : done->branches) {
    // After a restart of the coordinator the outcome is known, and the results are not.
    if (branch.results.empty() || branch.results[0].rows.empty()) return;
    sum.cents += cents_of(text_of(branch.results[0].rows[0][0]));
  }
  const std::lock_guard lock(mutex_);
  reads_.push_back(sum);
  ++locked_reads_;
}

void Workload::tell(History& history) const {
  const std::lock_guard lock(mutex_);
  history.attempts.insert(history.attempts.end(), attempts_.begin(), attempts_.end());
  history.reads.insert(history.reads.end(), reads_.begin(), reads_.end());
}

}  // namespace assent::lab
