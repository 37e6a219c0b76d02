#include "participant/blocking_report.hpp"

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>

#include "participant/branch_knowledge.hpp"
#include "participant/postgres/observation.hpp"
#include "protocol/participant_machine.hpp"

namespace assent {
namespace {

namespace json = boost::json;

// For whom somebody waits: so many are named, all are counted.
constexpr std::size_t kMostNamed = 16;
// Locks and rows of one root: so many are listed, all are counted.
constexpr std::size_t kMostLocks = 100;

void add_link(json::object& report, const ReportContext& context) {
  json::object coordinator;
  coordinator["linked"] = !context.away;
  if (context.away) coordinator["away_ms"] = context.away->count();
  report["coordinator"] = std::move(coordinator);
}

class Writer {
 public:
  Writer(const Observation& seen, const ReportContext& context)
      : seen_(seen), context_(context), waiters_left_(context.most_waiters) {
    for (const SessionRow& session : seen.snapshot.sessions) sessions_[session.pid] = &session;
  }

  json::object write() {
    json::object report;
    report["participant"] = context_.machine.name();
    add_link(report, context_);
    report["available"] = seen_.trouble.empty();
    if (!seen_.trouble.empty()) {
      report["trouble"] = seen_.trouble;
      report["roots"].emplace_array();
      return report;
    }
    report["database"] = seen_.snapshot.database;
    report["server_version"] = seen_.server_version;
    report["sampled_at_ms"] = seen_.snapshot.taken_at_ms;
    add_privileges(report);
    add_costs(report);
    json::array roots;
    for (const std::size_t root : seen_.blocking.roots)
      roots.push_back(write_root(root, roots.size() < context_.most_whole_roots));
    add_counts(report);
    report["roots"] = std::move(roots);
    if (left_out_ > 0) report["waiters_left_out"] = left_out_;
    return report;
  }

 private:
  static std::int64_t since(std::int64_t now, std::int64_t then) {
    return std::max<std::int64_t>(0, now - then);
  }
  std::int64_t now_ms() const { return seen_.snapshot.taken_at_ms; }

  void add_privileges(json::object& report) const {
    report["queries_visible"] = seen_.sees_queries;
    if (!seen_.sees_queries)
      report["remedy"] =
          "Queries of other users are hidden: grant pg_read_all_stats to " + seen_.role;
  }

  void add_costs(json::object& report) const {
    const ServerCosts& costs = seen_.costs;
    std::uint32_t oldest = 0;
    for (const PreparedRow& row : seen_.snapshot.prepared) oldest = std::max(oldest, row.xid_age);
    report["slots"] = {{"used", costs.slots_used}, {"of", costs.slots}};
    json::object horizon{{"oldest_prepared_xid_age", oldest},
                         {"oldest_frozen_xid_age", costs.oldest_frozen_age},
                         {"autovacuum_freeze_max_age", costs.freeze_max_age}};
    // What dies later than the oldest of these began cannot be removed.
    horizon["held_by_prepared"] =
        oldest > 0 && oldest >= costs.oldest_session_age && oldest >= costs.oldest_slot_age;
    if (costs.dead_rows) horizon["dead_rows"] = *costs.dead_rows;
    report["horizon"] = std::move(horizon);
  }

  // Sessions, each counted once, by what they wait for in the end.
  void add_counts(json::object& report) const {
    std::vector<std::size_t> branches, foreign;
    for (const std::size_t root : seen_.blocking.roots) {
      const BlockingNode& node = seen_.blocking.nodes[root];
      if (!node.prepared) continue;
      const bool ours = knowledge(*node.prepared).ours;
      (ours ? branches : foreign).push_back(root);
    }
    report["waiting"] = {{"all", seen_.blocking.held_by(seen_.blocking.roots).size()},
                         {"for_branches", seen_.blocking.held_by(branches).size()},
                         {"for_foreign", seen_.blocking.held_by(foreign).size()}};
  }

  BranchKnowledge knowledge(std::size_t prepared) const {
    return knowledge_of(seen_.snapshot.prepared[prepared], context_.machine, context_.away,
                        context_.ledger);
  }

  json::object write_root(std::size_t number, bool whole) {
    const BlockingNode& node = seen_.blocking.nodes[number];
    json::object root;
    root["waiting"] = node.reach;
    root["waiters"].emplace_array();
    if (node.prepared)
      add_prepared(root, seen_.snapshot.prepared[*node.prepared], knowledge(*node.prepared));
    else if (node.pid != 0)
      add_root_session(root, node);
    else
      add_unlisted(root);
    if (!whole) {
      left_out_ += node.reach;
      return root;
    }
    if (node.prepared) add_locks(root, node);
    json::array waiters;
    std::vector<RowPlace> rows;
    for (const std::size_t child : node.children) add_waiter(waiters, rows, child, 1);
    if (!rows.empty()) root["rows"] = write_rows(rows);
    root["waiters"] = std::move(waiters);
    return root;
  }

  void add_prepared(json::object& root, const PreparedRow& row,
                    const BranchKnowledge& known) const {
    root["kind"] = known.ours ? "branch" : "foreign";
    root["gid"] = row.gid;
    root["xid"] = row.xid;
    root["xid_age"] = row.xid_age;
    root["owner"] = row.owner;
    root["age_ms"] = since(now_ms(), row.prepared_at_ms);
    if (const auto gid = parse_gid(row.gid)) {
      root["transaction"] = to_string(gid->tx);
      root["ledger"] = to_string(gid->ledger);
      const auto branch = context_.machine.branches().find(*gid);
      if (branch != context_.machine.branches().end())
        root["peers"] = json::value_from(branch->second.peers);
    }
    root["knowledge"] = {{"state", known.state}, {"text", known.text}};
    if (known.attempts > 0) root["knowledge"].as_object()["attempts"] = known.attempts;
    root["frees"] = {{"by", known.frees_by}, {"what", known.frees}, {"then", known.then}};
  }

  void add_root_session(json::object& root, const BlockingNode& node) const {
    root["kind"] = "session";
    add_session(root, node.pid);
    if (node.wait) {
      root["frees"] = {{"by", "database"},
                       {"what", "PostgreSQL, which ends one of those who wait in a circle."},
                       {"then", "The others go on."}};
      return;
    }
    if (const auto working = seen_.working.find(node.pid); working != seen_.working.end()) {
      root["frees"] = {{"by", "decision"},
                       {"what", "The end of transaction " + to_string(working->second.tx) +
                                    ", for which this session works: its vote and the decision, "
                                    "or its deadline. Until it votes it may be aborted."},
                       {"then", "Its locks are released and those who wait go on."}};
      return;
    }
    root["frees"] = {{"by", "session"},
                     {"what", "The end of this session's transaction; pg_terminate_backend(" +
                                  std::to_string(node.pid) + ") would roll it back."},
                     {"then", "Its locks are released and those who wait go on."}};
  }

  static void add_unlisted(json::object& root) {
    root["kind"] = "foreign";
    root["knowledge"] = {{"state", "unknown"},
                         {"text", "a prepared transaction that began or ended just now"}};
    root["frees"] = {{"by", "database"}, {"what", "Look again."}, {"then", ""}};
  }

  std::string relation_name(std::uint32_t relation) const {
    const auto found = seen_.relations.find(relation);
    return found != seen_.relations.end() ? found->second.name
                                          : "relation " + std::to_string(relation);
  }

  // A transaction holds a lock on its own ids, always: that says nothing.
  void add_locks(json::object& root, const BlockingNode& node) const {
    json::array locks;
    std::size_t count = 0;
    for (const HeldLock& held : node.locks) {
      const LockObject& object = held.object;
      if (object.type == "transactionid" || object.type == "virtualxid") continue;
      if (++count > kMostLocks) continue;
      json::object lock{{"type", object.type},
                        {"what", describe(object, relation_name(object.relation))}};
      const auto relation = seen_.relations.find(object.relation);
      if (relation != seen_.relations.end()) lock["kind"] = kind_name(relation->second.kind);
      json::array modes;
      for (const LockMode mode : held.modes) modes.emplace_back(to_string(mode));
      lock["modes"] = std::move(modes);
      locks.push_back(std::move(lock));
    }
    root["locks"] = std::move(locks);
    root["locks_held"] = count;
  }

  static json::string kind_name(char kind) {
    switch (kind) {
      case 'r':
      case 'p':
        return "table";
      case 'i':
      case 'I':
        return "index";
      case 'm':
        return "materialized view";
      case 'S':
        return "sequence";
      case 't':
        return "toast table";
      default:
        return "relation";
    }
  }

  // Every session is written once, under its parent, in the order of a tree printed line by line.
  void add_waiter(json::array& waiters, std::vector<RowPlace>& rows, std::size_t number,
                  unsigned level) {
    const BlockingNode& node = seen_.blocking.nodes[number];
    if (node.wait->row && rows.size() < kMostLocks &&
        std::ranges::find(rows, *node.wait->row) == rows.end())
      rows.push_back(*node.wait->row);
    if (waiters_left_ == 0) {
      ++left_out_;
    } else {
      --waiters_left_;
      waiters.push_back(write_waiter(node, level));
    }
    for (const std::size_t child : node.children) add_waiter(waiters, rows, child, level + 1);
  }

  json::object write_waiter(const BlockingNode& node, unsigned level) const {
    const Wait& wait = *node.wait;
    json::object waiter;
    waiter["level"] = level;
    add_session(waiter, node.pid);
    waiter["waits_for"] = write_wait(wait);
    waiter["mode"] = to_string(wait.mode);
    waiter["waiting_ms"] = since(now_ms(), wait.since_us / 1000);
    waiter["blocked_by"] = write_parties(node.blocked_by);
    waiter["blocked_by_count"] = node.blocked_by.size();
    if (!node.behind.empty()) {
      waiter["behind"] = write_parties(node.behind);
      waiter["behind_count"] = node.behind.size();
    }
    return waiter;
  }

  json::object write_wait(const Wait& wait) const {
    json::object out{{"type", wait.object.type},
                     {"what", describe(wait.object, relation_name(wait.object.relation))},
                     {"queue_position", wait.queue_position}};
    if (wait.object.relation != 0) out["relation"] = relation_name(wait.object.relation);
    if (wait.row) out["row"] = write_row(*wait.row);
    std::string table;
    std::size_t tables = 0;
    for (const std::uint32_t relation : wait.shared_relations) {
      const auto found = seen_.relations.find(relation);
      if (found == seen_.relations.end() || found->second.kind == 'i') continue;
      table = found->second.name;
      ++tables;
    }
    if (tables == 1) out["relation"] = table;
    return out;
  }

  json::object write_row(const RowPlace& row) const {
    json::object out{
        {"relation", relation_name(row.relation)}, {"page", row.page}, {"line", row.line}};
    if (const auto key = seen_.keys.find(row); key != seen_.keys.end()) {
      boost::system::error_code error;
      const json::value parsed = json::parse(key->second, error);
      if (!error) out["key"] = parsed;
    }
    return out;
  }

  json::array write_rows(const std::vector<RowPlace>& rows) const {
    json::array out;
    for (const RowPlace& row : rows) out.push_back(write_row(row));
    return out;
  }

  // Sessions by their pid, prepared transactions by their gid.
  json::array write_parties(const std::vector<std::size_t>& nodes) const {
    json::array out;
    for (const std::size_t number : nodes) {
      if (out.size() == kMostNamed) break;
      const BlockingNode& node = seen_.blocking.nodes[number];
      if (node.prepared)
        out.emplace_back(seen_.snapshot.prepared[*node.prepared].gid);
      else
        out.emplace_back(node.pid);
    }
    return out;
  }

  void add_session(json::object& into, int pid) const {
    into["pid"] = pid;
    if (const auto working = seen_.working.find(pid); working != seen_.working.end())
      into["works_for"] = to_string(working->second.tx);
    const auto found = sessions_.find(pid);
    if (found == sessions_.end()) return;
    const SessionRow& session = *found->second;
    const auto add = [&into](const char* name, const std::string& text) {
      if (!text.empty()) into[name] = text;
    };
    add("application", session.application);
    add("user", session.user);
    add("database", session.database);
    add("client", session.client);
    add("backend_type", session.backend_type);
    add("state", session.state);
    if (session.hidden)
      into["query_hidden"] = "grant pg_read_all_stats to " + seen_.role;
    else
      add("query", session.query);
    if (session.transaction_start_ms != 0)
      into["transaction_ms"] = since(now_ms(), session.transaction_start_ms);
  }

  const Observation& seen_;
  const ReportContext& context_;
  std::map<int, const SessionRow*> sessions_;
  std::size_t waiters_left_;
  std::size_t left_out_ = 0;
};

}  // namespace

json::object blocking_report(const Observation& seen, const ReportContext& context) {
  return Writer(seen, context).write();
}

json::object quiet_report(const ReportContext& context, std::int64_t now_ms) {
  json::object report;
  report["participant"] = context.machine.name();
  add_link(report, context);
  report["available"] = true;
  report["sampled_at_ms"] = now_ms;
  report["waiting"] = {{"all", 0}, {"for_branches", 0}, {"for_foreign", 0}};
  report["roots"].emplace_array();
  return report;
}

}  // namespace assent
