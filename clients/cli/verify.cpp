#include "clients/cli/verify.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "clients/cli/comparison.hpp"
#include "clients/cli/report.hpp"
#include "clients/cli/table.hpp"
#include "clients/cli/table_copies.hpp"
#include "clients/cpp/json.hpp"
#include "protocol/runtime/suggestion.hpp"

namespace assent::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr const char* kFooter = R"(
GROUP is a group of the coordinator's configuration (assent groups), or participants separated by
commas. The tables must have the same columns and the same primary key at each.

  assent verify replicas account
  assent verify bank_a,bank_b public.account 'sales."Order"' --lock

Checksums over ranges of the primary key are compared, and halved to the rows where they differ.
Each database is read for itself, so that a transaction may be seen in one of them and not yet in
the next: rows that differ are looked at three times, over two seconds, and named only if they
differ each time. A row that is written all the time may be named all the same.

With --lock the tables are first locked at each member (LOCK TABLE … IN SHARE MODE, needs the right
to write) and stay so until all is compared: nothing can be written meanwhile, no transaction is
half done, and what is named differs. Writers wait so long. It ends after an hour at most.

Exit codes:
  0  the rows are the same everywhere
  1  rows differ; they are named
  2  the tables cannot be compared: there is no such group, no such table, no primary key …
  3  no coordinator answered
  4  not finished: a member did not answer or a lock was not granted
)";

constexpr auto kBetweenLooks = 1s;
constexpr auto kBetweenNews = 5s;
constexpr unsigned kLooks = 3;

struct Outcome {
  std::string table;
  std::vector<Column> key;
  Comparison comparison;
};

// ---- who ----------------------------------------------------------------------------------------

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::map<std::string, std::vector<std::string>> groups_in(const std::string& text) {
  std::map<std::string, std::vector<std::string>> groups;
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::array* list =
      document.is_object() ? client::array_of(document.as_object(), "groups") : nullptr;
  for (const json::value& each : list ? *list : json::array{}) {
    if (!each.is_object()) continue;
    auto& members = groups[client::text_of(each.as_object(), "name")];
    const json::array* inner = client::array_of(each.as_object(), "members");
    for (const json::value& member : inner ? *inner : json::array{})
      if (member.is_object()) members.push_back(client::text_of(member.as_object(), "participant"));
  }
  return groups;
}

// ---- what it says -------------------------------------------------------------------------------

// "id=7" or "(order_id, line)=(7, 2)".
std::string shown_key(const std::vector<Column>& columns, const Key& key) {
  std::string names;
  std::string values;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    names += (i > 0 ? ", " : "") + columns[i].name;
    values += (i > 0 ? ", " : "") + key[i];
  }
  return columns.size() == 1 ? names + "=" + values : "(" + names + ")=(" + values + ")";
}

// A letter for each content, in the order in which the members show them.
std::vector<std::string> letters(const Difference& difference) {
  std::vector<std::string> seen;
  std::vector<std::string> out;
  for (const std::string& checksum : difference.rows) {
    if (checksum.empty()) {
      out.emplace_back("missing");
      continue;
    }
    auto found = std::ranges::find(seen, checksum);
    if (found == seen.end()) found = seen.insert(seen.end(), checksum);
    const auto place = static_cast<std::size_t>(found - seen.begin());
    out.push_back(place < 26 ? std::string(1, static_cast<char>('A' + place))
                             : "A" + std::to_string(place));
  }
  return out;
}

std::string counted(std::uint64_t rows) {
  return std::to_string(rows) + (rows == 1 ? " row" : " rows");
}

void print_outcome(const Terminal& terminal, const std::vector<std::string>& members,
                   const Outcome& outcome) {
  const Comparison& found = outcome.comparison;
  const std::uint64_t rows = *std::ranges::max_element(found.rows);
  if (found.differences.empty()) {
    terminal.out << printable(outcome.table) << ": " << terminal.paint("the same", Colour::green)
                 << ", " << counted(rows) << " at " << members.size() << " members\n";
    return;
  }
  const std::uint64_t named = found.differences.size();
  terminal.out << printable(outcome.table) << ": "
               << terminal.paint((found.whole ? "" : "at least ") + counted(named) +
                                     (named == 1 ? " differs" : " differ"),
                                 Colour::red)
               << (found.whole ? ", of " + std::to_string(rows)
                               : "; the rest was not compared (--most)")
               << '\n';
  std::vector<Table::Column> columns{{"KEY"}};
  for (const std::string& member : members) columns.push_back({member});
  Table table(std::move(columns));
  for (const Difference& each : found.differences) {
    std::vector<Table::Cell> cells{shown_key(outcome.key, each.key)};
    for (const std::string& letter : letters(each))
      cells.emplace_back(letter, letter == "missing" ? Colour::red : Colour::none);
    table.add(std::move(cells));
  }
  terminal.out << table.text(terminal, "  ");
}

json::object as_json(const std::vector<std::string>& members, const Outcome& outcome) {
  json::object rows;
  for (std::size_t i = 0; i < members.size(); ++i) rows[members[i]] = outcome.comparison.rows[i];
  json::array differences;
  for (const Difference& each : outcome.comparison.differences) {
    json::object key;
    for (std::size_t i = 0; i < outcome.key.size(); ++i) key[outcome.key[i].name] = each.key[i];
    json::object sums;
    for (std::size_t i = 0; i < members.size(); ++i)
      sums[members[i]] = each.rows[i].empty() ? json::value(nullptr) : json::value(each.rows[i]);
    differences.push_back({{"key", std::move(key)}, {"sha256", std::move(sums)}});
  }
  return {{"table", outcome.table},
          {"same", outcome.comparison.differences.empty()},
          {"whole", outcome.comparison.whole},
          {"rows", std::move(rows)},
          {"differences", std::move(differences)}};
}

// ---- the command --------------------------------------------------------------------------------

class Verifying {
 public:
  Verifying(const VerifyOptions& options, const Terminal& terminal, client::Client& client)
      : options_(options), terminal_(terminal), client_(client) {}

  int run() {
    if (const auto code = find_members()) return *code;
    std::unique_ptr<Asking> asking = ask_anew(client_);
    if (const auto code = describe(*asking)) return *code;
    if (options_.lock) {
      auto locked = std::make_unique<Locked>(client_);
      std::vector<std::string> names;
      for (const TableShape& shape : shapes_) names.push_back(shape.name);
      const auto limit =
          client::milliseconds(static_cast<std::int64_t>(options_.lock_timeout_s * 1000));
      if (const auto trouble = locked->lock(members_, names, limit)) return fail(*trouble, "");
      asking = std::move(locked);
      if (const auto code = describe(*asking)) return *code;  // they may have been altered before
    }
    for (const TableShape& shape : shapes_)
      if (const auto code = compare_table(*asking, shape)) return *code;
    return report();
  }

 private:
  using Code = std::optional<int>;

  int refuse(const std::string& why) const {
    terminal_.err << terminal_.paint("error:", Colour::red) << ' ' << printable(why) << '\n';
    return kUsage;
  }

  // Nothing that refuses the question itself can be answered later.
  int fail(const client::Trouble& trouble, const std::string& table) const {
    const int code = print_trouble(terminal_, trouble);
    if (!table.empty())
      terminal_.err << "  The comparison of " << printable(table) << " is not finished.\n";
    if (code == kUnreachable) return code;
    const unsigned status = trouble.problem ? trouble.problem->status : 0;
    const bool for_good = status == 400 || status == 401 || status == 403 || status == 422;
    return for_good ? kUsage : kUnsettled;
  }

  Code find_members() {
    const auto groups = client_.groups();
    if (!groups) return fail(groups.error(), "");
    const auto known = groups_in(groups->json);
    members_ = split(options_.group);
    if (members_.size() == 1) {
      const auto found = known.find(members_.front());
      if (found == known.end()) {
        std::vector<std::string> names;
        for (const auto& [name, members] : known) names.push_back(name);
        return refuse("there is no group " + options_.group +
                      (names.empty() ? "; the coordinator's configuration has none (groups)"
                                     : suggestion(options_.group, names)) +
                      ". See: assent groups");
      }
      members_ = found->second;
    }
    std::vector<std::string> sorted = members_;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end())
      return refuse("a participant is named twice");
    if (members_.size() < 2)
      return refuse("there is only one member, and nothing to compare it to");
    return std::nullopt;
  }

  Code describe(Asking& asking) {
    shapes_.clear();
    for (const std::string& table : options_.tables) {
      auto said = describe_table(asking, members_, table);
      if (!said) return fail(said.error(), table);
      if (const auto* why = std::get_if<std::string>(&*said)) return refuse(*why);
      shapes_.push_back(std::get<TableShape>(std::move(*said)));
    }
    return std::nullopt;
  }

  Code compare_table(Asking& asking, const TableShape& shape) {
    TableCopies copies(asking, members_, shape, [] { std::this_thread::sleep_for(kBetweenLooks); });
    ComparisonOptions how;
    how.chunk = options_.chunk;
    how.most = options_.most;
    how.looks = options_.lock ? 1 : kLooks;
    how.progress = [this, &shape](std::uint64_t rows, std::size_t named) {
      const auto now = std::chrono::steady_clock::now();
      if (now - told_ < kBetweenNews) return;
      told_ = now;
      terminal_.err << printable(shape.name) << ": " << counted(rows) << " compared, " << named
                    << " named so far\n";
    };
    auto compared = compare(copies, how);
    if (!compared) return fail(compared.error(), shape.name);
    outcomes_.push_back({shape.name, shape.key, std::move(*compared)});
    if (!options_.json) print_outcome(terminal_, members_, outcomes_.back());
    return std::nullopt;
  }

  int report() const {
    const auto same = [](const Outcome& each) { return each.comparison.differences.empty(); };
    const bool all_same = std::ranges::all_of(outcomes_, same);
    if (options_.json) {
      json::array tables;
      for (const Outcome& each : outcomes_) tables.push_back(as_json(members_, each));
      terminal_.out << json::serialize(json::object{{"group", options_.group},
                                                    {"members", json::value_from(members_)},
                                                    {"locked", options_.lock},
                                                    {"same", all_same},
                                                    {"tables", std::move(tables)}})
                    << '\n';
    } else if (!all_same) {
      terminal_.out << "Members with the same letter hold the same row."
                    << (options_.lock ? ""
                                      : " Rows that are written all the time may be named; --lock "
                                        "excludes that.")
                    << '\n';
    }
    return all_same ? kDone : kRefused;
  }

  const VerifyOptions& options_;
  const Terminal& terminal_;
  client::Client& client_;
  std::vector<std::string> members_;
  std::vector<TableShape> shapes_;
  std::vector<Outcome> outcomes_;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

}  // namespace

void add_verify_command(CLI::App& app, VerifyOptions& options, std::function<int()>& run,
                        std::function<int(VerifyOptions)> verify) {
  CLI::App* const sub =
      app.add_subcommand("verify", "Compare a table's rows at the members of a group");
  sub->add_option("GROUP", options.group, "A group, or participants separated by commas")
      ->required();
  sub->add_option("TABLE", options.tables, "Tables, as SQL names them")->required();
  sub->add_flag("--lock", options.lock, "Keep writers out of the tables until all is compared");
  sub->add_option("--lock-timeout", options.lock_timeout_s, "Seconds to wait for each lock")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  sub->add_option("--chunk", options.chunk, "Rows that one checksum covers")
      ->check(CLI::Range(2, 10'000'000))
      ->capture_default_str();
  sub->add_option("--most", options.most, "Rows of a table to name before it ends early")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  sub->footer(kFooter);
  sub->callback([&options, &run, verify = std::move(verify)] {
    run = [&options, verify] { return verify(options); };
  });
}

int verify(const VerifyOptions& options, const Terminal& terminal, client::Client client) {
  return Verifying(options, terminal, client).run();
}

void print_groups(const Terminal& terminal, const std::string& text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::array* groups =
      document.is_object() ? client::array_of(document.as_object(), "groups") : nullptr;
  Table table({{"GROUP"}, {"MEMBER"}, {"STATE"}});
  for (const json::value& group : groups ? *groups : json::array{}) {
    if (!group.is_object()) continue;
    std::string name = client::text_of(group.as_object(), "name");
    const json::array* members = client::array_of(group.as_object(), "members");
    for (const json::value& member : members ? *members : json::array{}) {
      if (!member.is_object()) continue;
      const std::string state = client::text_of(member.as_object(), "state");
      table.add({std::exchange(name, ""),
                 client::text_of(member.as_object(), "participant"),
                 {state, state == "ready" ? Colour::green : Colour::yellow}});
    }
  }
  if (table.empty())
    terminal.out << "The coordinator's configuration has no groups.\n";
  else
    terminal.out << table.text(terminal);
}

}  // namespace assent::cli
