#include "tests/bench/site.hpp"

#include <unistd.h>

#include "tests/bench/processes.hpp"

namespace assent::bench {
namespace {

constexpr std::int64_t kOpeningCents = 100'000;

dev::ClusterOptions cluster_options(std::size_t clients) {
  dev::ClusterOptions options;
  options.max_prepared_transactions = static_cast<int>(clients) + 100;
  options.max_connections = static_cast<int>(clients) + 200;
  return options;
}

}  // namespace

Usage operator-(const Usage& after, const Usage& before) {
  return {after.client_s - before.client_s,
          after.coordinator_s - before.coordinator_s,
          after.participants_s - before.participants_s,
          after.postgres_s - before.postgres_s,
          after.wal_syncs - before.wal_syncs,
          after.wal_bytes - before.wal_bytes};
}

Usage operator+(const Usage& one, const Usage& other) {
  return one - (Usage{} - other);
}

Site::Site(std::size_t banks, int accounts, std::size_t clients)
    : bank_(banks, cluster_options(clients)) {
  for (std::size_t i = 0; i < banks; ++i) {
    bank_.cluster(i).query(
        "insert into account select id, 'customer', 1000 from generate_series(101, " +
            std::to_string(accounts) + ") id",
        bank_.name(i));
    bank_.cluster(i).query("vacuum analyze account", bank_.name(i));
    bank_.cluster(i).query("checkpoint");
  }
}

std::uint16_t Site::port() const {
  const std::string url = bank_.url();
  return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

std::vector<std::string> Site::participants() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < bank_.size(); ++i) names.push_back(bank_.name(i));
  return names;
}

std::vector<std::string> Site::databases() {
  std::vector<std::string> databases;
  for (std::size_t i = 0; i < bank_.size(); ++i)
    databases.push_back(bank_.cluster(i).participant_conninfo(bank_.name(i)));
  return databases;
}

Usage Site::usage() {
  Usage now;
  now.client_s = cpu_seconds(::getpid());
  now.coordinator_s = cpu_seconds(bank_.coordinator().pid());
  for (std::size_t i = 0; i < bank_.size(); ++i) {
    now.participants_s += cpu_seconds(bank_.participant(i).pid());
    now.postgres_s += cpu_seconds_of_tree(bank_.cluster(i).postmaster_pid());
  }
  for (std::size_t i = 0; i < bank_.size(); ++i) {
    const auto row = bank_.cluster(i).query("select wal_sync, wal_bytes from pg_stat_wal").at(0);
    now.wal_syncs += std::stod(row[0].value_or("0"));
    now.wal_bytes += std::stod(row[1].value_or("0"));
  }
  return now;
}

std::string Site::check(const Book& book) {
  if (!bank_.settles()) return "branches are still prepared";
  for (std::size_t i = 0; i < bank_.size(); ++i) {
    const auto rows =
        bank_.cluster(i).query("select id, (balance * 100)::bigint from account", bank_.name(i));
    for (const dev::Row& row : rows) {
      const int account = std::stoi(row[0].value_or("0"));
      const std::int64_t cents = std::stoll(row[1].value_or("0"));
      const std::int64_t expected = kOpeningCents + book.moved(i, account);
      if (cents != expected)
        return bank_.name(i) + ": account " + std::to_string(account) + " holds " +
               std::to_string(cents) + " cents; by the answers it should hold " +
               std::to_string(expected);
    }
  }
  return {};
}

}  // namespace assent::bench
