// External transactions: what the tables do not show.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/participant_bench.hpp"

namespace assent {
namespace {

using bench::CoordinatorBench;
using bench::ParticipantBench;
using Result = FinishDone::Result;
using Status = StatusRead::Status;

const TxId kTx = bench::tx(1);

CoordinatorBench opened() {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.external(1, kTx));
  return b;
}

const Reply* answer(const CoordinatorBench& b) {
  for (const CoordinatorAction& action : b.actions)
    if (const auto* reply = std::get_if<Reply>(&action)) return reply;
  return nullptr;
}

}  // namespace

// ---- the coordinator

TEST_CASE("an external transaction begins with its branches, and sends nothing", "[P50]") {
  CoordinatorBench b = bench::working_coordinator();
  CHECK(b.act(b.external(1, kTx)) == "answer unknown");
  CHECK(b.at(kTx).branches.size() == 2);
  CHECK(b.m().branches().at("orders") == 1);
  Begin none = b.external(2, bench::tx(2));
  none.branches.clear();
  CHECK(b.act(none) == "refuse invalid-request none");
  CHECK(b.act(LinkDown{"stock"}).empty());
  CHECK(b.act(b.external(3, bench::tx(3))) == "refuse participant-unavailable aborted");
}

TEST_CASE("commit asked: every participant looks, told which asking it is", "[P51]") {
  CoordinatorBench b = opened();
  CHECK(b.act(CommitAsked{2, kTx}) == "Prepare to both");
  CHECK(b.sent<Prepare>("orders")->ask == 1);
  CHECK(!b.sent<Prepare>("orders")->work);
  CHECK(b.sent<Prepare>("orders")->peers == std::vector<std::string>{"orders", "stock"});
  CHECK(b.external_vote(kTx, "orders", Verdict::yes).empty());
  CHECK(b.external_vote(kTx, "stock", Verdict::yes) == "log Commit");
  CHECK(b.logged_record<CommitRecord>()->branches.size() == 2);
  CHECK(b.logged() == "Commit to both");
}

TEST_CASE("what is missing is named once all have answered, and the transaction stays open",
          "[P52]") {
  CoordinatorBench b = opened();
  b.act(CommitAsked{2, kTx});
  CHECK(b.external_vote(kTx, "orders", Verdict::not_yet).empty());
  CHECK(b.external_vote(kTx, "stock", Verdict::not_yet) == "refuse branch-not-prepared none");
  const std::string& message = answer(b)->failure->message;
  CHECK(message.find("orders:") != std::string::npos);
  CHECK(message.find("stock:") != std::string::npos);
  CHECK(b.at(kTx).state == TxState::open);
  CHECK(b.act(CommitAsked{3, kTx}) == "Prepare to both");
  CHECK(b.sent<Prepare>("stock")->ask == 2);
  b.external_vote(kTx, "orders", Verdict::yes);
  CHECK(b.external_vote(kTx, "stock", Verdict::yes) == "log Commit");
}

TEST_CASE("a branch that voted yes and is gone at the next asking does not count", "[P52][I2]") {
  CoordinatorBench b = opened();
  b.act(CommitAsked{2, kTx});
  b.external_vote(kTx, "orders", Verdict::yes);
  b.external_vote(kTx, "stock", Verdict::not_yet);
  b.act(CommitAsked{3, kTx});
  CHECK(b.external_vote(kTx, "stock", Verdict::yes).empty());
  CHECK(b.external_vote(kTx, "orders", Verdict::yes, 1).empty());  // late: of the first asking
  CHECK(b.external_vote(kTx, "orders", Verdict::not_yet) == "refuse branch-not-prepared none");
  CHECK(b.at(kTx).state == TxState::open);
  // It was bound once: how it ended is to be proved.
  CHECK(b.act(RollbackAsked{4, kTx}) == "Abort to both, answer aborted");
  CHECK(b.sent<Abort>("orders")->xid == 700);
  CHECK(b.sent<Abort>("orders")->external);
}

TEST_CASE("who cannot be reached says nothing of a branch that it does not make", "[P52]") {
  CoordinatorBench b = opened();
  SECTION("away when asked") {
    b.act(LinkDown{"stock"});
    CHECK(b.act(CommitAsked{2, kTx}) == "Prepare to orders");
    CHECK(b.external_vote(kTx, "orders", Verdict::yes) == "refuse participant-unavailable none");
  }
  SECTION("lost while asked") {
    b.act(CommitAsked{2, kTx});
    b.external_vote(kTx, "orders", Verdict::yes);
    CHECK(b.act(LinkDown{"stock"}) == "refuse participant-unavailable none");
  }
  SECTION("silent") {
    b.act(CommitAsked{2, kTx});
    b.external_vote(kTx, "orders", Verdict::yes);
    CHECK(b.tick_after(b.limits.apply_wait) == "refuse participant-unavailable none");
    CHECK(b.m().members().at("stock").unanswered == 1);
  }
  SECTION("what the application can mend is named first") {
    b.act(LinkDown{"stock"});
    b.act(CommitAsked{2, kTx});
    CHECK(b.external_vote(kTx, "orders", Verdict::not_yet) == "refuse branch-not-prepared none");
  }
  CHECK(b.at(kTx).state == TxState::open);
}

TEST_CASE("its deadline ends it, asked for or not", "[P53]") {
  CoordinatorBench b = opened();
  SECTION("open") {}
  SECTION("asked, shortly before") {
    b.wait(Duration(59'990));
    b.act(CommitAsked{2, kTx});
    b.wait(Duration(10));
    CHECK(b.act(CoordinatorTick{}) == "Abort to both, refuse deadline-exceeded aborted");
    CHECK(b.at(kTx).state == TxState::aborting);
    return;
  }
  b.wait(Duration(60'000));
  CHECK(b.act(CoordinatorTick{}) == "Abort to both");
  CHECK(b.act(CommitAsked{4, kTx}) == "refuse deadline-exceeded aborted");
}

TEST_CASE("a start of the coordinator knows nothing of it: what was prepared is aborted", "[P53]") {
  CoordinatorBench b = opened().restarted();
  b.connect("orders", {{b.gid(kTx, "orders", 3), 700, {}}});
  CHECK(b.sent<Abort>("orders") != nullptr);
  CHECK(b.act(CommitAsked{2, kTx}) == "refuse transaction-not-found aborted");
}

TEST_CASE("a late answer to an aborted one ends nothing") {
  CoordinatorBench b = opened();
  b.act(CommitAsked{2, kTx});
  b.act(RollbackAsked{3, kTx});
  CHECK(b.external_vote(kTx, "orders", Verdict::not_yet).empty());
  CHECK(b.at(kTx).branch("orders")->phase == BranchPhase::finishing);
  b.external_vote(kTx, "orders", Verdict::yes);
  CHECK(b.at(kTx).branch("orders")->xid == 700);
}

// ---- the participant

TEST_CASE("a look votes for what is there, with the number of the asking", "[P51]") {
  ParticipantBench b = bench::working_participant();
  CHECK(b.verify(4) == "VerifyPrepared");
  CHECK(*b.done<VerifyPrepared>() == VerifyPrepared{b.gid, 4, {"orders", "stock"}});
  CHECK(b.verified(Xid{700}, 4) == "Vote yes");
  CHECK(b.sent<Vote>()->ask == 4);
  CHECK(b.sent<Vote>()->xid == 700);
  CHECK(b.sent<Vote>()->server == bench::server());
  CHECK(b.branch()->peers == std::vector<std::string>{"orders", "stock"});
  CHECK(b.commit() == "FinishPrepared committed");
  CHECK(b.finished(Result::done) == "Applied committed applied");
}

TEST_CASE("not there is not a no: nothing has ended, and nothing is remembered", "[P52]") {
  ParticipantBench b = bench::working_participant();
  b.verify();
  CHECK(b.not_verified() == "Vote not_yet");
  CHECK(b.sent<Vote>()->failure->participant == "orders");
  CHECK(!b.branch());
  CHECK(!b.remembered());
  b.act(DatabaseDown{"gone"});
  CHECK(!b.branch());
}

TEST_CASE("what the sweep has found is looked for all the same", "[P51]") {
  ParticipantBench b;
  b.database_up({b.held()});
  b.link_up();
  CHECK(b.verify() == "VerifyPrepared");
  CHECK(b.not_verified() == "Vote not_yet");
  CHECK(b.branch()->state == BranchState::prepared);
  b.verify();
  CHECK(b.verified(Xid{702}) == "Vote yes");
  CHECK(b.branch()->xid == 702);
  CHECK(b.act(ListDone{}).empty());
}

TEST_CASE("the decision may come while it is looked for", "[P51]") {
  ParticipantBench b = bench::working_participant();
  b.verify();
  SECTION("abort: what is there is found by a list, and asked about") {
    CHECK(b.from(Abort{b.gid, 0, {}, true}) == "Applied aborted applied");
    CHECK(b.verified(Xid{700}).empty());
    CHECK(b.tick_after(Duration(0)) == "ListPrepared");
    CHECK(b.act(ListDone{{b.held()}}).empty());
    CHECK(b.tick_after(Duration(0)) == "Inquiry");
    CHECK(b.from(Abort{b.gid, 0, {}, true}) == "FinishPrepared aborted");
  }
  SECTION("commit: a second look changes nothing") {
    b.verified(Xid{700});
    b.verify(2);
    b.commit();
    CHECK(b.verified(Xid{700}, 2).empty());
    CHECK(b.branch()->state == BranchState::committing);
  }
}

TEST_CASE("an abort looks at once for what nobody has seen", "[P53]") {
  ParticipantBench b = bench::working_participant();
  CHECK(b.from(Abort{b.gid, 0, {}, true}) == "Applied aborted applied");
  CHECK(b.m().wake_at() == b.now.steady);
  CHECK(b.tick_after(Duration(0)) == "ListPrepared");
}

TEST_CASE("prepared after the abort: found by the sweep, and ended", "[P53]") {
  ParticipantBench b = bench::working_participant();
  b.from(Abort{b.gid, 0, {}, true});
  b.tick_after(Duration(0));
  b.act(ListDone{});
  CHECK(b.tick_after(b.limits.sweep_interval).find("ListPrepared") != std::string::npos);
  b.act(ListDone{{b.held()}});
  CHECK(b.tick_after(Duration(0)) == "Inquiry");
  CHECK(b.from(Abort{b.gid, 700, bench::server()}) == "FinishPrepared aborted");
  CHECK(b.finished(Result::done) == "Applied aborted applied");
}

TEST_CASE("a yes names the server on which it was seen, wherever it was prepared", "[P51]") {
  ParticipantBench b = bench::working_participant();
  b.verify();
  b.verified(Xid{700});
  CHECK(b.sent<Vote>()->server == bench::server(1));
  b.act(DatabaseDown{"put back"});
  b.database_up({b.held()}, {}, 2);
  b.link_up();
  b.verify(2);
  b.verified(Xid{700}, 2);
  CHECK(b.sent<Vote>()->server == bench::server(2));
}

TEST_CASE("a decision is about the transaction that voted, not about its gid", "[P54]") {
  ParticipantBench b;
  b.database_up({{b.gid, 702, {}}});  // prepared again, and nothing here knows of the first
  b.link_up();
  SECTION("what is prepared now is rolled back, and the commit is proved") {
    CHECK(b.commit() == "alarm, FinishPrepared aborted");
    CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::again, "busy"}).empty());
    CHECK(b.tick_after(b.limits.retry_first) == "FinishPrepared aborted");
    CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::denied, "owner"}) == "alarm");
    CHECK(b.tick_after(b.limits.retry_longest) == "FinishPrepared aborted");
    CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::done, ""}) == "ReadStatus");
    CHECK(*b.done<ReadStatus>() == ReadStatus{b.gid, 700, bench::server()});
    CHECK(b.status(Status::committed) == "Applied committed proved");
  }
  SECTION("one that somebody has ended meanwhile, too") {
    b.commit();
    CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::no_such_gid, ""}) == "ReadStatus");
    CHECK(b.done<ReadStatus>()->xid == 700);
    CHECK(b.status(Status::aborted) == "alarm, Applied committed heuristic");
  }
  SECTION("and so for an abort: who was committed by hand is found") {
    CHECK(b.from(Abort{b.gid, 700, bench::server()}) == "alarm, FinishPrepared aborted");
    CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::done, ""}) == "ReadStatus");
    CHECK(b.status(Status::committed) == "alarm, Applied aborted heuristic");
  }
}

// It is told of the one that is prepared now, or of none.
TEST_CASE("what this process has voted for is settled, whatever the coordinator knows of it",
          "[P54][P36]") {
  ParticipantBench b = bench::working_participant();
  b.verify();
  b.verified(Xid{700});
  b.tick_after(b.limits.sweep_interval);
  b.act(ListDone{{{b.gid, 702, {}}}});
  SECTION("aborted") {
    const Xid told = GENERATE(Xid{0}, Xid{702});
    CHECK(b.from(Abort{b.gid, told, bench::server()}) == "alarm, FinishPrepared aborted");
    CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::done, ""}) == "ReadStatus");
    CHECK(b.done<ReadStatus>()->xid == 700);
    CHECK(b.done<ReadStatus>()->server == bench::server());
    CHECK(b.status(Status::committed) == "alarm, Applied aborted heuristic");
  }
  SECTION("committed") {
    CHECK(b.from(Commit{b.gid, 5, 0, {}}) == "alarm, FinishPrepared aborted");
    CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::done, ""}) == "ReadStatus");
    CHECK(b.status(Status::committed) == "Applied committed proved");
  }
  SECTION("its id was given out again since: it is no witness") {
    b.act(DatabaseDown{"gone"});
    b.act(DatabaseUp{bench::server(), {}, {{b.gid, 699, {}}}, 700, {}});
    b.link_up();
    CHECK(b.from(Abort{b.gid, 699, bench::server()}) == "alarm, FinishPrepared aborted");
    CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::done, ""}) == "ReadStatus");
    CHECK(b.done<ReadStatus>()->xid == 700);
    CHECK(b.done<ReadStatus>()->server == ServerIdentity{});
  }
  SECTION("voted for anew: what is prepared now is what was decided about") {
    b.verify(2);
    b.verified(Xid{702}, 2);
    CHECK(b.from(Abort{b.gid, 702, bench::server()}) == "FinishPrepared aborted");
  }
}

TEST_CASE("what is prepared again after its commit is never said to be in doubt", "[P54][P40]") {
  ParticipantBench b = bench::working_participant();
  b.verify();
  b.verified(Xid{700});
  b.commit();
  b.finished(Result::done);
  SECTION("found by a list") {
    b.tick_after(b.limits.sweep_interval);
    CHECK(b.act(ListDone{{{b.gid, 702, {}}}}) == "alarm, FinishPrepared aborted");
  }
  SECTION("found after the database was away, perhaps on another server") {
    b.act(DatabaseDown{"gone"});
    CHECK(b.database_up({{b.gid, 702, {}}}, {}, 2) == "alarm, FinishPrepared aborted");
    CHECK(b.link_up() == "Hello, RaiseMark, Ready");
  }
  SECTION("the same transaction, which a failover has brought back, is in doubt") {
    b.act(DatabaseDown{"gone"});
    CHECK(b.database_up({b.held()}, {}, 2).empty());
    CHECK(b.link_up() == "Hello, RaiseMark, Ready holding 1");
    return;
  }
  CHECK(b.from(Ask{b.gid}) == "Evidence committed");
  CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::done, ""}) == "ReadStatus");
  CHECK(b.done<ReadStatus>()->xid == 700);
}

TEST_CASE("the line of a commit tells which transaction it was about", "[P54][P44]") {
  ParticipantBench b;
  CHECK(b.act(DatabaseUp{bench::server(), {}, {{b.gid, 702, {}}}, 0, {{b.gid, 5, 700}}}) ==
        "alarm, FinishPrepared aborted");
  CHECK(b.link_up() == "Hello, RaiseMark, Ready");
  CHECK(b.from(Ask{b.gid}) == "Evidence committed");
  CHECK(b.act(FinishDone{b.gid, Outcome::aborted, Result::done, ""}) == "ReadStatus");
  CHECK(b.status(Status::committed) == "Applied committed proved");
  SECTION("and so where it is prepared later: an operator's abort hears of the commit") {
    ParticipantBench later = bench::working_participant();
    later.tick_after(later.limits.sweep_interval);
    CHECK(later.act(ListDone{{{b.gid, 702, {}}}, {{b.gid, 5, 700}}}) ==
          "alarm, FinishPrepared aborted");
    CHECK(later.act(FinishDone{b.gid, Outcome::aborted, Result::done, ""}) == "ReadStatus");
    CHECK(later.done<ReadStatus>()->xid == 700);
    CHECK(later.status(Status::committed) == "Applied committed proved");
    CHECK(later.from(Abort{b.gid, 702, bench::server()}) == "Applied aborted heuristic");
  }
  ParticipantBench same;
  CHECK(same.act(DatabaseUp{bench::server(), {}, {{b.gid, 700, {}}}, 0, {{b.gid, 5, 700}}}) ==
        "FinishPrepared committed");
}

}  // namespace assent
