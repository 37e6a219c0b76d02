#include <cmath>
#include <cstdlib>
#include <iostream>

#include "tests/lab/actors.hpp"
#include "tests/lab/campaign.hpp"
#include "tests/lab/checkers.hpp"
#include "tests/lab/points.hpp"
#include "tests/lab/workload.hpp"

namespace assent::lab {

using test::Deployment;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kRounds = 2;
constexpr std::size_t kMostRounds = 60;
constexpr const char* kBanks[] = {"bank_a", "bank_b"};
constexpr std::int64_t kCents = 200'000;  // in account 1 of both banks

// The positive control of what is told of isolation: with plain reads the anomalies must show, or
// whoever looks for them is blind; with locking reads they must be gone.
class Isolation {
 public:
  explicit Isolation(const std::filesystem::path& folder) : bank_(options(folder)) {
    for (std::size_t i = 0; i < bank_.size(); ++i)
      bank_.cluster(i).query("alter table account drop constraint account_balance_check",
                             Deployment::name(i));
    result_.campaign = "isolation";
  }

  CampaignResult run() {
    const History plain = observe("");
    const History locking = observe(" for update");
    const Anomalies shown = find_anomalies(plain);
    const Anomalies left = find_anomalies(locking);
    if (shown.fractured_reads == 0) blame("plain reads showed no fractured read");
    if (shown.write_skews == 0) blame("plain reads showed no write skew");
    for (std::string& sentence : check_bank(locking)) blame(std::move(sentence));
    if (left.write_skews > 0) blame("write skew in spite of locking reads");
    if (locking.reads.empty()) blame("no locking read came through");
    result_.figures = {{"fractured_reads", static_cast<double>(shown.fractured_reads)},
                       {"write_skews", static_cast<double>(shown.write_skews)},
                       {"locking_reads", static_cast<double>(locking.reads.size())},
                       {"write_skews_with_locking_reads", static_cast<double>(left.write_skews)}};
    if (!result_.violations.empty()) std::cerr << bank_.logs() << '\n';
    return result_;
  }

 private:
  static test::DeploymentOptions options(const std::filesystem::path& folder) {
    test::DeploymentOptions options;
    options.cluster.durable = false;
    // Two that lock in opposite order wait for each other until this is over.
    options.cluster.settings = {{"lock_timeout", "4s"}};
    options.folder = folder;
    options.faults = true;
    return options;
  }

  void blame(std::string sentence) { result_.violations.push_back(std::move(sentence)); }

  // Rounds of both, until each has come to something often enough.
  History observe(const std::string& lock) {
    History history;
    history.cents_before = history.cents_after = kCents;
    for (std::size_t round = 0; round < kMostRounds && history.reads.size() < kRounds; ++round) {
      ++result_.runs;
      reset();
      read_while_it_commits(history, lock);
    }
    order_at(bank_.participant_admin(1), "agent.verb.finish", "");
    for (std::size_t round = 0; round < kRounds; ++round) {
      ++result_.runs;
      reset();
      use_the_rule(history, lock, "/" + std::to_string(round));
    }
    return history;
  }

  // Nothing is under way, and both accounts are as at the start.
  void reset() {
    if (!bank_.settles()) throw std::runtime_error("something stays prepared");
    for (std::size_t i = 0; i < bank_.size(); ++i)
      bank_.cluster(i).query("update account set balance = 1000 where id = 1", Deployment::name(i));
  }

  // A transfer that bank_a has applied and bank_b has not yet, and a transaction that reads both.
  // Plain: it is of use only if it saw the half, which on a busy machine it may miss.
  void read_while_it_commits(History& history, const std::string& lock) {
    order_at(bank_.participant_admin(1), "agent.verb.finish", "delay:1500ms");
    Worker transfer;
    transfer.give([this] {
      client::Client client = bank_.client();
      static_cast<void>(client.run(test::transfer("bank_a", 1, "bank_b", 1, "100")));
    });
    const bool applied = dev::poll_until([this] { return bank_.balance(0, 1) == "900.00"; }, 20s);
    client::OneShot shot;
    for (const char* bank : kBanks)
      shot.branches.push_back(
          {bank, {{"select balance::text from account where id = 1" + lock, {}, {}}}, false});
    client::Client client = bank_.client();
    const auto done = client.run(shot);
    dev::poll_until([&] { return transfer.idle(); }, 30s);
    if (!applied || !done) return;
    ReadOfAll sum{0, !lock.empty()};
    for (const client::BranchOutcome& branch : done->branches)
      sum.cents += cents_of(branch.results.at(0).rows.at(0).at(0));
    if (sum.locked || sum.cents != kCents) history.reads.push_back(sum);
  }

  // The rule: together the accounts stay above zero. Each reads one, and takes 1500 of the other.
  void use_the_rule(History& history, const std::string& lock, const std::string& round) {
    client::Client client = bank_.client();
    client::Interactive options;
    options.timeout = options.idle_timeout = 30s;
    const auto one = client.begin(options);
    const auto two = client.begin(options);
    if (!one || !two) return;
    const std::string ids[] = {one->id, two->id};
    bool goes_on[] = {true, true};
    const auto each = [&](std::int64_t seq, bool reads) {
      for (std::size_t i = 0; i < 2; ++i) {
        const char* bank = kBanks[reads ? 1 - i : i];
        const std::string sql =
            reads ? "select balance::text from account where id = 1" + lock
                  : std::string("update account set balance = balance - 1500 where id = 1");
        if (goes_on[i])
          goes_on[i] = client.execute(ids[i], seq, {bank, {{sql, {}, {}}}, false}).has_value();
      }
    };
    each(1, true);
    each(2, false);
    for (std::size_t i = 0; i < 2; ++i) {
      const bool committed = goes_on[i] && client.commit(ids[i]).has_value();
      history.rule_users.push_back({ids[i], kBanks[1 - i] + round, kBanks[i] + round, committed});
    }
  }

  static std::int64_t cents_of(const client::Value& value) {
    const auto* text = std::get_if<std::string>(&value);
    return text ? std::llround(std::strtod(text->c_str(), nullptr) * 100) : 0;
  }

  Deployment bank_;
  CampaignResult result_;
};

}  // namespace

CampaignResult run_isolation(const std::filesystem::path& folder) {
  return Isolation(folder).run();
}

}  // namespace assent::lab
