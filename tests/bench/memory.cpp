#include <stdexcept>
#include <thread>

#include "tests/bench/in_doubt.hpp"
#include "tests/bench/measures.hpp"
#include "tests/bench/processes.hpp"

namespace assent::bench {
namespace {

using test::Deployment;

constexpr std::size_t kOpen = 5000;
constexpr std::size_t kWorking = 150;  // of them, with a statement run in both databases
constexpr double kIdleMib = 40;
constexpr double kOpenMib = 200;

void add_resident(Report& report, const std::string& when, Deployment& bank, double limit,
                  const std::string& remark) {
  report.add({"memory-" + when + "-coordinator",
              {resident_mib(bank.coordinator().pid())},
              "MiB",
              limit,
              remark});
  std::vector<double> participants;
  for (std::size_t i = 0; i < bank.size(); ++i)
    participants.push_back(resident_mib(bank.participant(i).pid()));
  report.add({"memory-" + when + "-participants", participants, "MiB", limit, remark});
}

void open_interactive(Deployment& bank) {
  client::Client client = bank.client();
  for (std::size_t n = 0; n < kOpen; ++n) {
    client::Interactive wanted;
    wanted.timeout = wanted.idle_timeout = std::chrono::minutes(10);
    const auto begun = client.begin(wanted);
    if (!begun) throw std::runtime_error("begin: " + begun.error().reason);
    if (n >= kWorking) continue;
    for (std::size_t i = 0; i < bank.size(); ++i) {
      const client::Branch work{Deployment::name(i),
                                {{"insert into account values ($1, 'open', 0)",
                                  {static_cast<std::int64_t>(2'000'000 + n)},
                                  1}}};
      const auto done = client.execute(begun->id, static_cast<std::int64_t>(i + 1), work);
      if (!done) throw std::runtime_error("execute: " + done.error().reason);
    }
  }
}

}  // namespace

void measure_memory(Report& report) {
  dev::ClusterOptions options;
  options.max_prepared_transactions = static_cast<int>(kOpen) + 100;
  {
    Deployment bank(2, options);
    add_resident(report, "idle", bank, kIdleMib, "started, linked, no transaction yet");
    for (std::size_t i = 0; i < bank.size(); ++i) {
      bank.kill_participant(i);
      bank.start_participant(i, {{"ASSENT_POOL_SESSIONS", std::to_string(kWorking)}});
    }
    bank.kill_coordinator();
    bank.start_coordinator();
    bank.await_ready();
    open_interactive(bank);
    add_resident(report, "5000-open", bank, kOpenMib,
                 "interactive, 150 of them with a statement run in both databases");
  }
  Deployment bank(2, options);
  leave_in_doubt(bank, kOpen);
  if (bank.prepared() != 2 * kOpen) throw std::runtime_error("not every branch is prepared");
  add_resident(report, "5000-in-doubt", bank, kOpenMib,
               "decided, prepared in both databases, commits lost on their way");
  bank.kill_coordinator();
  const auto start = Clock::now();
  bank.start_coordinator();
  await("nothing is prepared", std::chrono::seconds(120), [&] { return bank.prepared() == 0; });
  report.add({"in-doubt-10000-branches",
              {seconds_since(start)},
              "s",
              {},
              "the coordinator restarted at once"});
  add_resident(report, "after-in-doubt", bank, kOpenMib, "all of them resolved");
}

}  // namespace assent::bench
