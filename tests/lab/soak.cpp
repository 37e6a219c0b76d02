#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <random>
#include <thread>

#include "tests/lab/campaign.hpp"
#include "tests/lab/checkers.hpp"
#include "tests/lab/growth.hpp"
#include "tests/lab/points.hpp"
#include "tests/lab/proxy.hpp"
#include "tests/lab/workload.hpp"

namespace assent::lab {

using test::Deployment;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBanks = 2;
constexpr std::size_t kClients = 4;

// First everything fills that is kept for a while. Many transactions without a fault, before the
// time begins to count: the history, which is small here, the feed of events, measures. Then, for
// the first half of the time, under faults: pools, prepared statements, the allocator's stock, and
// what was blocked in the last fifteen minutes, of which each fault leaves a trace. The rest is
// judged, in rounds that are all alike; at the begin and after each of them all comes to rest, is
// checked, and what is used is read.
class Soak {
 public:
  Soak(const fs::path& folder, std::uint64_t seed)
      : seed_(seed), random_(seed), bank_(options(folder)) {
    install_workload(bank_);
    cents_ = bank_.total();
    result_.campaign = "soak";
  }

  CampaignResult run(double minutes) {
    watch_growth(bank_, result_, minutes, filled_,
                 {[this](std::chrono::duration<double> time) { disturb_for(time); },
                  [this] { rest(); }, [this] { judge(); }});
    return result_;
  }

 private:
  test::DeploymentOptions options(const fs::path& folder) {
    test::DeploymentOptions options;
    options.participants = kBanks;
    options.cluster.durable = false;
    options.folder = folder;
    options.faults = true;
    options.coordinator_env = small_history();
    options.route = [this](const std::string& link, std::uint16_t port) {
      auto& proxy = proxies_[link];
      if (!proxy) proxy = std::make_unique<Proxy>(port);
      return proxy->port();
    };
    return options;
  }

  void disturb_for(std::chrono::duration<double> time) {
    const auto end = std::chrono::steady_clock::now() + time;
    Workload load(bank_, kClients, random_(), std::to_string(++round_));
    while (std::chrono::steady_clock::now() < end) {
      const std::size_t before = load.committed();
      ++result_.runs;
      disturb();
      if (!dev::poll_until([&] { return load.committed() > before; }, 60s))
        result_.violations.push_back("nothing was committed for a minute");
    }
    load.stop();
    committed_ += load.committed();
    history_ = {};
    load.tell(history_);
  }

  void disturb() {
    const std::size_t site = random_() % kBanks;
    dev::Cluster& cluster = bank_.cluster(site);
    Proxy& link =
        *proxies_.at(Deployment::name(site) + (random_() % 2 == 0 ? "-coordinator" : "-database"));
    switch (random_() % 7) {
      case 0:
        return hang(bank_.coordinator());
      case 1:
        return hang(bank_.participant(site));
      case 2:
        cluster.crash();
        return cluster.start();
      case 3:
        cluster.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = "
            "'assent_participant'");
        return;
      case 4:
        return link.reset();
      case 5:
        link.hold(Direction::both);
        std::this_thread::sleep_for(300ms);  // how long the partition lasts
        return link.heal();
      default:
        return order_at(bank_.coordinator_admin(),
                        random_() % 2 == 0 ? "engine.send.commit" : "engine.send.abort", "error@1");
    }
  }

  void hang(dev::Process& process) {
    process.signal(SIGSTOP);
    std::this_thread::sleep_for(300ms);  // how long it hangs
    process.signal(SIGCONT);
  }

  void rest() {
    bank_.await_ready();
    if (!dev::poll_until([&] { return is_at_rest(bank_); }, 30s))
      result_.violations.push_back("something has not ended after 30 seconds at rest");
    readings_.push_back(read_use(bank_));
    const Use& use = readings_.back();
    history_.cents_before = cents_;
    observe(bank_, history_);
    for (std::string& sentence : check_all(history_))
      result_.violations.push_back(std::move(sentence));
    std::cerr << result_.runs << " disturbances, " << filled_ + committed_ << " committed, "
              << use.memory_kib << " KiB, " << use.descriptors << " descriptors, "
              << use.connections << " connections, " << use.slots << " slots, " << use.journal_rows
              << " journal rows, " << use.overdue_rows << " overdue" << std::endl;
    if (!result_.violations.empty()) return;  // as it is, for whoever looks
    age_journal(bank_);
    clear_workload(bank_);  // a longer list makes a slower round
  }

  void judge() {
    if (readings_.empty()) return;
    result_.figures = {{"seed", static_cast<double>(seed_)},
                       {"committed", static_cast<double>(filled_ + committed_)},
                       {"in_doubt_at_end", readings_.back().slots},
                       {"readings", static_cast<double>(readings_.size())}};
    judge_growth(readings_, result_);
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  std::map<std::string, std::unique_ptr<Proxy>> proxies_;
  Deployment bank_;
  History history_;  // of the latest round
  std::int64_t cents_ = 0;
  std::vector<Use> readings_;
  CampaignResult result_;
  std::size_t round_ = 0;
  std::size_t filled_ = 0;     // transactions, beforehand
  std::size_t committed_ = 0;  // since then
};

}  // namespace

CampaignResult run_soak(const fs::path& folder, double minutes, std::uint64_t seed) {
  return Soak(folder, seed).run(minutes);
}

}  // namespace assent::lab
