// Which rows differ, over copies in memory: every planted difference is found, and nothing else.
#include "clients/cli/comparison.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/support/catch.hpp"

using namespace assent;
using namespace assent::cli;
using client::Result;

namespace {

using Rows = std::map<int, std::string>;

client::Trouble trouble(const std::string& code) {
  client::Trouble trouble;
  trouble.kind = client::Trouble::Kind::refused;
  trouble.problem.emplace();
  trouble.problem->code = code;
  return trouble;
}

// Keys are numbers, written with as many digits as they have.
class Memory : public Copies {
 public:
  explicit Memory(std::vector<Rows> members) : tables(std::move(members)) {}

  std::vector<Rows> tables;
  std::vector<bool> backwards = std::vector<bool>(26, false);  // a member that sorts them otherwise
  std::size_t largest_result = 1'000'000;                      // rows at a member
  std::size_t questions = 0;
  std::size_t waits = 0;
  std::size_t fails_at = 0;  // this question
  std::function<void()> while_waiting = [] {};

  std::size_t members() const override { return tables.size(); }

  Result<std::vector<Sum>> sums(const Range& range) override {
    if (asked()) return trouble("participant-unavailable");
    std::vector<Sum> out;
    for (std::size_t i = 0; i < tables.size(); ++i) {
      Sum sum;
      std::uint64_t total = 0;
      for (const auto& [key, row] : tables[i])
        if (lies_in(i, key, range)) {
          ++sum.rows;
          total += std::hash<std::string>()(std::to_string(key) + row);
        }
      sum.checksum = std::to_string(total);
      out.push_back(sum);
    }
    return out;
  }

  Result<std::optional<Key>> key_of(std::size_t member, const Range& range,
                                    std::uint64_t row) override {
    if (asked()) return trouble("participant-unavailable");
    const std::vector<int> keys = in_order(member, range);
    if (row == 0 || row > keys.size()) return std::optional<Key>();
    return std::optional(Key{std::to_string(keys[row - 1])});
  }

  Result<std::vector<std::vector<Row>>> rows(const Range& range, std::size_t most) override {
    if (asked()) return trouble("participant-unavailable");
    std::vector<std::vector<Row>> out;
    for (std::size_t i = 0; i < tables.size(); ++i) {
      auto& list = out.emplace_back();
      for (const int key : in_order(i, range))
        if (list.size() < most) list.push_back({{std::to_string(key)}, tables[i].at(key)});
      if (list.size() > largest_result) return trouble("result-too-large");
    }
    return out;
  }

  Result<std::vector<std::vector<std::string>>> checksums(const std::vector<Key>& keys) override {
    if (asked()) return trouble("participant-unavailable");
    std::vector<std::vector<std::string>> out;
    for (const Rows& table : tables) {
      auto& list = out.emplace_back();
      for (const Key& key : keys) {
        const auto found = table.find(std::stoi(key.front()));
        list.push_back(found == table.end() ? "" : found->second);
      }
    }
    return out;
  }

  bool sort_alike() override {
    return std::exchange(backwards, std::vector<bool>(26, false)) != backwards;
  }
  void wait() override {
    ++waits;
    while_waiting();
  }

 private:
  bool asked() { return ++questions == fails_at; }
  int place(std::size_t member, int key) const { return backwards[member] ? -key : key; }
  bool lies_in(std::size_t member, int key, const Range& range) const {
    const auto bound = [&](const Key& limit) { return place(member, std::stoi(limit.front())); };
    return (!range.after || place(member, key) > bound(*range.after)) &&
           (!range.up_to || place(member, key) <= bound(*range.up_to));
  }
  std::vector<int> in_order(std::size_t member, const Range& range) const {
    std::vector<int> keys;
    for (const auto& [key, row] : tables[member])
      if (lies_in(member, key, range)) keys.push_back(key);
    if (backwards[member]) std::ranges::reverse(keys);
    return keys;
  }
};

Rows rows_up_to(int last) {
  Rows rows;
  for (int key = 1; key <= last; ++key) rows[key] = "row " + std::to_string(key);
  return rows;
}

std::set<int> named(const Comparison& comparison) {
  std::set<int> keys;
  for (const Difference& each : comparison.differences) {
    CHECK(keys.insert(std::stoi(each.key.front())).second);
    CHECK_FALSE(std::ranges::adjacent_find(each.rows, std::not_equal_to<>()) == each.rows.end());
  }
  return keys;
}

Comparison compared(Memory& memory, const ComparisonOptions& options = {.chunk = 100, .few = 4}) {
  auto done = compare(memory, options);
  REQUIRE(done.has_value());
  return std::move(*done);
}

}  // namespace

TEST_CASE("the same rows cost a sum and a key for each chunk") {
  Memory memory({rows_up_to(1000), rows_up_to(1000), rows_up_to(1000)});
  const Comparison same = compared(memory);
  CHECK(same.differences.empty());
  CHECK(same.whole);
  CHECK(same.rows == std::vector<std::uint64_t>{1000, 1000, 1000});
  CHECK(memory.questions == 22);
  CHECK(memory.waits == 0);
  Memory empty({Rows{}, Rows{}});
  CHECK(compared(empty).differences.empty());
}

TEST_CASE("a row that is changed, missing, or too much is named, wherever it lies") {
  for (const int key : {1, 2, 99, 100, 101, 500, 999, 1000}) {
    INFO(key);
    Memory changed({rows_up_to(1000), rows_up_to(1000), rows_up_to(1000)});
    changed.tables[1][key] = "changed";
    CHECK(named(compared(changed)) == std::set<int>{key});
    CHECK(changed.questions < 60);
    for (const std::size_t member : {0, 1, 2}) {
      Memory missing({rows_up_to(1000), rows_up_to(1000), rows_up_to(1000)});
      missing.tables[member].erase(key);
      const Comparison found = compared(missing);
      CHECK(named(found) == std::set<int>{key});
      CHECK(found.differences.front().rows[member].empty());
    }
  }
  Memory extra({rows_up_to(10), rows_up_to(10)});
  extra.tables[1][-5] = extra.tables[1][77] = "more";
  CHECK(named(compared(extra)) == std::set<int>{-5, 77});
  // In the order of the key, and not of its text.
  Memory several({rows_up_to(30), rows_up_to(30)});
  several.tables[1][7] = several.tables[1][12] = "changed";
  const Comparison found = compared(several, {.chunk = 100, .few = 64});
  REQUIRE(found.differences.size() == 2);
  CHECK(found.differences.front().key == Key{"7"});
}

TEST_CASE("one member has everything and the first nothing") {
  Memory memory({Rows{}, rows_up_to(1000)});
  ComparisonOptions options{.chunk = 100, .few = 4, .most = 2000};
  CHECK(compared(memory, options).differences.size() == 1000);
  CHECK(memory.questions < 3000);
}

TEST_CASE("it ends early when enough is named, and says so") {
  Memory memory({rows_up_to(1000), Rows{}});
  ComparisonOptions options{.chunk = 100, .few = 4, .most = 10};
  const Comparison found = compared(memory, options);
  CHECK(found.differences.size() == 10);
  CHECK_FALSE(found.whole);
  CHECK(memory.questions < 100);
  Memory exactly({rows_up_to(10), Rows{}});
  CHECK(compared(exactly, options).whole);
}

TEST_CASE("what is written meanwhile is looked at again, and named only if it stays different") {
  Memory memory({rows_up_to(1000), rows_up_to(1000)});
  memory.tables[0][10] = memory.tables[0][20] = memory.tables[0][30] = "written";
  memory.while_waiting = [&memory] {  // applied at the other, one at each look
    memory.tables[1][memory.waits == 1 ? 10 : 20] = "written";
  };
  CHECK(named(compared(memory)) == std::set<int>{30});
  CHECK(memory.waits == 2);
  Memory locked({rows_up_to(1000), rows_up_to(1000)});
  locked.tables[0][10] = "different";
  CHECK(named(compared(locked, {.chunk = 100, .few = 4, .looks = 1})) == std::set<int>{10});
  CHECK(locked.waits == 0);
}

TEST_CASE("members that sort their keys differently are compared all the same") {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    Memory memory({rows_up_to(300), rows_up_to(300), rows_up_to(300)});
    memory.backwards[static_cast<std::size_t>(round) % 3] = true;
    std::set<int> planted;
    for (int i = 0; i < 5; ++i) {
      const int key = static_cast<int>(random() % 300) + 1;
      planted.insert(key);
      if (i % 2 == 0)
        memory.tables[random() % 3].erase(key);
      else
        memory.tables[1][key] = "changed";
    }
    std::erase_if(planted, [&memory](int key) {
      const auto gone = [key](const Rows& rows) { return !rows.contains(key); };
      return std::ranges::all_of(memory.tables, gone);
    });
    INFO("round " << round);
    CHECK(named(compared(memory)) == planted);
  }
}

TEST_CASE("rows whose list is too large a result are halved further, down to one") {
  Memory memory({rows_up_to(1000), rows_up_to(1000)});
  memory.tables[1][500] = "changed";
  memory.largest_result = 1;
  CHECK(named(compared(memory)) == std::set<int>{500});
  memory.largest_result = 0;
  const auto never = compare(memory, {.chunk = 100, .few = 4});
  REQUIRE_FALSE(never.has_value());
  CHECK(never.error().problem->code == "result-too-large");
}

TEST_CASE("whichever question fails, the comparison says so and finds nothing") {
  std::size_t all = 0;
  {
    Memory memory({rows_up_to(200), rows_up_to(200)});
    memory.tables[1][150] = "changed";
    compared(memory);
    all = memory.questions;
  }
  for (std::size_t question = 1; question <= all; ++question) {
    Memory memory({rows_up_to(200), rows_up_to(200)});
    memory.tables[1][150] = "changed";
    memory.fails_at = question;
    const auto failed = compare(memory, {.chunk = 100, .few = 4});
    INFO(question);
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().problem->code == "participant-unavailable");
  }
}
