// One transaction as GET shows it: now, or as soon as it has changed.
#pragma once

#include <string>
#include <variant>

#include "coordinator/watchers.hpp"
#include "protocol/runtime/callers.hpp"
#include "protocol/runtime/http_wait.hpp"

namespace assent {

class Engine;
struct Call;

inline constexpr Duration kLongestWait{60'000};

// How long the client wants to wait at most, by `?wait=`; zero: not at all.
std::variant<Duration, Failure> parse_wait(const HttpRequest& request);

class TransactionWait final : public HttpWait {
 public:
  // The engine outlives this.
  TransactionWait(const Call& call, const TxId& tx, Duration longest);
  ~TransactionWait() override;

  // Looks at it. Whether something may still happen that the client does not know, and it waits
  // for that.
  bool begins();
  void on_ready(std::function<void()> ready) override;
  HttpResponse answer() override;

 private:
  HttpResponse shown() const;
  bool matches(const std::string& etag) const;

  Engine& engine_;
  const CallerPtr caller_;
  const TxId tx_;
  const std::string if_none_match_;
  const std::string trace_id_;
  std::string etag_;  // as the transaction was when it began to wait
  Watchers::Watcher watcher_ = 0;
};

}  // namespace assent
