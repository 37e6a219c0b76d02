#include "tests/integration/system/recorded.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>

#include <unistd.h>

namespace assent::test {
namespace {

// Beyond it a body is not kept, only that it was.
constexpr std::size_t kMostBody = 256 * 1024;

// Any bytes, as two digits each: what is sent need not be text.
std::string hex(const std::string& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string body_of(const std::string& body) {
  return body.size() > kMostBody ? "null" : '"' + hex(body) + '"';
}

// One line of JSON for each exchange, in one file for each process.
class Record {
 public:
  explicit Record(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    out_.open(folder / (std::to_string(::getpid()) + ".jsonl"), std::ios::app);
    if (!out_) throw std::runtime_error("cannot write to " + folder.string());
  }

  void add(const HttpCall& call, const HttpAnswer& answer) {
    const std::lock_guard lock(mutex_);
    out_ << R"({"method":")" << hex(call.method) << R"(","target":")" << hex(call.target)
         << R"(","request":)" << body_of(call.body) << R"(,"status":)" << answer.status
         << R"(,"content_type":")" << hex(std::string(answer.header("content-type").value_or("")))
         << R"(","retry_after":)" << (answer.header("retry-after") ? "true" : "false")
         << R"(,"response":)" << body_of(answer.body) << "}\n";
    out_.flush();
  }

 private:
  std::mutex mutex_;
  std::ofstream out_;
};

class Recorded final : public client::Transport {
 public:
  Recorded(std::unique_ptr<client::Transport> to, Record& record)
      : to_(std::move(to)), record_(record) {}
  client::Exchange call(const HttpCall& call) override {
    client::Exchange exchange = to_->call(call);
    if (const auto* answer = std::get_if<HttpAnswer>(&exchange)) record_.add(call, *answer);
    return exchange;
  }
  std::chrono::steady_clock::time_point now() const override { return to_->now(); }
  void wait(client::milliseconds time) override { to_->wait(time); }

 private:
  std::unique_ptr<client::Transport> to_;
  Record& record_;
};

}  // namespace

std::unique_ptr<client::Transport> transport_to(const std::string& url,
                                                const HttpClientOptions& options) {
  auto transport = client::make_http_transport(url, options);
  const char* const folder = std::getenv("RECORD_TRAFFIC");
  if (!folder) return transport;
  static Record record{folder};
  return std::make_unique<Recorded>(std::move(transport), record);
}

}  // namespace assent::test
