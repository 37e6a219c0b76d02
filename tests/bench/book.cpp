#include "tests/bench/book.hpp"

#include <cstdio>
#include <cstdlib>

namespace assent::bench {

std::string euros(int cents) {
  char text[32];
  std::snprintf(text, sizeof text, "%d.%02d", std::abs(cents) / 100, std::abs(cents) % 100);
  return text;
}

Book::Book(std::size_t banks, int accounts)
    : accounts_(accounts),
      expected_(banks, std::vector<std::int64_t>(static_cast<std::size_t>(accounts) + 1)) {}

void Book::pick(Moves& moves) {
  moves.resize(banks());
  for (Move& move : moves)
    move = {1 + static_cast<int>(random_() % static_cast<unsigned>(accounts_)), 1};
  moves[0].cents = banks() == 1 ? -1 : 1 - static_cast<int>(banks());
}

void Book::committed(const Moves& moves) {
  ++transfers_;
  for (std::size_t bank = 0; bank < moves.size(); ++bank)
    expected_[bank][static_cast<std::size_t>(moves[bank].account)] += moves[bank].cents;
}

}  // namespace assent::bench
