#include <exception>
#include <iostream>
#include <memory>
#include <random>

#include "tests/lab/campaign.hpp"
#include "tests/lab/checkers.hpp"
#include "tests/lab/workload.hpp"

namespace assent::lab {

using test::Deployment;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kBanks = 3;
constexpr std::size_t kClients = 4;
constexpr std::size_t kCommitsBetween = 3;
constexpr std::size_t kCyclesBetweenChecks = 50;
constexpr auto kProgress = 60s;

class KillLoop {
 public:
  KillLoop(const std::filesystem::path& folder, std::uint64_t seed)
      : seed_(seed), random_(seed), bank_(options(folder)) {
    install_workload(bank_);
    history_.cents_before = bank_.total();
    result_.campaign = "kill-loop";
    begin_round();
  }

  CampaignResult run(std::size_t cycles) {
    try {
      while (result_.runs < cycles && result_.violations.empty()) cycle(cycles);
    } catch (const std::exception& error) {
      result_.violations.push_back(error.what());
    }
    if (!result_.violations.empty()) std::cerr << bank_.logs() << '\n';
    result_.figures = {{"seed", static_cast<double>(seed_)},
                       {"committed", static_cast<double>(committed_)},
                       {"transactions", static_cast<double>(history_.attempts.size())},
                       {"locked_reads", static_cast<double>(history_.reads.size())}};
    return result_;
  }

 private:
  void cycle(std::size_t cycles) {
    ++result_.runs;
    const std::size_t before = load_->committed();
    const bool moves =
        dev::poll_until([&] { return load_->committed() >= before + kCommitsBetween; }, kProgress);
    if (!moves)
      result_.violations.push_back("cycle " + std::to_string(result_.runs) +
                                   ": nothing was committed for a minute");
    kill_somebody();
    if (result_.runs % kCyclesBetweenChecks == 0 || result_.runs == cycles) check();
  }

  static test::DeploymentOptions options(const std::filesystem::path& folder) {
    test::DeploymentOptions options;
    options.participants = kBanks;
    options.cluster.durable = false;  // processes die, the machine does not
    options.folder = folder;
    return options;
  }

  void begin_round() {
    load_ = std::make_unique<Workload>(bank_, kClients, random_(), std::to_string(++round_));
  }

  // Sometimes with a second victim while the first is down.
  void kill_somebody() {
    const std::size_t first = random_() % (1 + 2 * kBanks);
    const std::size_t second = random_() % 4 == 0 ? random_() % (1 + 2 * kBanks) : first;
    kill(first);
    if (second != first) kill(second);
    start(first);
    if (second != first) start(second);
  }

  void kill(std::size_t victim) {
    if (victim == 0) return bank_.kill_coordinator();
    const std::size_t site = (victim - 1) % kBanks;
    if (victim <= kBanks) return bank_.kill_participant(site);
    bank_.cluster(site).crash();
  }

  void start(std::size_t victim) {
    if (victim == 0) return bank_.start_coordinator();
    const std::size_t site = (victim - 1) % kBanks;
    if (victim <= kBanks) return bank_.start_participant(site);
    bank_.cluster(site).start();
  }

  void check() {
    // Where processes die all the time, a transaction over every bank rarely comes through.
    const std::size_t before = load_->locked_reads();
    if (!dev::poll_until([&] { return load_->locked_reads() > before; }, kProgress))
      result_.violations.push_back("no locked read came through although nothing failed");
    load_->stop();
    committed_ += load_->committed();
    load_->tell(history_);
    bank_.await_ready();
    if (!bank_.settles(20s)) result_.violations.push_back("something stays prepared");
    History now = history_;
    observe(bank_, now);
    for (std::string& sentence : check_all(now)) result_.violations.push_back(std::move(sentence));
    std::cerr << "cycle " << result_.runs << ": " << committed_ << " committed, "
              << result_.violations.size() << " violations" << std::endl;
    begin_round();
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  Deployment bank_;
  History history_;
  CampaignResult result_;
  std::size_t round_ = 0;
  std::size_t committed_ = 0;
  std::unique_ptr<Workload> load_;
};

}  // namespace

CampaignResult run_kill_loop(const std::filesystem::path& folder, std::size_t cycles,
                             std::uint64_t seed) {
  return KillLoop(folder, seed).run(cycles);
}

}  // namespace assent::lab
