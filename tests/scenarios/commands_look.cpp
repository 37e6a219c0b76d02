// What is looked at, and what is made up.
#include <algorithm>

#include "protocol/runtime/suggestion.hpp"
#include "tests/scenarios/commands.hpp"

namespace assent::scenarios {
namespace {

template <typename T>
std::string word_of(T value) {
  return std::string(to_string(value));
}

Fate fate_at(const Coordinator& who, const TxId& tx, Now now) {
  const Transaction* known = who.machine->find(tx);
  return known ? fate_of(known->state) : who.machine->fate_of_unknown(tx, now);
}

}  // namespace

// What the coordinator would say to somebody who asks.
void Commands::status(const Words& words) {
  if (words.size() != 1) misunderstood();
  const Coordinator& who = world_.coordinator();
  if (!who.machine) throw Refusal("the coordinator does not run");
  const Fate fate = fate_at(who, world_.tx(words[0]), world_.read_clock());
  if (!who.superseded)
    world_.observer.coordinator_did(Reply{0, world_.tx(words[0]), std::nullopt, fate},
                                    *who.machine);
  world_.say("coordinator says of " + words[0] + ": " + word_of(fate));
}

// ---- state
// -----------------------------------------------------------------------------------------

void Commands::coordinator_state(const Coordinator& who) {
  const Names& names = world_.names();
  if (!who.machine) return world_.say(who.name + ": ended");
  const CoordinatorMachine& m = *who.machine;
  world_.say(who.name + ": epoch " + std::to_string(m.epoch()) + ", " + word_of(m.standing()));
  for (const auto& [id, tx] : m.transactions()) {
    std::string line = "  " + names.of(id) + " " + word_of(tx.state) + ":";
    for (const TxBranch& branch : tx.branches)
      line += " " + branch.participant + " " + word_of(branch.phase);
    world_.say(line);
  }
  for (const auto& [id, doubt] : m.doubts()) {
    std::string line = "  " + names.of(id) + " in doubt: " + doubt.why + ";";
    for (const auto& [name, knowledge] : doubt.evidence)
      line += " " + name + " " + word_of(knowledge);
    world_.say(line);
  }
  const auto records = who.ledger.records();
  for (std::size_t i = who.ledger.durable(); i < records.size(); ++i)
    world_.say("  not synced: " + names.text(records[i]));
}

void Commands::participant_state(const Participant& who) {
  const Names& names = world_.names();
  if (who.machine) {
    world_.say(who.name + ": link " + word_of(who.machine->link()) + ", database " +
               (who.machine->database_up() ? "up" : "away"));
    for (const auto& [gid, branch] : who.machine->branches())
      world_.say("  " + names.of(gid.tx) + " " + word_of(branch.state) +
                 (branch.missing ? ", missing" : ""));
  } else {
    world_.say(who.name + ": ended");
  }
  for (const std::string& gid : who.database.prepared())
    world_.say("  prepared in its database: " + names.shorten(gid));
}

void Commands::state(const Words& words) {
  if (!words.empty()) misunderstood();
  for (const auto& [name, each] : world_.coordinators()) coordinator_state(each);
  for (const auto& [name, each] : world_.participants()) participant_state(each);
  for (const auto& message : world_.in_air({}))
    world_.say("in the air: " + message->brief() + (message->held ? ", held" : "") +
               (message->waits ? ", waiting" : ""));
}

// ---- expect
// ----------------------------------------------------------------------------------------

// What is there, and what the words say should be.
std::string Commands::found(const Words& words, std::string& wanted) {
  if (words.size() < 2) misunderstood();
  wanted = words.back();
  const std::string& what = words[0];
  const Coordinator& ruling = world_.coordinator();
  if (what == "client" && words.size() == 3) {
    world_.tx(words[1]);
    const auto told = world_.told.find(words[1]);
    return told == world_.told.end() ? "nothing" : word_of(told->second);
  }
  if (what == "branch" && words.size() == 4) {
    const Transaction* tx = ruling.machine ? ruling.machine->find(world_.tx(words[2])) : nullptr;
    const TxBranch* branch = tx ? tx->branch(words[1]) : nullptr;
    return branch ? word_of(branch->phase) : "none";
  }
  if (what == "damage" && words.size() == 3) {
    const Transaction* tx = ruling.machine ? ruling.machine->find(world_.tx(words[1])) : nullptr;
    if (!tx || !tx->damaged()) return "none";
    return tx->alarming().empty() ? "acknowledged" : "alarming";
  }
  if (what == "link" && words.size() == 3) return link_state(words[1]);
  if ((what == "alarm" || what == "no-alarm") && words.size() == 3) {
    const auto& alarms = world_.participant(words[1]).alarms;
    world_.tx(words[2]);
    wanted = what;
    return alarms.count(words[2]) ? "alarm" : "no-alarm";
  }
  if (world_.coordinators().count(what) && words.size() == 2) {
    const Coordinator& who = world_.coordinator(what);
    if (wanted == "running" || wanted == "ended") return who.machine ? "running" : "ended";
    return who.machine ? word_of(who.machine->standing()) : "ended";
  }
  if (world_.participants().count(what) && words.size() == 3)
    return world_.participant(what).database.truth(world_.gid(words[1], what));
  if (words.size() != 2) misunderstood();
  if (!ruling.machine) throw Refusal("the coordinator does not run");
  return word_of(fate_at(ruling, world_.tx(what), world_.read_clock()));
}

std::string Commands::link_state(const std::string& participant) {
  const Participant& who = world_.participant(participant);
  return who.machine ? word_of(who.machine->link()) : "ended";
}

// Fails also where the goldens are written anew: what a scenario is about is not for them to say.
void Commands::expect(const Words& words) {
  std::string wanted;
  const std::string is = found(words, wanted);
  if (is == wanted) return;
  std::string text;
  for (const std::string& word : words) text += " " + word;
  throw Refusal("expected" + text + "; it is " + is);
}

// ---- forge
// -----------------------------------------------------------------------------------------

namespace {

struct Forged {
  Gid gid;
  Sequence sequence = 0;
  Xid xid = 0;
  ServerIdentity server;
  std::string word;  // the verdict, the outcome, or the knowledge
};

template <typename T>
T choose(const std::string& word, std::initializer_list<T> all) {
  std::vector<std::string> names;
  for (const T each : all) {
    names.push_back(word_of(each));
    if (names.back() == word) return each;
  }
  throw Refusal("\"" + word + "\" cannot be said here" + suggestion(word, names));
}

std::optional<ToParticipant> forged_order(const std::string& kind, const Forged& f) {
  if (same_word(kind, "Execute")) return Execute{f.gid, 1, Work{"write"}, Duration(60'000)};
  if (same_word(kind, "Prepare")) return Prepare{f.gid, Work{"write"}, {}, Duration(60'000)};
  if (same_word(kind, "Commit")) return Commit{f.gid, f.sequence, f.xid, f.server};
  if (same_word(kind, "Abort")) return Abort{f.gid, f.xid, f.server};
  if (same_word(kind, "Ask")) return Ask{f.gid};
  if (same_word(kind, "Welcome"))
    return Welcome{f.gid.ledger, f.gid.epoch,
                   make_uuid7(4, {static_cast<std::uint8_t>(f.gid.epoch)})};
  return std::nullopt;
}

std::optional<ToCoordinator> forged_report(const std::string& kind, const Forged& f) {
  if (same_word(kind, "Inquiry")) return Inquiry{f.gid, {}};
  if (same_word(kind, "Vote")) {
    Vote vote;
    vote.gid = f.gid;
    vote.verdict =
        choose(f.word, {Verdict::yes, Verdict::read_only, Verdict::no, Verdict::not_yet});
    vote.xid = f.xid;
    vote.server = f.server;
    return vote;
  }
  if (same_word(kind, "Applied"))
    return Applied{f.gid, choose(f.word, {Outcome::committed, Outcome::aborted})};
  if (same_word(kind, "Evidence"))
    return Evidence{f.gid,
                    choose(f.word, {Knowledge::committed, Knowledge::aborted, Knowledge::prepared,
                                    Knowledge::nothing}),
                    f.sequence};
  return std::nullopt;
}

}  // namespace

// Puts a message in the air that nobody has sent, on the participant's link.
void Commands::forge(const Words& words) {
  if (words.size() < 4) misunderstood();
  Participant& who = world_.participant(words[3]);
  if (!who.link) throw Refusal(words[3] + " has no link");
  Forged forged;
  if (words[1] != "-") forged.gid = world_.gid(words[1], words[3]);
  forged.gid.ledger = World::ledger_id();
  for (std::size_t i = 4; i < words.size(); ++i) {
    const bool has_next = i + 1 < words.size();
    if (words[i] == "of" && has_next && words[i + 1] == "ledger") {
      forged.gid.ledger = World::other_ledger_id();
      i += 2;
    } else if (words[i] == "participant" && has_next) {
      forged.gid.participant = words[++i];
    } else if (words[i] == "epoch" && has_next) {
      forged.gid.epoch = std::stoull(words[++i]);
    } else if (words[i] == "sequence" && has_next) {
      forged.sequence = std::stoull(words[++i]);
    } else if (words[i] == "xid" && has_next) {
      forged.xid = std::stoull(words[++i]);
      forged.server = who.database.seen().server;
    } else {
      forged.word = words[i];
    }
  }
  const std::string coordinator = who.link->coordinator;
  Message message;
  if (const auto order = forged_order(words[0], forged); order && words[2] == "to")
    message = make_message(coordinator, words[3], *order, world_.names());
  else if (const auto report = forged_report(words[0], forged); report && words[2] == "from")
    message = make_message(words[3], coordinator, *report, world_.names());
  else
    misunderstood();
  message.link = who.link;
  world_.put_in_air(std::move(message));
}

}  // namespace assent::scenarios
