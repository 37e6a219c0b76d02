#include "tests/lab/use.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

namespace assent::lab {

using test::Deployment;

namespace {

std::size_t open_descriptors(pid_t pid) {
  std::error_code ignored;
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(pid) + "/fd", ignored);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

// Descriptors of clients that have just gone away are closed in a moment.
std::size_t steady_descriptors(pid_t pid) {
  std::size_t before = open_descriptors(pid);
  dev::poll_until(
      [&] {
        const std::size_t now = open_descriptors(pid);
        return std::exchange(before, now) == now;
      },
      std::chrono::seconds(5));
  return before;
}

void add_process(Use& use, pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;)
    if (word == "RssAnon:" || word == "VmSwap:") {
      double kib = 0;
      status >> kib;
      use.memory_kib += kib;
    }
  use.descriptors += static_cast<double>(steady_descriptors(pid));
}

}  // namespace

Use read_use(Deployment& deployment) {
  Use use;
  add_process(use, deployment.coordinator().pid());
  use.slots = static_cast<double>(deployment.prepared());
  for (std::size_t i = 0; i < deployment.size(); ++i) {
    add_process(use, deployment.participant(i).pid());
    const auto count = [&](const std::string& of) {
      return std::stod(
          deployment.cluster(i).value("select count(*) from " + of, Deployment::name(i)));
    };
    use.connections += count("pg_stat_activity where usename = 'assent_participant'");
    use.journal_rows += count("assent.outcome");
    use.overdue_rows +=
        count("assent.outcome where written_at < now() - interval '30 days 2 minutes'");
  }
  return use;
}

void age_journal(Deployment& deployment) {
  for (std::size_t i = 0; i < deployment.size(); ++i)
    deployment.cluster(i).query(
        "update assent.outcome set written_at = now() - interval '30 days'"
        " where written_at > now() - interval '30 days'",
        Deployment::name(i));
}

}  // namespace assent::lab
