// What clients ask of the coordinator: keys, statements, waiting, timers, limits, drain.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/coordinator_bench.hpp"

namespace assent {
namespace {

using bench::CoordinatorBench;
using bench::tx;

Begin with_key(Begin begin, std::uint8_t key, std::uint8_t body = 1) {
  begin.key = bench::request_key(key, body);
  return begin;
}

}  // namespace

TEST_CASE("one-shot: work and prepare go out in one message, with all peers", "[P13]") {
  CoordinatorBench b = bench::working_coordinator();
  CHECK(b.act(b.one_shot(1, tx(1))) == "Prepare to both");
  const auto* prepare = b.sent<Prepare>("orders");
  REQUIRE(prepare);
  CHECK(prepare->work == Work{"w"});
  CHECK(prepare->peers == std::vector<std::string>{"orders", "stock"});
  CHECK(prepare->time_left == Duration(60'000));
  CHECK(prepare->gid == b.gid(tx(1), "orders"));
}

TEST_CASE("the commit record names who voted yes, with their witnesses; read-only is not in it",
          "[P15][P19]") {
  CoordinatorBench b = bench::working_coordinator();
  Begin begin = with_key(b.one_shot(1, tx(1)), 1);
  begin.labels = "{}";
  b.act(begin);
  b.vote(tx(1), "orders", Verdict::read_only);
  CHECK(b.vote(tx(1), "stock", Verdict::yes) == "log Commit");
  const auto* record = b.logged_record<CommitRecord>();
  REQUIRE(record);
  REQUIRE(record->branches.size() == 1);
  CHECK(record->branches[0] == DecidedBranch{"stock", 700, bench::server()});
  CHECK(record->sequence == 1);
  CHECK(record->key == begin.key);
  CHECK(record->labels == "{}");
  CHECK(record->epoch == 3);
  CHECK(b.logged() == "Commit to stock");
  CHECK(*b.sent<Commit>("stock") == Commit{b.gid(tx(1), "stock"), 1, 700, bench::server()});
}

TEST_CASE("all read-only: committed without a record", "[P20]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.one_shot(1, tx(1)));
  b.vote(tx(1), "orders", Verdict::read_only);
  CHECK(b.vote(tx(1), "stock", Verdict::read_only) == "answer committed");
  CHECK(b.at(tx(1)).state == TxState::committed);
  CHECK(b.m().unfinished() == 0);
}

TEST_CASE("nothing is said before the record is durable, and decisions follow in record order",
          "[P19][I1]") {
  CoordinatorBench b = bench::working_coordinator();
  for (std::uint8_t i : {1, 2}) {
    b.act(b.one_shot(i, tx(i)));
    b.vote(tx(i), "orders", Verdict::yes);
    CHECK(b.vote(tx(i), "stock", Verdict::yes) == "log Commit");
  }
  CHECK(b.act(Logged{b.last - 2}).empty());
  CHECK(b.act(Logged{b.last - 1}) == "Commit to both");
  CHECK(b.at(tx(1)).state == TxState::committing);
  CHECK(b.at(tx(2)).state == TxState::deciding);
}

TEST_CASE("keys: a repeated request joins, another body is refused, an abort frees the key",
          "[P27]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(with_key(b.one_shot(1, tx(1)), 1));
  CHECK(b.act(with_key(b.one_shot(2, tx(2)), 1)).empty());
  CHECK(b.m().find(tx(2)) == nullptr);
  CHECK(b.act(with_key(b.one_shot(3, tx(3)), 1, 2)) == "refuse idempotency-key-reused none");

  SECTION("both are answered alike") {
    b.vote(tx(1), "orders", Verdict::yes);
    b.vote(tx(1), "stock", Verdict::yes);
    b.logged();
    b.applied(tx(1), "orders", Outcome::committed);
    CHECK(b.applied(tx(1), "stock", Outcome::committed) ==
          "log End, answer committed, answer committed");
    CHECK(b.act(with_key(b.one_shot(4, tx(4)), 1)) == "answer committed");
    CHECK(std::get<Reply>(b.actions[0]).tx == tx(1));
  }
  SECTION("after an abort the same key runs anew, and forgetting the old one keeps it") {
    CHECK(b.vote(tx(1), "orders", Verdict::no) ==
          "Abort to stock, refuse deadlock aborted, refuse deadlock aborted");
    CHECK(b.act(with_key(b.one_shot(5, tx(5)), 1)) == "Prepare to both");
    b.applied(tx(1), "stock", Outcome::aborted);
    b.limits.finished_kept_for = Duration(600'000);
    b.vote(tx(5), "orders", Verdict::yes);
    b.vote(tx(5), "stock", Verdict::yes);
    b.logged();
    b.tick_after(b.limits.finished_kept_for);
    REQUIRE(b.m().find(tx(1)) == nullptr);
    CHECK(b.act(with_key(b.one_shot(6, tx(6)), 1)) == "answer committed");
  }
  SECTION("a forgotten transaction takes its key along") {
    b.vote(tx(1), "orders", Verdict::read_only);
    b.vote(tx(1), "stock", Verdict::read_only);
    b.tick_after(b.limits.finished_kept_for);
    REQUIRE(b.m().find(tx(1)) == nullptr);
    CHECK(b.act(with_key(b.one_shot(7, tx(7)), 1)) == "Prepare to both");
  }
}

TEST_CASE("statements: repeats are answered once run, gaps and overtaking are refused") {
  CoordinatorBench b = bench::working_coordinator();
  CHECK(b.act(b.interactive(1, tx(1))) == "answer unknown");
  CHECK(b.act(ExecuteAsked{2, tx(1), "orders", 2, Work{}}) == "refuse sequence-gap unknown");
  CHECK(b.act(ExecuteAsked{2, tx(1), "orders", 0, Work{}}) == "refuse sequence-gap unknown");
  CHECK(b.act(ExecuteAsked{2, tx(1), "nobody", 1, Work{}}) == "refuse participant-unknown unknown");
  CHECK(b.act(ExecuteAsked{2, tx(1), "orders", 1, Work{"w"}}) == "Execute to orders");
  CHECK(b.act(ExecuteAsked{3, tx(1), "orders", 1, Work{"w"}}).empty());
  CHECK(b.act(ExecuteAsked{4, tx(1), "stock", 2, Work{"w"}}) == "refuse sequence-gap unknown");
  CHECK(b.act(CommitAsked{4, tx(1)}) == "refuse sequence-gap unknown");

  const auto executed = [&](const std::string& from, std::uint32_t seq) {
    return b.from(from, Executed{b.gid(tx(1), from), seq, Results{"r"}});
  };
  CHECK(executed("stock", 1).empty());   // not where it went
  CHECK(executed("orders", 2).empty());  // not the one that runs
  CHECK(executed("orders", 1) == "answer unknown, answer unknown");
  CHECK(executed("orders", 1).empty());
  CHECK(b.at(tx(1)).conversation.last_answer == Results{"r"});
  CHECK(b.act(ExecuteAsked{5, tx(1), "orders", 1, Work{"w"}}) == "answer unknown");

  b.act(LinkDown{"stock"});
  CHECK(b.act(ExecuteAsked{6, tx(1), "stock", 2, Work{}}) ==
        "refuse participant-unavailable unknown");
}

TEST_CASE("statements: only for interactive transactions that are known") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.one_shot(1, tx(1)));
  CHECK(b.act(ExecuteAsked{2, tx(1), "orders", 1, Work{}}) == "refuse invalid-request unknown");
  const TxId unknown = tx(9, bench::kWall + 5);
  CHECK(b.act(ExecuteAsked{3, unknown, "orders", 1, Work{}}) ==
        "refuse transaction-not-found aborted");
  CHECK(b.act(CommitAsked{3, unknown}) == "refuse transaction-not-found aborted");
  CHECK(b.act(RollbackAsked{3, unknown}) == "refuse transaction-not-found aborted");
}

TEST_CASE("waiting: for applied, for decided, and for no longer than apply_wait", "[P26]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.one_shot(1, tx(1)));
  b.act(CommitAsked{2, tx(1), WaitFor::decided});
  b.vote(tx(1), "orders", Verdict::yes);
  b.vote(tx(1), "stock", Verdict::yes);
  CHECK(b.logged() == "Commit to both, answer committed");
  CHECK(std::get<Reply>(b.actions.back()).request == 2);
  SECTION("applied by all") {
    b.applied(tx(1), "orders", Outcome::committed);
    CHECK(b.applied(tx(1), "stock", Outcome::committed) == "log End, answer committed");
    CHECK(std::get<Reply>(b.actions.back()).request == 1);
  }
  SECTION("pending") {
    CHECK(b.tick_after(b.limits.apply_wait - Duration(1)) == "Commit to both");
    CHECK(b.tick_after(b.limits.resend_interval) == "Commit to both, answer committed");
    CHECK(b.act(CommitAsked{3, tx(1)}) == "answer committed");
    CHECK(b.at(tx(1)).state == TxState::committing);
  }
}

TEST_CASE("waiting: while the decision is not on disk the outcome is unknown, never a guess",
          "[P22]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.one_shot(1, tx(1)));
  b.vote(tx(1), "orders", Verdict::yes);
  b.vote(tx(1), "stock", Verdict::yes);
  CHECK(b.tick_when_due() == "refuse outcome-unknown unknown");
  CHECK(b.act(CommitAsked{2, tx(1)}) == "refuse outcome-unknown unknown");
  CHECK(b.logged() == "Commit to both");
}

TEST_CASE("timers: deadline, idleness, and requests that come after them", "[P21]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.interactive(1, tx(1)));
  b.wait(Duration(20'000));
  b.act(ExecuteAsked{2, tx(1), "orders", 1, Work{}});
  CHECK(b.tick_after(Duration(35'000)).empty());  // running is not idle
  b.from("orders", Executed{b.gid(tx(1), "orders"), 1, Results{}});
  SECTION("the deadline") {
    CHECK(b.tick_after(Duration(5'000)) == "Abort to orders");
    CHECK(b.at(tx(1)).failure->problem == Problem::deadline_exceeded);
  }
  SECTION("a commit after the deadline, before its tick") {
    b.wait(Duration(5'000));
    CHECK(b.act(CommitAsked{3, tx(1)}) == "Abort to orders, refuse deadline-exceeded aborted");
  }
  SECTION("a statement after the deadline, before its tick") {
    b.wait(Duration(5'000));
    CHECK(b.act(ExecuteAsked{3, tx(1), "orders", 2, Work{}}) ==
          "Abort to orders, refuse session-lost aborted");
  }
}

TEST_CASE("timers: an idle transaction is aborted") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.interactive(1, tx(1)));
  CHECK(b.tick_after(Duration(29'999)).empty());
  b.tick_after(Duration(1));
  CHECK(b.at(tx(1)).state == TxState::aborted);
}

TEST_CASE("a begin that cannot be taken leaves nothing behind") {
  CoordinatorBench b = bench::working_coordinator();
  b.limits.branches = 2;
  b.machine.reset();
  b.connect("orders");
  b.connect("stock");
  const auto refused = [&](Begin begin) {
    const std::string text = b.act(begin);
    CHECK(b.m().transactions().empty());
    return text;
  };
  CHECK(refused(b.one_shot(1, tx(1), {})) == "refuse invalid-request none");
  CHECK(refused(b.one_shot(1, tx(1), {"a", "b", "c"})) == "refuse invalid-request none");
  CHECK(refused(b.one_shot(1, tx(1), {"orders", "orders"})) == "refuse invalid-request none");
  CHECK(refused(b.one_shot(1, tx(1), {"orders", "nobody"})) == "refuse participant-unknown none");
  b.act(LinkDown{"stock"});
  CHECK(refused(b.one_shot(1, tx(1))) == "refuse participant-unavailable aborted");
  b.act(Drain{});
  CHECK(refused(b.one_shot(1, tx(1), {"orders"})) == "refuse draining none");
}

TEST_CASE("limits: unfinished transactions, waiters, branches, ids in use, what is kept") {
  CoordinatorBench b;
  b.limits.open_transactions = 2;
  b.limits.waiters = 2;
  b.limits.branches = 1;
  b.limits.finished_kept = 1;
  b.connect("orders");
  b.connect("stock");
  b.act(b.one_shot(1, tx(1), {"orders"}));
  CHECK(b.act(b.one_shot(2, tx(1), {"orders"})) == "refuse invalid-request none");
  CHECK(b.act(CommitAsked{2, tx(1)}).empty());
  CHECK(b.act(CommitAsked{3, tx(1)}) == "refuse overloaded unknown");
  b.act(b.interactive(4, tx(2)));
  CHECK(b.act(b.one_shot(5, tx(3), {"orders"})) == "refuse overloaded none");
  b.act(ExecuteAsked{6, tx(2), "orders", 1, Work{}});
  b.from("orders", Executed{b.gid(tx(2), "orders"), 1, Results{}});
  CHECK(b.act(ExecuteAsked{7, tx(2), "stock", 2, Work{}}) == "refuse invalid-request unknown");

  b.vote(tx(1), "orders", Verdict::read_only);
  REQUIRE(b.m().find(tx(1)));
  b.act(CommitAsked{8, tx(2)});
  b.vote(tx(2), "orders", Verdict::read_only);
  CHECK(b.m().find(tx(1)) == nullptr);  // one is kept, and not the older one
  CHECK(b.m().find(tx(2)));
}

TEST_CASE("a participant's unfinished branches are limited, others' are not", "[P46]") {
  CoordinatorBench b;
  b.limits.participant_branches = 2;
  b.connect("orders");
  b.connect("stock");
  b.act(b.one_shot(1, tx(1)));
  b.act(b.interactive(2, tx(2)));
  b.act(ExecuteAsked{3, tx(2), "orders", 1, Work{}});
  CHECK(b.act(b.one_shot(4, tx(3), {"orders"})) == "refuse overloaded none");
  b.from("orders", Executed{b.gid(tx(2), "orders"), 1, Results{}});
  // Not for a branch that is there already.
  CHECK(b.act(ExecuteAsked{5, tx(2), "orders", 2, Work{}}) == "Execute to orders");
  b.from("orders", Executed{b.gid(tx(2), "orders"), 2, Results{}});
  CHECK(b.act(b.one_shot(6, tx(3), {"stock"})) == "Prepare to stock");
  CHECK(b.act(ExecuteAsked{7, tx(2), "stock", 3, Work{}}) == "refuse overloaded unknown");
  CHECK(b.m().branches() == std::map<std::string, std::size_t>{{"orders", 2}, {"stock", 2}});
  b.vote(tx(3), "stock", Verdict::read_only);
  CHECK(b.act(ExecuteAsked{8, tx(2), "stock", 3, Work{}}) == "Execute to stock");
}

TEST_CASE("who lets requests time out is refused at once, probed, and let in again", "[P45]") {
  CoordinatorBench b;
  b.limits.unanswered = 2;
  b.limits.unanswered_pause = Duration(1000);
  b.connect("orders");
  b.connect("stock");
  const auto times_out = [&](std::uint8_t i, std::vector<std::string> at) {
    REQUIRE(b.act(b.one_shot(i, tx(i), std::move(at))).rfind("Prepare to", 0) == 0);
    b.now.steady = b.at(tx(i)).deadline;
    b.act(CoordinatorTick{});
    REQUIRE(b.at(tx(i)).state == TxState::aborting);
  };
  times_out(1, {"orders"});
  CHECK(b.act(b.one_shot(2, tx(2), {"orders"})) == "Prepare to orders");
  b.vote(tx(2), "orders", Verdict::no);  // an answer all the same
  times_out(3, {"orders"});
  times_out(4, {"orders"});
  CHECK(b.act(b.one_shot(5, tx(5))) == "refuse participant-unavailable aborted");
  CHECK(b.act(b.one_shot(6, tx(6), {"stock"})) == "Prepare to stock");
  b.act(b.interactive(7, tx(7)));
  CHECK(b.act(ExecuteAsked{8, tx(7), "orders", 1, Work{}}) ==
        "refuse participant-unavailable unknown");

  b.now.steady += Duration(1000);
  CHECK(b.act(b.one_shot(9, tx(9), {"orders"})) == "Prepare to orders");  // finds out
  CHECK(b.act(b.one_shot(10, tx(10), {"orders"})) == "refuse participant-unavailable aborted");

  SECTION("its vote lets the others in") {
    b.vote(tx(9), "orders", Verdict::yes);
    CHECK(b.act(b.one_shot(11, tx(11), {"orders"})) == "Prepare to orders");
  }
  SECTION("so does the result of a statement") {
    b.now.steady += Duration(1000);
    b.act(ExecuteAsked{11, tx(7), "orders", 1, Work{}});
    CHECK(b.act(b.one_shot(12, tx(12), {"orders"})) == "refuse participant-unavailable aborted");
    b.from("orders", Executed{b.gid(tx(7), "orders"), 1, Results{}});
    CHECK(b.act(b.one_shot(13, tx(13), {"orders"})) == "Prepare to orders");
  }
  SECTION("so does a new link") {
    b.act(LinkDown{"orders"});
    b.connect("orders");
    CHECK(b.act(b.one_shot(11, tx(11), {"orders"})) == "Prepare to orders");
  }
}

TEST_CASE("a statement that is not answered in time counts as well", "[P45]") {
  CoordinatorBench b;
  b.limits.unanswered = 1;
  b.connect("orders");
  b.act(b.interactive(1, tx(1)));
  b.act(ExecuteAsked{2, tx(1), "orders", 1, Work{}});
  b.now.steady = b.at(tx(1)).deadline;
  b.act(CoordinatorTick{});
  CHECK(b.act(b.one_shot(3, tx(3), {"orders"})) == "refuse participant-unavailable aborted");
}

TEST_CASE("drain: nothing new, what is under way is finished") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.one_shot(1, tx(1)));
  b.act(Drain{});
  CHECK(b.act(b.one_shot(2, tx(2))) == "refuse draining none");
  b.vote(tx(1), "orders", Verdict::yes);
  CHECK(b.vote(tx(1), "stock", Verdict::yes) == "log Commit");
  CHECK(b.logged() == "Commit to both");
}

}  // namespace assent
