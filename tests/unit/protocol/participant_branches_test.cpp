// A branch up to its vote: work, late and repeated messages, what must not be prepared.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/participant_bench.hpp"

namespace assent {
namespace {

using bench::ParticipantBench;
using Result = FinishDone::Result;

}  // namespace

TEST_CASE("one-shot: the vote carries what proves the branch", "[P15]") {
  ParticipantBench b = bench::working_participant();
  CHECK(b.prepare() == "PrepareBranch");
  CHECK(b.done<PrepareBranch>()->work == Work{"w"});
  CHECK(b.prepared() == "Vote yes");
  const Vote* vote = b.sent<Vote>();
  CHECK(vote->xid == 700);
  CHECK(vote->server == bench::server());
  CHECK(vote->results.has_value());
  CHECK(b.branch()->peers == std::vector<std::string>{"orders", "stock"});
}

TEST_CASE("interactive: statements run in order, once, in the branch's own connection", "[P13]") {
  ParticipantBench b = bench::working_participant();
  const auto execute = [&](std::uint32_t seq) {
    return b.from(Execute{b.gid, seq, Work{"w"}, Duration(1000)});
  };
  CHECK(execute(1) == "RunWork");
  CHECK(execute(2).empty());  // one at a time
  CHECK(b.act(WorkDone{b.gid, 7, Results{}}).empty());
  CHECK(b.act(WorkDone{b.gid, 1, Results{}}) == "Executed");
  CHECK(b.act(WorkDone{b.gid, 1, Results{}}).empty());
  CHECK(execute(1).empty());
  CHECK(execute(3) == "RunWork");
  CHECK(b.from(Prepare{b.gid, {}, {}, Duration(1)}).empty());  // a statement is under way
  b.act(WorkDone{b.gid, 3, Results{}});
  CHECK(b.from(Prepare{b.gid, {}, {}, Duration(1)}) == "PrepareBranch");
}

TEST_CASE("a failed statement ends the branch; what comes for it later is refused") {
  ParticipantBench b = bench::working_participant();
  b.from(Execute{b.gid, 1, Work{"w"}, Duration(1000)});
  b.act(WorkDone{b.gid, 1, bench::failure_of(Problem::statement_failed)});
  CHECK(b.branch() == nullptr);
  CHECK(b.from(Execute{b.gid, 2, Work{"w"}, Duration(1000)}) == "Executed failure");
  CHECK(b.from(Prepare{b.gid, {}, {}, Duration(1)}) == "Vote no");
  CHECK(b.abort() == "Applied aborted applied");
}

TEST_CASE("an abort leaves a tombstone: a prepare that comes after it is not obeyed", "[P14]") {
  ParticipantBench b = bench::working_participant();
  CHECK(b.abort() == "Applied aborted applied");
  CHECK(b.prepare() == "Vote no");
  CHECK(b.branch() == nullptr);
  CHECK(b.from(Execute{b.gid, 1, Work{"w"}, Duration(1000)}) == "Executed failure");
}

TEST_CASE("tombstones: the newest are kept") {
  ParticipantBench b;
  b.limits.ended_kept = 2;
  b.database_up();
  b.link_up();
  const auto abort = [&](std::uint8_t number) {
    return b.from(Abort{{bench::ledger(), 3, bench::tx(number), "orders"}});
  };
  for (std::uint8_t i : {1, 2, 3}) abort(i);
  CHECK(b.m().ended().size() == 2);
  CHECK(b.prepare() == "PrepareBranch");  // the first one is no longer remembered
  b.gid.tx = bench::tx(2);
  CHECK(b.prepare() == "Vote no");
  b.gid.tx = bench::tx(3);
  CHECK(b.prepare() == "Vote no");
}

TEST_CASE("an abort that overtakes the vote: no vote, and the prepared branch is rolled back",
          "[P18]") {
  // Aborted outright, or the link was lost and the abort comes on the next one.
  const auto unwanted = [](bool outright) {
    ParticipantBench b = bench::working_participant();
    b.prepare();
    if (outright) {
      CHECK(b.abort() == "CancelPrepare");
    } else {
      CHECK(b.act(LinkClosed{}) == "CancelPrepare");
      b.link_up();
    }
    CHECK(b.abort().empty());  // cancelled once
    return b;
  };
  for (const bool outright : {true, false}) {
    ParticipantBench b = unwanted(outright);
    CHECK(b.prepared() == "FinishPrepared aborted");
    CHECK(b.finished(Result::done) == "Applied aborted applied");

    b = unwanted(outright);
    CHECK(b.act(PrepareDone{b.gid, PrepareDone::No{bench::failure_of(Problem::deadlock)}}) ==
          "Applied aborted applied");

    b = unwanted(outright);
    CHECK(b.act(PrepareDone{b.gid, PrepareDone::ReadOnly{}}) == "Applied aborted applied");

    b = unwanted(outright);
    CHECK(b.act(PrepareDone{
              b.gid, PrepareDone::Refused{7, bench::failure_of(Problem::expectation_failed)}}) ==
          "FinishPrepared aborted");

    for (const bool prepared : {true, false}) {
      b = unwanted(outright);
      CHECK(b.act(PrepareDone{b.gid, PrepareDone::Lost{}}) == "SettleLost");
      const auto xid = prepared ? std::optional<Xid>(700) : std::nullopt;
      CHECK(b.act(Settled{b.gid, xid}) ==
            (prepared ? "FinishPrepared aborted" : "Applied aborted applied"));
    }
  }
}

TEST_CASE("a lost prepare is settled before anything is said", "[P17]") {
  ParticipantBench b = bench::working_participant();
  b.prepare();
  CHECK(b.act(PrepareDone{b.gid, PrepareDone::Lost{}}) == "SettleLost");
  CHECK(b.prepare().empty());
  SECTION("it is prepared: its results are lost, so it is not voted for") {
    CHECK(b.act(Settled{b.gid, 700}) == "Vote no, FinishPrepared aborted");
    CHECK(b.branch()->xid == 700);
    CHECK(b.finished(Result::done).empty());  // nobody has asked
    CHECK(b.abort() == "Applied aborted applied");
  }
  SECTION("it is not") {
    CHECK(b.act(Settled{b.gid, std::nullopt}) == "Vote no");
    CHECK(b.prepare() == "Vote no");
  }
  SECTION("the link was lost meanwhile") {
    CHECK(b.act(LinkClosed{}).empty());
    b.link_up();
    CHECK(b.act(Settled{b.gid, 700}) == "FinishPrepared aborted");
  }
}

TEST_CASE("a refused expectation: the vote is no, and the branch is rolled back untold", "[P16]") {
  ParticipantBench b = bench::working_participant();
  b.prepare();
  CHECK(b.act(PrepareDone{
            b.gid, PrepareDone::Refused{7, bench::failure_of(Problem::expectation_failed)}}) ==
        "Vote no, FinishPrepared aborted");
  CHECK(b.sent<Vote>()->failure->problem == Problem::expectation_failed);
  CHECK(b.branch()->xid == 7);
  b.finished(Result::again, "busy");
  CHECK(b.tick_after(b.limits.retry_first) == "FinishPrepared aborted");
  CHECK(b.finished(Result::done).empty());
  CHECK(b.branch() == nullptr);
}

TEST_CASE("work is taken for the coordinator's own epoch, ledger and this participant only",
          "[P14]") {
  ParticipantBench b = bench::working_participant();
  const Gid own = b.gid;
  const auto nothing_for = [&](const Gid& gid) {
    b.gid = gid;
    CHECK(b.prepare().empty());
    CHECK(b.from(Execute{gid, 1, Work{"w"}, Duration(1)}).empty());
    CHECK(b.m().branches().empty());
    b.gid = own;
  };
  Gid gid = own;
  gid.epoch = 2;
  nothing_for(gid);
  gid.epoch = 4;
  nothing_for(gid);
  CHECK(b.from(Abort{gid}).empty());
  CHECK(b.from(Commit{gid, 1, 1, {}}).empty());
  CHECK(b.from(Ask{gid}).empty());
  gid = own;
  gid.participant = "stock";
  nothing_for(gid);
  CHECK(b.from(Abort{gid}).empty());
  gid = own;
  gid.ledger = {bench::life(7)};
  nothing_for(gid);
  CHECK(b.from(Commit{gid, 1, 1, {}}).empty());
}

TEST_CASE("before the link is ready nobody is obeyed", "[P9]") {
  ParticipantBench b;
  b.database_up();
  b.act(LinkOpened{});
  const auto obeys_nobody = [&] {
    CHECK(b.prepare().empty());
    CHECK(b.abort().empty());
    CHECK(b.commit().empty());
    CHECK(b.from(Ask{b.gid}).empty());
  };
  obeys_nobody();
  CHECK(b.welcome() == "RaiseMark");
  obeys_nobody();
  CHECK(b.act(MarkRaised{b.mark()}) == "Ready");
  CHECK(b.prepare() == "PrepareBranch");
}

TEST_CASE("limits: more branches than may be open, or a journal that cannot be written") {
  ParticipantBench b;
  b.limits.open_branches = 1;
  b.limits.ended_kept = 2;
  b.limits.journal_batch = 100;
  b.database_up();
  b.link_up();
  const auto other = [&](std::uint8_t number) { b.gid.tx = bench::tx(number); };
  SECTION("open branches") {
    b.prepare();
    other(2);
    CHECK(b.prepare() == "Vote no");
    CHECK(b.sent<Vote>()->failure->problem == Problem::overloaded);
    CHECK(b.from(Execute{b.gid, 1, Work{"w"}, Duration(1)}) == "Executed failure");
    CHECK(b.commit() == "FinishPrepared committed");  // what is decided is always taken
  }
  SECTION("lines that wait") {
    b.end(Outcome::committed);  // has its line
    other(2);
    b.end(Outcome::aborted);
    other(3);
    b.end(Outcome::aborted);
    other(4);
    CHECK(b.prepare() == "Vote no");
  }
}

}  // namespace assent
