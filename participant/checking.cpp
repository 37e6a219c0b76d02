#include "participant/checking.hpp"

#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "protocol/runtime/clock.hpp"

namespace assent {

namespace net = boost::asio;
namespace json = boost::json;

struct Checking::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::io_context& loop, std::string participant, std::function<Findings()> look)
      : io(loop), name(std::move(participant)), check(std::move(look)) {}

  void begin() {
    if (thread.joinable()) thread.join();  // it has reported: this is its end
    busy = true;
    // Whatever the thread has posted after this is gone, does nothing.
    thread = std::thread([this, weak = weak_from_this()] {
      Findings found;
      try {
        found = check();
      } catch (const std::exception& error) {
        found.push_back({Finding::Severity::error, "The check failed: " + std::string(error.what()),
                         "See this participant's log."});
      }
      net::post(io, [weak, found = std::move(found)] {
        if (const auto self = weak.lock()) self->done(found);
      });
    });
  }

  void done(const Findings& found) {
    busy = false;
    const std::string text = document(found);
    for (const auto& answer : std::exchange(asking, {})) answer(text);
  }

  std::string document(const Findings& found) const {
    json::array findings;
    for (const Finding& finding : found)
      findings.push_back({{"severity", to_string(finding.severity)},
                          {"what", finding.what},
                          {"why", finding.why},
                          {"remedy", finding.remedy}});
    return json::serialize(json::object{{"participant", name},
                                        {"version", ASSENT_VERSION},
                                        {"at_ms", read_clock().wall_ms},
                                        {"findings", std::move(findings)}});
  }

  net::io_context& io;
  const std::string name;
  const std::function<Findings()> check;
  bool busy = false;
  std::vector<std::function<void(std::string)>> asking;
  std::thread thread;
};

Checking::Checking(net::io_context& io, std::string participant, std::function<Findings()> check)
    : impl_(std::make_shared<Impl>(io, std::move(participant), std::move(check))) {}

Checking::~Checking() {
  impl_->asking.clear();
  if (impl_->thread.joinable()) impl_->thread.join();
}

void Checking::ask(std::function<void(std::string)> answer) {
  impl_->asking.push_back(std::move(answer));
  if (!impl_->busy) impl_->begin();
}

}  // namespace assent
