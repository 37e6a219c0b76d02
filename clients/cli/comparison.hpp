// Which rows differ between several copies of one table.
//
// The table is taken in ranges of its primary key. Of each range every member tells the number of
// its rows and a checksum over them; where these are not the same, the range is halved until few
// rows are left, and those are compared one by one. No row is missed where the members sort keys
// differently (text, by their collations): whatever the order, the ranges leave no key of a member
// out. A row may then lie in other ranges than at its peers and look missing; so what was found is
// looked at again by its key before it is named, and that is also what settles rows that were
// written meanwhile. Only halving may then lead nowhere; where it does, all are sorted alike, which
// is slower.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "clients/cpp/requester.hpp"

namespace assent::cli {

using Key = std::vector<std::string>;  // the text of each of its columns

// Keys beyond `after`, up to and including `up_to`; without: from the first, to the last.
struct Range {
  std::optional<Key> after{};
  std::optional<Key> up_to{};
  bool operator==(const Range&) const = default;
};

// Of the rows in a range.
struct Sum {
  std::uint64_t rows = 0;
  std::string checksum{};
  bool operator==(const Sum&) const = default;
};

struct Row {
  Key key;
  std::string checksum;  // of all its columns; never empty
};

// One table at its members, to be asked. Each question goes to the members at once.
class Copies {
 public:
  virtual ~Copies() = default;
  virtual std::size_t members() const = 0;
  virtual client::Result<std::vector<Sum>> sums(const Range& range) = 0;
  // The key of the range's row number `row`, counted from 1, at one member; nullopt: it has fewer.
  virtual client::Result<std::optional<Key>> key_of(std::size_t member, const Range& range,
                                                    std::uint64_t row) = 0;
  // At most `most` rows of the range at each member, the first in the key's order.
  virtual client::Result<std::vector<std::vector<Row>>> rows(const Range& range,
                                                             std::size_t most) = 0;
  // By member, the checksum of the row of each key; empty: it has none.
  virtual client::Result<std::vector<std::vector<std::string>>> checksums(
      const std::vector<Key>& keys) = 0;
  // Before rows are looked at once more.
  virtual void wait() = 0;
  // From now on all members sort the keys in one way. False: they did already.
  virtual bool sort_alike() = 0;
};

struct Difference {
  Key key;
  std::vector<std::string> rows;  // by member: its row's checksum; empty: it has none
};

struct ComparisonOptions {
  std::uint64_t chunk = 10'000;  // rows of the first member in one range
  std::size_t few = 64;          // rows that are compared one by one
  std::size_t most = 100;        // differences; then the comparison ends early
  unsigned looks = 3;            // at a row that differs, before it is named
  // So many rows have been compared, at the member that has the most, and so many were named.
  std::function<void(std::uint64_t rows, std::size_t named)> progress{};
};

struct Comparison {
  std::vector<std::uint64_t> rows;  // that were compared, by member
  std::vector<Difference> differences;
  bool whole = true;  // the whole table was compared
};

client::Result<Comparison> compare(Copies& copies, const ComparisonOptions& options);

}  // namespace assent::cli
