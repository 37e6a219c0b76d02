// A ledger of 100 MB: commits of two branches, all but a few ended, in one segment large enough
// that nothing was thrown away. (With segments of the usual size the log stays far smaller.)
#include <stdexcept>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "clients/cpp/transport.hpp"
#include "clients/dev/machine.hpp"
#include "clients/dev/process.hpp"
#include "coordinator/log/file_log.hpp"
#include "coordinator/log/inspection.hpp"
#include "tests/bench/ledger_records.hpp"
#include "tests/bench/measures.hpp"
#include "tests/bench/processes.hpp"

namespace assent::bench {
namespace {

namespace net = boost::asio;

constexpr std::uint64_t kSegmentBytes = 256 << 20;  // half of one is used at most
constexpr std::uint64_t kLedgerBytes = 100'000'000;
constexpr std::size_t kUnfinishedEvery = 1000;  // one commit in so many has no end

// Appends in batches, each of them durable before the next. The first segments are small, and what
// they held is gone when a larger one opens, but for what is unfinished.
class Writer {
 public:
  explicit Writer(FileLog::Opened& opened) : log_(*opened.log) {
    LogHost host;
    host.post = [this](std::function<void()> task) { net::post(io_, std::move(task)); };
    host.on_durable = [this](RecordNumber up_to) { durable_ = up_to; };
    host.on_failed = [](const std::string& what) { throw std::runtime_error(what); };
    host.snapshot = [this] {
      dropped_ = taken_;
      return kept_;
    };
    log_.start(std::move(host));
  }
  void append(const LogRecord& record) {
    while (!log_.append(taken_ + 1, record)) {  // until the next segment's zeros are on disk
      log_.flush();
      io_.run_one_for(std::chrono::milliseconds(10));
    }
    ++taken_;
  }
  void append_kept(const LogRecord& record) {
    append(record);
    kept_.push_back(record);
  }
  // Records in the log beside those that are kept.
  std::uint64_t in_log() const { return taken_ - dropped_; }
  void sync() {
    log_.flush();
    while (durable_ < taken_) io_.run_one();
  }

 private:
  net::io_context io_;
  net::executor_work_guard<net::io_context::executor_type> busy_{io_.get_executor()};
  FileLog& log_;
  RecordNumber taken_ = 0;
  RecordNumber durable_ = 0;
  RecordNumber dropped_ = 0;
  std::vector<LogRecord> kept_;
};

std::uint64_t ledger_bytes(const std::string& folder) {
  const auto contents = verify_log(folder);
  if (!contents) throw std::runtime_error(contents.error().message);
  std::uint64_t bytes = 0;
  for (const LedgerSegment& segment : contents->chain) bytes += segment.end;
  return bytes;
}

// How many transactions it holds, and how many of these are unfinished.
struct Made {
  std::size_t transactions = 0;
  std::size_t unfinished = 0;
};
Made make_ledger(const std::string& folder) {
  const FileLogOptions options{folder, kSegmentBytes, false};
  if (const auto made = FileLog::init(options); !made)
    throw std::runtime_error(made.error().message);
  auto opened = FileLog::open(options);
  if (!opened) throw std::runtime_error(opened.error().message);
  Writer writer(*opened);
  writer.append_kept(opened->start);
  writer.append_kept(MemberRecord{"bank_a", kBankA, 0});
  writer.append_kept(MemberRecord{"bank_b", kBankB, 0});
  writer.sync();
  // How large a pair is, is seen from the first thousand.
  const std::uint64_t before = ledger_bytes(folder);
  Made made;
  std::size_t wanted = 1000;  // in the log
  while (writer.in_log() / 2 < wanted) {
    for (std::size_t i = 0; i < 1000; ++i) {
      const CommitRecord record = commit_record(++made.transactions, opened->start.epoch);
      if (made.transactions % kUnfinishedEvery == 0) {
        writer.append_kept(record);
        ++made.unfinished;
        continue;
      }
      writer.append(record);
      writer.append(EndRecord{
          record.tx, record.sequence, {{"bank_a", record.sequence}, {"bank_b", record.sequence}}});
    }
    writer.sync();
    if (made.transactions == 1000)
      wanted = (kLedgerBytes - before) / ((ledger_bytes(folder) - before) / 1000);
  }
  made.transactions = writer.in_log() / 2;
  return made;
}

double start_seconds(const std::string& folder, const std::string& segment_bytes,
                     const std::string& log, double& resident) {
  const std::string api = "127.0.0.1:" + std::to_string(dev::free_port());
  const std::string admin = "127.0.0.1:" + std::to_string(dev::free_port());
  dev::ProcessOptions options;
  options.argv = {(dev::executable_folder() / "assent-coordinator").string(),
                  "--ledger",
                  folder,
                  "--listen",
                  api,
                  "--admin-listen",
                  admin,
                  "--segment-bytes",
                  segment_bytes};
  options.log = log;
  const auto answers = [](const std::string& address, const char* target) {
    HttpCall call;
    call.method = "GET";
    call.target = target;
    const auto answer = client::make_http_transport("http://" + address)->call(call);
    const auto* got = std::get_if<HttpAnswer>(&answer);
    return got != nullptr && got->status == 200;
  };
  const auto start = Clock::now();
  dev::Process coordinator(options);
  await("the coordinator answers", std::chrono::seconds(60), [&] {
    if (!coordinator.running()) throw std::runtime_error(coordinator.log_tail());
    return answers(api, "/v1/version") && answers(admin, "/readyz");
  });
  const double taken = seconds_since(start);
  resident = resident_mib(coordinator.pid());
  coordinator.stop(std::chrono::seconds(5), SIGKILL);
  return taken;
}

}  // namespace

// Started with segments of the usual size, and with segments as large as it was made with.
void measure_restart(Report& report) {
  dev::TemporaryFolder folder("assent-bench");
  const std::string ledger = (folder.path() / "ledger").string();
  const std::string log = (folder.path() / "log").string();
  const Made made = make_ledger(ledger);
  const std::string remark = std::to_string(ledger_bytes(ledger) / 1'000'000) + " MB, " +
                             std::to_string(made.transactions) + " transactions, " +
                             std::to_string(made.unfinished) + " unfinished; segment_bytes ";
  for (const std::string segment_bytes : {"16MiB", "256MiB"}) {
    std::vector<double> seconds;
    std::vector<double> resident;
    for (int i = 0; i < 3; ++i)
      seconds.push_back(start_seconds(ledger, segment_bytes, log, resident.emplace_back()));
    report.add({"restart-100mb-" + segment_bytes, seconds, "s", 1.0, remark + segment_bytes});
    report.add({"restart-100mb-" + segment_bytes + "-memory", resident, "MiB", {}, "just started"});
  }
}

}  // namespace assent::bench
