// The same key and body happen once, however often, however many at a time, and whoever dies.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "clients/cpp/client.hpp"
#include "clients/cpp/transport.hpp"
#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;

namespace {

constexpr std::size_t kRetries = 20;
constexpr std::chrono::seconds kPatience{90};

// Not idempotent by itself: done twice, it shows.
const std::string kTransfer =
    R"({"branches":[)"
    R"({"participant":"bank_a","statements":[{"sql":"update account set balance = balance - 100 )"
    R"(where id = 1","expect":{"rows":1}}]},)"
    R"({"participant":"bank_b","statements":[{"sql":"update account set balance = balance + 100 )"
    R"(where id = 1","expect":{"rows":1}}]}]})";

// So many clients, each of which repeats one request with one key until it is told of a commit.
class Retries {
 public:
  Retries(const Deployment& bank, std::string key) {
    for (std::size_t i = 0; i < kRetries; ++i)
      clients_.emplace_back([this, &bank, key] { run(bank.url(), key); });
  }
  ~Retries() { join(); }

  void join() {
    for (std::thread& client : clients_) client.join();
    clients_.clear();
  }
  // After join(): the transactions that were answered as committed, how often, and what was
  // answered that no repeated request may hear.
  std::set<std::string> ids() const { return ids_; }
  std::size_t committed() const { return committed_; }
  std::vector<std::string> wrong() const { return wrong_; }

 private:
  void run(const std::string& url, const std::string& key) {
    const auto transport = client::make_http_transport(url);
    HttpCall call;
    call.method = "POST";
    call.target = "/v1/transactions";
    call.headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", key}};
    call.body = kTransfer;
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      const auto result = transport->call(call);
      const auto* answer = std::get_if<HttpAnswer>(&result);
      if (answer != nullptr && took(*answer)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  bool took(const HttpAnswer& answer) {
    const std::lock_guard lock(mutex_);
    if (answer.status == 201 || answer.status == 202) {
      const auto at = answer.body.find("\"id\":\"");
      ids_.insert(at == std::string::npos ? answer.body : answer.body.substr(at + 6, 36));
      ++committed_;
      return true;
    }
    const client::Problem problem = client::parse_problem(answer);
    if (problem.retry == "never") wrong_.push_back(answer.body);
    return false;
  }

  std::mutex mutex_;
  std::set<std::string> ids_;
  std::size_t committed_ = 0;
  std::vector<std::string> wrong_;
  std::vector<std::thread> clients_;
};

void check_happened_once(Deployment& bank, const Retries& retries) {
  INFO(bank.logs());
  CHECK(retries.wrong() == std::vector<std::string>{});
  CHECK(retries.committed() == kRetries);
  CHECK(retries.ids().size() == 1);
  CHECK(bank.settles(std::chrono::seconds(30)));
  CHECK(bank.balance(0, 1) == "900.00");
  CHECK(bank.balance(1, 1) == "1100.00");
}

std::string the_id(const Retries& retries) {
  const auto ids = retries.ids();
  return ids.empty() ? "" : *ids.begin();
}

}  // namespace

TEST_CASE("twenty at once are one") {
  Deployment bank;
  Retries retries(bank, "pay-20");
  retries.join();
  check_happened_once(bank, retries);
}

TEST_CASE("twenty at once are one, though the coordinator is killed among them") {
  // Before the record is on disk, after it, and before the first client is answered.
  const std::string point = GENERATE("engine.log.commit", "engine.send.commit", "engine.reply");
  Deployment bank;
  bank.kill_coordinator();
  bank.start_coordinator({{"ASSENT_CRASH_POINTS", point + "=kill@1"}});
  bank.await_ready();
  Retries retries(bank, "pay-20");
  INFO(point);
  REQUIRE(bank.coordinator().wait(std::chrono::seconds(30)));
  bank.start_coordinator();
  retries.join();
  check_happened_once(bank, retries);

  // The commit record keeps the key, also for later starts.
  bank.kill_coordinator();
  bank.start_coordinator();
  bank.await_ready();
  // 202 until the participants have told this start, too, that they applied it.
  HttpAnswer again;
  dev::poll_until(
      [&] {
        again = bank.http("POST", "/v1/transactions", kTransfer, "pay-20");
        return again.status != 202;
      },
      std::chrono::seconds(30));
  INFO(again.body);
  CHECK(again.status == 201);
  CHECK(again.body.find(the_id(retries)) != std::string::npos);
  const HttpAnswer other = bank.http("POST", "/v1/transactions", kTransfer + " ", "pay-20");
  CHECK(other.status == 422);
  CHECK(client::parse_problem(other).code == "idempotency-key-reused");
  CHECK(bank.balance(0, 1) == "900.00");
}

TEST_CASE("the coordinator is killed at any moment, again and again") {
  Deployment bank;
  constexpr int kRounds = 5;
  for (int round = 0; round < kRounds; ++round) {
    Retries retries(bank, "pay-" + std::to_string(round));
    // Somewhere on the way: as soon as a branch is prepared, or when all is over.
    dev::poll_until([&] { return bank.prepared() > 0; }, std::chrono::milliseconds(500));
    bank.kill_coordinator();
    bank.start_coordinator();
    retries.join();
    INFO("round " << round << "\n" << bank.logs());
    CHECK(retries.wrong() == std::vector<std::string>{});
    CHECK(retries.committed() == kRetries);
    CHECK(retries.ids().size() == 1);
  }
  CHECK(bank.settles(std::chrono::seconds(30)));
  CHECK(bank.balance(0, 1) == std::to_string(1000 - 100 * kRounds) + ".00");
  CHECK(bank.balance(1, 1) == std::to_string(1000 + 100 * kRounds) + ".00");
}

TEST_CASE("a retry that comes when its key is forgotten is refused, and after a restart as well") {
  Deployment bank({.coordinator_env = {{"ASSENT_HISTORY_KEEP", "1s"}}});
  const auto send = [&bank](const std::string& key, const std::string& first_sent) {
    HttpCall call;
    call.method = "POST";
    call.target = "/v1/transactions";
    call.headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", key}};
    if (!first_sent.empty()) call.headers.emplace_back("Repeatability-First-Sent", first_sent);
    call.body = kTransfer;
    const auto result = client::make_http_transport(bank.url())->call(call);
    const auto* answer = std::get_if<HttpAnswer>(&result);
    return answer != nullptr ? *answer : HttpAnswer{};
  };
  auto assent = bank.client();
  const std::string key = "dated", first_sent = client::http_date_now();
  REQUIRE(assent.run_json(kTransfer, key, first_sent).has_value());
  CHECK(first_sent.ends_with(" GMT"));
  const auto is_forgotten = [&] { return send(key, first_sent).status == 410; };
  CHECK(dev::poll_until(is_forgotten, std::chrono::seconds(30)));
  // A log whose segments hold the transaction no more: what is left is the time.
  for (int start = 0; start < 3; ++start) {
    bank.kill_coordinator();
    bank.start_coordinator();
    bank.await_ready();
    INFO(bank.logs());
    CHECK(dev::poll_until(is_forgotten, std::chrono::seconds(30)));
    CHECK(bank.balance(0, 1) == "900.00");
  }
  const client::Problem problem = client::parse_problem(send(key, first_sent));
  CHECK(problem.code == "history-expired");
  CHECK(problem.fate == client::Fate::unknown);
  CHECK(problem.retry == "never");
  // Who does not say when it was first sent is taken for new.
  CHECK(send(key, "").status / 100 == 2);
  CHECK(bank.settles());
  CHECK(bank.balance(0, 1) == "800.00");
}
