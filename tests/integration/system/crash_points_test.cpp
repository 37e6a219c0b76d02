// Every crash point of both daemons, passed once with `kill`: a client that repeats its request
// with the same key gets its transfer once, and nothing is left behind. Takes minutes, so it is run
// on demand:
//   integration_system "[crash-points]"
#include <sstream>

#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;
using test::transfer;

namespace {

std::vector<std::string> points_of(const char* program) {
  dev::ProcessOptions options;
  options.argv = {(dev::executable_folder() / program).string(), "--list-crash-points"};
  std::istringstream lines(dev::run(options).output);
  std::vector<std::string> points;
  for (std::string line; std::getline(lines, line);) points.push_back(line);
  return points;
}

test::Environment kill_at(const std::string& point) {
  return {{"ASSENT_CRASH_POINTS", point + "=kill@1"}};
}

// One good transfer and one that must abort, the first again with its key until it is answered.
void pass(Deployment& bank, const std::string& point, dev::Process& doomed,
          const std::function<void()>& start_again) {
  client::Patience brief;
  brief.limit = brief.attempt = std::chrono::seconds(2);
  const auto shot = transfer("bank_a", 1, "bank_b", 1, "1.00");
  const std::string before = bank.balance(1, 1);
  dev::poll_until([&] { return !doomed.running() || bank.ready(); }, std::chrono::seconds(20));
  bool done = bank.client(brief).run(shot, point).has_value();
  static_cast<void>(bank.client(brief).run(transfer("bank_a", 2, "bank_b", 2, "5000.00")));
  const bool reached = doomed.wait(std::chrono::milliseconds(500)).has_value();
  if (!reached) doomed.stop();
  start_again();
  bank.await_ready();
  if (!done) done = bank.client().run(shot, point).has_value();
  WARN(point << (reached ? ": killed" : ": not passed"));
  INFO(point << "\n" << bank.logs());
  CHECK(done);
  CHECK(bank.settles());
  CHECK(std::stod(bank.balance(1, 1)) == Approx(std::stod(before) + 1));
}

}  // namespace

TEST_CASE("each crash point is survived", "[.][crash-points]") {
  Deployment bank;
  const std::int64_t total = bank.total();
  for (const std::string& point : points_of("assent-coordinator")) {
    bank.kill_coordinator();
    try {
      bank.start_coordinator(kill_at(point));
    } catch (const std::runtime_error&) {
    }
    pass(bank, point, bank.coordinator(), [&] { bank.start_coordinator(); });
  }
  for (const std::string& point : points_of("assent-participant")) {
    bank.kill_participant(0);
    bank.start_participant(0, kill_at(point));
    pass(bank, point, bank.participant(0), [&] { bank.start_participant(0); });
  }
  CHECK(bank.total() == total);
}
