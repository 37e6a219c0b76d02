#include "clients/cli/deciding.hpp"

#include <sstream>

#include <boost/json.hpp>

#include "clients/cli/command_line.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/clients/scripted_transport.hpp"

using namespace assent;
using namespace assent::cli;
using client::answer;
using client::lost;
using client::Played;
using client::problem;

namespace {

struct Shell {
  Played played;
  std::string out;
  std::string err;
  int code = -1;

  Shell(std::vector<std::string> arguments, std::deque<client::Exchange> script,
        const std::string& input = {}, bool asks = false) {
    std::istringstream in(input);
    std::ostringstream written;
    std::ostringstream complained;
    const Terminal terminal{in, written, complained, false, asks};
    code = run_command_line(
        std::move(arguments), terminal,
        [&](const std::string&, const HttpClientOptions&) { return client::play(script, played); });
    out = written.str();
    err = complained.str();
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

const std::string kPreview =
    R"({"id":"t-1","outcome":"aborted","records":true,"why":"moved","seen":"orders=prepared",)"
    R"("branches":[{"participant":"orders","known":"prepared","connected":true,)"
    R"("effect":"roll_back","then":"It is rolled back."}]})";
const std::string kAborted =
    R"({"id":"t-1","state":"aborted","branches":[{"participant":"orders","state":"applied"}],)"
    R"("resolution":{"outcome":"aborted","by":"ann","reason":"why","at":"then","unheard":[]}})";

std::vector<std::string> resolve(std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"resolve", "t-1", "--abort", "--reason", "why"});
  return more;
}

}  // namespace

TEST_CASE("resolve shows what it would do, and decides exactly that") {
  const Shell shell(resolve({"--yes"}), {answer(200, kPreview), answer(200, kAborted)});
  CHECK(shell.code == kDone);
  CHECK(contains(shell.out, "in doubt: moved"));
  CHECK(contains(shell.out, "orders  prepared  It is rolled back."));
  CHECK(contains(shell.out, "decided by ann at then: why"));
  REQUIRE(shell.played.calls.size() == 2);
  CHECK(shell.played.calls[0].target == "/v1/transactions/t-1/resolve");
  CHECK(shell.played.calls[0].body == R"({"outcome":"aborted","preview":true})");
  CHECK(shell.played.calls[1].body ==
        R"({"outcome":"aborted","reason":"why","seen":"orders=prepared"})");
}

TEST_CASE("resolve asks on a terminal, and takes nothing but yes for yes") {
  const Shell yes(resolve(), {answer(200, kPreview), answer(200, kAborted)}, "yes\n", true);
  CHECK(yes.code == kDone);
  CHECK(yes.played.calls.size() == 2);
  for (const char* said : {"", "y\n", "no\n"}) {
    const Shell no(resolve(), {answer(200, kPreview)}, said, true);
    CHECK(no.code == kUsage);
    CHECK(no.played.calls.size() == 1);
    CHECK(contains(no.err, "Nothing was decided"));
  }
}

TEST_CASE("without a terminal, a reason or an outcome nothing is decided") {
  const Shell silent(resolve(), {answer(200, kPreview)}, "yes\n");
  CHECK(silent.code == kUsage);
  CHECK(contains(silent.err, "--yes"));
  CHECK(contains(silent.out, "It is rolled back."));
  CHECK(silent.played.calls.size() == 1);
  CHECK(Shell({"resolve", "t-1", "--abort", "--yes"}, {}).code == kUsage);
  CHECK(Shell({"resolve", "t-1", "--reason", "why", "--yes"}, {}).code == kUsage);
  CHECK(Shell(resolve({"--commit", "--yes"}), {}).code == kUsage);
  const Shell looked({"resolve", "t-1", "--abort", "--preview", "--json"}, {answer(200, kPreview)});
  CHECK(looked.code == kDone);
  CHECK(looked.out == kPreview + "\n");
}

TEST_CASE("a decision that is refused is told, and one without an answer is asked for again") {
  const Shell refused(resolve({"--yes"}), {answer(200, kPreview),
                                           problem(409, "resolution-refused", "unknown", "never")});
  CHECK(refused.code == kRefused);
  CHECK(contains(refused.err, "resolution-refused"));
  const Shell again(resolve({"--yes"}), {answer(200, kPreview), lost(), answer(200, kAborted)});
  CHECK(again.code == kDone);
  CHECK(again.played.calls.size() == 3);
}

TEST_CASE("acknowledge says so with a reason") {
  const Shell shell({"acknowledge", "t-1", "--reason", "mended"},
                    {answer(200, R"({"id":"t-1","state":"committed","damaged":true,)"
                                 R"("acknowledged":true,"acknowledgements":[{"by":"ann",)"
                                 R"("reason":"mended","at":"then","participants":["stock"]}],)"
                                 R"("branches":[]})")});
  CHECK(shell.code == kDone);
  CHECK(contains(shell.out, "damage acknowledged by ann at then: mended"));
  CHECK_FALSE(contains(shell.out, "when that is mended"));
  CHECK(shell.played.calls[0].body == R"({"reason":"mended"})");
  CHECK(Shell({"acknowledge", "t-1"}, {}).code == kUsage);
}
