// However the lab ends, nothing of it is left: the end by kill -9 is the hardest.
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "clients/dev/process.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// Processes of anybody whose command names the folder.
std::size_t processes_in(const fs::path& folder) {
  const dev::Finished found =
      dev::run({.argv = {"pgrep", "-cf", folder.string() + "/assent-lab-"}});
  return std::stoul("0" + found.output.substr(0, found.output.find('\n')));
}

}  // namespace

TEST_CASE("killed, interrupted or ended: processes and folders are gone") {
  const int signal = GENERATE(SIGKILL, SIGINT);
  const dev::TemporaryFolder base("assent-cleanup");
  dev::ProcessOptions options;
  options.argv = {(dev::executable_folder() / "assent-lab").string(), "kill-loop", "--cycles",
                  "1000"};
  options.env = {{"TMPDIR", base.path().string()}};
  options.log = base.path() / "log";
  dev::Process lab(options);
  // Everything runs when a coordinator has made its log.
  const auto runs = [&] {
    for (const auto& entry : fs::directory_iterator(base.path()))
      if (fs::exists(entry.path() / "kill-loop" / "bank_c.log")) return true;
    return false;
  };
  REQUIRE(lab.wait_until(runs, 60s));
  CHECK(processes_in(base.path()) > 3);
  ::kill(lab.pid(), signal);
  REQUIRE(lab.wait(20s));
  CHECK(dev::poll_until([&] { return entries(base.path()) == 1; }, 30s));
  CHECK(dev::poll_until([&] { return processes_in(base.path()) == 0; }, 10s));
}
