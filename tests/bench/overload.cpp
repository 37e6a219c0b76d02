// What thousands of slow connections cost honest clients.
#include <cstdio>
#include <memory>

#include "tests/bench/http_load.hpp"
#include "tests/bench/measures.hpp"
#include "tests/bench/processes.hpp"
#include "tests/bench/site.hpp"
#include "tests/bench/slow.hpp"

namespace assent::bench {
namespace {

constexpr int kAccounts = 10'000;
constexpr std::size_t kFreshEvery = 10;  // as a load balancer would
constexpr std::chrono::milliseconds kTrickle{2'000};
constexpr std::size_t kSpareDescriptors = 1024;
// Until the first of them are closed by the server, and all goes as it will go on.
constexpr std::chrono::milliseconds kSettling{12'000};

class Overload {
 public:
  explicit Overload(const OverloadOptions& options) : options_(options) {
    load_.port = site_.port();
    load_.participants = site_.participants();
    load_.fresh_every = kFreshEvery;
    load_.tolerant = true;
    pace_.clients = 32;
    pace_.rate = options.rate;
  }

  void run_turns() {
    for (std::size_t turn = 0; turn < options_.turns; ++turn) {
      // The one first, then the other: what comes and goes on the machine favours neither.
      measure(turn % 2 == 1);
      measure(turn % 2 == 0);
    }
  }

  void report(Report& report) {
    report.add({"overload-p50-ratio", {ratio_of_turns(with_.p50_ms, without_.p50_ms)}, "", {}, ""});
    report.add({"overload-p99-ratio",
                {ratio_of_turns(with_.p99_ms, without_.p99_ms)},
                "",
                3.0,
                "p99 of transfers, a fresh connection for every tenth, beside " +
                    std::to_string(options_.slow) +
                    " connections whose headers come a byte each 2 s, over p99 without"});
    report.add({"overload-refused",
                {static_cast<double>(refused_)},
                "",
                0.0,
                "transfers of honest clients that were not answered with a commit"});
    report.add({"overload-resident",
                {resident_mib(site_.deployment().coordinator().pid())},
                "MiB",
                {},
                "of the coordinator, at the end"});
  }

 private:
  struct Side {
    std::vector<double> p50_ms;
    std::vector<double> p99_ms;
  };

  void measure(bool with_slow) {
    std::unique_ptr<SlowConnections> slow;
    Pace pace = pace_;
    pace.measured = options_.measured;
    if (with_slow) {
      slow = std::make_unique<SlowConnections>(site_.port(), options_.slow, kTrickle);
      pace.warm_up = kSettling;
    }
    Usage before;
    Usage after;
    Recorder recorder(pace, {[&] { before = site_.usage(); }, [&] { after = site_.usage(); },
                             [](double, std::size_t) {}});
    const HttpCounts counts = run(load_, pace, book_, recorder);
    const Latency latency = recorder.latency();
    Side& side = with_slow ? with_ : without_;
    side.p50_ms.push_back(latency.p50_ms);
    side.p99_ms.push_back(latency.p99_ms);
    refused_ += counts.refused + counts.aborted;
    const Usage used = after - before;
    const double share = 100 / recorder.seconds();
    std::fprintf(stderr,
                 "%-8s slow  p50 %6.2f ms  p99 %6.2f ms  p99.9 %6.2f ms  CPU %%: clients %.1f, "
                 "coordinator %.1f, participants %.1f, PostgreSQL %.1f; refused %llu; slow ones "
                 "open %zu, opened %zu\n",
                 with_slow ? "with" : "without", latency.p50_ms, latency.p99_ms, latency.p999_ms,
                 used.client_s * share, used.coordinator_s * share, used.participants_s * share,
                 used.postgres_s * share, static_cast<unsigned long long>(counts.refused),
                 slow ? slow->open() : 0, slow ? slow->opened() : 0);
  }

  const OverloadOptions options_;
  Site site_{2, kAccounts, 64};
  Book book_{2, kAccounts};
  HttpLoad load_;
  Pace pace_;
  Side without_;
  Side with_;
  std::uint64_t refused_ = 0;
};

}  // namespace

void measure_overload(const OverloadOptions& options, Report& report) {
  allow_descriptors(options.slow + kSpareDescriptors);
  Overload overload(options);
  overload.run_turns();
  overload.report(report);
}

}  // namespace assent::bench
