#include "protocol/runtime/reloading.hpp"

#include <csignal>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include <boost/asio/signal_set.hpp>

#include "protocol/runtime/asio.hpp"
#include "protocol/runtime/log.hpp"

namespace assent {

struct Reloading::Impl : std::enable_shared_from_this<Impl> {
  struct Part {
    std::string what;
    std::function<void()> apply;
  };

  Impl(net::io_context& io, const Config& config, std::function<Config()> again)
      : signals(io, SIGHUP), in_force(config), read(std::move(again)) {}

  void wait() {
    signals.async_wait([weak = weak_from_this()](Error error, int) {
      const auto self = weak.lock();
      if (error || !self) return;
      self->reload();
      self->wait();
    });
  }

  void reload() {
    attempt({"log level", [this] { take_log_level(); }});
    for (const Part& part : parts) attempt(part);
  }

  static void attempt(const Part& part) {
    try {
      part.apply();
      log::info("read again on SIGHUP", {{"what", part.what}});
    } catch (const std::runtime_error& error) {
      log::error("cannot be used on SIGHUP; what was in force before stays",
                 {{"what", part.what}, {"reason", error.what()}});
    }
  }

  void take_log_level() {
    const Config fresh = read();
    std::string others;
    for (const std::string& key : fresh.changes_from(in_force))
      if (!keys.contains(key)) others += (others.empty() ? "" : ", ") + key;
    if (!others.empty())
      log::warning("changed in the configuration, but read at the start only; restart to apply",
                   {{"keys", others}});
    log::set_level(log::parse_level(fresh.text("log.level")).value_or(log::Level::info));
  }

  net::signal_set signals;
  const Config& in_force;
  std::function<Config()> read;
  std::vector<Part> parts;
  std::set<std::string> keys{"log.level"};  // that some part reads again
};

Reloading::Reloading(net::io_context& io, const Config& config, std::function<Config()> read)
    : impl_(std::make_shared<Impl>(io, config, std::move(read))) {
  impl_->wait();
}

Reloading::~Reloading() {
  Error ignored;
  impl_->signals.cancel(ignored);
}

void Reloading::add(std::string what, std::function<void()> apply) {
  impl_->parts.push_back({std::move(what), std::move(apply)});
}

void Reloading::add(std::string what, std::vector<std::string> keys,
                    std::function<void(const Config&)> apply) {
  for (std::string& key : keys) impl_->keys.insert(std::move(key));
  add(std::move(what), [impl = impl_.get(), apply = std::move(apply)] { apply(impl->read()); });
}

}  // namespace assent
