// The links of all participants: who is connected, under which name. Belongs to the I/O thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocol/coordinator_machine.hpp"
#include "protocol/runtime/callers.hpp"

namespace assent {

class Upgrade;

class LinkHub {
 public:
  // `report` gets LinkUp, FromParticipant and LinkDown; for one name never a LinkUp before the
  // LinkDown of the link it replaces, and nothing of a link after its LinkDown.
  explicit LinkHub(std::function<void(CoordinatorEvent)> report);
  ~LinkHub();
  LinkHub(const LinkHub&) = delete;
  LinkHub& operator=(const LinkHub&) = delete;

  // What a participant reports of what is blocked, beside the protocol.
  void on_report(std::function<void(const std::string& participant, std::string report)> take);

  // A connection to /v1/link, by this caller. It counts from its Hello on, which must give the
  // caller's name, where it has one.
  void accept(Upgrade upgrade, CallerPtr caller);
  // Closes the links of callers who are no longer welcome.
  void close_unless(const std::function<bool(const Caller&)>& welcome);
  // One frame; dropped when the participant has no link.
  void send(const std::string& participant, const std::vector<ToParticipant>& messages);
  // Closes the participant's link.
  void disconnect(const std::string& participant, const std::string& reason);
  // For the end of the process: nothing is reported any more.
  void close_all();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
