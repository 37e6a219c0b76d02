// What expectations look at.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include <libpq-fe.h>

#include "protocol/ids.hpp"
#include "protocol/runtime/config.hpp"
#include "protocol/runtime/http_client.hpp"
#include "tests/lab/points.hpp"
#include "tests/lab/stage.hpp"

namespace assent::lab {

namespace {

std::optional<std::string> unless(bool so, std::string instead) {
  if (so) return std::nullopt;
  return instead;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "nowhere" : text;
}

// 1000 and 1000.00 are the same.
bool same_number(const std::string& a, const std::string& b) {
  return std::fabs(std::strtod(a.c_str(), nullptr) - std::strtod(b.c_str(), nullptr)) < 0.000'001;
}

}  // namespace

std::optional<std::string> Stage::differs(const Condition& condition) {
  switch (condition.seen) {
    case Seen::committed:
    case Seen::aborted:
    case Seen::in_doubt:
    case Seen::in_doubt_at:
    case Seen::answered:
    case Seen::unanswered:
    case Seen::took:
    case Seen::damaged:
    case Seen::unproven:
      return differs_transaction(condition);
    case Seen::blocked:
    case Seen::blocked_by:
    case Seen::done:
    case Seen::failed:
    case Seen::failed_with:
    case Seen::saw:
      return differs_session(condition);
    case Seen::running:
    case Seen::dead:
    case Seen::ready:
    case Seen::says:
    case Seen::second_refused:
    case Seen::counted:
      return differs_process(condition);
    default:
      return differs_data(condition);
  }
}

Stage::Traces Stage::traces_of(const std::string& name) {
  Traces traces;
  for (const std::string& database : transaction(name).databases()) {
    const auto count =
        std::stoul(value(database, "select count(*) from lab_mark where name = '" + name + "'"));
    traces.databases += count > 0 ? 1 : 0;
    traces.most = std::max(traces.most, static_cast<std::size_t>(count));
  }
  return traces;
}

// What the coordinator tells of the transaction.
std::optional<std::string> Stage::differs_telling(const std::string& name,
                                                  const std::string& word) {
  std::string told = "nothing of it";
  for (const TxId& tx : watcher_->seen()) {
    if (name_of(tx) != name) continue;
    const HttpAnswer answer = ask("/v1/transactions/" + to_string(tx));
    if (answer.body.find(word) != std::string::npos) return std::nullopt;
    told = answer.body;
  }
  return "the coordinator says: " + told;
}

std::optional<std::string> Stage::differs_transaction(const Condition& condition) {
  const std::string& name = condition.words[0];
  const ClientTransaction& client = transaction(name);
  const std::vector<std::string> prepared = prepared_at(name);
  const auto told = client.told();
  const std::string told_text = told ? std::string(to_string(*told)) : "nothing yet";
  switch (condition.seen) {
    case Seen::in_doubt:
      return unless(!prepared.empty(), "it is prepared nowhere");
    case Seen::in_doubt_at: {
      const bool there =
          std::find(prepared.begin(), prepared.end(), condition.words[1]) != prepared.end();
      return unless(there, "it is prepared at: " + joined(prepared));
    }
    case Seen::answered:
      return unless(told_text == condition.words[1], "its client was told: " + told_text);
    case Seen::unanswered:
      return unless(!told, "its client was told: " + told_text);
    case Seen::took: {
      const auto took = client.took();
      if (!took) return "its client still waits";
      return unless(*took > parse_duration(condition.words[1]).value(),
                    "its client waited " + std::to_string(took->count()) + " ms");
    }
    case Seen::damaged:
      return differs_telling(name, "heuristic");
    case Seen::unproven:
      return differs_telling(name, "unproven");
    default:
      break;
  }
  if (!prepared.empty()) return "it is prepared at: " + joined(prepared);
  const Traces traces = traces_of(name);
  const std::string found = "its mark is in " + std::to_string(traces.databases) + " of " +
                            std::to_string(client.databases().size()) + " databases, up to " +
                            std::to_string(traces.most) + " times";
  if (condition.seen == Seen::committed)
    return unless(traces.databases == client.databases().size() && traces.most == 1, found);
  if (client.outcome().busy) return "its client still waits";
  return unless(traces.databases == 0, found);
}

Outcome Stage::outcome_of(const std::string& name) const {
  if (const auto found = transactions_.find(name); found != transactions_.end())
    return found->second->outcome();
  if (const auto found = sessions_.find(name); found != sessions_.end())
    return found->second->outcome();
  throw std::runtime_error(name + " has done nothing yet");
}

// Whom it waits for, directly and through those who wait themselves.
std::set<std::string> Stage::blockers_of(const std::string& name) const {
  const Watcher::Waits waits = watcher_->waits();
  std::set<std::string> all;
  std::vector<std::string> next{name};
  while (!next.empty()) {
    const std::string who = next.back();
    next.pop_back();
    const auto found = waits.find(who);
    if (found == waits.end()) continue;
    for (const std::string& whom : found->second)
      if (all.insert(whom).second) next.push_back(whom);
  }
  return all;
}

std::optional<std::string> Stage::differs_session(const Condition& condition) {
  const std::string& name = condition.words[0];
  const Outcome outcome = outcome_of(name);
  const std::set<std::string> blockers = blockers_of(name);
  const std::string blocked_text = "it waits for: " + joined({blockers.begin(), blockers.end()});
  if (condition.seen == Seen::blocked) return unless(!blockers.empty(), "it waits for nobody");
  if (condition.seen == Seen::blocked_by)
    return unless(blockers.contains(condition.words[1]), blocked_text);
  if (outcome.busy) return "it is not answered yet; " + blocked_text;
  const std::string state = outcome.ok ? "it succeeded, with: " + outcome.value
                                       : "it failed: " + outcome.code + " " + outcome.reason;
  switch (condition.seen) {
    case Seen::done:
      return unless(outcome.ok, state);
    case Seen::failed:
      return unless(!outcome.ok, state);
    case Seen::failed_with:
      return unless(!outcome.ok && outcome.code == condition.words[1], state);
    default:
      return unless(outcome.ok && outcome.value == condition.words[1], state);
  }
}

bool Stage::running(const std::string& process) {
  if (!deployment_ && process.ends_with(".db")) {
    const std::string database = process.substr(0, process.find('.'));
    return PQping(conninfo(database).c_str()) == PQPING_OK;
  }
  if (!deployment_) return reachable(admin_of(process));
  if (process == "coordinator") return deployment_->coordinator().running();
  if (process.ends_with(".db")) return deployment_->cluster(index_of(process)).running();
  return deployment_->participant(index_of(process)).running();
}

bool Stage::ready(const std::string& process) {
  if (!running(process)) return false;
  if (process.ends_with(".db")) {
    value(process.substr(0, process.find('.')), "select 1");
    return true;
  }
  HttpCall call;
  call.target = "/readyz";
  call.timeout = std::chrono::seconds(1);
  const auto answer = HttpClient("http://" + to_string(admin_of(process))).call(call);
  const auto* got = std::get_if<HttpAnswer>(&answer);
  return got && got->status == 200;
}

std::optional<std::string> Stage::differs_process(const Condition& condition) {
  const std::string process = condition.words.empty() ? "" : condition.words[0];
  switch (condition.seen) {
    case Seen::running:
      return unless(running(process), "it is dead");
    case Seen::dead:
      return unless(!running(process), "it runs");
    case Seen::ready:
      return unless(ready(process), "it is not");
    case Seen::second_refused:
      return unless(second_ && second_->exit_status() && !second_->exit_status()->ok(),
                    "it runs: " + (second_ ? second_->log_tail(3) : ""));
    case Seen::counted: {
      for (const PointCount& count : count_points(to_string(admin_of(condition.words[1]))))
        if (count.point == process) return unless(count.passages > 0, "it was not");
      return "the daemon does not say";
    }
    default: {
      const dev::Process& daemon =
          process == "coordinator" ? own().coordinator() : own().participant(index_of(process));
      return unless(daemon.logged().find(condition.words[1]) != std::string::npos,
                    "its log ends with: " + daemon.log_tail(3));
    }
  }
}

std::optional<std::string> Stage::differs_data(const Condition& condition) {
  const auto& words = condition.words;
  if (condition.seen == Seen::value) {
    const std::string found = value(words[0], words[2]);
    return unless(found == words[1], "it is " + found);
  }
  if (condition.seen == Seen::put_back) {
    const HttpAnswer answer = ask("/v1/participants/" + words[0]);
    return unless(answer.body.find("rewound_below_epoch") != std::string::npos,
                  "the coordinator says: " + answer.body);
  }
  if (condition.seen == Seen::prepared) {
    std::size_t count = 0;
    for (const std::string& name : at_.names())
      count += std::stoul(value(name,
                                "select count(*) from pg_prepared_xacts where gid like "
                                "'assent1:%' and database = current_database()"));
    const std::string found = std::to_string(count);
    return unless(found == words[0], "it is " + found);
  }
  const auto dot = words[0].find('.');
  if (dot == std::string::npos) throw std::runtime_error("sum of TABLE.COLUMN, not " + words[0]);
  double sum = 0;
  const std::string table = words[0].substr(0, dot);
  for (const std::string& name : at_.names())
    sum += std::stod(
        value(name, "select coalesce(sum(" + words[0].substr(dot + 1) + "), 0) from " + table));
  std::ostringstream text;
  text.precision(2);
  text << std::fixed << sum;
  return unless(same_number(text.str(), words[1]), "it is " + text.str());
}

}  // namespace assent::lab
