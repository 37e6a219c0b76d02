#include "clients/cli/comparison.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace assent::cli {
namespace {

using client::Result;

template <class T>
bool all_same(const std::vector<T>& values) {
  return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
}

bool too_large(const client::Trouble& trouble) {
  return trouble.problem && trouble.problem->code == "result-too-large";
}

// Halving that leads nowhere: members sort differently, or rows come faster than they are compared.
client::Trouble disordered() {
  client::Trouble trouble;
  trouble.fate = client::Fate::none;
  trouble.reason = "the table is written faster than it can be compared; --lock keeps writers out";
  return trouble;
}

class Comparing {
 public:
  Comparing(Copies& copies, const ComparisonOptions& options)
      : copies_(copies), options_(options) {}

  Result<Comparison> run() {
    while (true) {
      found_ = {};
      found_.rows.resize(copies_.members());
      lost_ = false;
      suspects_.clear();
      if (auto trouble = all_chunks()) return *trouble;
      if (!lost_) return std::move(found_);
      if (!copies_.sort_alike()) return disordered();
    }
  }

 private:
  using Trouble = std::optional<client::Trouble>;
  struct Part {
    Range range;
    std::size_t halvings = 0;  // that made it
  };

  Trouble all_chunks() {
    Range chunk;
    do {
      auto last = copies_.key_of(0, {chunk.up_to, std::nullopt}, options_.chunk);
      if (!last) return last.error();
      chunk = {chunk.up_to, std::move(*last)};
      if (auto trouble = examine(chunk)) return trouble;
      if (!found_.whole || lost_) return {};
    } while (chunk.up_to);
    return settle();
  }

  // A chunk, halved until its differences are found.
  Trouble examine(const Range& chunk) {
    std::vector<Part> left{{chunk}};
    std::uint64_t halvings_left = 0;
    while (!left.empty()) {
      const Part part = std::move(left.back());
      left.pop_back();
      const auto sums = copies_.sums(part.range);
      if (!sums) return sums.error();
      if (halvings_left == 0) halvings_left = count(*sums);
      if (all_same(*sums)) continue;
      // Each halves the rows of one member and leaves some on both sides.
      lost_ = part.halvings > 48 * sums->size() || --halvings_left == 0;
      if (lost_) return {};
      if (auto trouble = narrow(part, *sums, left)) return trouble;
      if (!found_.whole) return {};
    }
    return {};
  }

  // Returns how often the chunk may be halved before that is seen to lead nowhere.
  std::uint64_t count(const std::vector<Sum>& sums) {
    std::uint64_t most = 64;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      found_.rows[i] += sums[i].rows;
      most += 2 * sums[i].rows;
    }
    if (options_.progress)
      options_.progress(*std::ranges::max_element(found_.rows), found_.differences.size());
    return most;
  }

  // Lists the part's rows where they are few enough, for the members' results as well; else halves
  // it by the rows of the member that has the most.
  Trouble narrow(const Part& part, const std::vector<Sum>& sums, std::vector<Part>& left) {
    const auto largest = std::ranges::max_element(sums, {}, &Sum::rows);
    const Part again{part.range, part.halvings + 1};
    if (largest->rows <= options_.few) {
      const std::size_t most = 4 * options_.few;
      const auto rows = copies_.rows(part.range, most);
      if (rows) {
        // Rows may have come since they were counted.
        const auto full = [most](const auto& list) { return list.size() >= most; };
        if (std::ranges::none_of(*rows, full)) return list(*rows);
        left.push_back(again);
        return {};
      }
      if (!too_large(rows.error()) || largest->rows < 2) return rows.error();
    }
    const auto member = static_cast<std::size_t>(largest - sums.begin());
    auto middle = copies_.key_of(member, part.range, largest->rows / 2);
    if (!middle) return middle.error();
    if (!*middle) {  // rows have gone since they were counted
      left.push_back(again);
      return {};
    }
    left.push_back({{*middle, part.range.up_to}, part.halvings + 1});
    left.push_back({{part.range.after, std::move(*middle)}, part.halvings + 1});
    return {};
  }

  Trouble list(const std::vector<std::vector<Row>>& rows) {
    std::map<Key, std::vector<std::string>> by_key;
    std::vector<const Key*> in_order;  // of the members, one after the other
    for (std::size_t member = 0; member < rows.size(); ++member)
      for (const Row& row : rows[member]) {
        auto& checksums = by_key[row.key];
        if (checksums.empty()) in_order.push_back(&row.key);
        checksums.resize(rows.size());
        checksums[member] = row.checksum;
      }
    for (const Key* key : in_order)
      if (!all_same(by_key[*key])) suspects_.push_back(*key);
    return suspects_.size() >= options_.few ? settle() : Trouble();
  }

  // Looks at the rows that differed again, and names those that do so at every look.
  Trouble settle() {
    std::vector<Key> keys = std::exchange(suspects_, {});
    std::vector<Difference> different;
    for (unsigned look = 0; look < options_.looks && !keys.empty(); ++look) {
      if (look > 0) copies_.wait();
      const auto checksums = copies_.checksums(keys);
      if (!checksums) return checksums.error();
      different.clear();
      for (std::size_t i = 0; i < keys.size(); ++i) {
        Difference each{keys[i], {}};
        for (const auto& member : *checksums) each.rows.push_back(member[i]);
        if (!all_same(each.rows)) different.push_back(std::move(each));
      }
      keys.clear();
      for (const Difference& each : different) keys.push_back(each.key);
    }
    for (Difference& each : different) {
      if (found_.differences.size() >= options_.most) {
        found_.whole = false;
        break;
      }
      found_.differences.push_back(std::move(each));
    }
    return {};
  }

  Copies& copies_;
  const ComparisonOptions& options_;
  Comparison found_;
  std::vector<Key> suspects_;
  bool lost_ = false;  // halving leads nowhere
};

}  // namespace

Result<Comparison> compare(Copies& copies, const ComparisonOptions& options) {
  return Comparing(copies, options).run();
}

}  // namespace assent::cli
