// Clients that do not wait, or wait for a transaction to change, over real processes.
#include <csignal>
#include <future>

#include "tests/integration/system/deployment.hpp"
#include "tests/integration/system/recorded.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/runtime/raw_socket.hpp"

using namespace assent;
using test::Deployment;
using test::RawSocket;

namespace {

const std::string kTransfer =
    R"({"branches":[)"
    R"({"participant":"bank_a","statements":[{"sql":"update account set balance = balance - 100 )"
    R"(where id = 1","expect":{"rows":1}}]},)"
    R"({"participant":"bank_b","statements":[{"sql":"update account set balance = balance + 100 )"
    R"(where id = 1","expect":{"rows":1}}]}]})";

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

HttpAnswer ask(const Deployment& bank, const HttpCall& call) {
  const auto exchange = test::transport_to(bank.url())->call(call);
  const auto* answer = std::get_if<HttpAnswer>(&exchange);
  return answer != nullptr ? *answer : HttpAnswer{};
}

// Under way, and held up by the row that the holder has locked.
class HeldUp {
 public:
  explicit HeldUp(const Deployment& bank, const std::string& idle_timeout_ms = "60000")
      : bank_(bank) {
    holder_ = begin(R"({"mode":"interactive","idle_timeout_ms":)" + idle_timeout_ms + "}", {});
    REQUIRE(bank.http("POST", holder_ + "/statements",
                      R"({"participant":"bank_a","seq":1,"statements":[)"
                      R"({"sql":"update account set balance = balance where id = 1"}]})")
                .status == 200);
    path = begin(kTransfer, "respond-async");
  }
  void let_go() { REQUIRE(bank_.http("POST", holder_ + "/rollback").status == 200); }
  HttpAnswer wait(const std::string& longest, const std::string& etag) const {
    HttpCall call;
    call.target = path + "?wait=" + longest;
    call.headers = {{"If-None-Match", etag}};
    call.timeout = std::chrono::seconds(30);
    return ask(bank_, call);
  }
  // Its ETag, once nothing changes any more.
  std::string settled() const {
    std::string etag = "\"none\"";
    for (int i = 0; i < 20; ++i) {
      const HttpAnswer answer = wait("1s", etag);
      if (answer.status == 304) return etag;
      REQUIRE(answer.status == 200);
      REQUIRE(says(answer.body, R"("state":"preparing")"));
      etag = answer.header("etag").value();
    }
    FAIL("it changes all the time");
    return {};
  }

  std::string path;  // of the transfer

 private:
  std::string begin(const std::string& body, const std::string& prefer) {
    HttpCall call;
    call.method = "POST";
    call.target = "/v1/transactions";
    call.body = body;
    call.headers = {{"Content-Type", "application/json"}, {"Prefer", prefer}};
    const HttpAnswer answer = ask(bank_, call);
    INFO(answer.body);
    REQUIRE(answer.status == (prefer.empty() ? 201 : 202));
    CHECK(answer.header("preference-applied").value_or("") == prefer);
    CHECK(says(answer.body, R"("outcome":"unknown")"));
    return std::string(answer.header("location").value());
  }

  const Deployment& bank_;
  std::string holder_;
};

}  // namespace

TEST_CASE("a transfer that is held up is 202 at once, and a wait is answered when it goes on") {
  Deployment bank;
  HeldUp transfer(bank);
  std::string etag = transfer.settled();
  // Longer than this client has patience: it is answered because something happens.
  auto answer = std::async(std::launch::async, [&] { return transfer.wait("60s", etag); });
  transfer.let_go();
  HttpAnswer shown = answer.get();
  INFO(shown.body << "\n" << bank.logs());
  for (int i = 0; i < 20 && shown.status == 200; ++i) {
    if (says(shown.body, R"("state":"committed")")) break;
    etag = shown.header("etag").value();
    shown = transfer.wait("60s", etag);
  }
  CHECK(shown.status == 200);
  CHECK(says(shown.body, R"("state":"committed","outcome":"committed")"));
  CHECK(bank.balance(0, 1) == "900.00");
  CHECK(bank.balance(1, 1) == "1100.00");
  for (const char* bad : {"61s", "soon", ""}) {
    const HttpAnswer refused = bank.http("GET", transfer.path + "?wait=" + bad);
    CHECK(refused.status == 400);
    CHECK(says(refused.body, "\"detail\":\"wait: must be a duration up to 60s"));
  }
}

TEST_CASE("a wait is answered when the coordinator drains, and what was taken is finished") {
  Deployment bank;
  const HeldUp transfer(bank, "3000");  // the holder is given up then
  const std::string etag = transfer.settled();
  RawSocket waiting(bank.port());
  waiting.send("GET " + transfer.path + "?wait=60s HTTP/1.1\r\nHost: a\r\nIf-None-Match: " + etag +
               "\r\n\r\n");
  // It came before this, and has been read by the time this is answered.
  REQUIRE(bank.http("GET", "/v1/version").status == 200);
  bank.coordinator().signal(SIGTERM);
  const std::string answer = waiting.read_all();
  INFO(answer << "\n" << bank.logs());
  CHECK(test::status_of(answer) == 304);
  CHECK(says(answer, "Connection: close"));
  const auto ended = bank.coordinator().wait(std::chrono::seconds(60));
  REQUIRE(ended);
  CHECK(ended->ok());
  CHECK(bank.settles());
  CHECK(bank.balance(0, 1) == "900.00");
}
