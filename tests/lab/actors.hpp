// Who does things in a scenario: clients of the API and plain database sessions, each on a thread
// of its own, so that what waits holds nobody up.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "clients/cpp/client.hpp"

namespace assent::lab {

// Does what it is given, one after the other.
class Worker {
 public:
  Worker();
  // Ends after what is being done; what waits is not done.
  ~Worker();
  void give(std::function<void()> job);
  bool idle() const;

 private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool busy_ = false;
  bool ending_ = false;
  std::thread thread_;
};

// What became of the last thing that an actor did.
struct Outcome {
  bool busy = false;
  bool ok = false;
  std::string code;   // a problem's, or an SQLSTATE; empty: none
  std::string value;  // the first of the result
  std::string reason;
};

// A client's transaction. The thread that made it tells it what to do and asks.
class ClientTransaction {
 public:
  // `told` hears what the client is told, from the client's thread.
  ClientTransaction(std::string name, std::string url,
                    std::function<void(const std::string&)> told);
  // Gives up waiting.
  ~ClientTransaction();

  void run(client::OneShot shot, bool retrying);
  void begin();
  void execute(const std::string& database, client::Statement statement);
  void commit();
  void rollback();

  const std::string& name() const { return name_; }
  std::int64_t begun_ms() const { return begun_ms_; }  // on the wall
  Outcome outcome() const;
  std::optional<client::Fate> told() const;
  // How long it took until it was told; nullopt: it has not been.
  std::optional<std::chrono::milliseconds> took() const;
  std::string id() const;  // empty: not known
  const std::set<std::string>& databases() const { return databases_; }

 private:
  template <typename Result>
  void take(const Result& result, bool last);
  client::Client make_client(bool retrying);

  const std::string name_;
  const std::string url_;
  const std::int64_t begun_ms_;
  std::function<void(const std::string&)> on_told_;
  std::set<std::string> databases_;
  std::shared_ptr<std::atomic<bool>> ending_;
  mutable std::mutex mutex_;
  Outcome outcome_;
  std::optional<client::Fate> told_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::milliseconds took_{0};
  std::string id_;
  std::int64_t seq_ = 0;
  Worker worker_;
};

// A plain session of a database, as an application or a person has it. Its application_name is its
// name.
class Session {
 public:
  Session(std::string name, std::string conninfo);
  // Cancels what runs.
  ~Session();
  void execute(const std::string& sql);
  Outcome outcome() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent::lab
