// Situations of a deployment in which daemons pass their rarer crash points. Each brings itself
// about, with whatever may fail in it having failed, and can afterwards be finished: what was
// asked of the coordinator is asked again, with the same keys, until it is answered.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/lab/history.hpp"
#include "tests/lab/workload.hpp"

namespace assent::lab {

class Situations {
 public:
  // A deployment of at least two banks, ready and idle, with faults enabled. The subject of the
  // participants' points is bank_a.
  explicit Situations(test::Deployment& deployment);

  // The name of the situation in which a point is passed.
  static std::string of_point(const std::string& point);
  // Brings it about. `order` arms the point: it is called with how a daemon is started where that
  // is part of the situation, or with nothing where the order goes to running daemons.
  //
  //   coordinator, participant: which daemon has the point
  struct Orders {
    bool of_coordinator = false;
    std::string point;
    std::string order;  // "kill", "error@1" …
  };
  void bring_about(const std::string& situation, const Orders& orders);
  // Starts what is down, takes all orders back, waits until all is ready, and repeats what was not
  // answered. Returns what is wrong; none: all is quiet.
  Names finish();

  void tell(History& history) const;

 private:
  // ---- what situations are made of
  void arm_running(const Orders& orders);
  void restart_participant(const test::Environment& env = {});
  void restart_coordinator(const test::Environment& env = {},
                           std::vector<std::string> options = {});
  test::Environment environment_of(const Orders& orders) const;
  void ask(int accounts = 1);               // a marked transfer from bank_a to bank_b
  void ask_in_vain();                       // one without funds
  void ask_interactively();                 // one that commits and one that is rolled back
  void await_prepared(std::size_t number);  // prepared branches, over all banks
  void by_hand(const std::string& verb);    // what is prepared at bank_a
  void await_obeyed(const Orders& orders);  // or dead, or that it takes too long
  void hold_commits();
  void release_commits();
  void put_back_ledger(const std::function<void()>& lost);
  void decide_doubts();

  // ---- the situations
  void transfers(const Orders& orders);
  void interactive(const Orders& orders);
  void external(const Orders& orders);
  void doubt(const Orders& orders);
  void finished_by_hand(const Orders& orders);
  void damaged(const Orders& orders);
  void connection_lost(const Orders& orders);
  void cancelled(const Orders& orders);
  void together(const Orders& orders);
  void participant_starts(const Orders& orders);
  void coordinator_starts(const Orders& orders);
  void new_ledger(const Orders& orders);
  void careful_ledger(const Orders& orders);
  void old_ledger(const Orders& orders);
  void resolved(const Orders& orders);
  void acknowledged(const Orders& orders);

  struct Asked {
    std::string key;
    client::OneShot shot;
    Attempt attempt;
  };
  test::Deployment& bank_;
  std::map<std::string, void (Situations::*)(const Orders&)> all_;
  std::vector<Asked> unanswered_;
  std::vector<Attempt> answered_;
  std::size_t number_ = 0;
  int account_ = 0;
  bool in_doubt_ = false;  // something may wait for a person
};

}  // namespace assent::lab
