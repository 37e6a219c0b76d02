// Measured on demand, and not a test of time: integration_blocking "[figures]"
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <sstream>
#include <thread>

#include <boost/json.hpp>
#include <unistd.h>

#include "clients/cpp/transport.hpp"
#include "clients/dev/machine.hpp"
#include "tests/integration/blocking/sessions.hpp"

using namespace assent;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBranches = 20;
constexpr int kSessions = 300;
constexpr auto kSpan = 20s;

double cpu_seconds(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  double user = 0, system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// In per cent of a core, over the span.
std::pair<double, double> load_of(int first, int second) {
  const double before_first = cpu_seconds(first), before_second = cpu_seconds(second);
  std::this_thread::sleep_for(kSpan);
  const double seconds = std::chrono::duration<double>(kSpan).count();
  return {100 * (cpu_seconds(first) - before_first) / seconds,
          100 * (cpu_seconds(second) - before_second) / seconds};
}

struct Sidecar {
  std::uint16_t port = dev::free_port();
  dev::Process process;

  explicit Sidecar(const dev::Cluster& cluster) : process(options(cluster, port)) {
    REQUIRE(process.wait_for_port(port, 20s));
  }
  static dev::ProcessOptions options(const dev::Cluster& cluster, std::uint16_t port) {
    dev::ProcessOptions options;
    options.argv = {(dev::executable_folder() / "assent-participant").string(),
                    "--name",
                    "stock",
                    "--database",
                    cluster.participant_conninfo("stock"),
                    "--coordinator",
                    "127.0.0.1:1",
                    "--admin-listen",
                    "127.0.0.1:" + std::to_string(port)};
    options.log = cluster.folder() / "participant.log";
    return options;
  }
  json::value ask() const {
    const auto answer = client::make_http_transport("http://127.0.0.1:" + std::to_string(port))
                            ->call({.target = "/v1/blocking", .headers = {}, .body = {}});
    return json::parse(std::get<HttpAnswer>(answer).body);
  }
};

int observer_pid(const dev::Cluster& cluster) {
  return std::stoi(cluster.value(
      "select pid from pg_stat_activity where application_name like 'assent/stock/%/observer'"));
}

std::size_t edges_in(const json::value& document) {
  std::size_t edges = 0;
  for (const json::value& root : document.at("databases").at(0).at("roots").as_array())
    for (const json::value& waiter : root.at("waiters").as_array()) {
      edges += waiter.at("blocked_by_count").to_number<std::size_t>();
      if (const json::value* behind = waiter.as_object().if_contains("behind_count"))
        edges += behind->to_number<std::size_t>();
    }
  return edges;
}

}  // namespace

TEST_CASE("Figures: twenty branches, three hundred sessions", "[.figures]") {
  dev::ClusterOptions options;
  options.max_connections = 400;
  dev::Cluster cluster(options);
  cluster.install_participant("stock");
  cluster.query(
      "create table item (id int primary key, v int); "
      "insert into item select i, 0 from generate_series(1, 100) i; "
      "grant select on item to assent_participant",
      "stock");
  std::vector<std::string> gids;
  for (int i = 1; i <= kBranches; ++i) {
    Session holder(cluster, "holder");
    gids.push_back(to_string(new_gid()));
    holder.run("begin; update item set v = 1 where id = " + std::to_string(i) +
               "; prepare transaction '" + gids.back() + "'");
  }
  std::vector<std::unique_ptr<Session>> sessions;
  std::set<int> pids;
  for (int i = 0; i < kSessions; ++i) {
    sessions.push_back(std::make_unique<Session>(cluster, "shop"));
    sessions.back()->send("update item set v = 2 where id = " + std::to_string(i % kBranches + 1));
    pids.insert(sessions.back()->pid());
  }
  await_waiting(cluster, pids);
  const Sidecar sidecar(cluster);
  REQUIRE(dev::poll_until(
      [&] {
        const json::value seen = sidecar.ask();
        return seen.at("summary").at("sessions_held") == kSessions;
      },
      20s));

  std::vector<double> times;
  std::size_t bytes = 0;
  for (int i = 0; i < 30; ++i) {
    std::this_thread::sleep_for(300ms);  // older than what is answered without a new reading
    const auto start = Clock::now();
    const json::value document = sidecar.ask();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    CHECK(document.at("summary").at("sessions_held") == kSessions);
    CHECK(edges_in(document) == blocking_pids(cluster).size());
    bytes = json::serialize(document).size();
  }
  std::ranges::sort(times);
  std::printf("GET /v1/blocking: median %.1f ms, longest %.1f ms, %zu bytes, %zu edges\n",
              times[times.size() / 2], times.back(), bytes, blocking_pids(cluster).size());
  const auto [busy, own] = load_of(observer_pid(cluster), sidecar.process.pid());
  std::printf("sampling: database %.2f %% of a core, participant %.2f %%\n", busy, own);

  sessions.clear();
  for (const std::string& gid : gids) cluster.query("rollback prepared '" + gid + "'", "stock");
  REQUIRE(
      dev::poll_until([&] { return sidecar.ask().at("summary").at("sessions_held") == 0; }, 20s));
  const auto [rest, own_rest] = load_of(observer_pid(cluster), sidecar.process.pid());
  std::printf("at rest: database %.2f %% of a core, participant %.2f %%\n", rest, own_rest);
}
