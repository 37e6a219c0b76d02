#include "clients/dev/process.hpp"

#include <chrono>
#include <fstream>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.hpp"

using namespace assent::dev;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

bool exists(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto end = text.rfind(')');
  return end != text.npos && text.compare(end, 3, ") Z") != 0;
}

}  // namespace

TEST_CASE("a program's output and status are returned") {
  const Finished done = run({.argv = shell("echo out; echo err >&2; exit 3")});
  CHECK(done.output == "out\nerr\n");
  CHECK(done.status.code == 3);
  CHECK_FALSE(done.status.ok());
}

TEST_CASE("a program finds its environment, folder and input") {
  TemporaryFolder folder;
  std::ofstream(folder.path() / "in") << "hello";
  const Finished done = run({.argv = shell("echo $ASSENT_TEST; pwd; cat"),
                             .env = {{"ASSENT_TEST", "a value"}},
                             .directory = folder.path(),
                             .input = folder.path() / "in"});
  CHECK(done.output == "a value\n" + folder.path().string() + "\nhello");
}

TEST_CASE("variables can be withheld") {
  ::setenv("ASSENT_TEST_ONE", "1", 1);
  const Finished done = run({.argv = shell("echo $ASSENT_TEST_ONE,$ASSENT_TEST_TWO"),
                             .env = {{"ASSENT_TEST_TWO", "2"}},
                             .without_env = "ASSENT_"});
  ::unsetenv("ASSENT_TEST_ONE");
  CHECK(done.output == ",2\n");
}

TEST_CASE("a program that cannot be run is refused by name") {
  CHECK_THROWS_AS(run({.argv = {"/no/such/program"}}), std::runtime_error);
  CHECK_THROWS_AS(run({.argv = {"no-such-program-in-path"}}), std::runtime_error);
}

TEST_CASE("a program that takes too long is killed") {
  CHECK(run({.argv = shell("sleep 60")}, 50ms).status.signal == SIGKILL);
}

TEST_CASE("stop signals first, then kills") {
  TemporaryFolder folder;
  Process polite({.argv = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"),
                  .log = folder.path() / "polite"});
  REQUIRE(polite.wait_for_line("ready", 30s));
  CHECK(polite.stop(30s).code == 7);
  Process stubborn({.argv = shell("trap '' TERM; echo ready; while :; do sleep 0.05; done"),
                    .log = folder.path() / "stubborn"});
  REQUIRE(stubborn.wait_for_line("ready", 30s));
  CHECK(stubborn.stop(100ms).signal == SIGKILL);
}

TEST_CASE("a line is found in this run's log only") {
  TemporaryFolder folder;
  const ProcessOptions options{.argv = shell("echo started $$; sleep 60"),
                               .log = folder.path() / "log"};
  std::string first;
  {
    Process process(options);
    first = process.wait_for_line("started", 30s).value();
  }
  Process again(options);
  CHECK(again.wait_for_line("started", 30s).value() != first);
}

TEST_CASE("waiting ends early when the process does") {
  TemporaryFolder folder;
  Process process({.argv = shell("exit 0"), .log = folder.path() / "log"});
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(process.wait_for_line("never", 30s));
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
}

TEST_CASE("the end of a Process ends its whole group") {
  TemporaryFolder folder;
  pid_t grandchild = 0;
  {
    Process process(
        {.argv = shell("sleep 60 & echo child $! ; wait"), .log = folder.path() / "log"});
    grandchild = std::stoi(process.wait_for_line("child", 30s).value().substr(6));
    REQUIRE(exists(grandchild));
  }
  CHECK(poll_until([&] { return !exists(grandchild); }, 30s));
}

TEST_CASE("a child dies with its parent, even when that is killed") {
  TemporaryFolder folder;
  const pid_t parent = ::fork();
  if (parent == 0) {
    Process child({.argv = {"/bin/sleep", "60"}});
    std::ofstream(folder.path() / "new") << child.pid() << std::endl;
    std::filesystem::rename(folder.path() / "new", folder.path() / "pid");
    for (;;) ::pause();
  }
  REQUIRE(poll_until([&] { return std::filesystem::exists(folder.path() / "pid"); }, 30s));
  pid_t child = 0;
  std::ifstream(folder.path() / "pid") >> child;
  REQUIRE(exists(child));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  CHECK(poll_until([&] { return !exists(child); }, 30s));
}

TEST_CASE("free ports are free and not given twice") {
  const auto one = free_port();
  const auto two = free_port();
  CHECK(one != two);
  CHECK_FALSE(accepts(one));
}
