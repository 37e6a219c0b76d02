// A TCP proxy that is told to behave badly: what networks do to links.
//
// It runs on a thread of its own and may be told from any other. Bytes that it has taken are never
// lost but by reset(): what is held, or moves slowly, arrives later.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "tests/lab/addresses.hpp"

namespace assent::lab {

// As seen from who dialled.
enum class Direction { out, in, both };

class Proxy {
 public:
  // Listens on a free port of 127.0.0.1 and passes everything on to `target` of 127.0.0.1.
  explicit Proxy(std::uint16_t target);
  // The same between addresses of the user's choice.
  Proxy(const Endpoint& listen, const Endpoint& target);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::uint16_t port() const;
  // Where connections go from now on; open ones are reset.
  void lead_to(std::uint16_t target);
  // Nothing moves that way until heal(), on connections that are open and on new ones: neither side
  // is told. Of both: a partition.
  void hold(Direction direction);
  void delay(std::chrono::milliseconds time);  // each piece, in both directions
  void slow();                                 // one byte a second, in both directions
  // Each message of a WebSocket connection arrives twice, in both directions. For links that carry
  // nothing else.
  void duplicate();
  void reset();  // ends the open connections with RST
  void heal();   // no more of hold, delay, slow, duplicate

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent::lab
