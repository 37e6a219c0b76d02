// Reads what participant/blocking.hpp analyses, and what people want to see beside it: names, the
// keys of rows, costs. On a connection of its own, opened with the database: when it is needed,
// waiting sessions may have taken all others. It takes no lock that could wait: names come from
// the catalogue, rows by their place, with a lock time-out of some milliseconds.
#pragma once

#include <map>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "participant/blocking.hpp"
#include "participant/postgres/connection.hpp"
#include "participant/postgres/observation.hpp"
#include "participant/postgres/pool.hpp"

namespace assent {

struct Context;

// Makes a connection fit for the reader: settings and prepared statements. False: failure() says
// why.
boost::asio::awaitable<bool> prepare_observer(Connection& connection);

class BlockingReader {
 public:
  BlockingReader(Context& context, Pool& observers) : context_(context), observers_(observers) {}

  // Whether a full reading is worth its cost.
  boost::asio::awaitable<void> glance(std::function<void(Glance)> answer);
  boost::asio::awaitable<void> observe(std::function<void(Observation)> answer);

 private:
  boost::asio::awaitable<bool> read_snapshot(Connection& connection, Observation& into);
  boost::asio::awaitable<void> learn_relations(Connection& connection, const Observation& seen);
  boost::asio::awaitable<void> read_keys(Connection& connection, Observation& into);
  boost::asio::awaitable<void> read_dead_rows(Connection& connection, Observation& into);

  Context& context_;
  Pool& observers_;
  std::map<std::uint32_t, RelationName> relations_;  // learnt so far
  SteadyTime relations_until_{};                     // names change: learnt again then
  std::map<RowPlace, std::string> keys_;             // of the rows waited for in the last reading
  std::optional<std::uint64_t> dead_rows_;
  SteadyTime dead_rows_until_{};
};

}  // namespace assent
