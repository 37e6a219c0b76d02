// The transfers: what is moved, and what every balance must be afterwards.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace assent::bench {

inline constexpr const char* kDebitSql =
    "update account set balance = balance - $1 where id = $2 and balance >= $1";
inline constexpr const char* kCreditSql = "update account set balance = balance + $1 where id = $2";
inline constexpr const char* kReadSql = "select owner, balance from account where id = $1";

// One branch of a transfer. The first bank is debited, the others are credited one cent each.
struct Move {
  int account = 0;
  int cents = 0;  // below 0: debited
};
using Moves = std::vector<Move>;  // [i]: in bank i

std::string euros(int cents);  // of the amount, without its sign: "0.01"

class Book {
 public:
  Book(std::size_t banks, int accounts);

  std::size_t banks() const { return expected_.size(); }
  int accounts() const { return accounts_; }
  void pick(Moves& moves);
  // The transfer was answered "committed".
  void committed(const Moves& moves);
  std::uint64_t transfers() const { return transfers_; }
  // What was moved in or out of an account, in cents; accounts are 1, 2, 3 …
  std::int64_t moved(std::size_t bank, int account) const {
    return expected_[bank][static_cast<std::size_t>(account)];
  }

 private:
  int accounts_;
  std::mt19937_64 random_{42};
  std::vector<std::vector<std::int64_t>> expected_;
  std::uint64_t transfers_ = 0;
};

}  // namespace assent::bench
