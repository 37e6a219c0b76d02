// Looks at the databases all the time, as a person with superuser rights could: what is prepared,
// and who waits for whom.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "protocol/ids.hpp"
#include "tests/lab/timeline.hpp"

namespace assent::lab {

class Watcher {
 public:
  struct Database {
    std::string name;
    std::string conninfo;
  };
  // `name_of` says which of the scenario's transactions it is, from the watcher's thread; empty:
  // none of them.
  Watcher(std::vector<Database> databases, Timeline& timeline,
          std::function<std::string(const TxId&)> name_of);
  ~Watcher();

  // Who waits, by application_name, and for whom: names of sessions and of transactions.
  using Waits = std::map<std::string, std::set<std::string>>;
  Waits waits() const;
  // Every transaction ever seen prepared.
  std::set<TxId> seen() const;

 private:
  void watch(const Database& database);

  Timeline& timeline_;
  std::function<std::string(const TxId&)> name_of_;
  std::atomic<bool> ending_{false};
  mutable std::mutex mutex_;
  std::map<std::string, Waits> waits_;  // by database
  std::set<TxId> seen_;
  std::vector<std::thread> threads_;
};

}  // namespace assent::lab
