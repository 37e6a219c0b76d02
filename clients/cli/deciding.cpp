#include "clients/cli/deciding.hpp"

#include <chrono>
#include <istream>
#include <ostream>
#include <thread>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "clients/cli/report.hpp"
#include "clients/cli/table.hpp"
#include "clients/cpp/json.hpp"

namespace assent::cli {
namespace {

namespace json = boost::json;
using client::text_of;

constexpr const char* kResolveFooter = R"(
For a transaction in doubt that nothing but a person can end: its ledger has no record of
it, and what the participants know does not say how it ended. First look: assent show ID,
and the rows it locks.

  assent resolve ID --abort --preview            shows what it would do to each branch
  assent resolve ID --abort --reason 'see 4711'  the same, asks, and decides
  assent resolve ID --commit --reason 'paid, see 4711' --yes

Without a terminal to ask on, --yes is needed. A decision is recorded in the ledger, with
who made it and why, before anything is done, and never changes. It is refused where the
ledger knows one already, and where more is known by then than was shown. --abort also rolls
back a transaction that is not decided yet.

Exit codes: 0 done in every database; 1 refused, nothing was decided; 2 nothing was asked
for, or nobody said yes; 4 decided, and not done everywhere yet.
)";

constexpr const char* kAcknowledgeFooter = R"(
For a transaction that is shown as damaged: a branch ended otherwise than decided, or nobody
can prove how it ended. First compare the databases and mend the data, by an ordinary
transaction. The damage stays in the ledger and in the lists; it alarms no more. Another
branch found damaged later alarms anew.

  assent list --state damaged
  assent acknowledge ID --reason 'booked by hand, see 4711'
)";

json::object parse_fields(const std::string& text) {
  boost::system::error_code error;
  json::value document = json::parse(text, error);
  return document.is_object() ? std::move(document.get_object()) : json::object();
}

int fail(const DecidingOptions& options, const Terminal& terminal, const client::Trouble& trouble,
         const std::string& again = {}) {
  if (options.json && !trouble.body.empty()) terminal.out << trouble.body << '\n';
  const int code = print_trouble(terminal, trouble, again);
  // Whatever becomes of the transaction, what was asked for was not done.
  const bool refused = trouble.problem && trouble.problem->code == "resolution-refused";
  return refused ? kRefused : code;
}

void print_preview(const Terminal& terminal, const json::object& preview) {
  const std::string outcome = text_of(preview, "outcome");
  terminal.out << printable(text_of(preview, "id")) << '\n';
  if (const std::string why = text_of(preview, "why"); !why.empty())
    terminal.out << "in doubt: " << printable(why) << '\n';
  Table table({{"BRANCH"},
               {"KNOWN"},
               {"WHAT " + std::string(outcome == "committed" ? "COMMIT" : "ABORT") + " DOES"}});
  if (const json::array* branches = client::array_of(preview, "branches"))
    for (const json::value& each : *branches)
      if (const json::object* branch = each.if_object())
        table.add({text_of(*branch, "participant"),
                   {text_of(*branch, "known"), Colour::yellow},
                   text_of(*branch, "then")});
  if (!table.empty()) terminal.out << table.text(terminal);
}

bool is_confirmed(const Terminal& terminal, const std::string& outcome) {
  terminal.err << "This decides that it is " << outcome << ", for ever. Type yes to decide: ";
  terminal.err.flush();
  std::string answer;
  std::getline(terminal.in, answer);
  return answer == "yes";
}

// The decision is durable; its branches follow in a moment, or when they can be reached.
client::Transaction when_done(client::Client& client, client::Transaction transaction) {
  using namespace std::chrono_literals;
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (transaction.state == "committing" || transaction.state == "aborting") {
    if (std::chrono::steady_clock::now() >= until) break;
    std::this_thread::sleep_for(50ms);
    const auto now = client.get(transaction.id);
    if (!now) break;
    transaction = *now;
  }
  return transaction;
}

void show(const DecidingOptions& options, const Terminal& terminal,
          const client::Transaction& transaction) {
  if (options.json)
    terminal.out << transaction.json << '\n';
  else
    print_transaction(terminal, transaction);
}

int resolve(const DecidingOptions& options, const Terminal& terminal, client::Client client) {
  if (options.commit == options.abort) {
    terminal.err << "error: say which: --commit or --abort\n";
    return kUsage;
  }
  if (options.reason.empty() && !options.preview) {
    terminal.err
        << "error: a decision needs a reason: --reason TEXT (or --preview, to look only)\n";
    return kUsage;
  }
  const std::string outcome = options.commit ? "committed" : "aborted";
  const auto preview = client.preview(options.id, outcome);
  if (!preview) return fail(options, terminal, preview.error());
  const json::object fields = parse_fields(preview->json);
  if (options.preview && options.json) {
    terminal.out << preview->json << '\n';
    return kDone;
  }
  if (!options.json) print_preview(terminal, fields);
  if (options.preview) return kDone;
  if (!options.yes && (!terminal.asks || options.json)) {
    terminal.err << "error: nothing was decided: there is no terminal to ask on; give --yes\n";
    return kUsage;
  }
  if (!options.yes && !is_confirmed(terminal, outcome)) {
    terminal.err << "Nothing was decided.\n";
    return kUsage;
  }
  const auto decided = client.resolve(options.id, outcome, options.reason, text_of(fields, "seen"));
  if (!decided)
    return fail(options, terminal, decided.error(), "assent show " + shell_quoted(options.id));
  const client::Transaction done = when_done(client, *decided);
  if (!options.json) terminal.out << '\n';
  show(options, terminal, done);
  if (text_of(parse_fields(done.json), "damaged") == "true")
    terminal.err
        << "A branch had ended otherwise: the databases differ. Mend the data, then: assent "
           "acknowledge "
        << shell_quoted(options.id) << " --reason TEXT\n";
  if (done.state == "committed" || done.state == "aborted") return kDone;
  terminal.err << "Decided, and not done in every database yet. See: assent show "
               << shell_quoted(options.id) << '\n';
  return kUnsettled;
}

int acknowledge(const DecidingOptions& options, const Terminal& terminal, client::Client client) {
  const auto done = client.acknowledge(options.id, options.reason);
  if (!done) return fail(options, terminal, done.error());
  show(options, terminal, *done);
  return kDone;
}

}  // namespace

void add_deciding_commands(CLI::App& app, DecidingOptions& options,
                           const std::function<void(Decide)>& chosen) {
  CLI::App* sub =
      app.add_subcommand("resolve", "Decide a transaction in doubt that nothing else can end");
  sub->callback([chosen] { chosen(resolve); });
  sub->add_option("ID", options.id, "The transaction's id")->required();
  sub->add_flag("--commit", options.commit, "It is committed");
  sub->add_flag("--abort", options.abort, "It is aborted");
  sub->add_option("--reason", options.reason, "Why; it is recorded in the ledger");
  sub->add_flag("--preview", options.preview, "Show what it would do, and do nothing");
  sub->add_flag("--yes", options.yes, "Do not ask");
  sub->footer(kResolveFooter);

  sub = app.add_subcommand("acknowledge", "Say that the damage of a transaction has been seen to");
  sub->callback([chosen] { chosen(acknowledge); });
  sub->add_option("ID", options.id, "The transaction's id")->required();
  sub->add_option("--reason", options.reason,
                  "What was done about it; it is recorded in the ledger")
      ->required();
  sub->footer(kAcknowledgeFooter);
}

}  // namespace assent::cli
