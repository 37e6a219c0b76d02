// The numbers of the parties' values, and which states differ only by names.
#include <algorithm>

#include "tests/simulation/explore_parties.hpp"

namespace assent::explore {

Parties::Renamed Parties::renamed(const std::string& text, Instant clock) {
  Renamed numbers;
  for (const Permutation& each : permutations_)
    numbers.push_back(texts_(key_of(text, clock, each.names)));
  return numbers;
}

Id Parties::placeless(std::size_t site, const std::string& text, Instant clock) {
  Names names(bounds_.participants, "another");
  names[site] = "this";
  return texts_(key_of(text, clock, names));
}

Id Parties::add(Coordinator coordinator) {
  const std::string text = to_text(coordinator.machine);
  const Instant clock = coordinator.clock;
  const auto [id, is_new] = coordinators_.add(key_of(text, clock), std::move(coordinator));
  if (is_new) renamed_coordinators_.push_back(renamed(text, clock));
  return id;
}

Id Parties::add(std::size_t site, Participant participant) {
  const std::string text = to_text(participant.machine);
  const Instant clock = participant.clock;
  const auto [id, is_new] = participants_.add(key_of(text, clock), std::move(participant));
  if (is_new) placeless_participants_.push_back(placeless(site, text, clock));
  return id;
}

Id Parties::add(const Observer& observer) {
  const std::string text = observer.memory();
  const auto [id, is_new] = observers_.add(text, observer);
  if (is_new) renamed_observers_.push_back(renamed(text, {}));
  return id;
}

Id Parties::add(std::size_t site, const ToCoordinator& message) {
  const std::string text = to_text(message);
  const auto [id, is_new] = to_coordinator_.add(key_of(text, {}), message);
  if (is_new) placeless_to_coordinator_.push_back(placeless(site, text));
  return id;
}

Id Parties::add(std::size_t site, const ToParticipant& message) {
  const std::string text = to_text(message);
  // Hence an Abort of one gid is another message than that of another participant's.
  const auto [id, is_new] = to_participant_.add(name(site) + key_of(text, {}), message);
  if (is_new) placeless_to_participant_.push_back(placeless(site, text));
  return id;
}

Id Parties::add(std::size_t site, const Task& task) {
  std::string text = to_text(task.verb);
  if (task.answer) text += " => " + to_text(*task.answer);
  if (task.orphan) text += " orphan";
  const auto [id, is_new] = tasks_.add(name(site) + key_of(text, {}), task);
  if (is_new) placeless_tasks_.push_back(placeless(site, text));
  return id;
}

Id Parties::add(std::size_t site, const Database& database) {
  const std::string text = to_text(database);
  const auto [id, is_new] = databases_.add(name(site) + text, database);
  if (is_new) placeless_databases_.push_back(placeless(site, text));
  return id;
}

Id Parties::add(const LogRecord& record) {
  return records_.add(to_text(record), record).first;
}

Id Parties::add(const Ledger& ledger) {
  std::vector<std::uint64_t> key{ledger.durable, ledger.torn};
  std::string text = "Ledger durable=" + std::to_string(ledger.durable);
  if (ledger.torn) text += " torn";
  std::size_t place = 1000;  // four digits, for lines in order
  for (const Ledger::Entry& entry : ledger.entries) {
    key.push_back(entry.record);
    key.push_back(entry.number);
    ++place;  // the order of members means nothing
    const bool is_member = std::holds_alternative<MemberRecord>(records_[entry.record]);
    text += '\n' + (is_member ? "" : std::to_string(place) + ' ') + to_text(records_[entry.record]);
  }
  const auto [id, is_new] = ledgers_.add(std::move(key), ledger);
  if (is_new) renamed_ledgers_.push_back(renamed(text, {}));
  return id;
}

std::uint64_t Link::packed() const {
  return std::uint64_t{open_at_participant} | std::uint64_t{open_at_coordinator} << 1 |
         std::uint64_t{named} << 2 | std::uint64_t{broken} << 3 | std::uint64_t{has_database} << 4 |
         epoch << 8;
}

Id Parties::add(std::size_t site, const Site& value) {
  const auto key = [&](auto machine, auto database, auto task, auto to_coordinator,
                       auto to_participant) {
    std::vector<std::uint64_t> numbers{value.machine ? machine(value.machine) : 0,
                                       database(value.database), value.link.packed()};
    const auto append = [&numbers](const std::vector<Id>& ids, auto number) {
      const std::size_t first = numbers.size();
      for (const Id id : ids) numbers.push_back(number(id));
      std::sort(numbers.begin() + static_cast<std::ptrdiff_t>(first), numbers.end());
      numbers.push_back(0);
    };
    append(value.tasks, task);
    append(value.to_coordinator, to_coordinator);
    append(value.to_participant, to_participant);
    return numbers;
  };
  const auto itself = [](Id id) { return id; };
  auto exact = key(itself, itself, itself, itself, itself);
  exact.push_back(site);
  const auto [id, is_new] = sites_.add(std::move(exact), value);
  if (!is_new) return id;
  const auto in = [](const std::vector<Id>& numbers) {
    return [&numbers](Id each) { return numbers[each - 1]; };
  };
  const auto [number, first] = placeless_site_numbers_.add(
      key(in(placeless_participants_), in(placeless_databases_), in(placeless_tasks_),
          in(placeless_to_coordinator_), in(placeless_to_participant_)),
      0);
  placeless_sites_.push_back(number);
  return id;
}

namespace {

std::array<std::uint64_t, 2> hash(const std::array<Id, 4 + kMostParticipants>& numbers) {
  std::uint64_t a = 0x243f6a8885a308d3;
  std::uint64_t b = 0x13198a2e03707344;
  for (const Id each : numbers) {
    a = (a ^ each) * 0xff51afd7ed558ccd;
    a ^= a >> 29;
    b = (b + each) * 0xc4ceb9fe1a85ec53;
    b ^= b >> 31;
  }
  return {a ^ (b >> 17), b};
}

}  // namespace

std::array<std::uint64_t, 2> Parties::fingerprint(const State& state) const {
  std::array<Id, 4 + kMostParticipants> least{};
  for (std::size_t p = 0; p < permutations_.size(); ++p) {
    std::array<Id, 4 + kMostParticipants> numbers{
        state.coordinator ? renamed_coordinators_[state.coordinator - 1][p] : 0,
        renamed_ledgers_[state.ledger - 1][p], renamed_observers_[state.observer - 1][p],
        state.budget};
    for (std::size_t site = 0; site < bounds_.participants; ++site)
      numbers[4 + permutations_[p].to[site]] = placeless_sites_[state.sites[site] - 1];
    if (p == 0 || numbers < least) least = numbers;
  }
  return hash(least);
}

std::string Parties::census() const {
  return std::to_string(coordinators_.size()) + " coordinators, " +
         std::to_string(participants_.size()) + " participants, " +
         std::to_string(ledgers_.size()) + " ledgers, " + std::to_string(observers_.size()) +
         " histories, " + std::to_string(sites_.size()) + " sites, " +
         std::to_string(coordinator_turns_.size() + participant_turns_.size()) + " turns";
}

}  // namespace assent::explore
