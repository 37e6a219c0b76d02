// What a participant whose database hangs costs the transactions that do not need it.
#include <cstdio>
#include <memory>
#include <stdexcept>

#include <libpq-fe.h>

#include "tests/bench/http_load.hpp"
#include "tests/bench/measures.hpp"
#include "tests/bench/others.hpp"
#include "tests/bench/site.hpp"

namespace assent::bench {
namespace {

using test::Deployment;

constexpr int kAccounts = 10'000;
constexpr std::size_t kOthers = 64;  // clients that go on asking for what hangs
constexpr double kOthersRate = 40;   // a second, of all of them
constexpr double kRate = 200;        // transfers between the two others

// Held until it goes.
class TableLock {
 public:
  explicit TableLock(const std::string& conninfo)
      : session_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> locked(
        PQexec(session_.get(), "begin; lock table account in access exclusive mode"), &PQclear);
    if (PQresultStatus(locked.get()) != PGRES_COMMAND_OK)
      throw std::runtime_error(PQerrorMessage(session_.get()));
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> session_;
};

enum class Third { left_alone, asked, hangs };
constexpr const char* kNames[] = {"left alone", "asked", "hangs"};

struct Side {
  std::vector<double> p50_ms;
  std::vector<double> p99_ms;
};

class Bulkhead {
 public:
  explicit Bulkhead(const BulkheadOptions& options)
      : options_(options), site_(3, kAccounts + static_cast<int>(kOthers), kOthers) {
    load_.port = site_.port();
    load_.participants = {Deployment::name(0), Deployment::name(1)};
    pace_.clients = 32;
    pace_.rate = kRate;
    pace_.measured = options.measured;
  }

  void measure(Third third) {
    std::unique_ptr<TableLock> lock;
    std::unique_ptr<Others> others;
    if (third == Third::hangs)
      lock =
          std::make_unique<TableLock>(site_.deployment().cluster(2).conninfo(Deployment::name(2)));
    if (third != Third::left_alone)
      others = std::make_unique<Others>(site_.port(), kOthers, kOthersRate, kAccounts + 1);
    Usage before;
    Usage after;
    Recorder recorder(pace_, {[&] { before = site_.usage(); }, [&] { after = site_.usage(); },
                              [](double, std::size_t) {}});
    run(load_, pace_, book_, recorder);
    const Others::Counts counts = others ? others->end() : Others::Counts{};
    const Latency latency = recorder.latency();
    Side& side = sides_[static_cast<std::size_t>(third)];
    side.p50_ms.push_back(latency.p50_ms);
    side.p99_ms.push_back(latency.p99_ms);
    const Usage used = after - before;
    const double share = 100 / recorder.seconds();
    std::fprintf(stderr,
                 "third bank %-10s  p50 %6.2f ms  p99 %6.2f ms  p99.9 %6.2f ms  CPU %%: client %.1f"
                 ", coordinator %.1f, participants %.1f, PostgreSQL %.1f; of the others %zu "
                 "committed, %zu refused, %zu left out\n",
                 kNames[static_cast<std::size_t>(third)], latency.p50_ms, latency.p99_ms,
                 latency.p999_ms, used.client_s * share, used.coordinator_s * share,
                 used.participants_s * share, used.postgres_s * share, counts.committed,
                 counts.refused, counts.left_out);
  }

  void run_turns() {
    constexpr Third kOrder[] = {Third::left_alone, Third::asked, Third::hangs};
    for (std::size_t turn = 0; turn < options_.turns; ++turn)
      for (std::size_t i = 0; i < 3; ++i) measure(kOrder[turn % 2 == 0 ? i : 2 - i]);
  }

  void report(Report& report) {
    const Side& alone = sides_[0];
    const Side& asked = sides_[1];
    const Side& hangs = sides_[2];
    report.add({"bulkhead-p50-ratio",
                {ratio_of_turns(hangs.p50_ms, alone.p50_ms)},
                "",
                {},
                "p50, likewise"});
    report.add({"bulkhead-p99-ratio-asked",
                {ratio_of_turns(hangs.p99_ms, asked.p99_ms)},
                "",
                1.2,
                "p99 over p99 while the third bank is asked as often, and does not hang"});
    report.add({"bulkhead-p99-ratio",
                {ratio_of_turns(hangs.p99_ms, alone.p99_ms)},
                "",
                1.2,
                "p99 of transfers between two banks, 200 a second, while a third bank's table is "
                "locked and asked for 40 times a second, over p99 while nobody asks for it"});
  }

 private:
  const BulkheadOptions options_;
  Site site_;
  Book book_{2, kAccounts};
  HttpLoad load_;
  Pace pace_;
  Side sides_[3];
};

}  // namespace

void measure_bulkhead(const BulkheadOptions& options, Report& report) {
  Bulkhead bulkhead(options);
  bulkhead.run_turns();
  bulkhead.report(report);
}

}  // namespace assent::bench
