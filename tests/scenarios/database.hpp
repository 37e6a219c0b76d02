// A PostgreSQL server as far as two-phase commit sees one, obeying one verb at a time: prepared
// transactions that survive a crash, the status of transaction ids, a journal that is not synced,
// timelines, and locks of rows.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/invariants.hpp"
#include "protocol/participant_machine.hpp"

namespace assent::scenarios {

class Database {
 public:
  Database(Observer& observer, std::string participant, std::uint64_t system_identifier);

  // What comes of the verb; nothing while it waits for a row's lock. CancelPrepare has no answer.
  std::optional<ParticipantEvent> run(const ParticipantAction& verb);
  // As a client sees it that has just connected; the lists leave out what is not this
  // participant's.
  DatabaseUp seen() const;
  // The gids of all that is prepared, anybody's.
  std::vector<std::string> prepared() const;
  // "prepared", "committed", "aborted", or "absent" where it has never been prepared or was lost.
  std::string truth(const Gid& gid) const;
  // The server ends the transactions of a client that is gone.
  void end_open();

  void crash();
  void fail_over(const std::vector<Gid>& losing);
  void back_up() { backup_ = data_; }
  bool put_back(bool new_timeline);
  bool end_by_hand(const Gid& gid, Outcome outcome);
  void prepare_by_hand(const std::string& gid);
  // The application does its work and PREPAREs it; in a role that the participant may not act for,
  // or in another database of the server, if they are named. False: the gid is in use.
  bool prepare_as_application(const Gid& gid, const std::string& role,
                              const std::string& elsewhere);
  void forget_xids() { data_.status.clear(); }
  void answer_next(const std::string& sqlstate, bool after_doing_it) {
    answers_.push_back({sqlstate, after_doing_it});
  }

  bool up = true;
  bool standby = false;
  std::string denied;  // the SQLSTATE that COMMIT PREPARED and ROLLBACK PREPARED are refused with
  std::size_t slots = 100;  // max_prepared_transactions

 private:
  struct Held {
    Xid xid = 0;
    std::set<std::string> rows;
    std::string role{};       // of somebody whose branches this participant may not end
    std::string elsewhere{};  // another database of the server
  };
  struct Open {
    Xid xid = 0;
    bool refused = false;
    bool failed = false;  // the transaction has failed, and PREPARE will be answered with ROLLBACK
    std::set<std::string> rows;
  };
  struct Data {
    ServerIdentity identity;
    Xid next_xid = 700;
    std::map<Xid, StatusRead::Status> status;
    std::map<std::string, Held> prepared;
    std::map<Gid, Outcome> ended;
    std::map<LedgerId, Mark> marks, synced_marks;
    std::map<Gid, JournalLine> journal;
    std::map<Gid, FinishPrepared> told;  // lines of before COMMIT PREPARED
    std::vector<Gid> unsynced, unsynced_told;
  };
  struct Answer {
    std::string sqlstate;
    bool after_doing_it = false;
  };

  std::optional<ParticipantEvent> on(const RunWork& verb);
  std::optional<ParticipantEvent> on(const PrepareBranch& verb);
  std::optional<ParticipantEvent> on(const SettleLost& verb);
  std::optional<ParticipantEvent> on(const DropOpen& verb);
  std::optional<ParticipantEvent> on(const FinishPrepared& verb);
  std::optional<ParticipantEvent> on(const ReadStatus& verb);
  std::optional<ParticipantEvent> on(const ListPrepared& verb);
  std::optional<ParticipantEvent> on(const RaiseMark& verb);
  std::optional<ParticipantEvent> on(const WriteJournal& verb);
  std::optional<ParticipantEvent> on(const ReadJournal& verb);
  std::optional<ParticipantEvent> on(const VerifyPrepared& verb);
  template <typename Other>
  std::optional<ParticipantEvent> on(const Other&) {
    return std::nullopt;
  }

  bool is_locked(const std::string& row, const Gid& for_whom) const;
  std::optional<std::optional<Failure>> work(const Gid& gid, const Work& work);
  FinishDone::Result finish(const Gid& gid, Outcome outcome, EndedBy by);
  void tell(const FinishPrepared& verb);
  void rollback_open(const Gid& gid);
  void sync();
  void lose_unsynced();

  Observer& observer_;
  std::string participant_;
  Data data_;
  std::optional<Data> backup_;
  std::map<Gid, Open> open_;
  std::deque<Answer> answers_;
};

}  // namespace assent::scenarios
