#include "clients/cli/doctor.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <variant>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "clients/cli/dev_installation.hpp"
#include "clients/cli/table.hpp"
#include "clients/cpp/json.hpp"
#include "protocol/runtime/finding.hpp"

namespace assent::cli {

namespace json = boost::json;
using namespace std::chrono_literals;
using client::array_of;
using client::integer_of;
using client::text_of;
using enum Finding::Severity;

namespace {

constexpr const char* kFooter = R"(
Asks the coordinator, and each participant at its admin listener, which looks at its database again:
settings, role, slots, standbys, clock, prepared transactions. Participants are found through the
coordinator; what they name is asked without a token. Give the addresses with --participant or in
ASSENT_PARTICIPANTS where that does not do: tokens are needed, the coordinator is down, or the
listeners have other addresses from here.

Ends with 1 when there is an error, with 0 when there are warnings at most.

Examples:
  assent doctor
  assent doctor --participant db1:7411 --participant db2:7411
  assent doctor --json | jq -r '.findings[] | select(.severity == "error") | .what'
)";

constexpr client::milliseconds kAnswerLimit = 10s;
// A participant asks its database, and waits for it for a while.
constexpr client::milliseconds kCheckLimit = 60s;
constexpr std::int64_t kClockDifferenceMs = 1000;
// So many times a participant's report is looked for, a second apart.
constexpr int kReports = 5;
constexpr std::int64_t kSlowSyncUs = 20'000;
constexpr std::chrono::hours kRenewBefore{24 * 21};

struct Located {
  std::string where;
  Finding finding;
};

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// 2026-07-01T12:00:00.000Z
std::optional<std::int64_t> unix_ms(const std::string& text) {
  std::tm time{};
  int ms = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &time.tm_year, &time.tm_mon, &time.tm_mday,
                  &time.tm_hour, &time.tm_min, &time.tm_sec, &ms) != 7)
    return std::nullopt;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  return static_cast<std::int64_t>(::timegm(&time)) * 1000 + ms;
}

// An answer's document; or why there is none.
struct Answer {
  std::optional<json::object> document;
  unsigned status = 0;
  std::string trouble;
  std::int64_t asked_ms = 0;
  std::int64_t answered_ms = 0;
  std::optional<std::chrono::seconds> certificate_left;
};

Answer ask(const Connect& connect, const std::string& url, const std::string& target,
           client::milliseconds limit) {
  Answer answer;
  answer.asked_ms = wall_ms();
  try {
    const auto exchange = connect(url)->call(
        {.method = "GET", .target = target, .headers = {}, .body = {}, .timeout = limit});
    answer.answered_ms = wall_ms();
    if (const auto* failure = std::get_if<HttpFailure>(&exchange)) {
      answer.trouble = failure->message;
      return answer;
    }
    const HttpAnswer& got = std::get<HttpAnswer>(exchange);
    answer.status = got.status;
    answer.certificate_left = got.certificate_left;
    boost::system::error_code malformed;
    const json::value document = json::parse(got.body, malformed);
    if (got.status == 200 && !malformed && document.is_object())
      answer.document = document.as_object();
    else
      answer.trouble = url + " answers " + target + " with HTTP status " +
                       std::to_string(got.status) + (got.status == 200 ? ", but no JSON" : "") +
                       ".";
  } catch (const std::exception& refused) {  // the address, or a credential that may not go there
    answer.trouble = refused.what();
  }
  return answer;
}

class Examination {
 public:
  Examination(const DoctorOptions& options, const Connect& connect, const Connect& anonymous)
      : options_(options), connect_(connect), anonymous_(anonymous) {}

  std::vector<Located> run() {
    coordinator();
    for (const std::string& url : options_.participants) participant(connect_, url, {});
    if (options_.participants.empty() && named_.empty())
      for (const std::string& url : dev_participants(options_.coordinator))
        participant(connect_, url, {});
    for (const auto& [name, url] : named_)
      if (!examined_.contains(name)) participant(anonymous_, url, name);
    for (const std::string& name : known_)
      if (!examined_.contains(name)) not_examined(name);
    const auto rank = [](const Located& each) { return static_cast<int>(each.finding.severity); };
    std::ranges::stable_sort(found_, {}, rank);
    return std::move(found_);
  }

 private:
  static constexpr const char* kCoordinator = "coordinator";

  void add(const std::string& where, Finding::Severity severity, std::string what, std::string why,
           std::string remedy) {
    found_.push_back({where, {severity, std::move(what), std::move(remedy), std::move(why)}});
  }

  Answer of_coordinator(const std::string& target) {
    Answer answer = ask(connect_, options_.coordinator, target, kAnswerLimit);
    if (answer.document) return answer;
    const bool refused = answer.status == 401 || answer.status == 403;
    add(kCoordinator, error, answer.trouble,
        refused ? "What it knows cannot be examined." : "Without it nothing new commits.",
        refused ? "Show who you are: --token-file, or --cert and --key, of a viewer or operator."
                : "systemctl status assent-coordinator, then its log; or is --url wrong?");
    return answer;
  }

  void coordinator() {
    const Answer version = of_coordinator("/v1/version");
    if (!version.document) return;
    check_version(kCoordinator, text_of(*version.document, "version"));
    check_certificate(kCoordinator, version);
    const std::string standing = text_of(*version.document, "standing");
    if (standing != "complete")
      add(kCoordinator, warning, "The ledger is " + standing + ".",
          "It was moved, put back, or has lost records: branches it does not know need evidence.",
          "Have every participant up; what stays in doubt then is for a person (OPERATIONS.md).");
    const Answer overview = of_coordinator("/v1/overview");
    if (!overview.document) return;
    check_clock(kCoordinator, overview, unix_ms(text_of(*overview.document, "at")));
    check_syncs(*overview.document);
    check_members();
    check_groups();
    check_doubts();
    check_damage();
    find_participants();
  }

  void check_version(const std::string& where, const std::string& version) {
    if (version == ASSENT_VERSION) return;
    add(where, warning, "It runs version " + version + ", this command is " ASSENT_VERSION ".",
        "Versions are meant to be mixed during an upgrade only.", "Upgrade what is older.");
  }

  void check_certificate(const std::string& where, const Answer& answer) {
    if (!answer.certificate_left || *answer.certificate_left > kRenewBefore) return;
    const auto days = answer.certificate_left->count() / 86'400;
    add(where, warning, "Its certificate expires in " + std::to_string(days) + " days.",
        "Afterwards nobody who checks it connects any more.",
        "Renew it, and reload with SIGHUP (systemctl reload).");
  }

  // Against this machine's clock; the answer was made between asking and being answered.
  void check_clock(const std::string& where, const Answer& answer,
                   std::optional<std::int64_t> said_ms) {
    if (!said_ms) return;
    const std::int64_t apart = std::max(answer.asked_ms - *said_ms, *said_ms - answer.answered_ms);
    if (apart < kClockDifferenceMs) return;
    add(where, warning,
        "Its clock and that of this machine differ by " + std::to_string(apart) + " ms.",
        "Ages and timelines are shown wrongly.",
        "Run a time service (chrony, ntpd, systemd-timesyncd) on all machines.");
  }

  void check_syncs(const json::object& overview) {
    const json::object* since = client::object_of(overview, "since_start");
    const auto syncs = since ? integer_of(*since, "syncs").value_or(0) : 0;
    if (syncs == 0) return;
    const auto mean = integer_of(*since, "sync_us").value_or(0) / syncs;
    char text[80];
    std::snprintf(text, sizeof text, "A sync of the ledger takes %.2f ms (mean of %lld).",
                  static_cast<double>(mean) / 1000, static_cast<long long>(syncs));
    if (mean > kSlowSyncUs)
      add(kCoordinator, warning, text, "Every commit waits for one.",
          "Give the ledger a disk of its own, with a write cache that outlives a power failure.");
    else
      add(kCoordinator, note, text, "", "");
  }

  void check_members() {
    const Answer answer = of_coordinator("/v1/participants");
    const json::array* members =
        answer.document ? array_of(*answer.document, "participants") : nullptr;
    for (const json::value& each : members ? *members : json::array{}) {
      if (!each.is_object()) continue;
      const std::string name = text_of(each.as_object(), "name");
      const std::string state = text_of(each.as_object(), "state");
      known_.insert(name);
      if (state == "ready")
        ready_.insert(name);
      else
        add(name, error, "The coordinator has no working link with it: its state is " + state + ".",
            "Transactions with it abort, and what it voted yes for waits.",
            "Start it; its log and /readyz say what it lacks.");
    }
    if (known_.empty())
      add(kCoordinator, warning, "No participant has ever connected.",
          "There is nothing to commit in.",
          "Start assent-participant beside each database, with this coordinator's address.");
  }

  // Members dial in, so that a misspelt one is found here only. An older coordinator has no groups.
  void check_groups() {
    const Answer answer = ask(connect_, options_.coordinator, "/v1/groups", kAnswerLimit);
    const json::array* groups = answer.document ? array_of(*answer.document, "groups") : nullptr;
    for (const json::value& group : groups ? *groups : json::array{}) {
      const json::array* members =
          group.is_object() ? array_of(group.as_object(), "members") : nullptr;
      for (const json::value& member : members ? *members : json::array{})
        if (member.is_object() && text_of(member.as_object(), "state") == "unknown")
          add(kCoordinator, warning,
              "The group " + text_of(group.as_object(), "name") + " names " +
                  text_of(member.as_object(), "participant") + ", which has never connected.",
              "Every transaction with the group is refused.",
              "Start that participant, or correct groups in the coordinator's configuration.");
    }
  }

  void check_doubts() {
    const Answer answer =
        of_coordinator("/v1/transactions?state=in_doubt&older_than=60s&limit=100");
    const json::array* list =
        answer.document ? array_of(*answer.document, "transactions") : nullptr;
    if (!list || list->empty()) return;
    const std::string first =
        list->front().is_object() ? text_of(list->front().as_object(), "id") : "";
    add(kCoordinator, error,
        (list->size() == 100 ? "At least 100" : std::to_string(list->size())) +
            " transactions have been in doubt for more than a minute, as " + first + ".",
        "They hold locks until the decision reaches every database.",
        "assent blocking names what each waits for: bring that back. Do not end them by hand.");
  }

  void check_damage() {
    const Answer answer = of_coordinator("/v1/transactions?state=damaged&limit=1000");
    const json::array* list =
        answer.document ? array_of(*answer.document, "transactions") : nullptr;
    std::size_t alarming = 0;
    std::string latest;
    for (const json::value& each : list ? *list : json::array{}) {
      if (!each.is_object() || text_of(each.as_object(), "damaged") != "true" ||
          text_of(each.as_object(), "acknowledged") == "true")
        continue;
      if (++alarming == 1) latest = text_of(each.as_object(), "id");
    }
    if (alarming == 0) return;
    add(kCoordinator, error,
        (list->size() == 1000 ? "At least " : "") + std::to_string(alarming) +
            (alarming == 1 ? " transaction is damaged and not acknowledged: "
                           : " transactions are damaged and not acknowledged, the latest is ") +
            latest + ".",
        "A branch ended otherwise than decided, or nobody can say how: the databases may differ.",
        "assent show " + latest +
            "; make the databases agree, then assent acknowledge it with what "
            "was done (OPERATIONS.md).");
  }

  // Where their consoles are, as they report it each second; who has just come has not yet.
  void find_participants() {
    for (int attempt = 1;; ++attempt) {
      const Answer answer = of_coordinator("/v1/blocking");
      if (!answer.document) return;
      const json::array* all = array_of(*answer.document, "databases");
      for (const json::value& each : all ? *all : json::array{}) {
        if (!each.is_object()) continue;
        const std::string console = text_of(each.as_object(), "console");
        if (!console.empty()) named_[text_of(each.as_object(), "participant")] = console;
      }
      const auto silent = [this](const std::string& name) { return !named_.contains(name); };
      if (attempt == kReports || std::ranges::none_of(ready_, silent))
        return check_roots(*answer.document);
      connect_(options_.coordinator)->wait(1s);
    }
  }

  // Branches of ours that no process will ever end, such as those of a ledger that is lost.
  void check_roots(const json::object& blocking) {
    std::size_t waiting = 0;
    std::string where, transaction, frees_it;  // of the first
    const json::array* all = array_of(blocking, "databases");
    for (const json::value& database : all ? *all : json::array{}) {
      const json::array* roots =
          database.is_object() ? array_of(database.as_object(), "roots") : nullptr;
      for (const json::value& each : roots ? *roots : json::array{}) {
        const json::object* root = each.if_object();
        const json::object* frees = root ? client::object_of(*root, "frees") : nullptr;
        if (!frees || text_of(*root, "kind") != "branch" || text_of(*frees, "by") != "operator")
          continue;
        if (waiting++ > 0) continue;
        where = text_of(database.as_object(), "participant");
        transaction = text_of(*root, "transaction");
        frees_it = text_of(*frees, "what");
      }
    }
    if (waiting == 0) return;
    add(where, error,
        std::to_string(waiting) + (waiting == 1 ? " branch waits" : " branches wait") +
            " for a person, as that of " + transaction + ".",
        "Nothing that runs will end it, and it holds its locks until somebody does.", frees_it);
  }

  // `expected`: who should answer there; empty: whoever does.
  void participant(const Connect& connect, const std::string& url, const std::string& expected) {
    const Answer answer = ask(connect, url, "/v1/check", kCheckLimit);
    if (!answer.document) {
      unasked_[expected] = answer.trouble;
      if (expected.empty())
        add(url, error, answer.trouble, "Its database cannot be examined.",
            answer.status == 0 ? "Start it, or correct the address of its admin listener."
                               : "Show who you are (--token-file), or upgrade it.");
      return;
    }
    const std::string name = text_of(*answer.document, "participant");
    if (!expected.empty() && name != expected) {
      unasked_[expected] = url + " is " + (name.empty() ? "no participant" : name) + " from here.";
      return;
    }
    examined_.insert(name);
    check_version(name, text_of(*answer.document, "version"));
    check_certificate(name, answer);
    // It was written at the end of a check that may have taken seconds.
    check_clock(name, answer, integer_of(*answer.document, "at_ms"));
    const json::array* findings = array_of(*answer.document, "findings");
    for (const json::value& each : findings ? *findings : json::array{}) {
      if (!each.is_object()) continue;
      const json::object& one = each.as_object();
      const std::string severity = text_of(one, "severity");
      add(name,
          severity == "error"  ? error
          : severity == "note" ? note
                               : warning,
          text_of(one, "what"), text_of(one, "why"), text_of(one, "remedy"));
    }
  }

  void not_examined(const std::string& name) {
    const auto why = unasked_.find(name);
    add(name, warning,
        "It was not examined: " +
            (why == unasked_.end() ? "its address is not known." : why->second),
        "What is wrong with its database stays unseen.",
        "Give the address of its admin listener with --participant, and a token where it asks for "
        "one; or run `assent-participant config check --online` beside it.");
  }

  const DoctorOptions& options_;
  const Connect& connect_;
  const Connect& anonymous_;
  std::vector<Located> found_;
  std::set<std::string> ready_;
  std::set<std::string> known_;               // to the coordinator
  std::map<std::string, std::string> named_;  // consoles
  std::set<std::string> examined_;
  std::map<std::string, std::string> unasked_;  // why, by name
};

std::size_t count(const std::vector<Located>& found, Finding::Severity severity) {
  return static_cast<std::size_t>(std::ranges::count_if(
      found, [severity](const Located& each) { return each.finding.severity == severity; }));
}

void print_json(const Terminal& terminal, const std::vector<Located>& found) {
  json::array findings;
  for (const auto& [where, finding] : found)
    findings.push_back({{"severity", to_string(finding.severity)},
                        {"where", where},
                        {"what", finding.what},
                        {"why", finding.why},
                        {"remedy", finding.remedy}});
  terminal.out << json::serialize(json::object{{"findings", std::move(findings)},
                                               {"errors", count(found, error)},
                                               {"warnings", count(found, warning)}})
               << '\n';
}

void print_table(const Terminal& terminal, const std::vector<Located>& found) {
  Table table({{"SEVERITY"}, {"WHERE"}, {"WHAT"}});
  for (const auto& [where, finding] : found) {
    const Colour colour = finding.severity == error     ? Colour::red
                          : finding.severity == warning ? Colour::yellow
                                                        : Colour::none;
    table.add({{to_string(finding.severity), colour}, where, finding.what});
    if (!finding.why.empty()) table.add({"", "", "  why: " + finding.why});
    if (!finding.remedy.empty()) table.add({"", "", "  do:  " + finding.remedy});
  }
  if (!table.empty()) terminal.out << table.text(terminal);
  const std::size_t errors = count(found, error);
  const std::size_t warnings = count(found, warning);
  terminal.out << (errors + warnings == 0
                       ? "Nothing is wrong."
                       : std::to_string(errors) + (errors == 1 ? " error, " : " errors, ") +
                             std::to_string(warnings) +
                             (warnings == 1 ? " warning." : " warnings."))
               << '\n';
}

}  // namespace

void add_doctor_command(CLI::App& app, DoctorOptions& options, std::function<int()>& run,
                        std::function<int(DoctorOptions)> examine) {
  CLI::App* const sub =
      app.add_subcommand("doctor", "Say what is wrong anywhere, why it matters, and what to do");
  sub->add_option("--participant", options.participants, "A participant's admin listener")
      ->delimiter(',')
      ->envname("ASSENT_PARTICIPANTS");
  sub->footer(kFooter);
  sub->callback([&options, &run, examine = std::move(examine)] {
    run = [&options, examine] { return examine(options); };
  });
}

int examine(const DoctorOptions& options, const Terminal& terminal, const Connect& connect,
            const Connect& anonymous) {
  const auto found = Examination(options, connect, anonymous).run();
  if (options.json)
    print_json(terminal, found);
  else
    print_table(terminal, found);
  return count(found, error) == 0 ? kDone : kRefused;
}

}  // namespace assent::cli
