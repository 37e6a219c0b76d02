#include "tests/lab/visitors.hpp"

#include <chrono>
#include <exception>
#include <random>
#include <utility>

#include <boost/json.hpp>

#include "tests/integration/system/recorded.hpp"
#include "tests/unit/runtime/raw_socket.hpp"

namespace assent::lab {

using test::BadInput;
using test::Deployment;
using test::RawSocket;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kVisitors = 4;
constexpr std::size_t kMostWrongs = 20;
constexpr int kAccounts = 100;
constexpr std::size_t kTooLarge = 3 << 20;

std::string statements_at(const std::string& bank, const std::vector<std::string>& all) {
  boost::json::array statements;
  for (const std::string& sql : all) statements.push_back(boost::json::object{{"sql", sql}});
  return boost::json::serialize(boost::json::object{
      {"branches", boost::json::array{boost::json::object{
                       {"participant", bank}, {"statements", std::move(statements)}}}}});
}

std::vector<std::string> split(const std::string& text, char at) {
  const auto found = text.find(at);
  if (found == text.npos) return {text};
  return {text.substr(0, found), text.substr(found + 1)};
}

// One of them, on a thread of its own.
class Visitor {
 public:
  Visitor(Deployment& deployment, const test::DeploymentOptions::Tokens& tokens,
          const BadInputs& inputs, std::uint64_t seed, Visits& visits)
      : bank_(deployment),
        tokens_(tokens),
        inputs_(inputs),
        dice_(seed),
        visits_(visits),
        client_(deployment.client()) {}

  // One request, or the few that belong together.
  void come() {
    struct Kind {
      unsigned weight;
      const char* name;
      void (Visitor::*visit)(const std::string& kind);
    };
    static constexpr Kind kKinds[] = {
        {40, "transfer", &Visitor::transfer},
        {8, "look", &Visitor::look},
        {6, "interactive", &Visitor::interactive},
        {5, "interactive, abandoned", &Visitor::abandon_interactive},
        {4, "repeated with its key", &Visitor::repeat},
        {4, "abandoned", &Visitor::abandon},
        {4, "half a request", &Visitor::send_half},
        {8, "bad bytes", &Visitor::send_bytes},
        {8, "bad body", &Visitor::send_body},
        {2, "too large", &Visitor::send_too_much},
        {4, "escape", &Visitor::escape},
        {3, "forged id", &Visitor::forge},
        {4, "unauthorised", &Visitor::intrude},
    };
    static constexpr unsigned kWeights = [] {
      unsigned sum = 0;
      for (const Kind& kind : kKinds) sum += kind.weight;
      return sum;
    }();
    unsigned at = static_cast<unsigned>(dice_() % kWeights);
    for (const Kind& kind : kKinds) {
      if (at < kind.weight) {
        visits_.count(kind.name);
        return (this->*kind.visit)(kind.name);
      }
      at -= kind.weight;
    }
  }

 private:
  int account() { return 1 + static_cast<int>(dice_() % kAccounts); }
  const BadInput& any_of(const std::vector<BadInput>& inputs) {
    return inputs[dice_() % inputs.size()];
  }
  client::OneShot any_transfer() {
    const std::size_t from = dice_() % 2;
    return test::transfer(Deployment::name(from), account(), Deployment::name(1 - from), account(),
                          "1.00");
  }

  void transfer(const std::string&) {
    if (client_.run(any_transfer())) visits_.count("committed");
  }

  void look(const std::string& kind) {
    static constexpr const char* kTargets[] = {"/v1/transactions?limit=20",
                                               "/v1/transactions?state=in_doubt",
                                               "/v1/overview",
                                               "/v1/participants",
                                               "/v1/blocking",
                                               "/v1/blocking/history",
                                               "/v1/events",
                                               "/v1/errors"};
    const char* const target = kTargets[dice_() % std::size(kTargets)];
    if (const unsigned status = bank_.http("GET", target).status; status != 200)
      visits_.wrong(kind + ": " + target + " was answered " + std::to_string(status));
  }

  void interactive(const std::string&) {
    const auto begun = client_.begin({.timeout = 10s});
    if (!begun) return;
    client_.execute(begun->id, 1, {"bank_a", {{"select balance from account where id = 1"}}});
    client_.execute(begun->id, 2, {"bank_b", {{"select balance from account where id = 2"}}});
    if (dice_() % 4 == 0)
      client_.rollback(begun->id);
    else
      client_.commit(begun->id);
  }

  void abandon_interactive(const std::string&) {
    const auto begun = client_.begin({.timeout = 10s, .idle_timeout = 1s});
    if (begun)
      client_.execute(begun->id, 1, {"bank_a", {{"select balance from account where id = 1"}}});
  }

  void repeat(const std::string& kind) {
    const client::OneShot shot = any_transfer();
    const auto first = client_.run(shot);
    const std::string key = client_.last_key();
    const auto again = client_.run(shot, key);
    if (first && (!again || again->id != first->id))
      visits_.wrong(kind + ": " + first->id + " was answered otherwise the second time");
    if (!first) return;
    const auto other = client_.run(any_other_than(shot), key);
    if (other) visits_.wrong(kind + ": another body was taken under the same key");
  }

  client::OneShot any_other_than(client::OneShot shot) {
    shot.labels = {{"other", "yes"}};
    return shot;
  }

  std::string authorised(const std::string& start) const {
    return start + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + tokens_.client + "\r\n";
  }
  std::string whole_request() {
    const std::string body = client::to_json(any_transfer());
    return authorised("POST /v1/transactions") +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

  void abandon(const std::string&) { RawSocket(bank_.port()).send(whole_request()); }

  void send_half(const std::string&) {
    const std::string whole = whole_request();
    RawSocket(bank_.port()).send(whole.substr(0, 1 + dice_() % (whole.size() - 1)));
  }

  unsigned status_of(const std::string& bytes) {
    try {
      RawSocket socket(bank_.port());
      socket.send(bytes);
      socket.finish();
      return static_cast<unsigned>(test::status_of(socket.read_all()));
    } catch (const std::runtime_error&) {
      return 0;  // reset
    }
  }

  void send_bytes(const std::string& kind) {
    const BadInput& input = any_of(inputs_.bytes);
    std::string bytes = input.text;
    constexpr std::string_view kHost = "Host: x\r\n";
    if (const auto at = bytes.find(kHost); at != bytes.npos)
      bytes.insert(at + kHost.size(), "Authorization: Bearer " + tokens_.client + "\r\n");
    visits_.expect_refusal(kind, input.what, status_of(bytes));
  }

  void send_body(const std::string& kind) {
    const BadInput& input = any_of(inputs_.bodies);
    visits_.expect_refusal(kind, input.what,
                           bank_.http("POST", "/v1/transactions", input.text).status);
  }

  void send_too_much(const std::string& kind) {
    const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
    std::string bytes = authorised("POST /v1/transactions") +
                        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    while (bytes.size() < kTooLarge) bytes += chunk;
    visits_.expect_refusal(kind, "endless chunks", status_of(bytes));
  }

  void escape(const std::string& kind) {
    const BadInput& input = any_of(inputs_.statements);
    const std::string body = statements_at("bank_a", split(input.text, '\x1f'));
    visits_.expect_refusal(kind, input.what, bank_.http("POST", "/v1/transactions", body).status);
  }

  void forge(const std::string& kind) {
    const BadInput& input = any_of(inputs_.ids);
    const std::string path = "/v1/transactions/" + input.text;
    visits_.expect_refusal(kind, input.what,
                           dice_() % 2 == 0 ? bank_.http("GET", path).status
                                            : bank_.http("POST", path + "/commit").status);
  }

  void intrude(const std::string& kind) {
    const std::string tokens[] = {"", "x", std::string(500, 'a'), tokens_.client + "x",
                                  tokens_.viewer};
    const std::string& token = tokens[dice_() % std::size(tokens)];
    HttpCall call;
    call.method = "POST";
    call.target = "/v1/transactions";
    call.body = client::to_json(any_transfer());
    call.headers.emplace_back("Content-Type", "application/json");
    if (!token.empty()) call.headers.emplace_back("Authorization", "Bearer " + token);
    const auto exchange = test::transport_to(bank_.url())->call(call);
    const auto* answer = std::get_if<HttpAnswer>(&exchange);
    if (answer && answer->status != 401 && answer->status != 403)
      visits_.wrong(kind + ": answered " + std::to_string(answer->status));
  }

  Deployment& bank_;
  const test::DeploymentOptions::Tokens& tokens_;
  const BadInputs& inputs_;
  std::mt19937_64 dice_;
  Visits& visits_;
  client::Client client_;
};

}  // namespace

void Visits::count(const std::string& kind) {
  const std::lock_guard lock(mutex_);
  ++counts_[kind];
}

void Visits::wrong(std::string sentence) {
  const std::lock_guard lock(mutex_);
  if (wrongs_.size() < kMostWrongs) wrongs_.push_back(std::move(sentence));
}

void Visits::expect_refusal(const std::string& kind, const std::string& what, unsigned status) {
  if (status == 0 || (status >= 400 && status < 500) || status == 503) return;
  wrong(kind + ": " + what + " was answered " + std::to_string(status));
}

std::map<std::string, std::size_t> Visits::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

Names Visits::wrongs() const {
  const std::lock_guard lock(mutex_);
  return wrongs_;
}

BadInputs bad_inputs() {
  return {test::bad_http(), test::bad_bodies(), test::escapes(), test::forged_ids()};
}

Visitors::Visitors(Deployment& deployment, const test::DeploymentOptions::Tokens& tokens,
                   const BadInputs& inputs, double rate, std::uint64_t seed, Visits& visits) {
  const std::chrono::duration<double> between(kVisitors / rate);
  for (std::size_t number = 0; number < kVisitors; ++number)
    threads_.emplace_back([&, between, seed, number] {
      Visitor visitor(deployment, tokens, inputs, seed + number, visits);
      auto next = std::chrono::steady_clock::now() + between / kVisitors * number;
      while (!over_) {
        try {
          visitor.come();
        } catch (const std::exception& error) {
          visits.wrong(error.what());
        }
        // Behind, it does not hurry: what is asked for is no more than the rate.
        next = std::max(next + between, std::chrono::steady_clock::now() + between / 2);
        std::this_thread::sleep_until(next);
      }
    });
}

Visitors::~Visitors() {
  over_ = true;
  for (std::thread& each : threads_) each.join();
}

}  // namespace assent::lab
