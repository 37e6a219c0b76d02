// The decision log without anything around it: records made durable while so many wait. (Reading
// them: micro.cpp.)
#include <stdexcept>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "clients/dev/machine.hpp"
#include "coordinator/log/file_log.hpp"
#include "tests/bench/ledger_records.hpp"
#include "tests/bench/measures.hpp"
#include "tests/bench/processes.hpp"

namespace assent::bench {
namespace {

namespace net = boost::asio;

constexpr std::chrono::seconds kMeasured{3};
constexpr std::uint64_t kSegmentBytes = 64 << 20;

// Each durable record makes room for the next.
double records_per_second(FileLog& log, Epoch epoch, std::size_t waiting) {
  net::io_context io;
  const auto busy = net::make_work_guard(io);
  RecordNumber taken = 0;
  RecordNumber durable = 0;
  LogHost host;
  host.post = [&io](std::function<void()> task) { net::post(io, std::move(task)); };
  host.on_durable = [&durable](RecordNumber up_to) { durable = up_to; };
  host.on_failed = [](const std::string& what) { throw std::runtime_error(what); };
  host.snapshot = [] { return std::vector<LogRecord>(); };  // all is finished and forgotten
  log.start(std::move(host));
  const CommitRecord record = commit_record(1, epoch);
  const auto start = Clock::now();
  while (Clock::now() - start < kMeasured) {
    while (taken < durable + waiting)
      if (!log.append(++taken, record)) throw std::runtime_error("no room in the log");
    log.flush();
    io.run_one();
  }
  return static_cast<double>(durable) / seconds_since(start);
}

}  // namespace

void measure_log(Report& report) {
  for (const std::size_t waiting : {1, 8, 64}) {
    dev::TemporaryFolder folder("assent-bench");
    const FileLogOptions options{(folder.path() / "ledger").string(), kSegmentBytes, false};
    if (const auto made = FileLog::init(options); !made)
      throw std::runtime_error(made.error().message);
    auto opened = FileLog::open(options);
    if (!opened) throw std::runtime_error(opened.error().message);
    report.add({"log-records-" + std::to_string(waiting),
                {records_per_second(*opened->log, opened->start.epoch, waiting)},
                "1/s",
                {},
                "made durable, so many waiting at a time"});
  }
}

}  // namespace assent::bench
