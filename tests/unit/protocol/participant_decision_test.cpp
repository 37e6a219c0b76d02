// From the decision to the end: phase two, proofs, evidence.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/participant_bench.hpp"

namespace assent {
namespace {

using bench::ParticipantBench;
using Result = FinishDone::Result;
using Status = StatusRead::Status;

ParticipantBench decided(Outcome outcome) {
  ParticipantBench b = bench::working_participant();
  b.prepare();
  b.prepared();
  if (outcome == Outcome::committed)
    b.commit();
  else
    b.abort();
  return b;
}

ParticipantBench proving(Outcome outcome) {
  ParticipantBench b = decided(outcome);
  b.finished(Result::no_such_gid);
  return b;
}

}  // namespace

TEST_CASE("after a yes only the coordinator's word ends the branch", "[P18][P33][I6]") {
  ParticipantBench b = bench::working_participant();
  b.prepare();
  b.prepared();
  for (int i = 0; i < 3; ++i) CHECK(b.tick_after(b.limits.inquiry_interval) == "Inquiry");
  CHECK(b.sent<Inquiry>()->peers == std::vector<std::string>{"orders", "stock"});
  CHECK(b.act(LinkClosed{}).empty());
  CHECK(b.tick_after(Duration(3'000'000)).empty());
  CHECK(b.branch()->state == BranchState::prepared);
  CHECK(b.link_up() == "Hello, RaiseMark, Ready holding 1");
}

TEST_CASE("phase two is tried again for ever, with pauses that double up to the longest", "[P28]") {
  ParticipantBench b = decided(Outcome::committed);
  Duration pause = b.limits.retry_first;
  for (int i = 0; i < 20; ++i) {
    CHECK(b.finished(Result::again, "57P01").empty());
    CHECK(b.tick_after(pause - Duration(1)).empty());
    CHECK(b.tick_after(Duration(1)) == "FinishPrepared committed");
    pause = std::min(pause * 2, b.limits.retry_longest);
  }
  CHECK(b.branch()->trouble == "57P01");
  CHECK(b.finished(Result::done) == "Applied committed applied");
}

TEST_CASE("denied: an operator is called once, and it is tried again slowly", "[P28]") {
  ParticipantBench b = decided(Outcome::committed);
  CHECK(b.finished(Result::denied, "must be owner") == "alarm");
  CHECK(b.branch()->state == BranchState::denied);
  CHECK(b.tick_after(b.limits.retry_longest) == "FinishPrepared committed");
  CHECK(b.finished(Result::denied, "must be owner").empty());
  CHECK(b.tick_after(b.limits.retry_longest) == "FinishPrepared committed");
  CHECK(b.finished(Result::denied, "read-only") == "alarm");
  b.tick_after(b.limits.retry_longest);
  CHECK(b.finished(Result::done) == "Applied committed applied");
}

TEST_CASE("no such gid proves nothing: PostgreSQL's commit log is asked, on the same server",
          "[P29]") {
  ParticipantBench b = decided(Outcome::committed);
  CHECK(b.finished(Result::no_such_gid) == "ReadStatus");
  CHECK(*b.done<ReadStatus>() == ReadStatus{b.gid, 700, bench::server()});
}

TEST_CASE("proof of a commit, in every status", "[P29][P30]") {
  ParticipantBench b = proving(Outcome::committed);
  SECTION("committed") {
    CHECK(b.status(Status::committed) == "Applied committed proved");
  }
  SECTION("aborted: by hand, against the decision") {
    CHECK(b.status(Status::aborted) == "alarm, Applied committed heuristic");
    CHECK(b.tick_after(b.limits.journal_interval) == "WriteJournal");
    const JournalLine& line = b.done<WriteJournal>()->lines.at(0);
    CHECK(line == JournalLine{b.gid, Outcome::aborted, Application::heuristic, 0});
    CHECK(b.commit() == "Applied committed heuristic");
  }
  SECTION("in progress: somebody is at it") {
    CHECK(b.status(Status::in_progress).empty());
    CHECK(b.tick_after(b.limits.retry_first) == "FinishPrepared committed");
  }
  SECTION("unavailable: asked again") {
    CHECK(b.status(Status::unavailable).empty());
    CHECK(b.branch()->state == BranchState::proving);
    CHECK(b.tick_after(b.limits.retry_first) == "ReadStatus");
  }
  SECTION("unknown: the journal is the second witness") {
    CHECK(b.status(Status::unknown) == "ReadJournal");
    SECTION("committed") {
      CHECK(b.journal(Knowledge::committed) == "Applied committed proved");
    }
    SECTION("aborted") {
      CHECK(b.journal(Knowledge::aborted) == "alarm, Applied committed heuristic");
    }
    SECTION("nothing: unproven, never called done") {
      CHECK(b.journal(Knowledge::nothing) == "alarm, Applied committed unproven");
      CHECK(b.commit() == "Applied committed unproven");
    }
    SECTION("told to commit: that is what was decided, not how it ended") {
      CHECK(b.act(JournalRead{b.gid, Knowledge::committed, 5, true, Application::applied, true}) ==
            "alarm, Applied committed unproven");
    }
    SECTION("not available: asked again, from the start") {
      CHECK(b.journal(Knowledge::nothing, false).empty());
      CHECK(b.tick_after(b.limits.retry_first) == "ReadStatus");
    }
  }
}

TEST_CASE("proof of an abort", "[P29][P30]") {
  ParticipantBench b = proving(Outcome::aborted);
  SECTION("aborted") {
    CHECK(b.status(Status::aborted) == "Applied aborted proved");
  }
  SECTION("committed by hand") {
    CHECK(b.status(Status::committed) == "alarm, Applied aborted heuristic");
  }
  SECTION("in progress") {
    b.status(Status::in_progress);
    CHECK(b.tick_after(b.limits.retry_first) == "FinishPrepared aborted");
  }
}

TEST_CASE("a commit for a branch that is not known here is tried, then proved") {
  ParticipantBench b = bench::working_participant();
  CHECK(b.from(Commit{b.gid, 5, 700, bench::server()}) == "FinishPrepared committed");
  b.finished(Result::no_such_gid);
  CHECK(*b.done<ReadStatus>() == ReadStatus{b.gid, 700, bench::server()});
  CHECK(b.status(Status::committed) == "Applied committed proved");
  SECTION("without a witness the journal is asked") {
    b.gid.tx = bench::tx(2);
    b.from(Commit{b.gid, 6, 0, {}});
    CHECK(b.finished(Result::no_such_gid) == "ReadJournal");
  }
}

TEST_CASE("where nobody knows the id, the line that was told has it", "[P44][P29]") {
  ParticipantBench b = bench::working_participant();
  b.from(Commit{b.gid, 6, 0, {}});
  CHECK(b.finished(Result::no_such_gid) == "ReadJournal");
  const auto line = [&](Xid xid) {
    return b.act(
        JournalRead{b.gid, Knowledge::committed, 5, true, Application::applied, true, xid});
  };
  SECTION("and it is proved with it, on this server") {
    CHECK(line(700) == "ReadStatus");
    CHECK(*b.done<ReadStatus>() == ReadStatus{b.gid, 700, bench::server()});
    SECTION("committed") {
      CHECK(b.status(Status::committed) == "Applied committed proved");
    }
    SECTION("unknown: it is asked once") {
      CHECK(b.status(Status::unknown) == "ReadJournal");
      CHECK(line(700) == "alarm, Applied committed unproven");
    }
  }
  SECTION("or not") {
    CHECK(line(0) == "alarm, Applied committed unproven");
  }
}

TEST_CASE("an id of an earlier timeline is this one's where its line is", "[P44][P29]") {
  ParticipantBench b = decided(Outcome::committed);
  const auto line = [&](Xid xid) {
    return b.act(
        JournalRead{b.gid, Knowledge::committed, 5, true, Application::applied, true, xid});
  };
  const auto unwitnessed_on = [&](const ServerIdentity& server) {
    b.act(DatabaseDown{"a failover"});
    b.act(DatabaseUp{server, {}, {}});
    b.link_up();
    b.finished(Result::no_such_gid);
    CHECK(b.status(Status::unknown) == "ReadJournal");
  };
  ServerIdentity server = bench::server(2);
  SECTION("committed before the failover, or not") {
    unwitnessed_on(server);
    CHECK(line(700) == "ReadStatus");
    CHECK(*b.done<ReadStatus>() == ReadStatus{b.gid, 700, server});
    const bool is_there = GENERATE(true, false);
    CHECK(b.status(is_there ? Status::committed : Status::aborted) ==
          (is_there ? "Applied committed proved" : "alarm, Applied committed heuristic"));
  }
  SECTION("it is asked once") {
    unwitnessed_on(server);
    CHECK(line(700) == "ReadStatus");
    CHECK(b.status(Status::unknown) == "ReadJournal");
    CHECK(line(700) == "alarm, Applied committed unproven");
  }
  SECTION("another id, or none") {
    unwitnessed_on(server);
    const Xid xid = GENERATE(0, 701);
    CHECK(line(xid) == "alarm, Applied committed unproven");
  }
  SECTION("another cluster or database, into which the journal was copied") {
    if (GENERATE(true, false))
      ++server.system_identifier;
    else
      server.database = "copy";
    unwitnessed_on(server);
    CHECK(line(700) == "alarm, Applied committed unproven");
  }
}

TEST_CASE("an abort for a branch that had voted yes and is not known here is tried, then proved",
          "[P14][P29][P30]") {
  ParticipantBench b = bench::working_participant();
  const Abort abort{b.gid, 700, bench::server()};
  CHECK(b.from(abort) == "FinishPrepared aborted");
  CHECK(b.from(abort).empty());
  SECTION("prepared after all") {
    CHECK(b.finished(Result::done) == "Applied aborted applied");
  }
  SECTION("gone") {
    b.finished(Result::no_such_gid);
    CHECK(*b.done<ReadStatus>() == ReadStatus{b.gid, 700, bench::server()});
    SECTION("rolled back") {
      CHECK(b.status(Status::aborted) == "Applied aborted proved");
    }
    SECTION("committed by hand") {
      CHECK(b.status(Status::committed) == "alarm, Applied aborted heuristic");
      CHECK(b.from(abort) == "Applied aborted heuristic");
    }
  }
  SECTION("a prepare that comes later is not obeyed") {
    CHECK(b.prepare().empty());
    b.finished(Result::no_such_gid);
    b.status(Status::aborted);
    CHECK(b.prepare() == "Vote no");
  }
}

TEST_CASE("repeated decisions are answered from memory, the other one is not obeyed", "[P24]") {
  ParticipantBench b = decided(Outcome::committed);
  CHECK(b.commit().empty());
  CHECK(b.abort() == "alarm");
  CHECK(b.branch()->decided == Outcome::committed);
  b.finished(Result::done);
  CHECK(b.commit() == "Applied committed applied");
  CHECK(b.abort() == "Applied aborted heuristic");
}

TEST_CASE("a branch that a backup brought back is decided again") {
  ParticipantBench b = bench::working_participant();
  b.end(Outcome::committed);
  b.act(DatabaseDown{"restore"});
  b.database_up({b.held()});
  CHECK(b.link_up() == "Hello, RaiseMark, Ready holding 1");
  CHECK(b.commit() == "FinishPrepared committed");
}

TEST_CASE("COMMIT PREPARED carries the line that is written before it", "[P44]") {
  const ParticipantBench b = decided(Outcome::committed);
  CHECK(*b.done<FinishPrepared>() == FinishPrepared{b.gid, Outcome::committed, 5, 700});
}

TEST_CASE("a branch that a predecessor was told to commit is committed", "[P44]") {
  ParticipantBench b;
  DatabaseUp up{bench::server(), {}, {b.held()}, 0, {{b.gid, 5}}};
  CHECK(b.act(up) == "FinishPrepared committed");
  CHECK(*b.done<FinishPrepared>() == FinishPrepared{b.gid, Outcome::committed, 5, 700});
  CHECK(b.link_up() == "Hello, RaiseMark, Ready");  // it is not in doubt
  CHECK(b.from(Ask{b.gid}) == "Evidence committed");
  CHECK(b.abort() == "alarm");
  CHECK(b.finished(FinishDone::Result::done) == "Applied committed applied");
  SECTION("one that is being ended already goes on") {
    CHECK(b.act(up) == "CloseLink, FinishPrepared committed");
    CHECK(b.act(up).empty());
  }
}

TEST_CASE("evidence is about the decision", "[P40]") {
  ParticipantBench b = bench::working_participant();
  const auto asked = [&] { return b.from(Ask{b.gid}); };
  SECTION("applied") {
    b.end(Outcome::committed);
    CHECK(asked() == "Evidence committed");
    CHECK(b.sent<Evidence>()->sequence == 5);
  }
  SECTION("rolled back") {
    b.end(Outcome::aborted);
    CHECK(asked() == "Evidence aborted");
  }
  SECTION("refused before a vote") {
    b.prepare();
    CHECK(asked().empty());  // on its way
    b.act(PrepareDone{b.gid, PrepareDone::Refused{7, {}}});
    CHECK(asked() == "Evidence aborted");
    b.finished(Result::denied, "must be owner");
    CHECK(asked() == "Evidence aborted");
  }
  SECTION("rolled back by hand, but decided to commit") {
    b = proving(Outcome::committed);
    b.status(Status::aborted);
    CHECK(asked() == "Evidence committed");
  }
  SECTION("committed by hand, but decided to abort") {
    b = proving(Outcome::aborted);
    b.status(Status::committed);
    CHECK(asked() == "Evidence aborted");
  }
  SECTION("decided to commit, and nobody can say how it ended") {
    b = proving(Outcome::committed);
    b.status(Status::unknown);
    b.journal(Knowledge::nothing);
    CHECK(asked() == "Evidence committed");
  }
  SECTION("not in memory: the journal") {
    CHECK(asked() == "ReadJournal");
    SECTION("as decided") {
      CHECK(b.journal(Knowledge::committed) == "Evidence committed");
    }
    SECTION("by hand") {
      CHECK(b.journal(Knowledge::committed, true, Application::heuristic) == "Evidence aborted");
      CHECK(b.journal(Knowledge::aborted, true, Application::heuristic) == "Evidence committed");
    }
    SECTION("nothing") {
      CHECK(b.journal(Knowledge::nothing, true, Application::heuristic) == "Evidence nothing");
    }
    SECTION("not to be had: not even nothing is said") {
      CHECK(b.journal(Knowledge::nothing, false).empty());
    }
    SECTION("the link is gone") {
      b.act(LinkClosed{});
      CHECK(b.journal(Knowledge::committed).empty());
    }
  }
}

}  // namespace assent
