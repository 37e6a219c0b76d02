// What is blocked in all databases, as their participants report it, with what the coordinator
// knows besides: why a decision is not there yet. And what was. Belongs to the I/O thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "protocol/coordinator_machine.hpp"
#include "protocol/runtime/blocking_document.hpp"
#include "protocol/runtime/blocking_history.hpp"
#include "protocol/runtime/latest_feed.hpp"

namespace assent {

class BlockingBoard {
 public:
  // `since_ms`: since when this coordinator has been there, Unix time.
  explicit BlockingBoard(std::int64_t since_ms = 0) : since_ms_(since_ms) {}

  // A participant's report. False: it is not one, and was not taken.
  bool received(const std::string& participant, std::string report, Now now);
  // To be called once a second: who does not report is silent, and history says so.
  void note_silence(const CoordinatorMachine& machine, Now now);

  // The answer to GET /v1/blocking. Who has no link, or has been silent, is listed as not
  // answering, with the last that was heard of him.
  std::string document(const CoordinatorMachine& machine, Instant now) const;
  // The answer to GET /v1/blocking/history.
  std::string history() const;
  // Sessions that wait for a branch there, directly or behind others; nullopt: not known.
  std::optional<std::int64_t> blocked_at(const CoordinatorMachine& machine,
                                         const std::string& participant, Instant now) const;

  // Following the document.
  bool is_followed() const { return feed_.is_followed(); }
  void publish(const CoordinatorMachine& machine, Instant now);
  HttpResponse follow(const CoordinatorMachine& machine, Instant now) const;

 private:
  struct Heard {
    std::string report;
    Instant at;
    ReportGist gist;
  };
  std::string silent_because(const CoordinatorMachine& machine, const std::string& participant,
                             Instant now) const;

  std::int64_t since_ms_;
  std::map<std::string, Heard> heard_;
  std::map<std::string, BlockingHistory> past_;
  LatestFeed feed_{"blocking"};
};

}  // namespace assent
