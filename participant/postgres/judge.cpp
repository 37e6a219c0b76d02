#include "participant/postgres/judge.hpp"

#include "participant/postgres/sqlstate.hpp"

namespace assent {
namespace {

Failure failure(Problem problem, std::string message) {
  Failure made;
  made.problem = problem;
  made.message = std::move(message);
  return made;
}

Results results_of(const Answers& answers, const TypeNames& types) {
  if (answers.statements == nullptr) return {};
  return answers.statements->results(answers.replies, answers.first, types);
}

PrepareResult no(const Answers& answers, Failure why) {
  if (answers.unwanted && why.sqlstate == "57014") why.problem = Problem::rolled_back;
  return PrepareDone::No{std::move(why)};
}

// The failure of PREPARE TRANSACTION itself, with the remedy where PostgreSQL gives none.
Failure prepare_failure(const SqlError& error) {
  Failure made = failure_of(error, problem_of(error.sqlstate, Stage::prepare), -1);
  const std::string_view remedy = prepare_remedy(error.sqlstate);
  if (!remedy.empty()) made.message += ". " + std::string(remedy);
  return made;
}

}  // namespace

std::optional<Failure> failure_before_last(const Answers& answers) {
  for (std::size_t i = 0; i < answers.first; ++i)
    if (answers.replies[i].kind == Reply::Kind::error) {
      const SqlError& error = answers.replies[i].error;
      return failure_of(error, problem_of(error.sqlstate, Stage::statement), -1);
    }
  if (answers.statements == nullptr) return std::nullopt;
  return answers.statements->first_failure(answers.replies, answers.first);
}

PrepareResult judge_prepare(const Answers& answers, Xid xid, const TypeNames& types) {
  const Reply& last = answers.replies.back();
  if (last.ok() && last.tag == "PREPARE TRANSACTION") {
    if (auto why = failure_before_last(answers)) return PrepareDone::Refused{xid, std::move(*why)};
    if (xid == 0)
      return PrepareDone::Refused{
          0, failure(Problem::cannot_prepare, "The branch's transaction id could not be read.")};
    return PrepareDone::Yes{xid, results_of(answers, types)};
  }
  // An error of an earlier command proves that PostgreSQL skipped the PREPARE.
  for (const Reply& reply : answers.replies)
    if (&reply != &last && reply.kind == Reply::Kind::error)
      return no(answers, failure_before_last(answers).value_or(
                             failure_of(reply.error, Problem::statement_failed, -1)));
  // Its own error proves that there is no prepared transaction only if the session lived on.
  if (!answers.whole) return PrepareDone::Lost{};
  if (last.kind == Reply::Kind::error) return no(answers, prepare_failure(last.error));
  if (auto why = failure_before_last(answers)) return no(answers, std::move(*why));
  return no(answers,
            failure(Problem::cannot_prepare, "PostgreSQL answered PREPARE TRANSACTION with " +
                                                 (last.tag.empty() ? "nothing" : last.tag) +
                                                 ": the transaction had already failed."));
}

PrepareResult judge_commit(const Answers& answers, const TypeNames& types) {
  const Reply& last = answers.replies.back();
  if (auto why = failure_before_last(answers)) return no(answers, std::move(*why));
  if (last.ok() && last.tag == "COMMIT") return PrepareDone::ReadOnly{results_of(answers, types)};
  if (last.kind == Reply::Kind::error)
    return no(answers,
              failure_of(last.error, problem_of(last.error.sqlstate, Stage::statement), -1));
  if (last.ok())
    return no(answers, failure(Problem::statement_failed,
                               "PostgreSQL answered COMMIT with " + last.tag + "."));
  return no(answers,
            failure(Problem::participant_unavailable, "The connection to the database was lost."));
}

}  // namespace assent
