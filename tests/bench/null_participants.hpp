// Participants without a database: they vote yes and have applied, at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace assent::bench {

// On a thread of their own, linked to the coordinator at "host:port" until the object's end.
class NullParticipants {
 public:
  NullParticipants(const std::vector<std::string>& names, const std::string& coordinator);
  ~NullParticipants();
  NullParticipants(const NullParticipants&) = delete;
  NullParticipants& operator=(const NullParticipants&) = delete;

  // CPU of that thread so far.
  double cpu_seconds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent::bench
