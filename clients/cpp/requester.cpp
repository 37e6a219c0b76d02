#include "clients/cpp/requester.hpp"

#include <algorithm>
#include <charconv>
#include <random>

#include <boost/json.hpp>

#include "clients/cpp/json.hpp"

namespace assent::client {
namespace {

Fate parse_fate(std::string_view text) {
  if (text == "none") return Fate::none;
  if (text == "aborted") return Fate::aborted;
  if (text == "committed") return Fate::committed;
  return Fate::unknown;
}

std::optional<milliseconds> retry_after(const HttpAnswer& answer) {
  const auto text = answer.header("retry-after");
  if (!text) return std::nullopt;
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, 3600U));
}

// Whether asking again can bring another answer.
bool is_temporary(const Problem& problem) {
  if (problem.fate == Fate::aborted || problem.fate == Fate::committed) return false;
  if (problem.code.empty()) return problem.status >= 500;  // a proxy in between, say
  return problem.retry == "same-key" || problem.retry == "after";
}

milliseconds varied(milliseconds time) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<milliseconds::rep> percent(75, 125);
  return time * percent(random) / 100;
}

// What is known so far of one request over its attempts.
struct Attempts {
  bool perhaps_done = false;  // one of them may have been carried out unseen
  Trouble last;

  Trouble give_up() const {
    Trouble trouble = last;
    if (trouble.kind == Trouble::Kind::unreachable && !perhaps_done) return trouble;
    if (trouble.problem && !perhaps_done && trouble.fate != Fate::unknown) return trouble;
    trouble.kind = Trouble::Kind::unsettled;
    trouble.fate = Fate::unknown;
    return trouble;
  }
};

}  // namespace

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::none:
      return "none";
    case Fate::aborted:
      return "aborted";
    case Fate::committed:
      return "committed";
    case Fate::unknown:
      return "unknown";
  }
  return "?";
}

Problem parse_problem(const HttpAnswer& answer) {
  Problem problem;
  problem.status = answer.status;
  problem.title = "HTTP status " + std::to_string(answer.status);
  // A stranger's refusal (a proxy, another service at that address): the request went no further.
  if (answer.status >= 400 && answer.status < 500 && answer.status != 408)
    problem.fate = Fate::none;
  boost::system::error_code error;
  const boost::json::value document = boost::json::parse(answer.body, error);
  const boost::json::object* fields = document.if_object();
  if (error || !fields || text_of(*fields, "code").empty()) return problem;
  problem.code = text_of(*fields, "code");
  problem.title = text_of(*fields, "title");
  problem.detail = text_of(*fields, "detail");
  problem.remedy = text_of(*fields, "remedy");
  problem.fate = parse_fate(text_of(*fields, "outcome"));
  problem.retry = text_of(*fields, "retry");
  problem.trace_id = text_of(*fields, "trace_id");
  problem.transaction = text_of(*fields, "transaction");
  if (const boost::json::object* branch = object_of(*fields, "branch")) {
    problem.participant = text_of(*branch, "participant");
    problem.statement = static_cast<int>(integer_of(*branch, "statement").value_or(-1));
    problem.sqlstate = text_of(*branch, "sqlstate");
    problem.message = text_of(*branch, "message");
    problem.branch_detail = text_of(*branch, "detail");
    problem.hint = text_of(*branch, "hint");
    problem.constraint = text_of(*branch, "constraint");
  }
  return problem;
}

Result<HttpAnswer> request(Transport& transport, HttpCall call, const Patience& patience) {
  const auto deadline = transport.now() + patience.limit;
  const auto left = [&] {
    return std::chrono::duration_cast<milliseconds>(deadline - transport.now());
  };
  Attempts attempts;
  milliseconds backoff = patience.first_pause;
  for (;;) {
    milliseconds pause = varied(backoff);
    backoff = std::min(backoff * 2, patience.longest_pause);

    const milliseconds time = std::max(std::min(patience.attempt, left()), milliseconds(1));
    call.timeout = time;
    Exchange exchange = transport.call(call);
    if (auto* answer = std::get_if<HttpAnswer>(&exchange)) {
      if (answer->status >= 200 && answer->status < 300) return std::move(*answer);
      Problem problem = parse_problem(*answer);
      const bool temporary = is_temporary(problem);
      if (const auto asked = retry_after(*answer)) pause = std::max(pause, *asked);
      attempts.last = {Trouble::Kind::refused, problem.fate, problem.title, problem, answer->body};
      // A stranger's 5xx may hide that our request went through.
      if (problem.code.empty() && problem.status >= 500) attempts.perhaps_done = true;
      if (!temporary) {
        const bool settles = problem.fate == Fate::aborted || problem.fate == Fate::committed;
        if (settles) return attempts.last;
        if (!attempts.perhaps_done && problem.fate != Fate::unknown) return attempts.last;
        return attempts.give_up();
      }
    } else {
      const HttpFailure& failure = std::get<HttpFailure>(exchange);
      attempts.perhaps_done |= failure.sent;
      attempts.last = {failure.sent ? Trouble::Kind::unsettled : Trouble::Kind::unreachable,
                       failure.sent ? Fate::unknown : Fate::none,
                       failure.message,
                       {},
                       {}};
    }
    if (pause >= left()) return attempts.give_up();
    transport.wait(pause);
  }
}

}  // namespace assent::client
