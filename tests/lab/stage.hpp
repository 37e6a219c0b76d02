// A scenario's deployment with everything that can be done to it and seen of it. Children belong to
// the thread that makes it: keep it on the main thread.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/system/deployment.hpp"
#include "tests/lab/actors.hpp"
#include "tests/lab/addresses.hpp"
#include "tests/lab/database_faults.hpp"
#include "tests/lab/ledger_disk.hpp"
#include "tests/lab/listener.hpp"
#include "tests/lab/proxy.hpp"
#include "tests/lab/scenario.hpp"
#include "tests/lab/timeline.hpp"
#include "tests/lab/watcher.hpp"

namespace assent::lab {

class Stage {
 public:
  // Everything lies in `folder`. Throws std::runtime_error when it does not start.
  // `existing`: nothing is started, and what was done to it is taken back at the end, as far as it
  // can be.
  Stage(const Scenario& scenario, const std::filesystem::path& folder, Timeline& timeline,
        const Addresses* existing = nullptr);
  ~Stage();

  // One step that is no expectation. Throws std::runtime_error when it cannot be done.
  void perform(const Step& step);
  // nullopt: it is so. Otherwise what is the case instead.
  std::optional<std::string> differs(const Condition& condition);
  // Notes deaths that nobody ordered by name. Call it now and then.
  void notice_deaths();
  // What the coordinator has said of each transaction, into the timeline.
  void collect_messages();

 private:
  // ---- in stage_steps.cpp
  void perform_process(const Step& step);
  void perform_link(const Step& step);
  void begin_transfer(const Step& step, bool retrying);
  void begin_run(const Step& step);
  void transfers_until(bool committed, const std::string& text);
  void statement(const Step& step);
  void kill(const std::string& victim);
  void signal(const std::string& victim, int number);
  void restart(const std::string& process);
  void start(const std::string& process, test::Environment env = {},
             std::vector<std::string> options = {});
  void fault(const std::string& lane, const std::string& text);

  // ---- in stage_database.cpp
  void perform_database(const Step& step);
  // Of a superuser; after a promotion, of the new server.
  std::string conninfo(const std::string& database) const;
  pid_t backend_of(const std::string& database) const;  // one of the participant
  void terminate(const std::string& database, pid_t backend);
  void promote(const std::string& database);
  std::filesystem::path backup_of(const std::string& database) const {
    return folder_ / (database + "-backup");
  }
  void by_hand(const std::string& verb, const std::string& name, const std::string& database);

  // ---- in stage_ledger.cpp
  // What a daemon is started with so that its disk can fail, its clock be moved.
  test::Environment preloads(const Scenario& scenario, const std::string& daemon) const;
  void perform_ledger(const Step& step);
  void start_second(const std::filesystem::path& ledger);
  void fail_disk(const Step& step);
  void fill_disk(const Step& step);
  void move_clock(const Step& step);
  void write_clock(const std::string& daemon, std::int64_t moved_us) const;
  std::filesystem::path disk_control() const { return folder_ / "disk-faults"; }
  std::filesystem::path clock_control(const std::string& daemon) const {
    return folder_ / ("clock-" + daemon);
  }

  // ---- in stage_conditions.cpp
  std::optional<std::string> differs_transaction(const Condition& condition);
  std::optional<std::string> differs_telling(const std::string& name, const std::string& word);
  std::optional<std::string> differs_session(const Condition& condition);
  std::optional<std::string> differs_process(const Condition& condition);
  std::optional<std::string> differs_data(const Condition& condition);
  std::set<std::string> blockers_of(const std::string& name) const;
  Outcome outcome_of(const std::string& name) const;
  bool running(const std::string& process);
  bool ready(const std::string& process);
  // In how many databases its mark is found, and how often at most in one.
  struct Traces {
    std::size_t databases = 0;
    std::size_t most = 0;
  };
  Traces traces_of(const std::string& name);

  // ---- in stage_existing.cpp
  void leave_existing();
  void signal_existing(const std::string& daemon, int number);
  void kill_existing(const std::string& daemon);

  // ---- in stage.cpp
  // The deployment that the lab has made. Throws where it works on another.
  test::Deployment& own() const;
  void make_own(const Scenario& scenario);
  void watch();
  std::string death_of(const std::string& process);  // for people
  HttpAnswer ask(const std::string& target) const;   // the coordinator, not through a proxy
  std::string value(const std::string& database, const std::string& sql) const {
    return dev::value(conninfo(database), sql);
  }
  struct Known;  // the scenario's transactions, as the watcher's threads may ask for them
  std::string name_of(const TxId& tx) const;  // empty: none of the scenario's
  std::size_t index_of(const std::string& database) const;
  const Endpoint& admin_of(const std::string& daemon) const;
  Proxy& proxy(const std::string& link);
  ClientTransaction& transaction(const std::string& name) const;
  // Transactions from now on, until the next is named, are none of the scenario's.
  void begin_unnamed();
  ClientTransaction& add_transaction(const std::string& name);
  // Of which databases its branches are prepared in.
  std::vector<std::string> prepared_at(const std::string& name);

  const std::filesystem::path folder_;
  Timeline& timeline_;
  Addresses at_;
  std::set<std::pair<std::string, std::string>> ordered_;  // crash points: daemon and point
  std::set<std::string> slots_taken_;                      // databases
  std::shared_ptr<Known> known_;
  std::map<std::string, std::unique_ptr<Session>> sessions_;
  std::map<std::string, std::unique_ptr<ClientTransaction>> transactions_;
  std::map<std::string, std::unique_ptr<Proxy>> proxies_;
  std::map<std::string, std::unique_ptr<Standby>> standbys_;
  std::map<std::string, std::unique_ptr<Crowd>> crowds_;
  std::map<std::string, pid_t> stopped_;           // by name of the backend's server
  std::map<std::string, std::int64_t> clocks_us_;  // by how much a daemon's clock is moved
  std::unique_ptr<LedgerDisk> disk_;
  std::unique_ptr<test::Deployment> deployment_;
  std::unique_ptr<dev::Process> second_;
  std::uint16_t second_port_ = 0;
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<Listener> listener_;
  std::map<std::string, bool> alive_;
};

}  // namespace assent::lab
