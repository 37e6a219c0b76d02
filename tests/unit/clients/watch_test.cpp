// `assent watch`: lines where there is no screen, and a screen where there is one.
#include "clients/cli/watch.hpp"

#include <map>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/unit/clients/scripted_transport.hpp"

using namespace assent;
using namespace assent::cli;
using client::answer;

namespace {

std::string blocking(const std::string& sentence, int held, int oldest_ms) {
  return R"({"sentence":")" + sentence + R"(","summary":{"transactions_in_doubt":1,)" +
         R"("sessions_held":)" + std::to_string(held) + R"(,"oldest_ms":)" +
         std::to_string(oldest_ms) + R"(},"databases":[]})";
}

// Answers by path, and notes what was asked.
struct Server {
  std::map<std::string, client::Exchange> answers;
  std::vector<std::string> asked;

  struct Line final : client::Transport {
    Server& server;
    explicit Line(Server& to) : server(to) {}
    client::Exchange call(const HttpCall& call) override {
      server.asked.push_back(call.target);
      const auto found = server.answers.find(call.target);
      return found == server.answers.end() ? client::unreachable() : found->second;
    }
    std::chrono::steady_clock::time_point now() const override { return {}; }
    void wait(client::milliseconds) override {}
  };
};

struct Screen {
  Server server;
  std::istringstream in;
  std::ostringstream written;
  std::ostringstream complained;
  Terminal terminal;
  Connect connect = [this](const std::string&) { return std::make_unique<Server::Line>(server); };
  BlockingOptions options;
  Watch watch;

  explicit Screen(bool colour)
      : terminal{in, written, complained, colour},
        options{"http://here:1", {"db:2"}},
        watch(options, terminal, connect) {}

  std::string look() {
    written.str("");
    watch.look();
    return written.str();
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE(
    "watch without a terminal: a line for what happens, and one where the situation changes") {
  Screen to(false);
  to.server.answers["/v1/blocking"] = answer(200, blocking("One waits.", 1, 5));
  to.server.answers["/v1/events"] = answer(200, R"({"events":[],"last_event_id":"7-1"})");
  to.server.answers["/v1/events?after=7-1"] =
      answer(200, R"({"events":[{"at":"T1","kind":"voted","transaction":"t-1","participant":"a"},)"
                  R"({"at":"T2","kind":"decided","transaction":"t-1","detail":"committed"},)"
                  R"({"at":"T3","kind":"disconnected","participant":"a\u001b[2J"}],)"
                  R"("last_event_id":"7-4"})");
  to.server.answers["/v1/events?after=7-4"] =
      answer(200, R"({"events":[],"last_event_id":"7-4","gap":true})");
  CHECK(contains(to.look(), "  One waits.\n"));
  to.server.answers["/v1/blocking"] = answer(200, blocking("One waits longer.", 1, 900));
  CHECK(to.look() == "T2  decided committed t-1\nT3  disconnected a\\x1b[2J\n");
  to.server.answers["/v1/blocking"] = answer(200, blocking("Two wait.", 2, 950));
  const std::string last = to.look();
  CHECK(contains(last, "some of what happened is not known here"));
  CHECK(contains(last, "  Two wait.\n"));
}

TEST_CASE("watch goes on while nobody answers, and says so once") {
  Screen to(false);
  CHECK(contains(to.look(), "  Nobody answers: nobody there"));
  CHECK(to.look().empty());
  to.server.answers["/v1/blocking"] = answer(200, blocking("All is well.", 0, 0));
  CHECK(contains(to.look(), "  All is well.\n"));
}

TEST_CASE("watch on a terminal: the sentence first, and no more than fits") {
  Screen to(true);
  to.server.answers["/v1/blocking"] = answer(200, blocking("One waits.", 1, 5));
  to.server.answers["/v1/overview"] =
      answer(200, R"({"epoch":3,"since_start":{"committed":1},"transactions":{"open":2}})");
  std::string many;
  for (int i = 0; i < 40; ++i)
    many += std::string(i ? "," : "") + R"({"id":"t-)" + std::to_string(i) +
            R"(","state":"committing","begun_at":"T","branches":[{"participant":"a"}]})";
  to.server.answers["/v1/transactions?state=in_doubt&limit=6"] =
      answer(200, R"({"transactions":[)" + many + "]}");
  const std::string screen = to.look();
  CHECK(screen.starts_with("\x1b[H"));
  CHECK(screen.find("One waits.") < screen.find("2 at work"));
  CHECK(screen.find("2 at work") < screen.find("t-0"));
  CHECK_FALSE(contains(screen, "t-39"));
  CHECK(contains(screen, " more lines: assent blocking"));
  CHECK(screen.ends_with("\x1b[J"));
}
