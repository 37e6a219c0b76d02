#include "coordinator/engine.hpp"

#include <optional>

#include <boost/asio/io_context.hpp>

#include "coordinator/engine_metrics.hpp"
#include "coordinator/log/decision_log.hpp"
#include "protocol/runtime/clock.hpp"
#include "protocol/runtime/metrics.hpp"
#include "tests/support/catch.hpp"

namespace assent {
namespace {

class MemoryLog : public DecisionLog {
 public:
  void start(LogHost host) override { host_ = std::move(host); }
  bool append(RecordNumber number, const LogRecord&) override {
    if (full) return false;
    last_ = number;
    return true;
  }
  void flush() override { ++flushes; }
  void stop() override { flushes_at_stop = flushes; }
  void sync() { host_.on_durable(last_); }

  bool full = false;
  int flushes = 0;
  std::optional<int> flushes_at_stop;

 private:
  LogHost host_;
  RecordNumber last_ = 0;
};

// An engine of epoch 3 whose world is written down: "participant: number of messages", "stop".
struct Bench {
  Bench() {
    Recovered recovered;
    recovered.ledger = ledger;
    EpochRecord start;
    start.epoch = 3;
    start.life = make_uuid7(2, {3});
    Engine::World world;
    world.send = [this](const std::string& participant, const std::vector<ToParticipant>& all) {
      said.push_back(participant + ": " + std::to_string(all.size()));
    };
    world.disconnect = [this](const std::string& participant, const std::string&) {
      said.push_back("disconnect " + participant);
    };
    world.stop = [this](const std::string&) { said.push_back("stop"); };
    world.log_failed = [this](const std::string&) { said.push_back("log failed"); };
    engine = std::make_unique<Engine>(
        io, CoordinatorMachine(CoordinatorLimits{}, recovered, start, read_clock()), log,
        engine_metrics, std::move(world));
  }

  void turn() {
    io.restart();
    io.poll();
  }
  void hello(const std::string& name, Epoch seen = 0) {
    Hello hello;
    hello.participant = name;
    hello.server = {77, 1, "shop"};
    if (seen != 0) hello.marks.push_back({ledger, seen, make_uuid7(2, {4}), 0});
    engine->post(LinkUp{std::move(hello)});
  }

  const LedgerId ledger{make_uuid7(1, {9})};
  boost::asio::io_context io;
  Metrics metrics;
  EngineMetrics engine_metrics{metrics};
  MemoryLog log;
  std::vector<std::string> said;
  std::unique_ptr<Engine> engine;
};

using Said = std::vector<std::string>;

}  // namespace

TEST_CASE("what one turn says to a participant leaves together, after the log was flushed") {
  Bench b;
  b.hello("orders");
  b.turn();
  CHECK(b.log.flushes == 1);
  CHECK(b.said.empty());
  b.log.sync();
  b.turn();
  CHECK(b.said == Said{"orders: 1"});
}

// The log finds room again in a flush only: one that refuses everything must still be flushed.
TEST_CASE("a log that refused a record is flushed all the same") {
  Bench b;
  b.log.full = true;
  b.hello("orders");
  b.turn();
  CHECK(b.log.flushes == 1);
  b.hello("orders");
  b.turn();
  CHECK(b.log.flushes == 2);
}

TEST_CASE("records that became durable together count as one sync") {
  Bench b;
  b.hello("orders");
  b.hello("stock");
  b.turn();
  b.log.sync();
  b.turn();
  CHECK(b.said == Said{"orders: 1", "stock: 1"});
  CHECK(b.engine_metrics.activity().syncs == 1);
  b.hello("third");
  b.turn();
  b.log.sync();
  CHECK(b.engine_metrics.activity().syncs == 2);
}

TEST_CASE("after Stop nothing leaves, is recorded or is stepped, not even of the same turn") {
  Bench b;
  b.hello("orders");
  b.turn();
  b.log.sync();
  b.turn();
  b.said.clear();
  const int flushes = b.log.flushes;
  b.engine->post(LinkDown{"orders"});
  b.hello("orders");    // welcomed at once: it is recorded
  b.hello("stock", 4);  // … but somebody else's epoch is higher
  b.hello("third");
  b.turn();
  CHECK(b.said == Said{"stop"});
  CHECK(b.log.flushes == flushes);
  bool answered = false;
  b.engine->ask(Begin{}, [&](const Reply&) { answered = true; });
  b.log.sync();
  b.turn();
  CHECK(b.said == Said{"stop"});
  CHECK(b.log.flushes == flushes);
  CHECK_FALSE(answered);
}

TEST_CASE("ends of transactions travel with the next record that matters, or after a while") {
  Bench b;
  const ServerIdentity server{77, 1, "shop"};
  b.hello("orders");
  b.turn();
  b.log.sync();
  b.turn();
  const Uuid life = b.engine->machine().life();
  b.engine->post(FromParticipant{"orders", Ready{{b.ledger, 3, life, 0}, server, {}}});
  b.turn();
  const auto commit = [&] {
    Begin begin;
    begin.tx = b.engine->new_tx();
    begin.branches.push_back({"orders", Work{}});
    begin.timeout = Duration(30'000);
    const Gid gid{b.ledger, 3, begin.tx, "orders"};
    b.engine->ask(begin, [](const Reply&) {});
    b.turn();
    Vote vote;
    vote.gid = gid;
    vote.verdict = Verdict::yes;
    vote.xid = 1000;
    vote.server = server;
    b.engine->post(FromParticipant{"orders", vote});
    b.turn();
    b.log.sync();
    b.turn();
    b.engine->post(FromParticipant{"orders", Applied{gid, Outcome::committed, {}, 0}});
    b.turn();
  };
  int flushes = b.log.flushes;
  commit();
  CHECK(b.log.flushes == flushes + 1);
  commit();  // takes the end of the first with it
  CHECK(b.log.flushes == flushes + 2);
  CHECK(b.engine->machine().unfinished() == 0);
  SECTION("after a while") {
    b.io.restart();
    while (b.log.flushes == flushes + 2 && b.io.run_one_for(std::chrono::seconds(10)) > 0) {
    }
    CHECK(b.log.flushes == flushes + 3);
  }
  SECTION("when the engine ends") {
    flushes = b.log.flushes;
    b.engine.reset();
    CHECK(b.log.flushes == flushes + 1);
  }
}

TEST_CASE("an engine that ends has flushed the log, then stopped it") {
  Bench b;
  b.hello("orders");
  b.turn();
  const int before = b.log.flushes;
  b.engine.reset();
  CHECK(b.log.flushes_at_stop == before + 1);
}

TEST_CASE("an engine that was told to stop leaves what waits unwritten, and stops the log") {
  Bench b;
  b.hello("orders", 4);  // another coordinator has started since
  b.turn();
  const int before = b.log.flushes;
  b.engine.reset();
  CHECK(b.log.flushes_at_stop == before);
}

}  // namespace assent
