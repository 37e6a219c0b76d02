// A transport that plays a script: the answers in their order, and a clock that moves by itself.
#pragma once

#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "clients/cpp/transport.hpp"

namespace assent::client {

inline HttpAnswer answer(unsigned status, std::string body,
                         std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}
inline HttpAnswer problem(unsigned status, const std::string& code, const std::string& outcome,
                          const std::string& retry, const std::string& more = {}) {
  return answer(status, R"({"title":"Title of )" + code + R"(","code":")" + code +
                            R"(","detail":"Its detail","outcome":")" + outcome + R"(","retry":")" +
                            retry + R"(","remedy":"Its remedy")" + more + "}");
}
inline HttpFailure unreachable() {
  return {.kind = HttpFailure::Kind::unreachable, .message = "nobody there", .sent = false};
}
inline HttpFailure lost() {
  return {.kind = HttpFailure::Kind::closed, .message = "closed without an answer", .sent = true};
}

// What happened, kept after the transport has gone into a client.
struct Played {
  std::vector<HttpCall> calls;
  std::vector<milliseconds> pauses;
};

class ScriptedTransport final : public Transport {
 public:
  // After the script its last line is repeated for ever.
  ScriptedTransport(std::deque<Exchange> script, Played& played)
      : script_(std::move(script)), played_(played) {}

  Exchange call(const HttpCall& call) override {
    played_.calls.push_back(call);
    now_ += milliseconds(1);
    if (script_.empty()) throw std::logic_error("an unexpected call: " + call.target);
    Exchange next = script_.front();
    if (script_.size() > 1) script_.pop_front();
    return next;
  }
  std::chrono::steady_clock::time_point now() const override { return now_; }
  void wait(milliseconds time) override {
    played_.pauses.push_back(time);
    now_ += time;
  }

 private:
  std::deque<Exchange> script_;
  Played& played_;
  std::chrono::steady_clock::time_point now_{};
};

inline std::unique_ptr<Transport> play(std::deque<Exchange> script, Played& played) {
  return std::make_unique<ScriptedTransport>(std::move(script), played);
}

}  // namespace assent::client
