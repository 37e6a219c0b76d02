// Link, epochs, the database's coming and going, the sweep and the journal.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/participant_bench.hpp"

namespace assent {
namespace {

using bench::ParticipantBench;
using Result = FinishDone::Result;

Mark mark(Epoch epoch, Sequence sequence = 0) {
  return {bench::ledger(), epoch, bench::life(static_cast<std::uint8_t>(epoch)), sequence};
}

HeldBranch held(const Gid& gid) {
  return {gid, 700, {}};
}

}  // namespace

TEST_CASE("hello is said when both the link and the database are there, with all marks", "[P6]") {
  ParticipantBench b;
  SECTION("the link first") {
    CHECK(b.act(LinkOpened{}).empty());
    CHECK(b.database_up({}, {mark(2, 4)}) == "Hello");
  }
  SECTION("the database first") {
    CHECK(b.database_up({}, {mark(2, 4)}).empty());
    CHECK(b.act(LinkOpened{}) == "Hello");
  }
  CHECK(*b.sent<Hello>() == Hello{"orders", bench::server(), {mark(2, 4)}});
}

TEST_CASE("I7: the epoch is made durable first, a lower one or another life is not obeyed",
          "[P9][I7]") {
  ParticipantBench b;
  b.database_up({}, {mark(3)});
  b.act(LinkOpened{});
  SECTION("lower") {
    CHECK(b.from(Welcome{bench::ledger(), 2, bench::life(2)}) == "CloseLink");
  }
  SECTION("another life") {
    CHECK(b.from(Welcome{bench::ledger(), 3, bench::life(9)}) == "CloseLink");
  }
  SECTION("the same") {
    CHECK(b.from(Welcome{bench::ledger(), 3, bench::life(3)}) == "RaiseMark");
  }
  SECTION("higher") {
    b.epoch = 4;
    CHECK(b.welcome() == "RaiseMark");
    CHECK(b.done<RaiseMark>()->mark == mark(4));
    SECTION("the database has seen a higher one still") {
      CHECK(b.act(MarkRaised{mark(5)}) == "CloseLink");
      CHECK(b.m().link() == ParticipantMachine::LinkState::down);
    }
    SECTION("or the same of another life") {
      CHECK(b.act(MarkRaised{{bench::ledger(), 4, bench::life(9), 0}}) == "CloseLink");
    }
    SECTION("it could not be raised") {
      CHECK(b.act(MarkFailed{{bench::life(8)}, "another ledger's"}).empty());
      CHECK(b.act(MarkFailed{bench::ledger(), "read-only"}) == "CloseLink");
    }
    SECTION("raised") {
      CHECK(b.act(MarkRaised{mark(4, 7)}) == "Ready");
      CHECK(b.sent<Ready>()->mark == mark(4, 7));
      CHECK(b.act(MarkRaised{mark(4, 7)}).empty());  // once
    }
  }
}

TEST_CASE("the answer to an earlier raise, coming last, lowers no mark", "[P9][I7]") {
  ParticipantBench b;
  b.database_up({}, {mark(3)});
  b.act(LinkOpened{});
  b.epoch = 5;
  CHECK(b.welcome() == "RaiseMark");
  CHECK(b.act(MarkRaised{mark(4)}).empty());  // asked for on the link before
  CHECK(b.act(MarkRaised{mark(5)}) == "Ready");
  CHECK(b.act(MarkRaised{mark(4)}).empty());
  b.act(LinkClosed{});
  b.act(LinkOpened{});
  CHECK(b.sent<Hello>()->marks == std::vector<Mark>{mark(5)});
}

TEST_CASE("a database that was put back does not make the process forget an epoch", "[P9][I7]") {
  ParticipantBench b = bench::working_participant();
  b.act(DatabaseDown{"restore"});
  b.database_up({}, {mark(2, 9)});
  b.act(LinkOpened{});
  CHECK(b.sent<Hello>()->marks == std::vector<Mark>{{bench::ledger(), 3, bench::life(3), 9}});
  CHECK(b.from(Welcome{bench::ledger(), 2, bench::life(2)}) == "CloseLink");
}

TEST_CASE("without its database a participant is away; a database connected anew greets anew") {
  ParticipantBench b = bench::working_participant();
  SECTION("lost") {
    CHECK(b.act(DatabaseDown{"gone"}) == "CloseLink");
    CHECK(b.act(LinkClosed{}).empty());
    CHECK(b.act(LinkOpened{}).empty());
    CHECK(b.m().link() == ParticipantMachine::LinkState::waiting);
    CHECK(b.database_up() == "Hello");
  }
  SECTION("anew") {
    CHECK(b.database_up() == "CloseLink");
    CHECK(b.act(LinkOpened{}) == "Hello");
  }
}

TEST_CASE("phase two waits for the database and goes on when it is back") {
  ParticipantBench b = bench::working_participant();
  b.prepare();
  b.prepared();
  b.commit();
  b.act(DatabaseDown{"crash"});
  b.finished(Result::again, "connection lost");
  CHECK(b.tick_after(b.limits.retry_first).empty());
  CHECK(b.tick_after(b.limits.retry_longest).empty());
  b.database_up({held(b.gid)});
  CHECK(b.act(ParticipantTick{}) == "FinishPrepared committed");
}

TEST_CASE("a proof waits for the database too") {
  ParticipantBench b = bench::working_participant();
  b.prepare();
  b.prepared();
  b.commit();
  b.finished(Result::no_such_gid);
  b.act(DatabaseDown{"crash"});
  b.status(StatusRead::Status::unavailable);
  CHECK(b.tick_after(b.limits.retry_first).empty());
  b.database_up();
  CHECK(b.act(ParticipantTick{}) == "ReadStatus");
}

TEST_CASE("what is found prepared is in doubt, and inquired about", "[P33][P41]") {
  ParticipantBench b;
  b.gid.epoch = 2;
  b.database_up({held(b.gid)});
  CHECK(b.link_up() == "Hello, RaiseMark, Ready holding 1");
  CHECK(b.sent<Ready>()->held.at(0).xid == 700);
  CHECK(b.tick_after(b.limits.inquiry_interval) == "Inquiry");
  CHECK(b.abort() == "FinishPrepared aborted");
}

TEST_CASE("a branch that the database lost is not said to be held, but still asked about",
          "[P23]") {
  ParticipantBench b = bench::working_participant();
  b.prepare();
  b.prepared();
  b.act(DatabaseDown{"failover"});
  CHECK(b.database_up({}, {}, 2) == "alarm");
  CHECK(b.link_up() == "Hello, RaiseMark, Ready");
  CHECK(b.tick_after(b.limits.inquiry_interval) == "Inquiry");
  SECTION("decided, it is proved") {
    b.commit();
    CHECK(b.finished(Result::no_such_gid) == "ReadStatus");
    CHECK(b.done<ReadStatus>()->server == bench::server(1));
  }
  SECTION("found again") {
    b.act(DatabaseDown{"failover"});
    b.database_up({held(b.gid)});
    CHECK(b.link_up() == "Hello, RaiseMark, Ready holding 1");
  }
}

TEST_CASE("a branch in doubt that is not on the list was ended by hand or lost: said once",
          "[P42]") {
  ParticipantBench b;
  b.limits.sweep_interval = Duration(100);
  b.limits.inquiry_interval = Duration(3'600'000);
  b.database_up();
  b.link_up();
  b.prepare();
  SECTION("prepared before the list was asked for") {
    b.prepared();
    CHECK(b.tick_after(Duration(100)) == "ListPrepared");
    CHECK(b.act(ListDone{}) == "alarm");
    CHECK(b.done<Alarm>()->gid == b.gid);
    CHECK(b.branch()->state == BranchState::prepared);  // only the decision ends it
    CHECK(b.tick_after(Duration(100)) == "ListPrepared");
    CHECK(b.act(ListDone{}).empty());
    SECTION("it is not said to be held") {
      b.act(LinkClosed{});
      CHECK(b.link_up() == "Hello, RaiseMark, Ready");
    }
    SECTION("the decision has it proved") {
      CHECK(b.commit() == "FinishPrepared committed");
      CHECK(b.finished(Result::no_such_gid) == "ReadStatus");
    }
    SECTION("there again") {
      b.tick_after(Duration(100));
      CHECK(b.act(ListDone{{held(b.gid)}}).empty());
      CHECK_FALSE(b.branch()->missing);
    }
  }
  SECTION("prepared after that: the list may be older") {
    CHECK(b.tick_after(Duration(100)) == "ListPrepared");
    b.prepared();
    CHECK(b.act(ListDone{}).empty());
    CHECK_FALSE(b.branch()->missing);
  }
  SECTION("decided meanwhile: its own answer tells how it ended") {
    b.prepared();
    CHECK(b.tick_after(Duration(100)) == "ListPrepared");
    b.commit();
    CHECK(b.act(ListDone{}).empty());
  }
}

TEST_CASE("hello tells an id beyond all that was voted for", "[P43]") {
  ParticipantBench b;
  b.act(DatabaseUp{bench::server(), {}, {}, 600});
  b.link_up();
  b.prepare();
  b.prepared();  // with 700
  b.act(LinkClosed{});
  b.act(LinkOpened{});
  CHECK(b.sent<Hello>()->next_xid == 701);
}

// However it was heard of: else the database would be taken for put back.
TEST_CASE("hello tells an id beyond that of a branch which somebody else has prepared", "[P43]") {
  ParticipantBench b;
  b.limits.sweep_interval = Duration(100);
  b.limits.inquiry_interval = Duration(3'600'000);
  b.act(DatabaseUp{bench::server(), {}, {}, 600});
  b.link_up();
  SECTION("listed, and looked at after that") {
    REQUIRE(b.tick_after(Duration(100)) == "ListPrepared");
    b.act(ListDone{{HeldBranch{b.gid, 700, {}}}});
    b.verify();
    b.verified(Xid{700});
  }
  SECTION("looked at") {
    b.verify();
    b.verified(Xid{700});
  }
  SECTION("listed") {
    REQUIRE(b.tick_after(Duration(100)) == "ListPrepared");
    b.act(ListDone{{HeldBranch{b.gid, 700, {}}}});
  }
  b.act(LinkClosed{});
  b.act(LinkOpened{});
  CHECK(b.sent<Hello>()->next_xid == 701);
}

TEST_CASE("an id that the database has yet to give out is nobody's", "[P43]") {
  ParticipantBench b;
  b.act(DatabaseUp{bench::server(), {}, {}, 600});
  b.link_up();
  b.prepare();
  b.prepared();
  b.act(DatabaseDown{"crash"});
  const bool is_lost = GENERATE(true, false);
  b.act(DatabaseUp{bench::server(), {}, {}, is_lost ? 700u : 701u});
  b.link_up();
  b.commit();
  b.finished(Result::no_such_gid);
  CHECK(*b.done<ReadStatus>() ==
        ReadStatus{b.gid, 700, is_lost ? ServerIdentity{} : bench::server()});
}

TEST_CASE("whoever knows that the database was put back says which id is nobody's", "[P43]") {
  ParticipantBench b;
  b.database_up();
  b.link_up();
  b.prepare();
  b.prepared();
  SECTION("with a commit") {
    b.from(Commit{b.gid, 5, 700, {}});
  }
  SECTION("with an abort") {
    b.from(Abort{b.gid, 700, {}});
  }
  b.finished(Result::no_such_gid);
  CHECK(*b.done<ReadStatus>() == ReadStatus{b.gid, 700, {}});
}

TEST_CASE("a durable mark that a backup undid is not told any more", "[P31][P43]") {
  ParticipantBench b;
  b.database_up({}, {mark(1, 9)});
  b.link_up(9);
  b.act(DatabaseDown{"crash"});
  b.database_up({}, {mark(2, 4)});
  b.link_up(4);
  b.abort();
  CHECK(b.sent<Applied>()->durable_mark == 4);
}

TEST_CASE("others' branches are never touched", "[P4]") {
  ParticipantBench b;
  Gid foreign_ledger = b.gid, foreign_name = b.gid;
  foreign_ledger.ledger = {bench::life(7)};
  foreign_name.participant = "stock";
  b.database_up({held(foreign_ledger), held(foreign_name)});
  CHECK(b.m().branches().size() == 1);  // another ledger's is shown …
  CHECK(b.link_up() == "Hello, RaiseMark, Ready");
  for (int i = 0; i < 5; ++i) CHECK(b.tick_after(b.limits.inquiry_interval).empty());
  CHECK(b.from(Abort{foreign_ledger}).empty());  // … and left to that ledger
  CHECK(b.from(Commit{foreign_ledger, 1, 700, bench::server()}).empty());
  CHECK(b.from(Abort{foreign_name}).empty());
  CHECK(b.from(Ask{foreign_ledger}).empty());
}

TEST_CASE("the sweep: P - A, and nothing from a list that could not be had", "[P42]") {
  ParticipantBench b;
  b.limits.sweep_interval = Duration(100);
  b.database_up();
  b.link_up();
  Gid orphan = b.gid, ending = b.gid;
  orphan.tx = bench::tx(2);
  ending.tx = bench::tx(3);
  b.prepare();
  std::swap(b.gid, ending);
  b.prepare();
  b.prepared();
  b.abort();
  CHECK(b.tick_after(Duration(99)).empty());
  CHECK(b.tick_after(Duration(1)) == "ListPrepared");
  CHECK(b.tick_after(Duration(500)).empty());  // one at a time
  SECTION("listed") {
    b.finished(Result::done);  // ended while listing: the list may be older
    CHECK(b.act(ListDone{{held(orphan), held(ending), held(b.gid)}}).empty());
    CHECK(b.m().branches().size() == 2);
    CHECK(b.m().branches().at(orphan).state == BranchState::prepared);
    CHECK(b.m().branches().at(ending).state == BranchState::preparing);
    CHECK(b.act(ParticipantTick{}) == "Inquiry");
    CHECK(b.sent<Inquiry>()->gid == orphan);
    CHECK(b.tick_after(Duration(100)) == "ListPrepared");
    // Ended before this list was asked for, and there: a backup brought it back.
    b.act(ListDone{{held(b.gid)}});
    CHECK(b.branch() != nullptr);
  }
  SECTION("failed") {
    CHECK(b.act(ListFailed{"the server is a standby"}).empty());
    CHECK(b.m().branches().size() == 2);
    CHECK(b.tick_after(Duration(100)) == "ListPrepared");
  }
  SECTION("of before the database was away") {
    b.act(DatabaseDown{"crash"});
    b.database_up();
    b.act(ListDone{{held(orphan)}});
    CHECK(b.m().branches().count(orphan) == 0);
  }
}

TEST_CASE("the journal: in order, in batches, one at a time, again after a failure", "[P31]") {
  ParticipantBench b;
  b.limits.journal_batch = 2;
  b.limits.journal_interval = Duration(200);
  b.database_up();
  b.link_up();
  const auto end = [&](std::uint8_t number, Outcome outcome) {
    b.gid.tx = bench::tx(number);
    b.end(outcome, number);
    return b.text_of_journal();
  };
  CHECK(end(1, Outcome::aborted).empty());
  CHECK(end(5, Outcome::committed).empty());
  CHECK(end(2, Outcome::aborted) == "1: 1 aborted 0, 2 aborted 0, up to 5");
  CHECK(end(3, Outcome::aborted).empty());
  CHECK(end(4, Outcome::aborted).empty());
  CHECK_FALSE(b.m().idle());
  CHECK(b.act(JournalWritten{9, true}).empty());
  SECTION("written") {
    b.act(JournalWritten{1, true});
    CHECK(b.m().marks().at(bench::ledger()).sequence == 5);
    b.tick_after(Duration(200));
    CHECK(b.text_of_journal() == "2: 3 aborted 0, 4 aborted 0");
    b.act(JournalWritten{2, true});
    CHECK(b.m().idle());
    CHECK(b.m().marks().at(bench::ledger()).sequence == 5);
    CHECK(b.tick_after(Duration(200)).empty());
  }
  SECTION("failed") {
    b.act(JournalWritten{1, false});
    b.tick_after(Duration(199));
    CHECK(b.text_of_journal().empty());
    b.tick_after(Duration(1));
    CHECK(b.text_of_journal() == "2: 1 aborted 0, 2 aborted 0, up to 5");
    CHECK(b.m().marks().at(bench::ledger()).sequence == 0);
  }
  SECTION("the database is away") {
    b.act(JournalWritten{1, true});
    b.act(DatabaseDown{"crash"});
    CHECK(b.tick_after(Duration(1000)).empty());
    b.database_up();
    b.act(ParticipantTick{});
    CHECK(b.text_of_journal() == "2: 3 aborted 0, 4 aborted 0");
  }
}

TEST_CASE("a commit that was carried out has its line, and only raises the mark", "[P31][P44]") {
  ParticipantBench b;
  b.limits.journal_interval = Duration(200);
  b.database_up();
  b.link_up();
  const auto end = [&](std::uint8_t number) {
    b.gid.tx = bench::tx(number);
    b.end(Outcome::committed, number);
  };
  end(7);
  end(6);  // in whatever order they end
  CHECK_FALSE(b.m().idle());
  CHECK(b.tick_after(Duration(199)).empty());
  b.tick_after(Duration(1));
  CHECK(b.text_of_journal() == "1: up to 7");
  end(9);
  CHECK(b.tick_after(Duration(500)).empty());  // one at a time
  SECTION("written") {
    b.act(JournalWritten{1, true});
    CHECK(b.m().marks().at(bench::ledger()).sequence == 7);
    b.tick_after(Duration(200));
    CHECK(b.text_of_journal() == "2: up to 9");
    b.act(JournalWritten{2, true});
    CHECK(b.m().idle());
  }
  SECTION("failed") {
    b.act(JournalWritten{1, false});
    CHECK(b.m().marks().at(bench::ledger()).sequence == 0);
    b.tick_after(Duration(200));
    CHECK(b.text_of_journal() == "2: up to 9");
  }
  SECTION("one that nobody can be told of is written down as applied") {
    b.act(JournalWritten{1, true});
    b.gid.tx = bench::tx(3);
    b.prepare();
    b.prepared();
    b.commit(10);
    b.act(LinkClosed{});
    b.finished(Result::done);
    b.tick_after(Duration(200));
    CHECK(b.text_of_journal() == "2: 3 committed 10, up to 9");
  }
  SECTION("one that somebody else carried out as well") {
    b.act(JournalWritten{1, true});
    b.gid.tx = bench::tx(3);
    b.prepare();
    b.prepared();
    b.commit(10);
    b.finished(Result::no_such_gid);
    b.status(StatusRead::Status::committed);
    b.tick_after(Duration(200));
    CHECK(b.text_of_journal() == "2: 3 committed 10, up to 9");
  }
}

TEST_CASE("the durable mark: what was journalled before a synced end, and no more", "[P31]") {
  ParticipantBench b;
  b.limits.journal_interval = Duration(1);
  b.database_up();
  b.link_up();
  const auto durable = [&](std::uint8_t number) {
    b.gid.tx = bench::tx(number);
    b.end(Outcome::committed, number);
    return b.sent<Applied>()->durable_mark;
  };
  CHECK(durable(5) == 0);  // the mark is not even written
  CHECK(b.tick_after(Duration(1)) == "WriteJournal");
  CHECK(durable(6) == 0);
  b.act(JournalWritten{1, true});
  CHECK(durable(7) == 5);

  SECTION("a raise to a new epoch is a synced commit") {
    b.act(LinkClosed{});
    b.epoch = 4;
    b.link_up(7);
    b.gid.epoch = 4;
    CHECK(durable(8) == 7);
  }
  SECTION("finding the epoch there is not") {
    b.act(LinkClosed{});
    b.link_up(7);
    b.gid.tx = bench::tx(7);
    b.commit(7);
    CHECK(b.sent<Applied>()->durable_mark == 5);
  }
}

}  // namespace assent
