// A PostgreSQL server as far as two-phase commit sees one: rows with locks, transaction ids and
// their status, prepared transactions that survive a crash, a journal written without a sync,
// timelines.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "protocol/participant_machine.hpp"
#include "tests/simulation/world.hpp"

namespace assent::simulation {

// What a branch does. Its bytes in a Work are these, encoded.
struct Op {
  enum class Kind : char {
    write = 'w',
    read = 'r',
    fail = 'f',
    refuse = 'x',  // an expectation fails
    slow = 's',
    declare = 'd',  // the branch is read-only; a write fails from now on
  };
  Kind kind = Kind::read;
  int row = 0;
  std::int64_t amount = 0;  // write: added to the row; slow: milliseconds
};
Work encode(const std::vector<Op>& ops);

using Deltas = std::map<int, std::int64_t>;
using Connection = std::uint64_t;

class Server {
 public:
  struct Ok {};
  struct ReadOnly {};
  struct Prepared {
    Xid xid = 0;
    bool refused = false;  // an expectation failed
  };
  using WorkResult = std::variant<Ok, Failure, ReadOnly, Prepared>;
  using Done = std::function<void(const WorkResult&)>;

  Server(World& world, std::string participant, int rows);

  // ---- what a client of it asks; nothing here may be called while it is down
  Connection connect();
  void run(Connection connection, const Gid& gid, const std::optional<Work>& work, bool prepare,
           Instant deadline, Done done);
  // The connections of applications, which no participant ends.
  static constexpr Connection kApplication = ~Connection{0};
  // Somebody is at work on it, or has prepared it: another would have to wait.
  bool is_taken(const Gid& gid) const { return holds(gid) || backends_.count(gid) != 0; }
  // PREPARE was sent for this branch and has not been answered.
  bool is_preparing(const Gid& gid) const;
  void cancel(const Gid& gid);
  void drop(const Gid& gid);
  // The line before COMMIT PREPARED. False: it could not be written.
  bool tell(const FinishPrepared& verb);
  FinishDone::Result finish(const Gid& gid, Outcome outcome, EndedBy by);
  StatusRead::Status status(const Gid& gid, Xid xid, const ServerIdentity& server) const;
  std::vector<HeldBranch> list() const;
  std::vector<Mark> marks() const;
  std::vector<ToldCommit> told() const;
  Mark raise(const Mark& mark);
  void journal(const WriteJournal& verb);
  JournalRead read_journal(const Gid& gid) const;
  // The client of the connection has gone: its transactions end, but a PREPARE that is under way
  // may still come true, later.
  void abandon(Connection connection);
  // Ends the backends of all connections up to this one, and waits until they are gone. What they
  // had under way has happened, or never will.
  void terminate_up_to(Connection connection);
  // … and of the branch's backend.
  void terminate(const Gid& gid);
  // A command of phase two that was sent and whose client may be gone when it runs.
  void later(Connection connection, Micros delay, std::function<void()> what);

  // ---- what befalls it
  void crash();
  void start();
  // Another server takes over; of the last prepared branches, some had not reached it.
  void fail_over();
  void back_up();
  bool put_back(bool new_timeline);
  std::optional<Gid> resolve_by_hand();
  // Stopped, as by SIGSTOP or a dead disk: nothing happens and nothing is answered; then it goes
  // on.
  void hang(Micros time);
  // A prepared transaction of another ledger, which nobody here may end.
  void add_foreign(const Gid& gid);

  bool up() const { return up_; }
  const ServerIdentity& identity() const { return data_.identity; }
  std::size_t held() const { return data_.prepared.size(); }
  const std::map<int, std::int64_t>& rows() const { return data_.rows; }
  Xid next_xid() const { return data_.next_xid; }
  // Something is prepared that the backup does not know of.
  bool outgrew_backup() const;
  bool has_prepared_last() const { return up_ && !data_.prepared_last.empty(); }
  bool quiet() const { return backends_.empty() && lock_owner_.empty(); }
  bool holds(const Gid& gid) const { return data_.prepared.count(gid) != 0; }
  bool held_before(const Gid& gid, Instant time) const;
  // Of this ledger.
  std::vector<Gid> held_gids(const LedgerId& ledger) const;
  bool hung() const { return world_.now() < hung_until_; }
  Instant hung_until() const { return hung_until_; }

  bool denies = false;             // 42501 for phase two
  std::size_t slots = 100;         // max_prepared_transactions
  unsigned slow_percent = 0;       // of the PREPAREs: seconds
  bool full = false;               // its disk: 53100
  bool no_connections = false;     // 53300
  bool reads_fail = false;         // what asks for lists, statuses and the journal
  bool crash_when_busy = false;    // as soon as it has a command to carry out
  Micros lock_timeout{};           // 55P03; 0: none
  std::function<void()> on_crash;  // its clients learn at once
  static constexpr std::int64_t kInitial = 1000;

 private:
  struct Backend {
    std::uint64_t id = 0;
    Connection connection = 0;
    Gid gid;
    Xid xid = 0;
    Deltas deltas;
    bool refused = false;
    // the request under way
    bool running = false;
    bool preparing = false;  // PREPARE itself
    std::vector<Op> ops;
    std::size_t next = 0;
    std::size_t waits = 0;  // for locks, so far
    bool read_only = false;
    bool prepare = false;
    Instant deadline{};
    Done done;
  };
  struct Held {
    Xid xid = 0;
    Deltas deltas;
    Instant since{};
  };
  struct Data {  // what is on its disk, and in its memory in the case of what is not synced
    ServerIdentity identity;
    std::map<int, std::int64_t> rows;
    Xid next_xid = 700;
    std::map<Xid, StatusRead::Status> status;
    std::map<Gid, Held> prepared;
    std::map<Gid, Outcome> ended;    // for the observer
    std::vector<Gid> prepared_last;  // at the very end of the write-ahead log
    std::map<LedgerId, Mark> marks, durable_marks;
    std::map<Gid, JournalLine> journal;
    std::map<Gid, FinishPrepared> told;        // lines of before COMMIT PREPARED
    std::vector<Gid> unsynced, unsynced_told;  // keys of journal and of told
  };
  struct Late {
    Connection connection = 0;
    std::function<void()> what;
  };

  void advance(const Gid& gid, std::uint64_t id);
  void write(Backend& backend, const Op& op);
  void wait_for_lock(Backend& backend, int row);
  bool waits(const Backend& backend) const;
  bool deadlocked(const Gid& gid) const;
  void run_late(std::uint64_t id);
  void abandoned(const Gid& gid, std::uint64_t id);
  void end_request(Backend& backend, const WorkResult& result);
  void end_failed(Backend& backend, Problem problem, const std::string& why);
  void prepare(Backend& backend);
  void commit_read_only(Backend& backend);
  void remove(Gid gid);
  void release_locks(const Gid& gid);
  void sync();
  void lose_unsynced();
  void recover();
  void forget_last_xids();
  void work_for_others(bool commit);
  void background_sync();

  World& world_;
  std::string participant_;
  bool up_ = true;
  std::uint64_t life_ = 1;
  Connection last_connection_ = 0;
  std::uint64_t last_backend_ = 0;
  Data data_;
  std::optional<Data> backup_;
  bool others_return_ = false;
  std::map<Gid, Backend> backends_;
  std::map<int, Gid> lock_owner_;
  std::map<int, std::vector<std::pair<Gid, std::uint64_t>>> lock_queue_;
  std::map<std::uint64_t, Late> late_;
  std::uint64_t last_late_ = 0;
  Instant hung_until_{};
  std::set<Gid> foreign_;
};

}  // namespace assent::simulation
