#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/bench/bare.hpp"
#include "tests/bench/measures.hpp"
#include "tests/bench/processes.hpp"
#include "tests/integration/system/deployment.hpp"

namespace assent::bench {
namespace {

using test::Deployment;

constexpr std::chrono::seconds kWarmUp{1};
constexpr std::chrono::seconds kMeasured{4};
constexpr int kAccounts = 10'000;

struct Outcome {
  double rate = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double coordinator_us = 0;   // CPU for each transaction
  double participants_us = 0;  // of both together
};

double percentile(std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return sorted[at];
}

// One transfer after another from each client, each timed; `transfer` is made once a client.
Outcome closed_loop(std::size_t clients, const std::function<Transfer(std::size_t)>& make,
                    const std::function<std::pair<double, double>()>& cpu) {
  std::atomic<int> phase{0};  // warming up, measuring, over
  std::atomic<bool> failed{false};
  std::vector<std::vector<double>> times(clients);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < clients; ++i)
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      try {
        const Transfer transfer = make(i);
        while (phase != 2) {
          const int from = 1 + static_cast<int>(random() % kAccounts);
          const int to = 1 + static_cast<int>(random() % kAccounts);
          const auto start = Clock::now();
          transfer(from, to);
          if (phase == 1) times[i].push_back(seconds_since(start) * 1000);
        }
      } catch (const std::exception& error) {
        std::fprintf(stderr, "transfer: %s\n", error.what());
        failed = true;
      }
    });
  std::this_thread::sleep_for(kWarmUp);
  const auto before = cpu();
  const auto start = Clock::now();
  phase = 1;
  std::this_thread::sleep_for(kMeasured);
  phase = 2;
  const double seconds = seconds_since(start);
  const auto after = cpu();
  for (std::thread& each : threads) each.join();
  if (failed) throw std::runtime_error("a transfer failed");
  std::vector<double> all;
  for (const auto& each : times) all.insert(all.end(), each.begin(), each.end());
  std::sort(all.begin(), all.end());
  const auto count = static_cast<double>(std::max<std::size_t>(all.size(), 1));
  return {count / seconds, percentile(all, 0.5), percentile(all, 0.99),
          (after.first - before.first) / count * 1e6, (after.second - before.second) / count * 1e6};
}

Outcome with_assent(Deployment& bank, std::size_t clients) {
  const auto make = [&bank](std::size_t) -> Transfer {
    const auto client = std::make_shared<client::Client>(bank.url());
    return [client](int from, int to) {
      const auto done = client->run(test::transfer("bank_a", from, "bank_b", to, "0.01"));
      if (!done || done->pending)
        throw std::runtime_error(done ? "a branch is pending" : done.error().reason);
    };
  };
  return closed_loop(clients, make, [&bank] {
    double participants = 0;
    for (std::size_t i = 0; i < bank.size(); ++i)
      participants += cpu_seconds(bank.participant(i).pid());
    return std::pair(cpu_seconds(bank.coordinator().pid()), participants);
  });
}

Outcome bare(Deployment& bank, std::size_t clients) {
  const auto make = [&bank](std::size_t client) {
    return bare_transfer(bank.cluster(0).conninfo("bank_a"), bank.cluster(1).conninfo("bank_b"),
                         static_cast<int>(client));
  };
  return closed_loop(clients, make, [] { return std::pair(0.0, 0.0); });
}

}  // namespace

void measure_transfers(Report& report) {
  Deployment bank;
  for (std::size_t i = 0; i < bank.size(); ++i)
    bank.cluster(i).query("insert into account select id, 'customer', 1000 from generate_series(" +
                              std::string("101, ") + std::to_string(kAccounts) + ") id",
                          Deployment::name(i));
  for (const std::size_t clients : {1, 8, 32}) {
    std::vector<double> rate, p50, p99, coordinator, participants, bare_rate, bare_p50, share;
    for (int i = 0; i < 3; ++i) {
      const Outcome raw = bare(bank, clients);
      const Outcome ours = with_assent(bank, clients);
      rate.push_back(ours.rate);
      p50.push_back(ours.p50_ms);
      p99.push_back(ours.p99_ms);
      coordinator.push_back(ours.coordinator_us);
      participants.push_back(ours.participants_us);
      bare_rate.push_back(raw.rate);
      bare_p50.push_back(raw.p50_ms);
      share.push_back(ours.rate / raw.rate);
    }
    const std::string at = "-" + std::to_string(clients);
    report.add({"transfers" + at, rate, "1/s", {}, "answered when both branches have applied"});
    report.add({"transfers" + at + "-p50", p50, "ms", {}, ""});
    report.add({"transfers" + at + "-p99", p99, "ms", {}, ""});
    report.add({"transfers" + at + "-cpu-coordinator", coordinator, "us", {}, "a transaction"});
    report.add({"transfers" + at + "-cpu-participants",
                participants,
                "us",
                {},
                "a transaction, both together"});
    report.add({"bare" + at, bare_rate, "1/s", {}, "libpq, two-phase commit, no decision record"});
    report.add({"bare" + at + "-p50", bare_p50, "ms", {}, ""});
    report.add({"transfers" + at + "-of-bare", share, "", {}, "each beside its own bare run"});
  }
}

}  // namespace assent::bench
