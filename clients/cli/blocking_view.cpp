// What `assent blocking` prints for people: the sentence, then a tree for each database.
#include <algorithm>
#include <ostream>

#include <boost/json.hpp>

#include "clients/cli/blocking.hpp"
#include "clients/cpp/json.hpp"
#include "protocol/runtime/blocking_sentence.hpp"

namespace assent::cli {
namespace {

namespace json = boost::json;
using client::array_of;
using client::integer_of;
using client::object_of;
using client::text_of;

constexpr std::size_t kMostQuery = 90;  // bytes of a query on its line
constexpr std::size_t kMostLocks = 8;   // of one root, in one line

const json::object& part(const json::object& from, std::string_view name) {
  static const json::object none;
  const json::object* found = object_of(from, name);
  return found ? *found : none;
}

std::string ago(const json::object& from, std::string_view name) {
  return duration_text(integer_of(from, name).value_or(0));
}

std::string shortened(std::string text, std::size_t most) {
  for (char& c : text)
    if (c == '\n' || c == '\t') c = ' ';
  if (text.size() > most) {
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
    text.resize(most);
    text += "…";
  }
  return printable(text);
}

// "row id = 7 of public.account", or its place where the key is not known.
std::string row_text(const json::object& row) {
  std::string what;
  for (const auto& [name, value] : part(row, "key"))
    what += (what.empty() ? "" : ", ") + std::string(name) + " = " + client::plain_text(value);
  if (what.empty()) what = "page " + text_of(row, "page") + ", line " + text_of(row, "line");
  return "row " + what + " of " + text_of(row, "relation");
}

std::string wanted_text(const json::object& wait) {
  if (const json::object* row = object_of(wait, "row")) return row_text(*row);
  const std::string what = text_of(wait, "what");
  if (text_of(wait, "type") != "transactionid") return what;
  const std::string relation = text_of(wait, "relation");
  return "the end of " + what + (relation.empty() ? "" : " (in " + relation + ")");
}

std::string party_text(const json::object& session) {
  std::string who = text_of(session, "application");
  if (const std::string user = text_of(session, "user"); !user.empty())
    who += (who.empty() ? "" : " ") + ("(" + user + ")");
  if (const std::string client = text_of(session, "client"); !client.empty())
    who += " from " + client;
  if (const std::string tx = text_of(session, "works_for"); !tx.empty())
    who += ", for transaction " + tx + ",";
  return "pid " + text_of(session, "pid") + (who.empty() ? "" : " " + who);
}

class Printer {
 public:
  Printer(const Terminal& terminal, const json::object& document)
      : terminal_(terminal), document_(document) {}

  void print() {
    const json::object& summary = part(document_, "summary");
    const bool calm = integer_of(summary, "sessions_waiting").value_or(0) == 0 &&
                      integer_of(summary, "transactions_in_doubt").value_or(0) == 0 &&
                      integer_of(summary, "transactions_applying").value_or(0) == 0;
    terminal_.out << terminal_.paint(printable(text_of(document_, "sentence")),
                                     calm ? Colour::bold : Colour::yellow)
                  << '\n';
    if (const json::array* databases = array_of(document_, "databases"))
      for (const json::value& each : *databases)
        if (const json::object* database = each.if_object()) print_database(*database);
  }

 private:
  std::ostream& line(std::size_t indent) { return terminal_.out << std::string(indent, ' '); }

  void print_database(const json::object& database) {
    const json::array* roots = array_of(database, "roots");
    const bool answers = text_of(database, "answers") == "true";
    if (answers && (!roots || roots->empty())) return;
    terminal_.out << '\n'
                  << terminal_.paint(printable(text_of(database, "participant")), Colour::bold);
    if (!answers)
      terminal_.out << ": not answering: " << printable(text_of(database, "not_answering_because"));
    terminal_.out << '\n';
    if (!roots || roots->empty()) return;
    if (!answers) line(2) << "What it reported " << ago(database, "age_ms") << " ago:\n";
    for (const json::value& root : *roots)
      if (const json::object* fields = root.if_object()) print_root(*fields);
    if (const std::string remedy = text_of(database, "remedy"); !remedy.empty())
      line(2) << printable(remedy) << '\n';
    print_costs(database);
  }

  void print_root(const json::object& root) {
    const std::string kind = text_of(root, "kind");
    const json::object& knowledge = part(root, "knowledge");
    if (kind == "session") {
      line(2) << terminal_.paint("session", Colour::bold) << ' ' << printable(party_text(root));
      if (const std::string state = text_of(root, "state"); !state.empty())
        terminal_.out << ", " << printable(state);
      if (root.contains("transaction_ms"))
        terminal_.out << ", transaction open for " << ago(root, "transaction_ms");
      terminal_.out << '\n';
      print_query(root, 4);
    } else {
      const std::string name = kind == "branch" ? "transaction " + text_of(root, "transaction")
                                                : "foreign " + text_of(root, "gid");
      line(2) << terminal_.paint(printable(name), Colour::bold) << ", prepared "
              << ago(root, "age_ms")
              << " ago: " << terminal_.paint(printable(text_of(knowledge, "text")), Colour::yellow)
              << '\n';
    }
    print_peers(root);
    print_locks(root);
    const json::object& frees = part(root, "frees");
    line(4) << "frees it: " << printable(text_of(frees, "what")) << '\n';
    if (const std::string then = text_of(frees, "then"); !then.empty())
      line(4) << "     then: " << printable(then) << '\n';
    const json::array* waiters = array_of(root, "waiters");
    const std::int64_t waiting = integer_of(root, "waiting").value_or(0);
    line(4) << "   waits: " << waiting << (waiting == 1 ? " session" : " sessions");
    if (waiters && static_cast<std::size_t>(waiting) > waiters->size())
      terminal_.out << ", of whom " << static_cast<std::size_t>(waiting) - waiters->size()
                    << " wait for another root too, or are too many, and do not stand here";
    terminal_.out << '\n';
    if (waiters)
      for (const json::value& waiter : *waiters)
        if (const json::object* fields = waiter.if_object()) print_waiter(*fields);
  }

  void print_peers(const json::object& root) {
    std::string text;
    if (const json::array* peers = array_of(root, "peers"))
      for (const json::value& peer : *peers)
        text += (text.empty() ? "" : ", ") + client::plain_text(peer);
    if (!text.empty()) line(4) << "   peers: " << printable(text) << '\n';
  }

  void print_locks(const json::object& root) {
    std::string text;
    const json::array* rows = array_of(root, "rows");
    const json::array* locks = array_of(root, "locks");
    std::size_t named = 0;
    const auto add = [&](const std::string& what) {
      if (++named <= kMostLocks) text += (text.empty() ? "" : ", ") + what;
    };
    if (rows)
      for (const json::value& row : *rows)
        if (row.is_object()) add(row_text(row.as_object()));
    if (locks)
      for (const json::value& lock : *locks) {
        if (!lock.is_object() || text_of(lock.as_object(), "kind") == "index") continue;
        std::string modes;
        if (const json::array* list = array_of(lock.as_object(), "modes"))
          for (const json::value& mode : *list)
            modes += (modes.empty() ? "" : ", ") + client::plain_text(mode);
        add(text_of(lock.as_object(), "what") + " (" + modes + ")");
      }
    if (named > kMostLocks) text += " and " + std::to_string(named - kMostLocks) + " more";
    if (!text.empty()) line(4) << "   holds: " << printable(text) << '\n';
  }

  void print_waiter(const json::object& waiter) {
    const auto level = static_cast<std::size_t>(integer_of(waiter, "level").value_or(1));
    const std::size_t indent = 4 + 2 * std::min<std::size_t>(level, 20);
    line(indent) << "└ " << terminal_.paint(printable(party_text(waiter)), Colour::bold)
                 << " waits " << ago(waiter, "waiting_ms") << " for "
                 << printable(wanted_text(part(waiter, "waits_for"))) << " ("
                 << printable(text_of(waiter, "mode")) << ")\n";
    print_query(waiter, indent + 4);
  }

  void print_query(const json::object& session, std::size_t indent) {
    if (const std::string hidden = text_of(session, "query_hidden"); !hidden.empty())
      line(indent) << terminal_.paint("query hidden", Colour::dim) << '\n';
    else if (const std::string query = text_of(session, "query"); !query.empty())
      line(indent) << terminal_.paint(shortened(query, kMostQuery), Colour::dim) << '\n';
  }

  void print_costs(const json::object& database) {
    const json::object* slots = object_of(database, "slots");
    const json::object& horizon = part(database, "horizon");
    if (!slots) return;
    line(2) << "costs: " << text_of(*slots, "used") << " of " << text_of(*slots, "of")
            << " slots for prepared transactions; oldest of them "
            << text_of(horizon, "oldest_prepared_xid_age")
            << " transactions old (autovacuum freezes at "
            << text_of(horizon, "autovacuum_freeze_max_age") << ")\n";
    if (text_of(horizon, "held_by_prepared") == "true")
      line(2) << "       vacuum removes no row that died since; dead rows in this database: about "
              << text_of(horizon, "dead_rows") << '\n';
  }

  const Terminal& terminal_;
  const json::object& document_;
};

}  // namespace

void print_blocking(const Terminal& terminal, const std::string& text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error || !document.is_object()) {
    terminal.err << "error: the answer cannot be read\n";
    return;
  }
  Printer(terminal, document.as_object()).print();
}

}  // namespace assent::cli
