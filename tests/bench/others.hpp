// Clients that go on asking for the third bank and one of the others, whatever they are answered,
// until this goes: so many a second, at equal distances, on rows of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace assent::bench {

class Others {
 public:
  // Accounts from `first_account` on, one for each client, are theirs alone, in both banks.
  Others(std::uint16_t port, std::size_t clients, double rate, int first_account);
  // Returns when all that was asked is answered.
  ~Others();
  Others(const Others&) = delete;
  Others& operator=(const Others&) = delete;

  struct Counts {
    std::size_t committed = 0;
    std::size_t refused = 0;   // anything else
    std::size_t left_out = 0;  // it was time, and every client was still waiting
  };
  // Ends the asking, and says what was answered.
  Counts end();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent::bench
