#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <unistd.h>

#include "clients/dev/cluster.hpp"

namespace assent::dev {
namespace {

namespace fs = std::filesystem;

constexpr int kOldestMajor = 14;

// The major version of bin/postgres; 0 when it or initdb is not there.
int major_version(const fs::path& bin) {
  const std::string server = (bin / "postgres").string();
  if (::access(server.c_str(), X_OK) != 0) return 0;
  if (::access((bin / "initdb").c_str(), X_OK) != 0) return 0;
  // "postgres (PostgreSQL) 15.20 (Debian …)"
  const std::string text = run({.argv = {server, "--version"}}).output;
  const auto mark = text.find("(PostgreSQL) ");
  if (mark == text.npos) return 0;
  int major = 0;
  const char* number = text.data() + mark + std::string_view("(PostgreSQL) ").size();
  std::from_chars(number, text.data() + text.size(), major);
  return major;
}

// Folders PARENT/<prefix>VERSION/bin, the highest version first.
void add_versions(const fs::path& parent, std::string_view prefix, std::vector<fs::path>& out) {
  std::vector<std::pair<double, fs::path>> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    found.emplace_back(std::strtod(name.c_str() + prefix.size(), nullptr), entry.path() / "bin");
  }
  std::ranges::sort(found, std::greater{});
  for (auto& [version, bin] : found) out.push_back(std::move(bin));
}

std::vector<fs::path> candidates() {
  std::vector<fs::path> result;
  if (const char* chosen = std::getenv("ASSENT_PG_BIN")) return {chosen};
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (!folder.empty()) result.emplace_back(folder);
  add_versions("/usr/lib/postgresql", "", result);
  add_versions("/usr", "pgsql-", result);
  return result;
}

PostgresTools find_tools() {
  for (const fs::path& bin : candidates())
    if (const int major = major_version(bin); major >= kOldestMajor) return {bin, major};
  try {
    std::string bin = run({.argv = {"pg_config", "--bindir"}}).output;
    bin.erase(bin.find_last_not_of(" \n") + 1);
    if (const int major = major_version(bin); major >= kOldestMajor) return {bin, major};
  } catch (const std::runtime_error&) {
    // There is no pg_config: one place less to look.
  }
  throw std::runtime_error(
      "PostgreSQL 14 or later is not installed, or not where it was looked for: install the "
      "package postgresql, or name the folder of initdb and postgres in ASSENT_PG_BIN");
}

}  // namespace

const PostgresTools& postgres_tools() {
  static const PostgresTools tools = find_tools();
  return tools;
}

fs::path sql_folder() {
  std::vector<fs::path> places;
  if (const char* chosen = std::getenv("ASSENT_SQL")) places.emplace_back(chosen);
  places.push_back(executable_folder().parent_path() / "share/assent/sql");
  places.emplace_back(ASSENT_SOURCE_SQL);
  for (const fs::path& place : places)
    if (fs::exists(place / "participant.sql")) return place;
  throw std::runtime_error("participant.sql is neither in " + places.front().string() + " nor in " +
                           places.back().string() + ": name its folder in ASSENT_SQL");
}

}  // namespace assent::dev
