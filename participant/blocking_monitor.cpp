#include "participant/blocking_monitor.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>

#include "participant/agent.hpp"
#include "participant/blocking_report.hpp"
#include "participant/postgres/database.hpp"
#include "participant/postgres/observation.hpp"
#include "protocol/runtime/blocking_document.hpp"
#include "protocol/runtime/blocking_history.hpp"
#include "protocol/runtime/clock.hpp"
#include "protocol/runtime/latest_feed.hpp"

namespace assent {

namespace net = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr auto kInterval = 1s;
constexpr auto kFresh = 250ms;
// Of a report that was too large for the link.
constexpr std::size_t kFewWaiters = 200;
constexpr std::size_t kFewRoots = 20;
// Of what has ended, to a coordinator that was not there.
constexpr std::size_t kMostHandedBytes = 256 * 1024;

}  // namespace

// At most one reading is under way; who asks meanwhile shares it.
struct BlockingMonitor::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::io_context& io, Agent& watched) : agent(watched), timer(io) {}

  void wait() {
    timer.expires_after(kInterval);
    timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->tick();
    });
  }

  void tick() {
    wait();
    if (reading) return;
    if (active || feed.is_followed()) return observe();
    reading = true;
    agent.database().glance([weak = weak_from_this()](const Glance& seen) {
      if (const auto self = weak.lock()) self->glanced(seen);
    });
  }

  void glanced(const Glance& seen) {
    reading = false;
    if (seen.trouble.empty()) slots = seen.slots;
    const bool quiet = seen.trouble.empty() && seen.prepared == 0 && seen.waiting == 0;
    if (!quiet || !asking.empty() || feed.is_followed()) return observe();
    json::object report =
        quiet_report({agent.machine(), agent.away(), agent.ledger()}, read_clock().wall_ms);
    add_process(report);
    tell(report);
  }

  void observe() {
    reading = true;
    agent.database().observe([weak = weak_from_this()](const Observation& seen) {
      if (const auto self = weak.lock()) self->observed(seen);
    });
  }

  void observed(const Observation& seen) {
    reading = false;
    observed_at = std::chrono::steady_clock::now();
    if (seen.trouble.empty()) slots = {seen.costs.slots_used, seen.costs.slots};
    const ReportContext context{agent.machine(), agent.away(), agent.ledger()};
    json::object report = blocking_report(seen, context);
    add_process(report);
    active = !seen.trouble.empty() || !seen.blocking.roots.empty();
    picture = json::serialize(report);
    const std::string answer = document();
    for (auto& each : std::exchange(asking, {})) each(answer);
    feed.publish(answer);
    if (picture.size() > kMostReportBytes) {
      ReportContext few = context;
      few.most_waiters = kFewWaiters;
      few.most_whole_roots = kFewRoots;
      report = blocking_report(seen, few);
      add_process(report);
    }
    tell(report);
  }

  // What is this process's own, and not in the database: where its console is, its connections.
  void add_process(json::object& report) const {
    const DatabaseStatistics statistics = agent.database().statistics();
    const auto use = [](const DatabaseStatistics::Use& numbers) {
      return json::object{
          {"open", numbers.open}, {"busy", numbers.busy}, {"waiting", numbers.waiting}};
    };
    report["console"] = console;
    report["pool"] = {{"lanes", use(statistics.lanes)},
                      {"sessions", use(statistics.sessions)},
                      {"finishers", use(statistics.finishers)}};
  }

  void tell(json::object& report) {
    const std::int64_t now_ms = read_clock().wall_ms;
    past.note(report, now_ms);
    blocked.reset();
    if (report.at("available").as_bool())
      blocked = report.at("waiting").at("for_branches").to_number<std::int64_t>();
    std::string text = json::serialize(report);
    if (!agent.away() && std::exchange(handed_over, agent.links()) != agent.links()) {
      report["past"] = past.handover(now_ms, kMostHandedBytes);
      std::string whole = json::serialize(report);
      if (whole.size() <= kMostReportBytes) text = std::move(whole);
    }
    // The coordinator would not take it, and says that nothing comes.
    if (text.size() <= kMostReportBytes) agent.push_report(text);
  }

  bool is_fresh() const {
    return !picture.empty() && std::chrono::steady_clock::now() - observed_at < kFresh;
  }

  std::string document() const {
    const auto age = std::chrono::steady_clock::now() - observed_at;
    const BlockingPart part{agent.machine().name(),
                            picture,
                            std::chrono::duration_cast<std::chrono::milliseconds>(age),
                            {}};
    return join_blocking({&part, 1});
  }

  Agent& agent;
  net::steady_timer timer;
  std::string console;
  bool reading = false;
  bool active = false;  // the last full reading found something
  std::vector<std::function<void(std::string)>> asking;
  std::string picture;  // the last full report
  std::chrono::steady_clock::time_point observed_at{};
  BlockingHistory past;
  std::uint64_t handed_over = 0;  // on the link of that number
  std::optional<std::int64_t> blocked;
  LatestFeed feed{"blocking"};
  PreparedSlots slots;
};

BlockingMonitor::BlockingMonitor(net::io_context& io, Agent& agent)
    : impl_(std::make_shared<Impl>(io, agent)) {}

BlockingMonitor::~BlockingMonitor() {
  stop();
}

void BlockingMonitor::start(std::string console) {
  impl_->console = std::move(console);
  impl_->wait();
}

void BlockingMonitor::stop() {
  impl_->timer.cancel();
  impl_->asking.clear();
}

void BlockingMonitor::ask(std::function<void(std::string)> answer) {
  if (impl_->is_fresh()) return answer(impl_->document());
  impl_->asking.push_back(std::move(answer));
  if (!impl_->reading) impl_->observe();
}

HttpResponse BlockingMonitor::follow() {
  if (impl_->is_fresh()) return impl_->feed.follow(impl_->document());
  HttpResponse response = impl_->feed.follow();
  if (!impl_->reading) impl_->observe();
  return response;
}

std::string BlockingMonitor::history() const {
  const std::pair<std::string, const BlockingHistory*> own{impl_->agent.machine().name(),
                                                           &impl_->past};
  return join_history({&own, 1});
}

std::optional<std::int64_t> BlockingMonitor::blocked() const {
  return impl_->blocked;
}

PreparedSlots BlockingMonitor::slots() const {
  return impl_->slots;
}

}  // namespace assent
