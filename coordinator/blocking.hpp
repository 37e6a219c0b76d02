// What is blocked in all databases, as their participants report it, with what the coordinator
// knows besides: why a decision is not there yet. Belongs to the I/O thread.
#pragma once

#include <map>
#include <string>

#include "protocol/coordinator_machine.hpp"

namespace assent {

class BlockingBoard {
 public:
  // A participant's report. False: it is not one, and was not taken.
  bool received(const std::string& participant, std::string report, Instant now);

  // The answer to GET /v1/blocking. Who has no link, or has been silent, is listed as not
  // answering, with the last that was heard of him.
  std::string document(const CoordinatorMachine& machine, Instant now) const;

 private:
  struct Heard {
    std::string report;
    Instant at;
  };
  std::map<std::string, Heard> heard_;
};

}  // namespace assent
