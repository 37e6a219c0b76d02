// The host's side of the participant's database verbs: carries them to the server and reports each
// completion once, also when the connection is lost on the way there or back.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "protocol/participant_machine.hpp"
#include "tests/simulation/server.hpp"

namespace assent::simulation {

class DatabaseClient {
 public:
  using Report = std::function<void(ParticipantEvent)>;

  DatabaseClient(World& world, Server& server, Report report);
  // The process is gone: what it has sent may still happen; nothing is reported any more.
  void kill();
  void connect_later();
  // The control connection breaks, or the server is gone.
  void lost(const std::string& reason);

  void perform(const RunWork& verb);
  void perform(const PrepareBranch& verb);
  void perform(const SettleLost& verb);
  void perform(const DropOpen& verb);
  void perform(const CancelPrepare& verb);
  void perform(const VerifyPrepared& verb);
  void perform(const FinishPrepared& verb);
  void perform(const ReadStatus& verb);
  void perform(const ListPrepared& verb);
  void perform(const RaiseMark& verb);
  void perform(const WriteJournal& verb);
  void perform(const ReadJournal& verb);

  bool connected() const { return connected_; }
  Instant listed_at() const { return listed_at_; }  // what is prepared, last
  unsigned reply_loss_permille = 0;

 private:
  using Id = std::uint64_t;
  // Expects a completion; `if_lost` is what is reported when the connection breaks first.
  Id expect(ParticipantEvent if_lost);
  // The answer has left the server.
  void answered(Id id, ParticipantEvent event);
  void report_soon(ParticipantEvent event);
  // A verb that is one statement on the control connection.
  void ask(ParticipantEvent if_lost, std::function<ParticipantEvent()> question);
  void try_connect();
  void settle(const Gid& gid);
  // Phase two, as participant/postgres/finish.hpp has it.
  struct Commit {
    Id id = 0;
    FinishPrepared verb;
    FinishDone lost;
  };
  void tell(Connection connection);
  void tell_alone(const Commit& commit);
  void told(Connection connection, const std::vector<Commit>& commits);
  bool is_another(const FinishPrepared& verb) const;
  FinishDone finish(const FinishPrepared& verb);

  World& world_;
  Server& server_;
  Report report_;
  bool alive_ = true;
  bool connected_ = false;
  bool connecting_ = false;
  Instant listed_at_{};
  Connection connection_ = 0;
  Id last_id_ = 0;
  std::map<Id, ParticipantEvent> expected_;
  std::set<Gid> settling_;
  std::vector<Commit> waiting_;
  bool telling_ = false;
};

}  // namespace assent::simulation
