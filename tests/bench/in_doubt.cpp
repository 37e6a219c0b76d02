#include "tests/bench/in_doubt.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

#include "tests/bench/measures.hpp"
#include "tests/bench/processes.hpp"

namespace assent::bench {
namespace {

using test::Deployment;

constexpr std::size_t kTransactions = 500;
// Long enough for participants to have fallen into their longest pause between two dials.
constexpr std::chrono::seconds kOutage{6};

void run_one(client::Client& client, std::size_t number) {
  client::OneShot shot;
  for (const char* bank : {"bank_a", "bank_b"})
    shot.branches.push_back({bank,
                             {{"insert into account values ($1, 'in doubt', 0)",
                               {static_cast<std::int64_t>(1'000'000 + number)},
                               1}}});
  shot.wait_for = client::WaitFor::decided;
  if (const auto done = client.run(shot); !done)
    throw std::runtime_error("a transaction was not decided: " + done.error().reason);
}

void forget_rows(Deployment& bank) {
  for (std::size_t i = 0; i < bank.size(); ++i)
    bank.cluster(i).query("delete from account where id >= 1000000", Deployment::name(i));
}

// From `start` until nothing of ours is prepared.
double seconds_to_none(Deployment& bank, Clock::time_point start) {
  await("nothing is prepared", std::chrono::seconds(60), [&] { return bank.prepared() == 0; });
  return seconds_since(start);
}

void expect_prepared(Deployment& bank, std::size_t branches) {
  const std::size_t prepared = bank.prepared();
  if (prepared != branches)
    throw std::runtime_error(std::to_string(prepared) + " branches are prepared, not " +
                             std::to_string(branches));
}

}  // namespace

void leave_in_doubt(Deployment& bank, std::size_t transactions) {
  for (std::size_t i = 0; i < bank.size(); ++i) {
    bank.kill_participant(i);
    bank.start_participant(i, {{"ASSENT_LIMITS_BRANCHES", std::to_string(transactions + 100)}});
  }
  bank.kill_coordinator();
  bank.start_coordinator({{"ASSENT_CRASH_POINTS", "engine.send.commit=error@1+"}});
  bank.await_ready();
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> failed{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      client::Client client = bank.client();
      try {
        for (std::size_t n = next++; n < transactions; n = next++) run_one(client, n);
      } catch (const std::exception&) {
        ++failed;
      }
    });
  for (std::thread& each : clients) each.join();
  if (failed != 0) throw std::runtime_error("not every transaction was decided\n" + bank.logs());
}

void measure_in_doubt(Report& report) {
  dev::ClusterOptions options;
  options.max_prepared_transactions = 1100;
  Deployment bank(2, options);
  std::vector<double> briefly;
  std::vector<double> long_away;
  std::vector<double> participants;
  for (int i = 0; i < 3; ++i) {
    for (const bool at_once : {true, false}) {
      leave_in_doubt(bank, kTransactions);
      bank.kill_coordinator();
      if (!at_once) std::this_thread::sleep_for(kOutage);
      expect_prepared(bank, 2 * kTransactions);
      const auto start = Clock::now();
      bank.start_coordinator();
      (at_once ? briefly : long_away).push_back(seconds_to_none(bank, start));
      forget_rows(bank);
    }
    leave_in_doubt(bank, kTransactions);
    for (std::size_t each = 0; each < bank.size(); ++each) bank.kill_participant(each);
    bank.kill_coordinator();
    bank.start_coordinator();
    expect_prepared(bank, 2 * kTransactions);
    const auto start = Clock::now();
    for (std::size_t each = 0; each < bank.size(); ++each) bank.start_participant(each);
    participants.push_back(seconds_to_none(bank, start));
    forget_rows(bank);
  }
  const double limit = 3.0;
  report.add({"in-doubt-coordinator-restart", briefly, "s", limit, "killed, started at once"});
  report.add({"in-doubt-coordinator-outage", long_away, "s", limit,
              "killed, started after 6 s: participants' pauses between dials at their longest"});
  report.add({"in-doubt-participants-restart", participants, "s", limit,
              "both participants started beside a running coordinator"});
}

}  // namespace assent::bench
