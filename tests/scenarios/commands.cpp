#include "tests/scenarios/commands.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "protocol/runtime/suggestion.hpp"

namespace assent::scenarios {

const std::vector<Commands::Entry>& Commands::table() {
  static const std::vector<Entry> all{
      {"limits", "limits NAME VALUE …", &Commands::limits},
      {"participants", "participants NAME …", &Commands::participants},
      {"start", "start coordinator|PARTICIPANT", &Commands::start},
      {"crash", "crash coordinator|PARTICIPANT", &Commands::crash},
      {"kill", "kill coordinator", &Commands::kill},
      {"restart", "restart coordinator [torn] [moved] [restored] | restart PARTICIPANT",
       &Commands::restart},
      {"connect", "connect PARTICIPANT … [to copy]", &Commands::connect},
      {"break", "break PARTICIPANT [at coordinator|at PARTICIPANT]", &Commands::break_link},
      {"begin",
       "begin tN interactive | [external] PARTICIPANT[:WORK,…] … [key K] [body B] [sent 5m] "
       "[timeout 5s] [idle 5s] [decided]",
       &Commands::begin},
      {"execute", "execute tN PARTICIPANT[:WORK,…] [seq N]", &Commands::execute},
      {"commit", "commit tN [decided]", &Commands::commit},
      {"rollback", "rollback tN", &Commands::rollback},
      {"resolve", "resolve tN committed|aborted", &Commands::resolve},
      {"acknowledge", "acknowledge tN", &Commands::acknowledge},
      {"status", "status tN", &Commands::status},
      {"drain", "drain", &Commands::drain},
      {"reload", "reload OPEN-TRANSACTIONS PARTICIPANT-BRANCHES", &Commands::reload},
      {"deliver", "deliver [one] [KIND] [tN] [to X] [from X] [at X]", &Commands::deliver},
      {"drop", "drop [one] [KIND] [tN] [to X] [from X] [at X]", &Commands::drop},
      {"duplicate", "duplicate [KIND] [tN] [to X] [from X] [at X]", &Commands::duplicate},
      {"hold", "hold [KIND] [tN] [to X] [from X] [at X]", &Commands::hold},
      {"release", "release [KIND] [tN] [to X] [from X] [at X]", &Commands::release},
      {"cut", "cut from X to Y", &Commands::cut},
      {"heal", "heal", &Commands::heal},
      {"sync", "sync | sync fails", &Commands::sync},
      {"ledger", "ledger full|free|rotate|copy|put-back|spoil|second", &Commands::ledger},
      {"settle", "settle", &Commands::settle},
      {"rest", "rest", &Commands::rest},
      {"tick", "tick DURATION", &Commands::tick},
      {"clock", "clock +DURATION|-DURATION", &Commands::clock},
      {"database",
       "database PARTICIPANT crash|start|lost|connect|backup|put-back [same timeline]|"
       "failover [losing tN …]|standby|primary|denies SQLSTATE|allows|slots N|forget-xids|"
       "answers SQLSTATE [after doing it]",
       &Commands::database},
      {"hand", "hand PARTICIPANT commit|rollback tN | hand PARTICIPANT prepare GID",
       &Commands::hand},
      {"application", "application prepares tN at PARTICIPANT [as ROLE] [in DATABASE]",
       &Commands::application},
      {"late", "late prepare tN at PARTICIPANT [finishes]", &Commands::late},
      {"state", "state", &Commands::state},
      {"expect",
       "expect tN FATE | client tN FATE | PARTICIPANT tN prepared|committed|aborted|absent | "
       "branch PARTICIPANT tN PHASE | damage tN none|alarming|acknowledged | "
       "link PARTICIPANT STATE | coordinator|copy "
       "running|ended|complete|careful|contradicted | alarm|no-alarm PARTICIPANT tN",
       &Commands::expect},
      {"forge",
       "forge KIND tN to|from PARTICIPANT [epoch N] [of ledger other] [sequence N] [xid N] "
       "[verdict] [outcome] [knowledge] [participant NAME]",
       &Commands::forge},
  };
  return all;
}

void Commands::run(const std::string& line, int number) {
  std::istringstream stream(line);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  const bool is_quiet = words.size() > 1 && words[0] == "quietly";
  if (is_quiet) words.erase(words.begin());
  std::vector<std::string> names;
  for (const Entry& entry : table()) names.push_back(entry.name);
  const auto found = std::find_if(table().begin(), table().end(),
                                  [&](const Entry& entry) { return entry.name == words.at(0); });
  if (found == table().end())
    throw Refusal("no command is called \"" + words[0] + "\"" + suggestion(words[0], names));
  current_ = &*found;
  line_ = number;
  words.erase(words.begin());
  const auto obey = [&] {
    (this->*found->obey)(words);
    world_.flow();
  };
  if (is_quiet)
    world_.quietly(obey);
  else
    obey();
}

void Commands::finish() {
  for (const Pattern& hold : world_.holds)
    if (hold.used == 0)
      throw Refusal("line " + std::to_string(hold.line) + ": nothing was ever held by \"hold " +
                    hold.text + "\"; correct it or take it out");
}

void Commands::misunderstood() const {
  throw Refusal("not understood; it is written: " + current_->usage);
}

namespace {

std::uint64_t parse_number(const std::string& word) {
  std::uint64_t number = 0;
  const auto end = word.data() + word.size();
  const auto [at, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || at != end) throw Refusal("\"" + word + "\" is not a number");
  return number;
}

// "write/7,read" → "write/7 read": a Work's bytes. One without a word writes.
Work parse_work(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool is_known = word == "read" || word == "fail" || word == "refuse" || word == "break" ||
                          word == "write" || word.rfind("write/", 0) == 0;
    const std::vector<std::string> all{"write", "read", "fail", "refuse", "break"};
    if (!is_known) throw Refusal("no work is called \"" + word + "\"" + suggestion(word, all));
  }
  return Work{text.empty() ? "write" : text};
}

BranchWork parse_branch(const std::string& word) {
  const auto colon = word.find(':');
  if (colon == std::string::npos) return {word, parse_work("")};
  return {word.substr(0, colon), parse_work(word.substr(colon + 1))};
}

std::array<std::uint8_t, 16> hash_of(const std::string& text) {
  std::array<std::uint8_t, 16> hash{};
  std::copy_n(text.begin(), std::min<std::size_t>(text.size(), 16), hash.begin());
  return hash;
}

}  // namespace

Duration parse_duration(const std::string& word) {
  const bool back = word.rfind('-', 0) == 0;
  const std::size_t first = back || word.rfind('+', 0) == 0 ? 1 : 0;
  const auto unit = word.find_first_not_of("0123456789", first);
  if (unit == std::string::npos || unit == first)
    throw Refusal("\"" + word + "\" is not a duration such as 500ms, 5s, 10m, 2h or 3d");
  const std::map<std::string, std::int64_t> units{
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  const auto found = units.find(word.substr(unit));
  if (found == units.end())
    throw Refusal("\"" + word + "\" is not a duration such as 500ms, 5s, 10m, 2h or 3d");
  const auto number = static_cast<std::int64_t>(parse_number(word.substr(first, unit - first)));
  return Duration(number * found->second * (back ? -1 : 1));
}

// ---- parties
// ---------------------------------------------------------------------------------------

void Commands::limits(const Words& words) {
  if (words.empty() || words.size() % 2 != 0) misunderstood();
  CoordinatorLimits& c = world_.coordinator_limits;
  ParticipantLimits& p = world_.participant_limits;
  const std::map<std::string, Duration*> durations{{"sweep", &p.sweep_interval},
                                                   {"inquiry", &p.inquiry_interval},
                                                   {"resend", &c.resend_interval},
                                                   {"apply", &c.apply_wait},
                                                   {"kept-for", &c.finished_kept_for},
                                                   {"retention", &c.outcome_retention},
                                                   {"unanswered-pause", &c.unanswered_pause}};
  const std::map<std::string, std::size_t*> numbers{
      {"kept", &c.finished_kept},    {"open-transactions", &c.open_transactions},
      {"waiters", &c.waiters},       {"branches", &c.branches},
      {"unanswered", &c.unanswered}, {"participant-branches", &c.participant_branches},
      {"ended-kept", &p.ended_kept}, {"open-branches", &p.open_branches}};
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const auto duration = durations.find(words[i]);
    const auto number = numbers.find(words[i]);
    std::vector<std::string> names;
    for (const auto& [name, value] : durations) names.push_back(name);
    for (const auto& [name, value] : numbers) names.push_back(name);
    if (duration != durations.end())
      *duration->second = parse_duration(words[i + 1]);
    else if (number != numbers.end())
      *number->second = parse_number(words[i + 1]);
    else
      throw Refusal("no limit is called \"" + words[i] + "\"" + suggestion(words[i], names));
  }
}

// Started, connected and ready; their greetings are not told. `start` tells them.
void Commands::participants(const Words& words) {
  if (words.empty()) misunderstood();
  std::string all;
  world_.quietly([&] {
    if (!world_.coordinator().machine)
      world_.start_coordinator(world_.coordinator(), false, false, false);
    for (const std::string& name : words) {
      world_.add_participant(name);
      world_.start_participant(world_.participant(name));
      all += (all.empty() ? "" : ", ") + name;
    }
    world_.settle();
  });
  world_.say(all + ": ready");
}

void Commands::start(const Words& words) {
  if (words.size() != 1) misunderstood();
  if (words[0] == "coordinator")
    return world_.start_coordinator(world_.coordinator(), false, false, false);
  if (!world_.participants().count(words[0])) world_.add_participant(words[0]);
  world_.start_participant(world_.participant(words[0]));
}

void Commands::crash(const Words& words) {
  if (words.size() != 1) misunderstood();
  if (world_.coordinators().count(words[0]))
    return world_.end_coordinator(world_.coordinator(words[0]), true);
  world_.end_participant(world_.participant(words[0]));
}

void Commands::kill(const Words& words) {
  if (words.size() != 1) misunderstood();
  world_.end_coordinator(world_.coordinator(words[0]), false);
}

void Commands::restart(const Words& words) {
  if (words.empty()) misunderstood();
  if (words[0] != "coordinator") return start(words);
  bool torn = false, moved = false, restored = false;
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    if (*word == "torn")
      torn = true;
    else if (*word == "moved")
      moved = true;
    else if (*word == "restored")
      restored = true;
    else
      misunderstood();
  }
  world_.start_coordinator(world_.coordinator(), torn, moved, restored);
}

void Commands::connect(const Words& words) {
  std::string to = "coordinator";
  Words who = words;
  if (who.size() > 2 && who[who.size() - 2] == "to") {
    to = who.back();
    who.resize(who.size() - 2);
  }
  if (who.empty()) misunderstood();
  for (const std::string& name : who) world_.connect(world_.participant(name), to);
}

void Commands::break_link(const Words& words) {
  if (words.size() != 1 && (words.size() != 3 || words[1] != "at")) misunderstood();
  Participant& who = world_.participant(words[0]);
  if (!who.link) throw Refusal(words[0] + " has no link");
  const bool only_one = words.size() == 3;
  const bool at_coordinator = !only_one || words[2] == "coordinator";
  const bool at_participant = !only_one || words[2] == words[0];
  if (!at_coordinator && !at_participant) misunderstood();
  world_.break_link(who.link, at_coordinator, at_participant);
}

// ---- clients
// ---------------------------------------------------------------------------------------

void Commands::begin(const Words& words) {
  if (words.size() < 2) misunderstood();
  Begin begin;
  begin.timeout = Duration(60'000);
  begin.idle_timeout = Duration(30'000);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto next = [&]() -> const std::string& {
      if (++i >= words.size()) misunderstood();
      return words[i];
    };
    if (words[i] == "interactive") {
      begin.mode = Mode::interactive;
    } else if (words[i] == "external") {
      begin.mode = Mode::external;
    } else if (words[i] == "decided") {
      begin.wait_for = WaitFor::decided;
    } else if (words[i] == "key") {
      begin.key = RequestKey{hash_of(next()), begin.key ? begin.key->body : hash_of("body")};
    } else if (words[i] == "body") {
      if (!begin.key) begin.key.emplace();
      begin.key->body = hash_of(next());
    } else if (words[i] == "sent" && begin.key) {
      begin.key->first_sent_ms = world_.read_clock().wall_ms - parse_duration(next()).count();
    } else if (words[i] == "timeout") {
      begin.timeout = parse_duration(next());
    } else if (words[i] == "idle") {
      begin.idle_timeout = parse_duration(next());
    } else {
      begin.branches.push_back(parse_branch(words[i]));
    }
  }
  begin.tx = world_.new_tx(words[0]);
  world_.request(begin, words[0]);
}

void Commands::execute(const Words& words) {
  if (words.size() != 2 && (words.size() != 4 || words[2] != "seq")) misunderstood();
  const BranchWork branch = parse_branch(words[1]);
  ExecuteAsked event{0, world_.tx(words[0]), branch.participant, 0, branch.work};
  if (words.size() == 4) event.seq = static_cast<std::uint32_t>(parse_number(words[3]));
  const auto& machine = world_.coordinator().machine;
  const Transaction* tx = machine ? machine->find(event.tx) : nullptr;
  if (words.size() == 2) event.seq = tx ? tx->conversation.last_seq + 1 : 1;
  world_.request(event, words[0]);
}

void Commands::commit(const Words& words) {
  if (words.empty() || words.size() > 2 || (words.size() == 2 && words[1] != "decided"))
    misunderstood();
  const WaitFor wait = words.size() == 2 ? WaitFor::decided : WaitFor::applied;
  world_.request(CommitAsked{0, world_.tx(words[0]), wait}, words[0]);
}

void Commands::rollback(const Words& words) {
  if (words.size() != 1) misunderstood();
  world_.request(RollbackAsked{0, world_.tx(words[0])}, words[0]);
}

// An operator, whose name is ann.
void Commands::resolve(const Words& words) {
  if (words.size() != 2 || (words[1] != "committed" && words[1] != "aborted")) misunderstood();
  const Outcome outcome = words[1] == "committed" ? Outcome::committed : Outcome::aborted;
  world_.request(ResolveAsked{0, world_.tx(words[0]), outcome, "ann", "ticket 4711", {}}, words[0]);
}

void Commands::acknowledge(const Words& words) {
  if (words.size() != 1) misunderstood();
  world_.request(AcknowledgeAsked{0, world_.tx(words[0]), "ann", "mended"}, words[0]);
}

void Commands::reload(const Words& words) {
  if (words.size() != 2) misunderstood();
  world_.request(LimitsChanged{parse_number(words[0]), parse_number(words[1])}, "");
}

void Commands::drain(const Words& words) {
  if (!words.empty()) misunderstood();
  world_.request(Drain{}, "");
}

}  // namespace assent::scenarios
