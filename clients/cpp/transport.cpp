#include "clients/cpp/transport.hpp"

#include <thread>

namespace assent::client {
namespace {

class HttpTransport final : public Transport {
 public:
  HttpTransport(const std::string& url, const HttpClientOptions& options) : http_(url, options) {}
  Exchange call(const HttpCall& call) override { return http_.call(call); }
  std::chrono::steady_clock::time_point now() const override {
    return std::chrono::steady_clock::now();
  }
  void wait(milliseconds time) override { std::this_thread::sleep_for(time); }

 private:
  HttpClient http_;
};

}  // namespace

std::unique_ptr<Transport> make_http_transport(const std::string& url,
                                               const HttpClientOptions& options) {
  return std::make_unique<HttpTransport>(url, options);
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string result;
  for (const char c : text) {
    if (kPlain.find(c) != kPlain.npos) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += kDigits[byte >> 4];
    result += kDigits[byte & 15];
  }
  return result;
}

}  // namespace assent::client
