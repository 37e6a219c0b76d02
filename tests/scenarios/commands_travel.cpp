// What travels, the log, databases, time.
#include <algorithm>

#include "tests/scenarios/commands.hpp"

namespace assent::scenarios {

std::vector<std::shared_ptr<Message>> Commands::meant(const Words& words) {
  const bool only_one = !words.empty() && words[0] == "one";
  const Pattern pattern = parse_pattern({words.begin() + (only_one ? 1 : 0), words.end()}, line_);
  auto found = world_.in_air(pattern);
  if (only_one && !found.empty()) found.resize(1);
  if (!found.empty()) return found;
  std::string air;
  for (const auto& message : world_.in_air({}))
    air += (air.empty() ? "" : ", ") + message->brief() + " from " + message->from;
  throw Refusal("nothing in the air is \"" + pattern.text + "\"; there is " +
                (air.empty() ? "nothing" : air));
}

// Without words: whatever travels on a link now and is not held; not what it leads to.
void Commands::deliver(const Words& words) {
  const auto all = words.empty() ? world_.travelling() : meant(words);
  if (all.empty()) throw Refusal("nothing is in the air");
  for (const auto& message : all) {
    const auto still = world_.in_air({});
    if (std::find(still.begin(), still.end(), message) == still.end()) continue;  // lost meanwhile
    world_.deliver(message);
    world_.flow();
  }
}

void Commands::drop(const Words& words) {
  if (words.empty()) misunderstood();
  for (const auto& message : meant(words)) {
    const bool is_verb = message->to.ends_with(".database");
    world_.lose(message,
                message->is_of_database() ? (is_verb ? "it was never done" : "it was done") : "");
  }
}

void Commands::duplicate(const Words& words) {
  if (words.empty()) misunderstood();
  for (const auto& message : meant(words)) {
    if (!message->link) throw Refusal("only what travels on a link can be doubled");
    world_.put_in_air(*message);
  }
}

void Commands::hold(const Words& words) {
  if (words.empty()) misunderstood();
  Pattern pattern = parse_pattern(words, line_);
  for (const auto& message : world_.in_air(pattern)) {
    message->held = true;
    ++pattern.used;
  }
  world_.holds.push_back(pattern);
}

void Commands::release(const Words& words) {
  const Pattern pattern = parse_pattern(words, line_);
  const auto same = [&](const Pattern& hold) { return hold.text == pattern.text; };
  const auto found = std::find_if(world_.holds.begin(), world_.holds.end(), same);
  if (found == world_.holds.end())
    throw Refusal("nothing is held by the words \"" + pattern.text + "\"");
  if (found->used == 0)
    throw Refusal("nothing was held by \"hold " + pattern.text + "\" of line " +
                  std::to_string(found->line));
  world_.holds.erase(found);
  for (const auto& message : world_.in_air(pattern)) message->held = false;
}

void Commands::cut(const Words& words) {
  if (words.size() != 4 || words[0] != "from" || words[2] != "to") misunderstood();
  world_.cuts.insert({words[1], words[3]});
}

void Commands::heal(const Words& words) {
  if (!words.empty()) misunderstood();
  world_.cuts.clear();
}

void Commands::settle(const Words& words) {
  if (!words.empty()) misunderstood();
  world_.settle();
}

void Commands::rest(const Words& words) {
  if (!words.empty()) misunderstood();
  world_.rest();
}

// ---- the log
// ---------------------------------------------------------------------------------------

void Commands::sync(const Words& words) {
  Coordinator& who = world_.coordinator();
  if (!who.machine) throw Refusal("the coordinator does not run");
  if (words == Words{"fails"}) {
    world_.say("the sync failed: what it was for cannot be trusted, and the process ends");
    return world_.end_coordinator(who, true);
  }
  if (!words.empty()) misunderstood();
  if (who.ledger.is_synced()) throw Refusal("there is nothing to sync");
  world_.sync(who);
}

void Commands::ledger(const Words& words) {
  if (words.size() != 1) misunderstood();
  Coordinator& who = world_.coordinator();
  const auto lost_by = [&](const auto& change) {
    if (who.machine) throw Refusal("the coordinator runs; crash or kill it first");
    std::set<TxId> lost = who.ledger.commits();
    change();
    for (const TxId& kept : who.ledger.commits()) lost.erase(kept);
    for (const TxId& tx : lost)
      world_.say("(lost: the commit record of " + world_.names().of(tx) + ")");
    world_.observer.commits_lost(lost);
  };
  if (words[0] == "full" || words[0] == "free") {
    who.ledger.full = words[0] == "full";
  } else if (words[0] == "rotate") {
    if (!who.machine) throw Refusal("the coordinator does not run");
    who.ledger.rotate(who.machine->snapshot());
    for (const LogRecord& record : who.machine->snapshot())
      world_.say("snapshot: " + world_.names().text(record));
  } else if (words[0] == "copy") {
    world_.ledger_copy = who.ledger.copy();
  } else if (words[0] == "put-back") {
    if (!world_.ledger_copy) throw Refusal("there is no copy; \"ledger copy\" makes one");
    lost_by([&] { who.ledger = *world_.ledger_copy; });
  } else if (words[0] == "spoil") {
    lost_by([&] { who.ledger.spoil_last(); });
  } else if (words[0] == "second") {
    world_.add_copy();
  } else {
    misunderstood();
  }
}

// ---- time
// ------------------------------------------------------------------------------------------

void Commands::tick(const Words& words) {
  if (words.size() != 1) misunderstood();
  world_.pass(parse_duration(words[0]));
}

void Commands::clock(const Words& words) {
  if (words.size() != 1) misunderstood();
  world_.wall_jump_ms += parse_duration(words[0]).count();
}

// ---- databases
// -------------------------------------------------------------------------------------

void Commands::database(const Words& words) {
  if (words.size() < 2) misunderstood();
  Participant& who = world_.participant(words[0]);
  Database& server = who.database;
  const std::string& what = words[1];
  const Words rest(words.begin() + 2, words.end());
  const auto goes_down = [&](const auto& how) {
    how();
    world_.lose_database(who, "the server is gone");
  };
  if (what == "crash" && rest.empty()) {
    goes_down([&] { server.crash(); });
  } else if (what == "failover") {
    std::vector<Gid> losing;
    for (const std::string& tx : rest)
      if (tx != "losing") losing.push_back(world_.gid(tx, who.name));
    goes_down([&] { server.fail_over(losing); });
  } else if (what == "put-back" && (rest.empty() || rest == Words{"same", "timeline"})) {
    goes_down([&] {
      if (!server.put_back(rest.empty())) throw Refusal("there is no backup");
    });
  } else if (what == "start" || what == "connect") {
    if (what == "connect" && !server.up) throw Refusal("the server is down; start it");
    server.up = true;
    if (who.machine) world_.connect_database(who);
  } else if (what == "lost" && rest.empty()) {
    world_.lose_database(who, "the connection was reset");
  } else if (what == "backup" && rest.empty()) {
    server.back_up();
  } else if ((what == "standby" || what == "primary") && rest.empty()) {
    server.standby = what == "standby";
  } else if (what == "denies" && rest.size() == 1) {
    server.denied = rest[0];
  } else if (what == "allows" && rest.empty()) {
    server.denied.clear();
  } else if (what == "slots" && rest.size() == 1) {
    server.slots = std::stoul(rest[0]);
  } else if (what == "forget-xids" && rest.empty()) {
    server.forget_xids();
  } else if (what == "answers" && (rest.size() == 1 || rest.size() == 4)) {
    server.answer_next(rest[0], rest.size() == 4);
  } else {
    misunderstood();
  }
}

// "L:1:t9:orders" as the database has it; M is another ledger. Anything else is left as it is.
std::string Commands::full_gid(const std::string& word) {
  Words parts(1);
  for (const char c : word)
    if (c == ':')
      parts.emplace_back();
    else
      parts.back() += c;
  if (parts.size() != 4 || (parts[0] != "L" && parts[0] != "M")) return word;
  const LedgerId ledger = parts[0] == "L" ? World::ledger_id() : World::other_ledger_id();
  return to_string(Gid{ledger, std::stoull(parts[1]), world_.known_or_new_tx(parts[2]), parts[3]});
}

void Commands::hand(const Words& words) {
  if (words.size() != 3) misunderstood();
  Participant& who = world_.participant(words[0]);
  if (words[1] == "prepare") return who.database.prepare_by_hand(full_gid(words[2]));
  if (words[1] != "commit" && words[1] != "rollback") misunderstood();
  const Outcome outcome = words[1] == "commit" ? Outcome::committed : Outcome::aborted;
  if (!who.database.end_by_hand(world_.gid(words[2], who.name), outcome))
    throw Refusal(words[2] + " is not prepared at " + who.name);
}

void Commands::application(const Words& words) {
  if (words.size() < 4 || words.size() % 2 != 0 || words[0] != "prepares" || words[2] != "at")
    misunderstood();
  std::string role, elsewhere;
  for (std::size_t i = 4; i < words.size(); i += 2) {
    if (words[i] != "as" && words[i] != "in") misunderstood();
    (words[i] == "as" ? role : elsewhere) = words[i + 1];
  }
  Participant& who = world_.participant(words[3]);
  if (!who.database.prepare_as_application(world_.gid(words[1], who.name), role, elsewhere))
    throw Refusal(words[1] + " is prepared at " + who.name + " already");
}

void Commands::late(const Words& words) {
  const bool finishes = words.size() == 5 && words[4] == "finishes";
  if ((words.size() != 4 && !finishes) || words[0] != "prepare" || words[2] != "at")
    misunderstood();
  if (!finishes)
    return world_.make_late(meant({"PrepareBranch", words[1], "from", words[3]}).front());
  if (!world_.finish_late(world_.gid(words[1], words[3])))
    throw Refusal("no backend of " + words[1] + " goes on by itself at " + words[3]);
}

}  // namespace assent::scenarios
