// What is loaded into daemons does what it says: a disk without room, a clock that is moved.
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "clients/dev/process.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
namespace fs = std::filesystem;

namespace {

std::string program(const char* name) {
  return (dev::executable_folder() / name).string();
}

// A program with one of the libraries in it.
dev::ProcessOptions loaded(std::vector<std::string> argv, const char* library) {
  dev::ProcessOptions options;
  options.argv = std::move(argv);
  options.env = {{"LD_PRELOAD", program(library)}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
  return options;
}

}  // namespace

TEST_CASE("a full disk has no room for a segment, and has it again") {
  const dev::TemporaryFolder folder;
  const fs::path control = folder.path() / "full";
  const auto init = [&] {
    dev::ProcessOptions options =
        loaded({program("assent-coordinator"), "init", "--ledger", folder.path() / "ledger"},
               "assent-disk-faults.so");
    options.env.emplace_back("LAB_DISK_FULL", control.string());
    return dev::run(options);
  };
  std::ofstream(control) << "full\n";
  const dev::Finished refused = init();
  CHECK_FALSE(refused.status.ok());
  INFO(refused.output);
  CHECK(refused.output.find("no room in") != std::string::npos);
  fs::remove_all(folder.path() / "ledger");
  fs::remove(control);
  const dev::Finished made = init();
  INFO(made.output);
  CHECK(made.status.ok());
}

TEST_CASE("a clock is moved on and put back, by microseconds") {
  const dev::TemporaryFolder folder;
  const std::int64_t day = 24 * 3600;
  for (const std::int64_t moved_us : {day * 1'000'000, -day * 1'000'000, std::int64_t{-1}}) {
    const fs::path control = folder.path() / "clock";
    std::ofstream(control, std::ios::binary)
        .write(reinterpret_cast<const char*>(&moved_us), sizeof moved_us);
    dev::ProcessOptions options = loaded({"date", "-u", "+%s%6N"}, "assent-clock-faults.so");
    options.env.emplace_back("LAB_CLOCK", control.string());
    const auto now_us = [] {
      timespec now{};
      ::clock_gettime(CLOCK_REALTIME, &now);
      return static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
    };
    const std::int64_t before = now_us();
    const std::int64_t seen = std::stoll("0" + dev::run(options).output);
    const std::int64_t after = now_us();
    CHECK(seen >= before + moved_us);
    CHECK(seen <= after + moved_us);
  }
}
