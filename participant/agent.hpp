// The participant's loop: the only place where its half of the protocol meets link and database.
//
//   inbox → step → perform (Send | verb | CloseLink | Alarm) → flush
//
// Everything here runs on the I/O thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/participant_machine.hpp"
#include "protocol/runtime/tls.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

struct DatabaseOptions;
class Database;

class Agent {
 public:
  Agent(boost::asio::io_context& io, std::string name, ParticipantLimits limits,
        DatabaseOptions database, std::vector<std::string> coordinators);
  ~Agent();
  // As LinkDialer::secure.
  void secure_link(TlsContext tls, std::string token);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  void start();
  // Closes the link and the connections. What is prepared stays prepared; it is never rolled back
  // on the way out.
  void stop();

  const ParticipantMachine& machine() const;
  Database& database();
  // Since there was a working link to the coordinator; nullopt: there is one.
  std::optional<Duration> away() const;
  // That of the coordinator that is linked, or was linked last.
  std::optional<LedgerId> ledger() const;
  // How many links there have been: what was told on one is not known on the next.
  std::uint64_t links() const;
  // What is blocked here, as JSON, for the coordinator; dropped without a working link.
  void push_report(const std::string& report);
  std::uint64_t alarms() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent
