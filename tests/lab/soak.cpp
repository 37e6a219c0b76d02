#include <csignal>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <thread>

#include "tests/lab/campaign.hpp"
#include "tests/lab/checkers.hpp"
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
constexpr double kMostDrift = 0.05;

// What processes and databases use when nothing is asked of them.
struct Use {
  double memory_kib = 0;
  double descriptors = 0;
  double connections = 0;
  double prepared = 0;
  double journal_rows = 0;
};

void add_process(Use& use, pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream status(folder + "/status");
  for (std::string word; status >> word;)
    if (word == "VmRSS:") {
      double kib = 0;
      status >> kib;
      use.memory_kib += kib;
    }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder + "/fd", ignored)) {
    static_cast<void>(entry);
    ++use.descriptors;
  }
}

class Soak {
 public:
  Soak(const fs::path& folder, std::uint64_t seed)
      : seed_(seed), random_(seed), bank_(options(folder)) {
    install_workload(bank_);
    history_.cents_before = bank_.total();
    result_.campaign = "soak";
    // Short, so that what is kept for a while is in its steady state after the warm-up.
    bank_.kill_coordinator();
    bank_.start_coordinator({{"ASSENT_HISTORY_KEEP", "20s"}, {"ASSENT_HISTORY_COUNT", "2000"}});
    bank_.await_ready();
  }

  CampaignResult run(double minutes) {
    const std::chrono::duration<double> whole(minutes * 60);
    disturb_for(whole / 3);
    const Use before = at_rest();
    disturb_for(whole * 2 / 3);
    const Use after = at_rest();
    compare(before, after);
    return result_;
  }

 private:
  test::DeploymentOptions options(const fs::path& folder) {
    test::DeploymentOptions options;
    options.participants = kBanks;
    options.cluster.durable = false;
    options.folder = folder;
    options.faults = true;
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

  Use at_rest() {
    bank_.await_ready();
    if (!bank_.settles(30s)) result_.violations.push_back("something stays prepared");
    History now = history_;
    observe(bank_, now);
    for (std::string& sentence : check_all(now)) result_.violations.push_back(std::move(sentence));
    Use use;
    add_process(use, bank_.coordinator().pid());
    use.prepared = static_cast<double>(bank_.prepared());
    for (std::size_t i = 0; i < kBanks; ++i) {
      add_process(use, bank_.participant(i).pid());
      const auto count = [&](const char* sql) {
        return std::stod(bank_.cluster(i).value(sql, Deployment::name(i)));
      };
      use.connections +=
          count("select count(*) from pg_stat_activity where usename = 'assent_participant'");
      use.journal_rows += count("select count(*) from assent.outcome");
    }
    std::cerr << result_.runs << " disturbances, " << committed_ << " committed, " << use.memory_kib
              << " KiB, " << use.descriptors << " descriptors, " << use.connections
              << " connections, " << use.journal_rows << " journal rows" << std::endl;
    return use;
  }

  // As a part of what it was; from nothing, as it is.
  static double growth(double from, double to) { return from > 0 ? (to - from) / from : to; }

  void compare(const Use& before, const Use& after) {
    const auto drift = [&](const std::string& what, double from, double to) {
      const double part = growth(from, to);
      result_.figures.emplace_back(what + "_drift", part);
      if (part > kMostDrift)
        result_.violations.push_back(what + " grew from " + std::to_string(from) + " to " +
                                     std::to_string(to));
    };
    result_.figures = {{"seed", static_cast<double>(seed_)},
                       {"committed", static_cast<double>(committed_)},
                       {"in_doubt_at_end", after.prepared}};
    drift("memory", before.memory_kib, after.memory_kib);
    drift("descriptors", before.descriptors, after.descriptors);
    drift("connections", before.connections, after.connections);
    // Journal rows grow with the work until their retention is over: told, not judged.
    result_.figures.emplace_back("journal_rows", after.journal_rows);
    result_.figures.emplace_back("journal_rows_drift",
                                 growth(before.journal_rows, after.journal_rows));
    result_.figures.emplace_back("slots_drift", growth(before.prepared, after.prepared));
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  std::map<std::string, std::unique_ptr<Proxy>> proxies_;
  Deployment bank_;
  History history_;
  CampaignResult result_;
  std::size_t round_ = 0;
  std::size_t committed_ = 0;
};

}  // namespace

CampaignResult run_soak(const fs::path& folder, double minutes, std::uint64_t seed) {
  return Soak(folder, seed).run(minutes);
}

}  // namespace assent::lab
