#include "participant/postgres/judge.hpp"

#include "protocol/assent.pb.h"
#include "tests/support/catch.hpp"

using namespace assent;

namespace {

Reply ok(std::string tag, std::uint64_t rows = 0) {
  Reply reply;
  reply.kind = Reply::Kind::ok;
  reply.tag = std::move(tag);
  reply.rows = rows;
  return reply;
}
Reply error(std::string sqlstate) {
  Reply reply;
  reply.kind = Reply::Kind::error;
  reply.error.sqlstate = std::move(sqlstate);
  return reply;
}
Reply skipped() {
  Reply reply;
  reply.kind = Reply::Kind::skipped;
  return reply;
}

struct OneShot {
  OneShot() {
    wire::Work work;
    wire::Statement& statement = *work.add_statements();
    statement.set_sql("update t set a = 1");
    statement.set_expect_rows(1);
    auto decoded = Statements::decode(Work{work.SerializeAsString()}, 1000);
    statements = std::move(std::get<0>(decoded));
  }
  PrepareResult judge(std::vector<Reply> replies, bool whole, Xid xid = 7, bool unwanted = false) {
    return judge_prepare({replies, whole, unwanted, statements.get(), 1}, xid, {});
  }
  std::unique_ptr<Statements> statements;
};

Problem problem_of_no(const PrepareResult& result) {
  const auto* no = std::get_if<PrepareDone::No>(&result);
  return no == nullptr ? Problem::none : no->failure.problem;
}

}  // namespace

TEST_CASE("a yes is read from the tag PREPARE TRANSACTION, and needs the xid") {
  OneShot shot;
  const auto yes = shot.judge({ok("BEGIN"), ok("UPDATE", 1), ok("PREPARE TRANSACTION")}, true);
  REQUIRE(std::holds_alternative<PrepareDone::Yes>(yes));
  CHECK(std::get<PrepareDone::Yes>(yes).xid == 7);
  const auto late = shot.judge({ok("BEGIN"), ok("UPDATE", 1), ok("PREPARE TRANSACTION")}, false);
  CHECK(std::holds_alternative<PrepareDone::Yes>(late));
  const auto no_xid =
      shot.judge({ok("BEGIN"), ok("UPDATE", 1), ok("PREPARE TRANSACTION")}, true, 0);
  CHECK(std::holds_alternative<PrepareDone::Refused>(no_xid));
}

TEST_CASE("ROLLBACK without an error is a no") {
  OneShot shot;
  const auto result = shot.judge({ok("BEGIN"), ok("UPDATE", 1), ok("ROLLBACK")}, true);
  CHECK(problem_of_no(result) == Problem::cannot_prepare);
}

TEST_CASE("prepared, but not as it should be: refused") {
  OneShot shot;
  for (const Reply& work : {ok("UPDATE", 2), ok("COMMIT", 1)}) {
    const auto result = shot.judge({ok("BEGIN"), work, ok("PREPARE TRANSACTION")}, true);
    REQUIRE(std::holds_alternative<PrepareDone::Refused>(result));
    CHECK(std::get<PrepareDone::Refused>(result).failure.statement == 0);
  }
}

TEST_CASE("an error before PREPARE is a no, even when the connection is lost after it") {
  OneShot shot;
  CHECK(problem_of_no(shot.judge({ok("BEGIN"), error("40P01"), skipped()}, true)) ==
        Problem::deadlock);
  CHECK(problem_of_no(shot.judge({ok("BEGIN"), error("57P01"), Reply{}}, false)) ==
        Problem::participant_unavailable);
  CHECK(problem_of_no(shot.judge({error("08P01"), skipped(), skipped()}, true)) ==
        Problem::statement_failed);
}

TEST_CASE("a connection lost with PREPARE under way proves nothing, whatever PREPARE's own error") {
  OneShot shot;
  for (const Reply& last : {Reply{}, error("57P01"), error("XX000")}) {
    const auto result = shot.judge({ok("BEGIN"), ok("UPDATE", 1), last}, false);
    CHECK(std::holds_alternative<PrepareDone::Lost>(result));
  }
  const auto all = shot.judge({Reply{}, Reply{}, Reply{}}, false);
  CHECK(std::holds_alternative<PrepareDone::Lost>(all));
}

TEST_CASE("PREPARE's own error in a session that lives on is a no, with the remedy") {
  OneShot shot;
  const auto result = shot.judge({ok("BEGIN"), ok("UPDATE", 1), error("55000")}, true);
  REQUIRE(problem_of_no(result) == Problem::cannot_prepare);
  CHECK(std::get<PrepareDone::No>(result).failure.message.find("max_prepared_transactions") !=
        std::string::npos);
}

TEST_CASE("a cancel that we asked for is not the deadline's") {
  OneShot shot;
  CHECK(problem_of_no(shot.judge({ok("BEGIN"), error("57014"), skipped()}, true)) ==
        Problem::deadline_exceeded);
  CHECK(problem_of_no(shot.judge({ok("BEGIN"), error("57014"), skipped()}, true, 7, true)) ==
        Problem::rolled_back);
}

TEST_CASE("a branch that only read is committed, or it is a no") {
  const auto judge = [](Reply last, bool whole) {
    return judge_commit({std::vector<Reply>{std::move(last)}, whole}, {});
  };
  CHECK(std::holds_alternative<PrepareDone::ReadOnly>(judge(ok("COMMIT"), true)));
  CHECK(problem_of_no(judge(ok("ROLLBACK"), true)) == Problem::statement_failed);
  CHECK(problem_of_no(judge(Reply{}, false)) == Problem::participant_unavailable);
}
