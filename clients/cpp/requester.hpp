// Requests that are repeated where that is safe, until an answer comes or the time is up.
//
// The rule: a lost reply is never read as an outcome. Every request made here may be repeated (it
// reads, it is idempotent, it has a sequence number, or it carries an Idempotency-Key), so it is
// repeated until there is an answer that settles it. Once an attempt may have been carried out
// unseen, an answer that merely refuses the *request* ("overloaded", "malformed") says nothing of
// that earlier attempt; only an answer about the *transaction* does.
#pragma once

#include <optional>
#include <string>

#include <boost/system/result.hpp>

#include "clients/cpp/transport.hpp"

namespace assent::client {

// What can be said of a transaction, as in the `outcome` field of a problem document.
enum class Fate { none, aborted, committed, unknown };
std::string_view to_string(Fate fate);

// A problem document (RFC 9457) as this API sends it.
struct Problem {
  std::string code;  // "lock-timeout"; empty: the answer was not a problem document of ours
  unsigned status = 0;
  std::string title;
  std::string detail;
  std::string remedy;
  Fate fate = Fate::unknown;
  std::string retry;  // never | same-key | new-key | after
  std::string trace_id;
  std::string transaction;  // its id, where the document names one
  // The branch it is about, with PostgreSQL's own fields; empty where there is none.
  std::string participant;
  int statement = -1;
  std::string sqlstate;
  std::string message;
  std::string branch_detail;
  std::string hint;
  std::string constraint;
};
Problem parse_problem(const HttpAnswer& answer);

// Why there is no result.
struct Trouble {
  enum class Kind {
    refused,      // answered by `problem`, which is the last word
    unreachable,  // no attempt reached a server: nothing has happened
    unsettled,    // the time is up and the outcome is not known: ask, or repeat with the same key
  };
  Kind kind = Kind::unsettled;
  Fate fate = Fate::unknown;
  std::string reason;              // one sentence; of the last attempt
  std::optional<Problem> problem;  // of the last attempt that was answered
  std::string body;                // its text, as received
};

template <typename T>
using Result = boost::system::result<T, Trouble>;

struct Patience {
  milliseconds limit{30'000};         // over all attempts
  milliseconds attempt{15'000};       // for one
  milliseconds first_pause{100};      // doubled each time, and varied by a quarter …
  milliseconds longest_pause{2'000};  // … up to this; a Retry-After is heeded beyond it
};

// Any 2xx answer, or the trouble.
Result<HttpAnswer> request(Transport& transport, HttpCall call, const Patience& patience);

}  // namespace assent::client
