#include "clients/cli/command_line.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>

#include <CLI/CLI.hpp>

#include "clients/cli/blocking_commands.hpp"
#include "clients/cli/credentials.hpp"
#include "clients/cli/deciding.hpp"
#include "clients/cli/description.hpp"
#include "clients/cli/dev_commands.hpp"
#include "clients/cli/doctor.hpp"
#include "clients/cli/lanes.hpp"
#include "clients/cli/report.hpp"
#include "clients/cli/verify.hpp"
#include "clients/cpp/client.hpp"
#include "protocol/runtime/suggestion.hpp"

namespace assent::cli {
namespace {

using client::Client;

constexpr const char* kFooter = R"(
Exit codes:
  0  done; for a transaction: committed, and applied in every database
  1  the transaction was aborted or the request refused: nothing was applied
  2  the command line or the input cannot be used: nothing was sent
  3  no coordinator answered: nothing was sent
  4  committed but not yet applied everywhere, or the outcome is not known: ask again
  5  assent dev: the installation could not be started

Examples:
  assent dev                                  a whole installation to try, in one command
  assent run transfer.json                    one transaction over several databases
  assent blocking                             what is blocked, by what, and what frees it
  assent watch                                the same and the transactions, live
  assent COMMAND --help                       more on each command
)";

constexpr const char* kRunFooter = R"(
FILE holds the body of POST /v1/transactions:

  assent run - <<'END'
  {"branches": [
    {"participant": "bank_a", "statements": [
      {"sql": "update account set balance = balance - $1 where id = $2 and balance >= $1",
       "params": [100, 1], "expect": {"rows": 1}}]},
    {"participant": "bank_b", "statements": [
      {"sql": "update account set balance = balance + $1 where id = $2",
       "params": [100, 1], "expect": {"rows": 1}}]}]}
  END

The request carries an idempotency key and is repeated with it until an answer comes. Give --key to
choose the key: the same file with the same key happens once, however often it is run.
)";

constexpr const char* kExecFooter = R"(
PARAMs are bound as $1, $2 …, as text that PostgreSQL converts; \N is NULL. Put -- before the first
one if any begins with a dash:

  id=$(assent begin --quiet)
  assent exec $id orders 'insert into orders (id, total) values ($1, $2)' o-7781 12.50
  assent exec $id stock  'update item set qty = qty - $1 where id = $2' --expect-rows 1 -- 1 sku-9
  assent commit $id

Statements of a transaction are numbered. The number is asked for, unless --seq gives it: repeat a
command whose answer was lost with the --seq it names, and it is not executed twice.
)";

constexpr const char* kShowFooter = R"(
The lanes run from the transaction's begin on the left to its end, or to now, on the right:

  client       ●┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄●        ● asks, ┄ waits, ● is answered
  coordinator  ├──────────◆────────┤        ◆ the decision: from here on it cannot change
  orders        ───▲▨▨▨▨▨▨▨━━━■            ─ work, ▲ votes yes, ━ carries the decision out, ■ done
  stock         ───────▲▨▨▨━━■             ▨ uncertain: holds its locks and must wait

Before ▲ a participant may abort alone; after it, it may do nothing alone until it is told.
)";

constexpr std::size_t kLargestInput = 64U * 1024 * 1024;

// What the options leave behind; one for the whole tree, since one command runs.
struct Arguments {
  std::string url = "http://127.0.0.1:7400";
  bool json = false;
  bool quiet = false;
  double patience_s = 30;

  std::string file;
  std::string key;
  std::string first_sent;
  std::string id;
  std::string participant;
  std::string sql;
  std::vector<std::string> params;
  std::vector<std::string> external;
  std::int64_t seq = 0;
  std::optional<std::uint32_t> expect_rows;
  bool read_only = false;
  double timeout_s = 0;
  bool decided = false;
  bool events = false;
  client::Filter filter;
  BlockingOptions blocking;
  DecidingOptions deciding;
  DoctorOptions doctor;
  VerifyOptions verify;
  Credentials credentials;
  NewToken token;
  DevArguments dev;
};

struct Command {
  const Terminal& terminal;
  const Dial& dial;
  Arguments arguments;
  std::function<int()> run;  // set by the command that was named

  Client client() const {
    client::Patience patience;
    patience.limit = client::milliseconds(static_cast<long>(arguments.patience_s * 1000));
    return Client(connect()(arguments.url), patience);
  }

  // Without credentials: only whom to trust is taken from them.
  Connect connect(bool with_credentials = true) const {
    HttpClientOptions options = arguments.credentials.options();
    if (!with_credentials) options.token = options.tls.certificate = options.tls.key = {};
    return [&to = dial, options](const std::string& url) { return to(url, options); };
  }

  // With --json a refusal is the problem document, as the server sent it.
  int fail(const client::Trouble& trouble, const std::string& again = {}) const {
    if (arguments.json && !trouble.body.empty()) terminal.out << trouble.body << '\n';
    return print_trouble(terminal, trouble, again);
  }

  int show(const client::Transaction& transaction) const {
    if (arguments.json)
      terminal.out << transaction.json << '\n';
    else if (arguments.quiet)
      terminal.out << transaction.id << '\n';
    else
      print_transaction(terminal, transaction);
    return kDone;
  }

  // For what should end committed.
  int show_outcome(const client::Transaction& transaction) const {
    show(transaction);
    const int code = exit_code(transaction);
    if (code == kUnsettled)
      terminal.err << "It is not finished in every database yet. See: assent show "
                   << shell_quoted(transaction.id) << '\n';
    return code;
  }

  int show_document(const client::Result<client::Document>& document,
                    void (*print)(const Terminal&, const std::string&)) const {
    if (!document) return fail(document.error());
    if (arguments.json)
      terminal.out << document->json << '\n';
    else
      print(terminal, document->json);
    return kDone;
  }
};

std::string read_input(const std::string& name, std::istream& standard) {
  std::ifstream file;
  if (name != "-") {
    file.open(name, std::ios::binary);
    if (!file) throw CLI::ValidationError("FILE", "cannot read " + name);
  }
  std::istream& from = name == "-" ? standard : file;
  std::string text(kLargestInput + 1, '\0');
  from.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(from.gcount()));
  if (from.bad()) throw CLI::ValidationError("FILE", "cannot read " + name);
  if (text.size() > kLargestInput) throw CLI::ValidationError("FILE", name + " exceeds 64 MiB");
  if (text.empty()) throw CLI::ValidationError("FILE", name + " is empty");
  return text;
}

int run_one_shot(const Command& command) {
  const Arguments& arguments = command.arguments;
  Client client = command.client();
  const auto done = client.run_json(read_input(arguments.file, command.terminal.in), arguments.key,
                                    arguments.first_sent);
  if (done) return command.show_outcome(*done);
  std::string again =
      "assent run " + shell_quoted(arguments.file) + " --key " + shell_quoted(client.last_key());
  if (!arguments.first_sent.empty()) again += " --first-sent " + shell_quoted(arguments.first_sent);
  if (arguments.file == "-") again += "    (with the same input)";
  return command.fail(done.error(), again);
}

int begin(const Command& command) {
  std::optional<client::milliseconds> timeout;
  if (command.arguments.timeout_s > 0)
    timeout = client::milliseconds(static_cast<long>(command.arguments.timeout_s * 1000));
  const std::vector<std::string>& external = command.arguments.external;
  const auto begun =
      external.empty()
          ? command.client().begin(client::Interactive{.timeout = timeout})
          : command.client().begin_external({.participants = external, .timeout = timeout});
  return begun ? command.show(*begun) : command.fail(begun.error());
}

int execute(const Command& command) {
  const Arguments& arguments = command.arguments;
  Client client = command.client();
  std::int64_t seq = arguments.seq;
  if (seq == 0) {
    const auto now = client.get(arguments.id);
    if (!now) return command.fail(now.error());
    if (now->state != "open") {
      command.terminal.err << "error: the transaction is " << printable(now->state)
                           << ": it takes no more statements\n";
      command.show(*now);
      return kRefused;
    }
    seq = now->next_seq;
  }
  client::Statement statement{.sql = arguments.sql, .expect_rows = arguments.expect_rows};
  for (const std::string& param : arguments.params)
    if (param == "\\N")
      statement.params.emplace_back(nullptr);
    else
      statement.params.emplace_back(param);
  const auto executed = client.execute(arguments.id, seq,
                                       {.participant = arguments.participant,
                                        .statements = {statement},
                                        .read_only = arguments.read_only});
  if (!executed) {
    std::string again = "assent exec " + shell_quoted(arguments.id) + " " +
                        shell_quoted(arguments.participant) + " " + shell_quoted(arguments.sql) +
                        " --seq " + std::to_string(seq);
    if (arguments.expect_rows) again += " --expect-rows " + std::to_string(*arguments.expect_rows);
    if (arguments.read_only) again += " --read-only";
    if (!arguments.params.empty()) again += " --";
    for (const std::string& param : arguments.params) again += " " + shell_quoted(param);
    return command.fail(executed.error(), again);
  }
  if (arguments.json)
    command.terminal.out << executed->json << '\n';
  else
    print_results(command.terminal, executed->results);
  return kDone;
}

int commit(const Command& command) {
  const auto wait_for =
      command.arguments.decided ? client::WaitFor::decided : client::WaitFor::applied;
  const auto done = command.client().commit(command.arguments.id, wait_for);
  if (!done) return command.fail(done.error(), "assent commit " + command.arguments.id);
  const int code = command.show_outcome(*done);
  // Who asked for no more than the decision has what was asked for.
  return command.arguments.decided && done->state == "committing" ? int{kDone} : code;
}

int rollback(const Command& command) {
  const auto done = command.client().rollback(command.arguments.id);
  return done ? command.show(*done)
              : command.fail(done.error(), "assent rollback " + command.arguments.id);
}

int show(const Command& command) {
  auto client = command.client();
  if (command.arguments.events)
    return command.show_document(
        client.timeline(command.arguments.id),
        [](const Terminal& to, const std::string& json) { print_timeline(to, json, ""); });
  const auto found = client.get(command.arguments.id);
  if (!found) return command.fail(found.error());
  command.show(*found);
  if (command.arguments.json) return kDone;
  // Only what the coordinator has seen happen has a timeline.
  if (const auto timeline = client.timeline(command.arguments.id)) {
    print_timeline(command.terminal, timeline->json, "\n");
  }
  return kDone;
}

int version(const Command& command) {
  const Terminal& terminal = command.terminal;
  if (!command.arguments.json) terminal.out << "assent " << ASSENT_VERSION << '\n';
  const auto server = command.client().version();
  if (!server) return command.fail(server.error());
  if (!command.arguments.json) terminal.out << "coordinator at " << command.arguments.url << ": ";
  terminal.out << server->json << '\n';
  return kDone;
}

// ---- the tree -----------------------------------------------------------------------------------

CLI::App* add(CLI::App& app, Command& command, const char* name, const char* what,
              int (*run)(const Command&)) {
  CLI::App* sub = app.add_subcommand(name, what);
  sub->callback([&command, run] { command.run = [&command, run] { return run(command); }; });
  return sub;
}

void add_id(CLI::App* sub, Arguments& arguments) {
  sub->add_option("ID", arguments.id, "The transaction's id")->required();
}

void add_transaction_commands(CLI::App& app, Command& command) {
  Arguments& arguments = command.arguments;
  CLI::App* sub = add(app, command, "run", "Run a whole transaction from JSON", run_one_shot);
  sub->add_option("FILE", arguments.file, "A file, or - for standard input")->required();
  sub->add_option("--key", arguments.key, "Idempotency key; one is made when it is not given");
  sub->add_option("--first-sent", arguments.first_sent,
                  "When the request was first sent with this key, as an HTTP date")
      ->needs("--key");
  sub->footer(kRunFooter);

  sub = add(app, command, "begin", "Begin an interactive or an external transaction", begin);
  sub->add_option("--external", arguments.external,
                  "External: you work at these participants over connections of your own, and "
                  "prepare there as this command shows")
      ->type_name("PARTICIPANT");
  sub->add_option("--timeout", arguments.timeout_s, "Seconds until it is aborted unless committed")
      ->check(CLI::PositiveNumber);
  sub->add_flag("--quiet,-q", arguments.quiet, "Print its id only");

  sub = add(app, command, "exec", "Run a statement in an interactive transaction", execute);
  add_id(sub, arguments);
  sub->add_option("PARTICIPANT", arguments.participant, "The database to run it in")->required();
  sub->add_option("SQL", arguments.sql, "One statement")->required();
  sub->add_option("PARAM", arguments.params, "Its parameters");
  sub->add_option("--expect-rows", arguments.expect_rows,
                  "Abort the transaction unless so many rows are affected");
  sub->add_option("--seq", arguments.seq, "The statement's number; asked for when it is not given")
      ->check(CLI::PositiveNumber);
  sub->add_flag("--read-only", arguments.read_only, "This branch only reads");
  sub->footer(kExecFooter);

  sub = add(app, command, "commit", "Commit an interactive or external transaction", commit);
  add_id(sub, arguments);
  sub->add_flag("--decided", arguments.decided,
                "Return once the decision is durable, before every database has applied it");
  sub = add(app, command, "rollback", "Roll an interactive or external transaction back", rollback);
  add_id(sub, arguments);
}

void add_question_commands(CLI::App& app, Command& command) {
  Arguments& arguments = command.arguments;
  CLI::App* sub =
      add(app, command, "show", "Show one transaction, and what happened to it and when", show);
  add_id(sub, arguments);
  sub->add_flag("--events", arguments.events, "What happened only; with --json, as JSON");
  sub->footer(kShowFooter);

  sub = add(app, command, "list", "List transactions, the newest first", [](const Command& c) {
    return c.show_document(c.client().list(c.arguments.filter), print_transactions);
  });
  sub->add_option(
      "--state", arguments.filter.state,
      "in_doubt, damaged, open, preparing, deciding, committing, committed, aborting or aborted");
  sub->add_option("--participant", arguments.filter.participant, "With a branch there");
  sub->add_option("--older-than", arguments.filter.older_than, "Such as 500ms, 30s, 5m or 2h");
  sub->add_option("--limit", arguments.filter.limit, "At most so many");
  sub->add_option("--page", arguments.filter.page_token, "The page after an earlier list");
  sub->footer(
      "\nExamples:\n  assent list --state in_doubt --older-than 30s\n"
      "  assent list --json | jq -r '.transactions[].id'\n");

  add(app, command, "participants", "List the databases", [](const Command& c) {
    return c.show_document(c.client().participants(), print_participants);
  });
  add(app, command, "groups", "List the groups of databases and their members",
      [](const Command& c) { return c.show_document(c.client().groups(), print_groups); });
  add(app, command, "version", "Show the versions of this command and of the coordinator", version);
}

void add_blocking(CLI::App& app, Command& command) {
  add_blocking_commands(app, command.arguments.blocking, [&command](ShowBlocking show) {
    command.run = [&command, show] {
      BlockingOptions options = command.arguments.blocking;
      options.coordinator = command.arguments.url;
      options.json = command.arguments.json;
      return show(options, command.terminal, command.connect());
    };
  });
}

// What to say when the first word is none of the commands.
std::optional<std::string> unknown_command(const CLI::App& app) {
  const auto words = app.remaining();
  if (words.empty() || words.front().starts_with("-") || !app.get_subcommands().empty())
    return std::nullopt;
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  return "there is no command '" + printable(words.front()) + "'" +
         suggestion(words.front(), known);
}

}  // namespace

int run_command_line(std::vector<std::string> arguments, const Terminal& terminal,
                     const Dial& dial) {
  Command command{terminal, dial, {}, {}};
  CLI::App app("Transactions across PostgreSQL databases: all of it or nothing.", "assent");
  app.add_option("--url", command.arguments.url, "The coordinator")
      ->envname("ASSENT_URL")
      ->capture_default_str();
  add_credential_options(app, command.arguments.credentials);
  app.add_flag("--json", command.arguments.json, "Print the server's JSON as it is");
  app.add_option("--patience", command.arguments.patience_s,
                 "Seconds to go on asking when no answer comes")
      ->check(CLI::Range(0.001, 86'400.0))
      ->capture_default_str();
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kFooter);
  add_transaction_commands(app, command);
  add_question_commands(app, command);
  add_deciding_commands(app, command.arguments.deciding, [&command](Decide decide) {
    command.run = [&command, decide] {
      DecidingOptions options = command.arguments.deciding;
      options.json = command.arguments.json;
      return decide(options, command.terminal, command.client());
    };
  });
  add_blocking(app, command);
  add_doctor_command(app, command.arguments.doctor, command.run, [&command](DoctorOptions asked) {
    asked.coordinator = command.arguments.url;
    asked.json = command.arguments.json;
    return examine(asked, command.terminal, command.connect(), command.connect(false));
  });
  add_verify_command(app, command.arguments.verify, command.run, [&command](VerifyOptions asked) {
    asked.json = command.arguments.json;
    return verify(asked, command.terminal, command.client());
  });
  add_token_command(app, command.arguments.token, terminal, command.run);
  add_dev_commands(app, command.arguments.dev, terminal, command.run);
  if (arguments == std::vector<std::string>{"--describe"}) {  // for scripts/reference
    terminal.out << describe(app) << '\n';
    return kDone;
  }
  try {
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app.parse(std::move(arguments));
    return command.run();
  } catch (const CLI::ParseError& error) {
    if (auto unknown = unknown_command(app)) {
      terminal.err << "error: " << *unknown << "\nTry assent --help.\n";
      return kUsage;
    }
    return app.exit(error, terminal.out, terminal.err) == 0 ? kDone : kUsage;
  } catch (const std::invalid_argument& error) {
    terminal.err << "error: " << error.what() << '\n';
    return kUsage;
  }
}

}  // namespace assent::cli
