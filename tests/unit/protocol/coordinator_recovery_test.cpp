// Recovery is construction: what the log says, and nothing else, is what the next start knows.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/coordinator_bench.hpp"

namespace assent {
namespace {

using bench::CoordinatorBench;
using bench::tx;

// The same machine made from its snapshot, as an opening segment holds it.
CoordinatorBench from_snapshot(CoordinatorBench& b) {
  CoordinatorBench next = b.restarted();
  next.recovered.records = b.m().snapshot();
  return next;
}

}  // namespace

TEST_CASE("recovery: a decided transaction is resent to each as it comes back, then ends",
          "[P25]") {
  CoordinatorBench before = bench::working_coordinator();
  before.decide(tx(1));
  CoordinatorBench b = before.restarted();
  REQUIRE(b.m().find(tx(1)));
  CHECK(b.at(tx(1)).state == TxState::committing);
  CHECK(b.m().unfinished() == 1);
  CHECK(b.connect("orders") == "Welcome to orders, Commit to orders");
  CHECK(*b.sent<Commit>("orders") == Commit{b.gid(tx(1), "orders", 3), 1, 700, bench::server()});
  CHECK(b.connect("stock") == "Welcome to stock, Commit to stock");
  const auto applied = [&](const std::string& name) {
    return b.from(name, Applied{b.gid(tx(1), name, 3), Outcome::committed, {}, 0});
  };
  CHECK(applied("orders").empty());
  CHECK(applied("stock") == "log End");
  CHECK(b.m().unfinished() == 0);

  CoordinatorBench again = b.restarted();
  CHECK(again.at(tx(1)).state == TxState::committed);
  CHECK(again.connect("orders") == "Welcome to orders");
}

TEST_CASE("recovery: undecided transactions are gone, and their holders hear abort", "[P35]") {
  CoordinatorBench before = bench::working_coordinator();
  before.act(before.one_shot(1, tx(1)));
  before.vote(tx(1), "orders", Verdict::yes);
  CoordinatorBench b = before.restarted();
  CHECK(b.m().transactions().empty());
  CHECK(b.connect("orders", {{b.gid(tx(1), "orders", 3), 700, {}}}) ==
        "Welcome to orders, Abort to orders");
}

TEST_CASE("recovery: keys of committed transactions still join", "[P27]") {
  CoordinatorBench before = bench::working_coordinator();
  Begin begin = before.one_shot(1, tx(1));
  begin.key = bench::request_key(4);
  begin.labels = "{\"a\":1}";
  before.act(begin);
  before.vote(tx(1), "orders", Verdict::yes);
  before.vote(tx(1), "stock", Verdict::yes);
  CoordinatorBench b = before.restarted();
  b.connect("orders");
  b.connect("stock");
  begin.request = 9;
  begin.tx = tx(2);
  CHECK(b.act(begin) == "answer committed");  // decided long ago: nobody is made to wait
  CHECK(b.at(tx(1)).labels == "{\"a\":1}");
  begin.key = bench::request_key(4, 7);
  CHECK(b.act(begin) == "refuse idempotency-key-reused none");
}

TEST_CASE("recovery: sequence numbers go on, marks of members are remembered") {
  CoordinatorBench before = bench::working_coordinator();
  before.commit(tx(1), 9);
  CoordinatorBench b = before.restarted();
  CHECK(b.m().sequence() == 1);
  CHECK(b.m().members().at("orders").durable_mark == 9);
  CHECK(b.hello("orders", {{bench::ledger(), 3, bench::life(3), 1}}) == "Welcome to orders");
  CHECK(b.ready("orders", {}, 1) == "log Member");  // 1 after 9: it was put back
  b.connect("stock", {}, 9);
  b.act(b.one_shot(1, tx(2)));
  b.vote(tx(2), "orders", Verdict::yes);
  b.vote(tx(2), "stock", Verdict::yes);
  CHECK(b.at(tx(2)).sequence == 2);
}

TEST_CASE("recovery: damage is kept, and so is what it was decided against", "[P30]") {
  CoordinatorBench before = bench::working_coordinator();
  before.decide(tx(1));
  before.applied(tx(1), "orders", Outcome::committed, Application::heuristic);
  before.act(before.one_shot(2, tx(2)));
  before.vote(tx(2), "orders", Verdict::yes);
  before.act(RollbackAsked{3, tx(2)});
  before.applied(tx(2), "orders", Outcome::aborted, Application::unproven);

  const auto check = [](CoordinatorBench& b) {
    CHECK(b.at(tx(1)).state == TxState::committing);
    CHECK(b.at(tx(1)).branch("orders")->phase == BranchPhase::heuristic);
    CHECK(b.at(tx(1)).branch("stock")->phase == BranchPhase::finishing);
    CHECK(b.at(tx(2)).state == TxState::aborted);
    CHECK(b.at(tx(2)).branch("orders")->phase == BranchPhase::unproven);
    CHECK(b.m().unfinished() == 1);
    b.tick_after(b.limits.finished_kept_for * 2);
    CHECK(b.m().find(tx(2)));
  };
  SECTION("from the log") {
    CoordinatorBench b = before.restarted();
    check(b);
  }
  SECTION("from a snapshot") {
    CoordinatorBench b = from_snapshot(before);
    check(b);
  }
  SECTION("who holds another branch of it is answered") {
    CoordinatorBench b = before.restarted();
    b.connect("stock");
    CHECK(b.from("stock", Inquiry{b.gid(tx(2), "stock", 3), {}}) == "Abort to stock");
  }
}

TEST_CASE(
    "recovery: a damaged transaction ends too, once its damage is durable, and nobody is told "
    "again",
    "[P25][P30]") {
  CoordinatorBench before = bench::working_coordinator();
  before.decide(tx(1));
  const auto damage = [&] {
    return before.applied(tx(1), "orders", Outcome::committed, Application::unproven);
  };
  const auto applied = [&] { return before.applied(tx(1), "stock", Outcome::committed); };
  SECTION("damage last: the end waits for its record") {
    applied();
    CHECK(damage() == "log Heuristic, answer committed");
    SECTION("durable") {
      CHECK(before.logged() == "log End");
    }
    SECTION("refused, and recorded later") {
      before.act(LogRefused{before.last});
      before.records.pop_back();
      CHECK(before.tick_after(Duration(1000)) == "log Heuristic");
      CHECK(before.logged() == "log End");
    }
    SECTION("refused, and a later record is durable before it is asked for again") {
      before.act(LogRefused{before.last});
      before.records.pop_back();
      before.decide(tx(2));
      before.applied(tx(2), "orders", Outcome::committed);
      before.applied(tx(2), "stock", Outcome::committed);
      CHECK(before.logged().empty());
      CHECK(before.tick_after(Duration(1000)) == "log Heuristic");
      CHECK(before.logged() == "log End");
    }
  }
  SECTION("damage first") {
    damage();
    CHECK(before.logged().empty());
    CHECK(applied() == "log End, answer committed");
  }
  CHECK(before.logged().empty());  // once
  const auto check = [](CoordinatorBench b) {
    CHECK(b.connect("orders") == "Welcome to orders");
    CHECK(b.connect("stock") == "Welcome to stock");
    CHECK(b.at(tx(1)).branch("orders")->phase == BranchPhase::unproven);
    CHECK(b.at(tx(1)).state == TxState::committed);
  };
  check(before.restarted());
  check(from_snapshot(before));
}

TEST_CASE("recovery: damage without a commit record ends as it was decided") {
  CoordinatorBench b;
  b.recovered.records = {
      HeuristicRecord{tx(1), "orders", Outcome::committed, Application::heuristic, 1},
      HeuristicRecord{tx(2), "orders", Outcome::aborted, Application::heuristic, 1}};
  CHECK(b.at(tx(1)).state == TxState::committed);
  CHECK(b.at(tx(2)).state == TxState::aborted);
}

TEST_CASE("recovery: of finished transactions no more is kept than while running") {
  CoordinatorBench before = bench::working_coordinator();
  before.commit(tx(1), 6);
  before.decide(tx(2));
  before.commit(tx(3), 6);
  before.commit(tx(4), 6);
  CoordinatorBench b = before.restarted();
  b.limits.finished_kept = 1;
  CHECK_FALSE(b.m().find(tx(1)));
  CHECK(b.at(tx(2)).state == TxState::committing);
  CHECK_FALSE(b.m().find(tx(3)));
  CHECK(b.at(tx(4)).state == TxState::committed);
  CHECK(b.m().unfinished() == 1);
  CHECK(b.m().sequence() == 4);
  // It may have committed, for all this coordinator remembers.
  CHECK(b.m().fate_of_unknown(tx(3), b.now) == Fate::unknown);
}

TEST_CASE("snapshot: what it makes of a machine is what the log makes of it") {
  CoordinatorBench before = bench::working_coordinator();
  before.commit(tx(1), 6);                // ended
  before.decide(tx(2));                   // committing
  before.act(before.one_shot(3, tx(3)));  // preparing: not in the log
  before.act(before.one_shot(4, tx(4)));  // deciding
  before.vote(tx(4), "orders", Verdict::yes);
  before.vote(tx(4), "stock", Verdict::yes);
  CoordinatorBench replayed = before.restarted();
  CoordinatorBench restored = from_snapshot(before);
  const auto text = [](CoordinatorBench& b) { return to_text(b.m()); };
  CHECK(restored.m().transactions() == replayed.m().transactions());
  CHECK(restored.m().sequence() == 3);
  CHECK(text(restored) == text(replayed));
  // … and over what an older segment says, it changes nothing.
  CoordinatorBench both = before.restarted();
  for (const LogRecord& record : before.m().snapshot()) both.recovered.records.push_back(record);
  CHECK(text(both) == text(replayed));
}

TEST_CASE("snapshot: forgetting every transaction loses neither the count nor the marks", "[P5]") {
  CoordinatorBench before = bench::working_coordinator();
  before.commit(tx(1), 6);
  before.tick_after(before.limits.finished_kept_for);
  REQUIRE(before.m().transactions().empty());
  CoordinatorBench b = from_snapshot(before);
  CHECK(b.m().sequence() == 1);
  CHECK(b.m().members().at("orders").durable_mark == 6);
  CHECK(b.m().members().at("orders").recorded);
  // A mark that this ledger did give out is no contradiction.
  CHECK(b.hello("orders", {{bench::ledger(), 3, bench::life(3), 1}}) == "Welcome to orders");
  CHECK(b.m().fate_of_unknown(tx(1), b.now) == Fate::unknown);
}

TEST_CASE("snapshot: a member whose newest record is refused stays in the roster") {
  CoordinatorBench before = bench::working_coordinator();
  before.act(LinkDown{"orders"});
  before.hello("orders", {}, 2);
  before.act(LogRefused{before.last});
  CoordinatorBench b = from_snapshot(before);
  CHECK(b.m().members().count("orders") == 1);
}

TEST_CASE("a repeated epoch record does not count the commits made since") {
  CoordinatorBench b;
  EpochRecord second = b.start;
  second.epoch = 2;
  CommitRecord commit{tx(1), 2, 1, {{"orders", 7, bench::server()}}, {}, {}, 1};
  b.recovered.records = {EpochRecord{1, bench::life(1), {}, 1, 0, 0, 0, 0}, second, commit, second};
  // The participant saw a first commit in epoch 1; the ledger knows of none.
  CHECK(b.hello("orders", {{bench::ledger(), 1, bench::life(1), 1}}) == "log Epoch, log Member");
  CHECK(b.m().standing() == Standing::contradicted);
}

TEST_CASE("fate of the unknown", "[P26]") {
  CoordinatorBench before = bench::working_coordinator();
  before.now.wall_ms = bench::kWall + 1000;
  before.commit(tx(1, bench::kWall + 1000));
  before.tick_after(before.limits.finished_kept_for);
  const auto fate = [](CoordinatorBench& b, std::int64_t made_ms) {
    return b.m().fate_of_unknown(tx(9, made_ms), b.now);
  };
  CHECK(fate(before, bench::kWall + 1000) == Fate::unknown);  // may be the forgotten one
  CHECK(fate(before, bench::kWall + 1001) == Fate::aborted);  // every such commit is known
  CHECK(fate(before, before.now.wall_ms + 3'600'000) == Fate::none);
  CHECK(before.m().fate_of_unknown(TxId{}, before.now) == Fate::none);
  const auto retention = before.limits.outcome_retention.count();
  CHECK(fate(before, before.now.wall_ms - retention - 1) == Fate::unknown);

  CoordinatorBench b = from_snapshot(before);
  const std::int64_t began = b.start.wall_ms;
  CHECK(fate(b, bench::kWall + 1000) == Fate::unknown);
  CHECK(fate(b, bench::kWall + 1001) == Fate::aborted);
  CoordinatorBench careful = from_snapshot(before);
  careful.recovered.tail = Tail::torn;
  CHECK(fate(careful, began - 1) == Fate::unknown);
  // It looks younger than this start, but clocks are put back: an earlier start may have made it.
  CHECK(fate(careful, began + 1) == Fate::unknown);
  CHECK(fate(careful, careful.now.wall_ms + 3'600'000) == Fate::unknown);

  // Forgotten is forgotten, also where the wall clock says that the id is of the future.
  before.now.wall_ms -= 3'600'000;
  CHECK(fate(before, bench::kWall + 1000) == Fate::unknown);
}

}  // namespace assent
