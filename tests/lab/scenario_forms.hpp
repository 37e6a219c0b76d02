// Every sentence of the scenario language. Words in capitals are places:
//
//   NEW      a name that is given here               TX      a transaction named before
//   NAME     a session (named by its first use) or a transaction
//   DB       bank_a, bank_b …                         ACCOUNT bank_a/1
//   DAEMON   coordinator, bank_a (its participant)    PROCESS a daemon, or bank_a.db (PostgreSQL)
//   LINK     bank_a-coordinator, bank_a-database, client-coordinator
//   POINT    a crash point of that daemon             ORDER   kill, error, delay:2s; kill@3,
//   error@2+ TIME     3s, 500ms     NUMBER, VALUE, WORD        TEXT    the rest of the line
#pragma once

#include <string_view>

namespace assent::lab {

enum class Verb {
  title,
  watch,
  databases,
  setting,  // before the first step
  transfer,
  transfer_retrying,
  run,
  begin,
  statement,
  commit,
  rollback,
  kill,
  stop,
  go_on,
  start,
  start_with,
  start_ordering,
  terminate,
  order,
  release,
  hold,
  hold_towards,
  delay,
  slow,
  reset,
  heal,
  fail_disk,
  by_hand_commit,
  by_hand_rollback,
  copy_ledger,
  put_back,
  second,
  second_copy,
  lead,
  lead_back,
  expect,
  eventually,
};

// What expect and eventually can look at.
enum class Seen {
  committed,
  aborted,
  in_doubt,
  in_doubt_at,
  answered,
  unanswered,
  damaged,
  blocked,
  blocked_by,
  done,
  failed,
  failed_with,
  saw,
  running,
  dead,
  ready,
  says,
  second_refused,
  sum,
  value,
  prepared,
  counted,
};

struct VerbForm {
  Verb verb;
  std::string_view form;
  std::string_view help;
};
struct SeenForm {
  Seen seen;
  std::string_view form;
  std::string_view help;
};

inline constexpr VerbForm kVerbs[] = {
    {Verb::title, "title TEXT", "what the scenario is about"},
    {Verb::watch, "watch TEXT", "one thing to watch for; three of them make a lesson"},
    {Verb::databases, "databases NUMBER", "how many banks: bank_a, bank_b …; 2 unless said"},
    {Verb::setting, "setting WORD VALUE", "a setting of every PostgreSQL server"},
    {Verb::transfer, "NEW: transfer NUMBER from ACCOUNT to ACCOUNT",
     "one request, in the background"},
    {Verb::transfer_retrying, "NEW: transfer NUMBER from ACCOUNT to ACCOUNT retrying",
     "… repeated with the same key until it is answered"},
    {Verb::run, "NEW: run", "the same with statements of your own, on indented lines: bank_a: SQL"},
    {Verb::begin, "NEW: begin", "an interactive transaction"},
    {Verb::statement, "NAME at DB: TEXT",
     "a statement of an interactive transaction, or of a plain session"},
    {Verb::commit, "TX: commit", "asks for the commit of an interactive transaction"},
    {Verb::rollback, "TX: rollback", "asks for its rollback"},
    {Verb::kill, "kill PROCESS", "kill -9; of PostgreSQL: the postmaster and every backend"},
    {Verb::stop, "stop PROCESS", "SIGSTOP: it hangs"},
    {Verb::go_on, "continue PROCESS", "SIGCONT"},
    {Verb::start, "start PROCESS", "starts it again"},
    {Verb::start_with, "start coordinator with TEXT", "… with options, such as --restored"},
    {Verb::start_ordering, "start DAEMON ordering POINT ORDER",
     "… with an order for a crash point, by ASSENT_CRASH_POINTS"},
    {Verb::terminate, "terminate backends of DB",
     "pg_terminate_backend of the participant's backends"},
    {Verb::order, "order POINT ORDER at DAEMON",
     "what happens when it next passes that crash point"},
    {Verb::release, "release POINT at DAEMON", "takes the order back"},
    {Verb::hold, "hold LINK", "a partition: nothing gets through, nobody is told"},
    {Verb::hold_towards, "hold LINK towards WORD",
     "in one direction: towards the link's first or second name"},
    {Verb::delay, "delay LINK by TIME", "everything arrives so much later"},
    {Verb::slow, "slow LINK", "one byte a second"},
    {Verb::reset, "reset LINK", "open connections end by RST"},
    {Verb::heal, "heal LINK", "what was held moves on; no more delay"},
    {Verb::fail_disk, "fail WORD number NUMBER with WORD at coordinator",
     "that call on the ledger, from now on counted, fails: pwrite or fdatasync, EIO or ENOSPC"},
    {Verb::by_hand_commit, "commit TX by hand at DB", "COMMIT PREPARED, as a person would"},
    {Verb::by_hand_rollback, "roll back TX by hand at DB", "ROLLBACK PREPARED, as a person would"},
    {Verb::copy_ledger, "copy the ledger", "keeps a copy of the coordinator's folder"},
    {Verb::put_back, "put the ledger back", "the copy takes the ledger's place"},
    {Verb::second, "start a second coordinator", "… on the same folder; it must end by itself"},
    {Verb::second_copy, "start a second coordinator on the copy",
     "… on the copy; participants go on dialling the first"},
    {Verb::lead, "lead DB to the second coordinator", "what its participant dials now ends there"},
    {Verb::lead_back, "lead DB back", "… and at the first again"},
    {Verb::expect, "expect CONDITION", "must be so now"},
    {Verb::eventually, "eventually CONDITION",
     "must become so, within 10s unless `within TIME` stands at the end"},
};

inline constexpr SeenForm kConditions[] = {
    {Seen::committed, "TX committed", "in all its databases, exactly once; nothing prepared"},
    {Seen::aborted, "TX aborted", "in none of its databases; nothing prepared"},
    {Seen::in_doubt, "TX in-doubt", "prepared in some database"},
    {Seen::in_doubt_at, "TX in-doubt at DB", "… in that one"},
    {Seen::answered, "TX answered WORD",
     "what its client was told: committed, aborted, none or unknown"},
    {Seen::unanswered, "TX unanswered", "its client still waits"},
    {Seen::damaged, "TX damaged", "the coordinator says that a branch ended against the decision"},
    {Seen::blocked, "NAME blocked", "the session waits for a lock"},
    {Seen::blocked_by, "NAME blocked by NAME", "… that the other holds, or waits for in its turn"},
    {Seen::done, "NAME done", "its last statement has succeeded"},
    {Seen::failed, "NAME failed", "its last statement has failed"},
    {Seen::failed_with, "NAME failed with WORD", "… with that SQLSTATE, or problem of the API"},
    {Seen::saw, "NAME saw TEXT", "the first value that its last statement returned"},
    {Seen::running, "PROCESS running", ""},
    {Seen::dead, "PROCESS dead", ""},
    {Seen::ready, "PROCESS ready", "as /readyz of a daemon says; PostgreSQL: it answers"},
    {Seen::says, "DAEMON says TEXT", "in its log, since its last start"},
    {Seen::second_refused, "second coordinator refused", "it has ended by itself, with an error"},
    {Seen::sum, "sum WORD is NUMBER", "of table.column, over all databases"},
    {Seen::value, "value at DB is VALUE: TEXT", "of a query's only row and column"},
    {Seen::prepared, "prepared is NUMBER", "prepared transactions of Assent, over all databases"},
    {Seen::counted, "POINT passed at DAEMON", "… since it was ordered"},
};

}  // namespace assent::lab
