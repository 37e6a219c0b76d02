// Links, epochs, what participants hold, a log without room.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/coordinator_bench.hpp"

namespace assent {
namespace {

using bench::CoordinatorBench;
using bench::tx;

Mark mark(Epoch epoch, Sequence sequence, std::uint8_t life = 3) {
  return {bench::ledger(), epoch, bench::life(life), sequence};
}

}  // namespace

TEST_CASE("a new participant is recorded before it is welcomed, and works when it is ready",
          "[P8]") {
  CoordinatorBench b;
  CHECK(b.hello("orders") == "log Member");
  CHECK(b.act(b.one_shot(1, tx(1), {"orders"})) == "refuse participant-unavailable aborted");
  CHECK(b.logged() == "Welcome to orders");
  CHECK(*b.sent<Welcome>("orders") == Welcome{bench::ledger(), 3, bench::life(3)});
  CHECK(b.act(b.one_shot(1, tx(1), {"orders"})) == "refuse participant-unavailable aborted");
  b.ready("orders");
  CHECK(b.act(b.one_shot(1, tx(1), {"orders"})) == "Prepare to orders");
}

TEST_CASE("a known participant is welcomed at once, one with another server is recorded anew") {
  CoordinatorBench b;
  b.connect("orders");
  b.act(LinkDown{"orders"});
  CHECK(b.hello("orders") == "Welcome to orders");
  b.act(LinkDown{"orders"});
  CHECK(b.hello("orders", {}, 2) == "log Member");
}

TEST_CASE("a member's record that the log refused never counts as durable", "[P8]") {
  CoordinatorBench b;
  b.hello("orders");
  const RecordNumber refused = b.last;
  SECTION("while it waits") {
    CHECK(b.act(LogRefused{refused}) == "disconnect orders");
    b.act(LinkDown{"orders"});
  }
  SECTION("when it has gone already") {
    b.act(LinkDown{"orders"});
    CHECK(b.act(LogRefused{refused}).empty());
  }
  b.connect("stock");  // a later record is durable
  CHECK(b.hello("orders") == "log Member");
}

TEST_CASE("a higher epoch, or another life of this one, ends the coordinator for good", "[P7]") {
  CoordinatorBench b = bench::working_coordinator();
  const auto check_dead = [&] { CHECK(b.act(b.one_shot(1, tx(1))).empty()); };
  SECTION("a higher epoch") {
    CHECK(b.hello("third", {mark(4, 0)}) == "stop");
    check_dead();
  }
  SECTION("the same epoch of another start") {
    CHECK(b.hello("third", {mark(3, 0, 8)}) == "stop");
    check_dead();
  }
  SECTION("a branch of a higher epoch, before anything is said of the others") {
    b.act(LinkDown{"orders"});
    b.hello("orders");
    CHECK(b.ready("orders", {{b.gid(tx(1), "orders", 1), 1, {}},
                             {b.gid(tx(2), "orders", 4), 2, {}}}) == "stop");
    check_dead();
  }
  SECTION("an inquiry of a higher epoch") {
    CHECK(b.from("orders", Inquiry{b.gid(tx(2), "orders", 4), {}}) == "stop");
    check_dead();
  }
  SECTION("another ledger's marks mean nothing") {
    CHECK(b.hello("third", {{{bench::life(1)}, 9, {}, 9}}) == "log Member");
  }
}

TEST_CASE("Ready of another epoch than was told is not accepted", "[P9]") {
  CoordinatorBench b;
  b.hello("orders");
  b.logged();
  CHECK(b.from("orders", Ready{mark(4, 0), bench::server(), {}}) == "disconnect orders");
  CHECK(b.act(b.one_shot(1, tx(1), {"orders"})) == "refuse participant-unavailable aborted");
  CHECK(b.from("orders", Ready{mark(3, 0), bench::server(), {}}).empty());
  CHECK(b.act(b.one_shot(1, tx(1), {"orders"})) == "refuse participant-unavailable aborted");
}

TEST_CASE("who is not ready is told nothing, and who is unknown breaks nothing", "[P11]") {
  CoordinatorBench b;
  CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders", 1), {}}).empty());
  CHECK(b.from("orders", Evidence{b.gid(tx(1), "orders", 1), Knowledge::aborted, 0}).empty());
  CHECK(b.vote(tx(1), "orders", Verdict::yes).empty());
  CHECK(b.act(LinkDown{"orders"}).empty());
  b.hello("orders");
  b.logged();
  CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders", 1), {}}).empty());
  b.ready("orders");
  CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders", 1), {}}) == "Abort to orders");
}

TEST_CASE("before Ready an Applied is not heeded either", "[P11]") {
  CoordinatorBench b = bench::working_coordinator();
  b.decide(tx(1));
  b.act(LinkDown{"orders"});
  b.hello("orders");
  CHECK(b.applied(tx(1), "orders", Outcome::committed).empty());
  CHECK(b.at(tx(1)).branch("orders")->phase == BranchPhase::finishing);
  b.ready("orders");
  b.applied(tx(1), "orders", Outcome::committed);
  CHECK(b.at(tx(1)).branch("orders")->phase == BranchPhase::applied);
}

TEST_CASE("unknown means aborted: for this ledger's gids, of their own participant only",
          "[P35][I9]") {
  CoordinatorBench b = bench::working_coordinator();
  CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders", 2), {}}) == "Abort to orders");
  CHECK(b.from("stock", Inquiry{b.gid(tx(1), "orders", 2), {}}).empty());
  CHECK(b.from("orders", Inquiry{{{bench::life(1)}, 2, tx(1), "orders"}, {}}).empty());
  CHECK(b.vote(tx(1), "orders", Verdict::yes) == "Abort to orders");
  CHECK(b.vote(tx(1), "orders", Verdict::no).empty());
}

TEST_CASE("of what is undecided nothing is said to who holds it", "[P34]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.one_shot(1, tx(1)));
  b.vote(tx(1), "orders", Verdict::yes);
  CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders"), {}}).empty());
  b.vote(tx(1), "stock", Verdict::yes);
  CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders"), {}}).empty());
  CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders", 2), {}}).empty());  // another epoch
}

TEST_CASE("a lost link aborts what has not voted; a voter may come and go", "[P21][P25]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.one_shot(1, tx(1)));
  b.vote(tx(1), "orders", Verdict::yes);
  CHECK(b.act(LinkDown{"orders"}).empty());
  CHECK(b.connect("orders", {{b.gid(tx(1), "orders"), 700, {}}}) == "Welcome to orders");
  CHECK(b.vote(tx(1), "stock", Verdict::yes) == "log Commit");
  b.act(LinkDown{"orders"});
  CHECK(b.logged() == "Commit to stock");
  CHECK(b.tick_after(b.limits.resend_interval) == "Commit to stock");
  CHECK(b.connect("orders") == "Welcome to orders, Commit to orders");
}

TEST_CASE("no room for the decision: aborted, never sent, the next one can succeed", "[P21]") {
  CoordinatorBench b = bench::working_coordinator();
  for (std::uint8_t i : {1, 2}) {
    b.act(b.one_shot(i, tx(i)));
    b.vote(tx(i), "orders", Verdict::yes);
    b.vote(tx(i), "stock", Verdict::yes);
  }
  CHECK(b.act(LogRefused{b.last - 1}) == "Abort to both, refuse log-unavailable aborted");
  CHECK(b.logged() == "Commit to both");
  CHECK(b.at(tx(1)).state == TxState::aborting);
  CHECK(b.at(tx(2)).sequence == 2);
}

TEST_CASE("damage is recorded until it is durable", "[P30]") {
  CoordinatorBench b = bench::working_coordinator();
  b.decide(tx(1));
  b.applied(tx(1), "orders", Outcome::committed);
  CHECK(b.applied(tx(1), "stock", Outcome::committed, Application::unproven) ==
        "log Heuristic, answer committed");
  const auto* record = b.logged_record<HeuristicRecord>();
  REQUIRE(record);
  CHECK(record->participant == "stock");
  CHECK(record->application == Application::unproven);
  b.act(LogRefused{b.last});
  CHECK(b.tick_after(Duration(1000)) == "log Heuristic");
  b.logged();
  CHECK(b.tick_after(Duration(1000)).empty());
  b.tick_after(b.limits.finished_kept_for);
  CHECK(b.m().find(tx(1)));  // damage is never forgotten
}

TEST_CASE("damage of what was presumed aborted makes the transaction known, by its damage",
          "[P30]") {
  CoordinatorBench b = bench::working_coordinator();
  const auto applied = [&](const std::string& from, Outcome outcome, Application how) {
    return b.from(from, Applied{b.gid(tx(1), "orders", 2), outcome, how, 0});
  };
  CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders", 2), {}}) == "Abort to orders");
  CHECK(applied("orders", Outcome::aborted, Application::applied).empty());
  CHECK(applied("orders", Outcome::committed, Application::heuristic).empty());
  CHECK(applied("stock", Outcome::aborted, Application::heuristic).empty());
  CHECK(b.m().transactions().empty());
  CHECK(applied("orders", Outcome::aborted, Application::heuristic) == "log Heuristic");
  CHECK(applied("orders", Outcome::aborted, Application::heuristic).empty());
  CHECK(b.at(tx(1)).state == TxState::aborted);
  CHECK(b.m().unfinished() == 0);
  CHECK(b.from("stock", Inquiry{b.gid(tx(1), "stock", 2), {}}) == "Abort to stock");
}

TEST_CASE("Abort carries the witness of a branch that voted yes, and of no other", "[P14]") {
  CoordinatorBench b = bench::working_coordinator();
  const auto abort = [&](const std::string& name) { return *b.sent<Abort>(name); };
  const auto gid = [&](const std::string& name) { return b.gid(tx(1), name); };
  b.act(b.one_shot(1, tx(1)));
  SECTION("told when it is decided") {
    b.vote(tx(1), "orders", Verdict::yes);
    b.act(RollbackAsked{2, tx(1)});
    CHECK(abort("orders") == Abort{gid("orders"), 700, bench::server()});
    CHECK(abort("stock") == Abort{gid("stock")});
  }
  SECTION("resent after a yes that came too late") {
    b.act(RollbackAsked{2, tx(1)});
    CHECK(abort("orders") == Abort{gid("orders")});
    CHECK(b.vote(tx(1), "orders", Verdict::yes).empty());
    CHECK(b.tick_after(b.limits.resend_interval) == "Abort to both");
    CHECK(abort("orders") == Abort{gid("orders"), 700, bench::server()});
    CHECK(abort("stock") == Abort{gid("stock")});
  }
  SECTION("told to a holder whose transaction is known") {
    b.act(RollbackAsked{2, tx(1)});
    b.act(LinkDown{"orders"});
    b.connect("orders", {{gid("orders"), 701, {}}});
    CHECK(abort("orders") == Abort{gid("orders"), 701, bench::server()});
  }
  SECTION("told to a holder whose transaction is not") {
    b.vote(tx(1), "orders", Verdict::no);
    const Gid other = b.gid(tx(2), "orders", 2);
    b.act(LinkDown{"orders"});
    b.connect("orders", {{other, 702, {}}});
    CHECK(abort("orders") == Abort{other, 702, bench::server()});
    b.from("orders", Inquiry{other, {}});  // which does not tell the xid
    CHECK(abort("orders") == Abort{other});
  }
}

TEST_CASE("Applied for the other decision, or twice, changes nothing", "[P24]") {
  CoordinatorBench b = bench::working_coordinator();
  b.decide(tx(1));
  CHECK(b.applied(tx(1), "orders", Outcome::aborted).empty());
  CHECK(b.at(tx(1)).branch("orders")->phase == BranchPhase::finishing);
  b.applied(tx(1), "orders", Outcome::committed);
  CHECK(b.applied(tx(1), "orders", Outcome::committed, Application::heuristic).empty());
  CHECK(b.at(tx(1)).branch("orders")->phase == BranchPhase::applied);
}

TEST_CASE("End carries the marks that participants made durable", "[P25][P31]") {
  CoordinatorBench b = bench::working_coordinator();
  b.commit(tx(1), 7);
  const auto* end = b.logged_record<EndRecord>();
  REQUIRE(end);
  CHECK(*end == EndRecord{tx(1), 1, {{"orders", 7}, {"stock", 7}}});
}

TEST_CASE("a participant found below its durable mark was put back; its record says so", "[P32]") {
  CoordinatorBench b = bench::working_coordinator();
  b.commit(tx(1), 1);
  b.act(LinkDown{"orders"});
  b.hello("orders", {mark(3, 0)});
  CHECK(b.ready("orders", {}, 0) == "log Member");
  CHECK(b.logged_record<MemberRecord>()->rewound_below == 4);

  SECTION("what committed is committed, also for the revenant of a branch") {
    CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders"), {}}) == "Commit to orders");
  }
  SECTION("of what may have been forgotten nothing is presumed") {
    b.tick_after(b.limits.finished_kept_for);
    REQUIRE(b.m().find(tx(1)) == nullptr);
    CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders"), {"orders", "stock"}}) == "Ask to stock");
    CHECK(b.from("stock", Evidence{b.gid(tx(1), "stock"), Knowledge::nothing, 0}).empty());
    CHECK(b.m().doubts().size() == 1);
    const TxId young = tx(2, bench::kWall + 500);  // younger than all that was forgotten
    CHECK(b.from("orders", Inquiry{b.gid(young, "orders"), {}}) == "Abort to orders");
  }
  SECTION("a refused record sends it away, and is asked for again") {
    CHECK(b.act(LogRefused{b.last}) == "disconnect orders");
    CHECK(b.hello("orders", {mark(3, 0)}) == "log Member");
    CHECK(b.logged_record<MemberRecord>()->rewound_below == 4);
  }
}

TEST_CASE("ids that are given out again are no witness, also of what a later start reads",
          "[P43]") {
  CoordinatorBench b = bench::working_coordinator();
  b.decide(tx(1));  // both voted with 700
  b.act(LinkDown{"orders"});
  const auto hello = [](Xid next_xid) {
    return LinkUp{Hello{"orders", bench::server(), {mark(3, 0)}, next_xid}};
  };
  SECTION("a next id beyond it is as it should be") {
    CHECK(b.act(hello(701)) == "Welcome to orders");
    CHECK(b.ready("orders") == "Commit to orders");
    CHECK(b.sent<Commit>("orders")->server == bench::server());
  }
  SECTION("one that is not told says nothing") {
    CHECK(b.act(hello(0)) == "Welcome to orders");
  }
  SECTION("it is recorded first") {
    CHECK(b.act(hello(700)) == "log Member");
    CHECK(*b.logged_record<MemberRecord>() == MemberRecord{"orders", bench::server(), 4, 1});
    CHECK(b.logged() == "Welcome to orders");
    CHECK(b.ready("orders") == "Commit to orders");
    CHECK(*b.sent<Commit>("orders") == Commit{b.gid(tx(1), "orders"), 1, 700, {}});
    CoordinatorBench next = b.restarted();
    if (GENERATE(false, true)) next.recovered.records = b.m().snapshot();
    CHECK(next.act(LinkUp{Hello{"orders", bench::server(), {}, 900}}) == "Welcome to orders");
    next.ready("orders");
    CHECK(next.sent<Commit>("orders")->server == ServerIdentity{});
    next.connect("stock");
    CHECK(next.sent<Commit>("stock")->server == bench::server());
  }
}

TEST_CASE(
    "what was voted before a database was put back is told without a witness, what comes later "
    "with one",
    "[P43]") {
  CoordinatorBench b = bench::working_coordinator();
  b.commit(tx(1), 1);
  b.decide(tx(2));
  b.act(b.one_shot(3, tx(3)));
  b.vote(tx(3), "orders", Verdict::yes);
  b.act(LinkDown{"orders"});
  b.hello("orders", {mark(3, 0)});
  CHECK(b.ready("orders", {}, 0) ==
        "log Member, Commit to orders, Abort to both, "
        "refuse participant-unavailable aborted");
  CHECK(b.sent<Commit>("orders")->server == ServerIdentity{});
  CHECK(*b.sent<Abort>("orders") == Abort{b.gid(tx(3), "orders"), 700, {}});
  b.logged();
  b.decide(tx(4));
  CHECK(b.sent<Commit>("orders")->server == bench::server());
  CHECK(b.applied(tx(4), "orders", Outcome::committed, Application::applied, 1).empty());
  b.act(LinkDown{"orders"});
  CHECK(b.hello("orders", {mark(3, 0)}) == "Welcome to orders");
  CHECK(b.ready("orders", {}, 0).substr(0, 10) == "log Member");  // put back once more
}

TEST_CASE("a participant that failed over may have lost what no mark shows; its record says so",
          "[P32]") {
  CoordinatorBench b = bench::working_coordinator();
  CHECK(b.m().members().at("orders").rewound_below == 0);
  b.commit(tx(1));  // no mark was durable yet
  b.tick_after(b.limits.finished_kept_for);
  REQUIRE(b.m().find(tx(1)) == nullptr);
  b.act(LinkDown{"orders"});
  Hello hello{"orders", bench::server(), {mark(3, 0)}};
  SECTION("a database of another name on the same server has lost nothing") {
    hello.server.database = "bazaar";
    CHECK(b.act(LinkUp{hello}) == "log Member");
    CHECK(*b.logged_record<MemberRecord>() == MemberRecord{"orders", hello.server, 0});
    return;
  }
  SECTION("another timeline") {
    hello.server.timeline = 2;
  }
  SECTION("another system") {
    ++hello.server.system_identifier;
  }
  CHECK(b.act(LinkUp{hello}) == "log Member");
  CHECK(*b.logged_record<MemberRecord>() == MemberRecord{"orders", hello.server, 4});
  b.logged();
  CHECK(b.ready("orders", {{b.gid(tx(1), "orders"), 700, {"orders", "stock"}}}) == "Ask to stock");
  CHECK(b.from("stock", Evidence{b.gid(tx(1), "stock"), Knowledge::nothing, 0}).empty());
  CHECK(b.from("stock", Evidence{b.gid(tx(1), "stock"), Knowledge::committed, 1}) == "log Commit");
}

TEST_CASE("a mark is durable when a new epoch was raised over it, not when it is merely there",
          "[P31]") {
  CoordinatorBench b;
  b.recovered.records = {EpochRecord{2, bench::life(2), {}, 1, 9, 0, 0, 0}};
  b.hello("orders", {mark(2, 5, 2)});
  b.logged();
  b.ready("orders", {}, 5);
  CHECK(b.m().members().at("orders").durable_mark == 5);
  b.act(LinkDown{"orders"});
  b.hello("orders", {mark(3, 8)});
  b.ready("orders", {}, 8);
  CHECK(b.m().members().at("orders").durable_mark == 5);
}

}  // namespace assent
