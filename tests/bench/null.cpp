#include "tests/bench/null.hpp"

#include <cstdio>
#include <iostream>
#include <stdexcept>

#include <boost/json.hpp>

#include "clients/cpp/transport.hpp"
#include "clients/dev/machine.hpp"
#include "clients/dev/process.hpp"
#include "tests/bench/null_participants.hpp"
#include "tests/bench/processes.hpp"

namespace assent::bench {
namespace {

// A coordinator with a new ledger.
class Coordinator {
 public:
  Coordinator() : port_(dev::free_port()) {
    const std::string program = (dev::executable_folder() / "assent-coordinator").string();
    const std::string ledger = (folder_.path() / "ledger").string();
    dev::ProcessOptions init;
    init.argv = {program, "init", "--ledger", ledger};
    if (const auto made = dev::run(init); !made.status.ok())
      throw std::runtime_error("assent-coordinator init: " + made.output);
    dev::ProcessOptions serve;
    serve.argv = {program,
                  "--ledger",
                  ledger,
                  "--listen",
                  address(),
                  "--admin-listen",
                  "127.0.0.1:" + std::to_string(dev::free_port())};
    serve.log = folder_.path() / "log";
    process_.emplace(serve);
    if (!process_->wait_for_port(port_, std::chrono::seconds(20)))
      throw std::runtime_error(process_->log_tail());
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }
  pid_t pid() const { return process_->pid(); }

  void await(const std::vector<std::string>& participants) {
    HttpCall call;
    call.target = "/v1/participants";
    const auto ready = [&] {
      const auto answer = client::make_http_transport("http://" + address())->call(call);
      const auto* got = std::get_if<HttpAnswer>(&answer);
      std::size_t count = 0;
      constexpr std::string_view state = "\"state\":\"ready\"";
      for (std::size_t at = got ? got->body.find(state) : std::string::npos;
           at != std::string::npos; at = got->body.find(state, at + 1))
        ++count;
      return count == participants.size();
    };
    if (!dev::poll_until(ready, std::chrono::seconds(20)))
      throw std::runtime_error("the null participants did not become ready:\n" +
                               process_->log_tail());
  }

 private:
  dev::TemporaryFolder folder_{"assent-bench"};
  std::uint16_t port_;
  std::optional<dev::Process> process_;
};

}  // namespace

void measure_null(const NullOptions& options) {
  if (options.branches > options.participants)
    throw std::runtime_error("more branches than participants");
  Coordinator coordinator;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < options.participants; ++i) names.push_back("p" + std::to_string(i));
  const NullParticipants participants(names, coordinator.address());
  coordinator.await(names);

  HttpLoad load;
  load.port = coordinator.port();
  load.participants = names;
  Book book(options.branches, 1000);
  double coordinator_s = 0;
  double participants_s = 0;
  const auto sample = [&](double sign) {
    coordinator_s += sign * cpu_seconds(coordinator.pid());
    participants_s += sign * participants.cpu_seconds();
  };
  Recorder recorder(options.pace, {[&] { sample(-1); }, [&] { sample(1); },
                                   [](double seconds, std::size_t done) {
                                     std::fprintf(stderr, "  null %4.0f s  %8.0f/s\n", seconds,
                                                  static_cast<double>(done) / seconds);
                                   }});
  const HttpCounts counts = run(load, options.pace, book, recorder);
  if (counts.aborted != 0) throw std::runtime_error("not committed: " + counts.first_refusal);

  const double n = static_cast<double>(std::max<std::size_t>(recorder.count(), 1));
  const double coordinator_us = coordinator_s / n * 1e6;
  const Latency latency = recorder.latency();
  std::printf(
      "%.0f transactions/s, p50 %.2f ms, p99 %.2f ms; coordinator %.1f us of CPU each: "
      "one core would carry %.0f/s\n",
      recorder.rate(), latency.p50_ms, latency.p99_ms, coordinator_us, 1e6 / coordinator_us);
  const boost::json::object object{
      {"tps", recorder.rate()},
      {"clients", options.pace.clients},
      {"branches", options.branches},
      {"participants", options.participants},
      {"latency_ms", {{"p50", latency.p50_ms}, {"p95", latency.p95_ms}, {"p99", latency.p99_ms}}},
      {"cpu_us_per_tx",
       {{"coordinator", coordinator_us}, {"participants", participants_s / n * 1e6}}},
      {"tps_per_core", 1e6 / coordinator_us}};
  std::cout << boost::json::serialize(object) << std::endl;
}

}  // namespace assent::bench
