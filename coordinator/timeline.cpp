#include "coordinator/timeline.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace assent {
namespace {

constexpr std::size_t kParticipants = 65'536;  // as an index can count

constexpr std::array<std::string_view, 24> kNames = {
    "started",      "connected",       "ready",           "disconnected", "begun",
    "recovered",    "statements_sent", "statements_done", "commit_asked", "rollback_asked",
    "prepare_sent", "voted",           "record_asked",    "decided",      "commit_sent",
    "abort_sent",   "inquired",        "asked",           "applied",      "damaged",
    "resolved",     "acknowledged",    "answered",        "ended"};

// What is done again until it has an answer: shown once, with how often and when last.
bool repeats(Happening kind) {
  switch (kind) {
    case Happening::prepare_sent:
    case Happening::voted:
    case Happening::commit_sent:
    case Happening::abort_sent:
    case Happening::inquired:
    case Happening::asked:
    case Happening::applied:
    case Happening::answered:
      return true;
    default:
      return false;
  }
}

std::string_view detail_text(Happening kind, std::uint8_t detail) {
  switch (kind) {
    case Happening::voted:
      return to_string(static_cast<Verdict>(detail));
    case Happening::decided:
    case Happening::resolved:
      return to_string(static_cast<Outcome>(detail));
    case Happening::applied:
    case Happening::damaged:
      return to_string(static_cast<Application>(detail));
    case Happening::answered:
      return to_string(static_cast<Fate>(detail));
    default:
      return {};
  }
}

template <typename Enum>
constexpr std::uint8_t byte(Enum value) {
  return static_cast<std::uint8_t>(value);
}

}  // namespace

std::string_view to_string(Happening kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

// What each event and action of the machine means for the timeline.
struct TimelineWriter {
  Timeline& line;

  // events
  void operator()(const Begin& event) const {
    auto traced = line.traces_.extract(event.tx);
    if (line.machine_.find(event.tx) == nullptr) return;  // joined another, or refused
    line.forget_what_the_machine_forgot();
    line.begun_.push_back(event.tx);
    Timeline::Story& story = line.stories_[event.tx];
    story.entries.reserve(16);
    if (traced) story.trace_id = std::move(traced.mapped());
    line.add(event.tx, Happening::begun);
  }
  void operator()(const ExecuteAsked&) const {}
  void operator()(const CommitAsked& event) const { line.add(event.tx, Happening::commit_asked); }
  void operator()(const RollbackAsked& event) const {
    line.add(event.tx, Happening::rollback_asked);
  }
  void operator()(const ResolveAsked&) const {}
  void operator()(const AcknowledgeAsked&) const {}
  void operator()(const LinkUp& event) const {
    line.add_of_link(Happening::connected, event.hello.participant);
  }
  void operator()(const LinkDown& event) const {
    line.add_of_link(Happening::disconnected, event.participant);
  }
  void operator()(const FromParticipant& event) const {
    const std::string& from = event.participant;
    if (std::holds_alternative<Ready>(event.message)) line.add_of_link(Happening::ready, from);
    if (const auto* executed = std::get_if<Executed>(&event.message))
      line.add(executed->gid.tx, Happening::statements_done, from);
    if (const auto* vote = std::get_if<Vote>(&event.message))
      line.add(vote->gid.tx, Happening::voted, from, byte(vote->verdict));
    if (const auto* applied = std::get_if<Applied>(&event.message))
      line.add_applied(*applied, from);
    if (const auto* inquiry = std::get_if<Inquiry>(&event.message))
      line.add(inquiry->gid.tx, Happening::inquired, from);
  }
  void operator()(const Logged& event) const {
    while (!line.records_.empty() && line.records_.front().record <= event.up_to) {
      const auto [record, tx, outcome] = line.records_.front();
      line.records_.pop_front();
      if (outcome == Outcome::aborted)
        line.add_aborted(tx);
      else
        line.add(tx, Happening::decided, {}, byte(outcome));
    }
  }
  void operator()(const LogRefused& event) const {
    std::erase_if(line.records_, [&](const auto& each) { return each.record == event.record; });
  }
  void operator()(const Drain&) const {}
  void operator()(const LimitsChanged&) const {}
  void operator()(const CoordinatorTick&) const {}

  // actions
  void operator()(const Send& action) const {
    const std::string& to = action.participant;
    if (const auto* execute = std::get_if<Execute>(&action.message))
      line.add(execute->gid.tx, Happening::statements_sent, to);
    if (const auto* prepare = std::get_if<Prepare>(&action.message))
      line.add(prepare->gid.tx, Happening::prepare_sent, to);
    if (const auto* commit = std::get_if<Commit>(&action.message))
      line.add(commit->gid.tx, Happening::commit_sent, to);
    if (const auto* abort = std::get_if<Abort>(&action.message)) {
      line.add_aborted(abort->gid.tx);
      line.add(abort->gid.tx, Happening::abort_sent, to);
    }
    if (const auto* ask = std::get_if<Ask>(&action.message))
      line.add(ask->gid.tx, Happening::asked, to);
  }
  void operator()(const Log& action) const {
    if (const auto* commit = std::get_if<CommitRecord>(&action.record)) {
      line.records_.push_back({action.number, commit->tx, Outcome::committed});
      line.add(commit->tx, Happening::record_asked);
    }
    if (const auto* end = std::get_if<EndRecord>(&action.record))
      line.add(end->tx, Happening::ended);
    if (const auto* damage = std::get_if<HeuristicRecord>(&action.record))
      line.add(damage->tx, Happening::damaged, damage->participant, byte(damage->application));
    if (const auto* resolution = std::get_if<ResolutionRecord>(&action.record))
      line.add_resolution(*resolution, action.number);
    if (const auto* seen = std::get_if<AcknowledgementRecord>(&action.record))
      line.add(seen->tx, Happening::acknowledged);
  }
  void operator()(const Reply& action) const {
    if (action.fate == Fate::aborted) line.add_aborted(action.tx);
    line.add(action.tx, Happening::answered, {}, byte(action.fate));
  }
  void operator()(const Disconnect&) const {}
  void operator()(const Stop&) const {}
};

Timeline::Timeline(const CoordinatorMachine& machine, Now now) : machine_(machine), start_(now) {
  for (const auto& [id, tx] : machine.transactions()) recover(tx);
  feed_.clear();  // that is history; those who follow want what happens now
  now_us_ = wall_us(now);
  add_of_link(Happening::started, {});
  for (const auto& [id, tx] : machine.transactions())
    if (tx.ended_wall_ms == 0) add(id, Happening::recovered);
}

void Timeline::recover(const Transaction& tx) {
  begun_.push_back(tx.tx);
  stories_[tx.tx];
  now_us_ = uuid7_unix_ms(tx.tx.uuid).value_or(tx.begun_wall_ms) * 1000;
  add(tx.tx, Happening::begun);
  if (tx.decided_wall_ms != 0) {
    now_us_ = tx.decided_wall_ms * 1000;
    if (tx.resolution) add(tx.tx, Happening::resolved, {}, byte(tx.resolution->outcome));
    if (fate_of(tx.state) == Fate::aborted)
      add_aborted(tx.tx);
    else
      add(tx.tx, Happening::decided, {}, byte(Outcome::committed));
  }
  for (const TxBranch& branch : tx.branches) {
    if (branch.phase == BranchPhase::heuristic)
      add(tx.tx, Happening::damaged, branch.participant, byte(Application::heuristic));
    if (branch.phase == BranchPhase::unproven)
      add(tx.tx, Happening::damaged, branch.participant, byte(Application::unproven));
  }
  if (tx.ended_wall_ms == 0) return;
  now_us_ = tx.ended_wall_ms * 1000;
  add(tx.tx, Happening::ended);
}

// Of what it is about, this coordinator has seen nothing before.
void Timeline::add_resolution(const ResolutionRecord& record, RecordNumber number) {
  records_.push_back({number, record.tx, record.outcome});
  if (!stories_.contains(record.tx)) {
    begun_.push_back(record.tx);
    stories_[record.tx];
    const std::int64_t now_us =
        std::exchange(now_us_, uuid7_unix_ms(record.tx.uuid).value_or(record.wall_ms) * 1000);
    add(record.tx, Happening::begun);
    now_us_ = now_us;
  }
  add(record.tx, Happening::resolved, {}, byte(record.outcome));
  add(record.tx, Happening::record_asked);
}

std::int64_t Timeline::wall_us(Now now) const {
  return start_.wall_ms * 1000 + (now.steady - start_.steady).count();
}

void Timeline::saw(const CoordinatorEvent& event, Now now) {
  now_us_ = wall_us(now);
  std::visit(TimelineWriter{*this}, event);
  watchers_.saw(event);
}

void Timeline::did(const CoordinatorAction& action, Now now) {
  now_us_ = wall_us(now);
  std::visit(TimelineWriter{*this}, action);
  watchers_.did(action);
}

void Timeline::add(const TxId& tx, Happening kind, std::string_view participant,
                   std::uint8_t detail) {
  const auto found = stories_.find(tx);
  if (found == stories_.end()) return;
  Story& story = found->second;
  const std::uint16_t who = index_of(participant);
  if (repeats(kind)) {
    const auto before =
        std::find_if(story.entries.rbegin(), story.entries.rend(), [&](const Entry& entry) {
          return entry.kind == kind && entry.participant == who && entry.detail == detail;
        });
    if (before != story.entries.rend()) {
      ++before->times;
      before->last_wall_us = now_us_;
      return;
    }
  }
  const Entry entry{++last_id_, now_us_, now_us_, 1, who, kind, detail};
  publish(entry, tx);
  const bool of_statements =
      kind == Happening::statements_sent || kind == Happening::statements_done;
  if (of_statements && story.entries.size() >= kEventsPerTransaction)
    ++story.omitted;
  else
    story.entries.push_back(entry);
}

// The measure may come with a repetition: the first word of it is kept.
void Timeline::add_applied(const Applied& applied, std::string_view participant) {
  const auto found = stories_.find(applied.gid.tx);
  if (found == stories_.end()) return;
  auto& held = found->second.locks_held_us;
  const std::uint16_t who = index_of(participant);
  const bool known =
      std::any_of(held.begin(), held.end(), [who](const auto& each) { return each.first == who; });
  if (applied.locks_held_us != 0 && !known) held.emplace_back(who, applied.locks_held_us);
  add(applied.gid.tx, Happening::applied, participant, byte(applied.application));
}

void Timeline::add_aborted(const TxId& tx) {
  const auto found = stories_.find(tx);
  if (found == stories_.end() || std::exchange(found->second.aborted, true)) return;
  add(tx, Happening::decided, {}, byte(Outcome::aborted));
}

void Timeline::add_of_link(Happening kind, std::string_view participant) {
  if (links_.size() == kLinkHappenings) links_.pop_front();
  links_.push_back({++last_id_, now_us_, now_us_, 1, index_of(participant), kind, 0});
  publish(links_.back(), {});
}

void Timeline::publish(const Entry& entry, const TxId& tx) {
  if (feed_.size() == kFeed) feed_.pop_front();
  feed_.push_back({entry, tx});
}

// Two old ones for each new one: so at most as many are kept as the machine knows, and soon.
void Timeline::forget_what_the_machine_forgot() {
  for (int i = 0; i < 2 && !begun_.empty(); ++i) {
    const TxId tx = begun_.front();
    begun_.pop_front();
    if (machine_.find(tx) != nullptr)
      begun_.push_back(tx);
    else
      stories_.erase(tx);
  }
}

std::uint16_t Timeline::index_of(std::string_view participant) {
  if (participant.empty()) return 0;
  const auto found = indices_.find(participant);
  if (found != indices_.end()) return found->second;
  if (names_.size() == kParticipants) return 0;
  names_.emplace_back(participant);
  const auto index = static_cast<std::uint16_t>(names_.size() - 1);
  indices_.emplace(participant, index);
  return index;
}

TimelineEvent Timeline::shown(const Entry& entry, const TxId& tx) const {
  return {entry.id,
          entry.wall_us,
          entry.kind,
          tx,
          names_[entry.participant],
          detail_text(entry.kind, entry.detail),
          entry.times,
          entry.last_wall_us,
          locks_held_us(entry, tx)};
}

std::uint64_t Timeline::locks_held_us(const Entry& entry, const TxId& tx) const {
  if (entry.kind != Happening::applied) return 0;
  const auto story = stories_.find(tx);
  if (story == stories_.end()) return 0;
  for (const auto& [participant, time] : story->second.locks_held_us)
    if (participant == entry.participant) return time;
  return 0;
}

std::vector<TimelineEvent> Timeline::of(const TxId& tx) const {
  const auto found = stories_.find(tx);
  if (found == stories_.end()) return {};
  const std::vector<Entry>& entries = found->second.entries;
  std::vector<TimelineEvent> events;
  std::set<std::uint16_t> parties{0};
  for (const Entry& entry : entries) {
    events.push_back(shown(entry, tx));
    parties.insert(entry.participant);
  }
  const Transaction* known = machine_.find(tx);
  const bool over =
      known == nullptr || known->state == TxState::committed || known->state == TxState::aborted;
  for (const Entry& link : links_) {
    const bool meanwhile = link.id > entries.front().id && (!over || link.id < entries.back().id);
    if (meanwhile && parties.contains(link.participant)) events.push_back(shown(link, {}));
  }
  std::sort(events.begin(), events.end(),
            [](const TimelineEvent& a, const TimelineEvent& b) { return a.id < b.id; });
  return events;
}

void Timeline::traced(const TxId& tx, std::string trace_id) {
  traces_[tx] = std::move(trace_id);
}

std::string_view Timeline::trace_id(const TxId& tx) const {
  const auto found = stories_.find(tx);
  return found == stories_.end() ? std::string_view() : found->second.trace_id;
}

std::size_t Timeline::omitted(const TxId& tx) const {
  const auto found = stories_.find(tx);
  return found == stories_.end() ? 0 : found->second.omitted;
}

std::vector<TimelineEvent> Timeline::after(std::uint64_t id, std::size_t most) const {
  std::vector<TimelineEvent> events;
  auto each = std::upper_bound(
      feed_.begin(), feed_.end(), id,
      [](std::uint64_t wanted, const FeedEntry& entry) { return wanted < entry.entry.id; });
  for (; each != feed_.end() && events.size() < most; ++each)
    events.push_back(shown(each->entry, each->tx));
  return events;
}

std::uint64_t Timeline::oldest() const {
  return feed_.empty() ? last_id_ + 1 : feed_.front().entry.id;
}

Timeline::Follower Timeline::follow(std::function<void()> more) {
  followers_.emplace(++last_follower_, std::move(more));
  return last_follower_;
}

void Timeline::turn_ended() {
  watchers_.turn_ended();
  if (told_ == last_id_) return;
  told_ = last_id_;
  const auto all = followers_;  // one may unfollow
  for (const auto& [follower, more] : all)
    if (followers_.contains(follower)) more();
}

}  // namespace assent
