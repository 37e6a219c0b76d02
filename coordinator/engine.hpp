// The coordinator's loop: the only place where the protocol meets the world.
//
//   inbox → step → perform (Send | Log | Reply) → flush
//
// Everything here runs on the I/O thread. HTTP handlers hand in one event and get one reply; they
// hold no transaction state.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocol/coordinator_machine.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

struct Activity;
class DecisionLog;
class EngineMetrics;
class Timeline;

class Engine {
 public:
  // Called once, on the I/O thread, while the machine still knows the transaction:
  // machine().find(reply.tx).
  using Answer = std::function<void(const Reply&)>;

  // What the engine asks of the world around it.
  struct World {
    // All messages of one turn for one participant; dropped where its link is down.
    std::function<void(const std::string& participant, const std::vector<ToParticipant>&)> send;
    std::function<void(const std::string& participant, const std::string& reason)> disconnect;
    std::function<void(const std::string& reason)> stop;
    // The log has failed: what is on disk is unknown, and nothing may be said any more.
    std::function<void(const std::string& what)> log_failed;
  };

  // Starts the log. `log` and `metrics` outlive the engine.
  Engine(boost::asio::io_context& io, CoordinatorMachine machine, DecisionLog& log,
         EngineMetrics& metrics, World world);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Requests: the engine numbers them (`request` is overwritten) and calls `answer` with the reply.
  void ask(Begin event, Answer answer);
  void ask(ExecuteAsked event, Answer answer);
  void ask(CommitAsked event, Answer answer);
  void ask(RollbackAsked event, Answer answer);
  void ask(ResolveAsked event, Answer answer);
  void ask(AcknowledgeAsked event, Answer answer);

  // Events without an answer (links, drain). Taken at the end of the current loop turn, in order.
  void post(CoordinatorEvent event);

  // A fresh transaction id (UUIDv7).
  TxId new_tx();
  Now now() const;

  const CoordinatorMachine& machine() const;
  // What happened to each transaction. For reading and following.
  Timeline& timeline();
  // What has been done since the start.
  const Activity& activity() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent
