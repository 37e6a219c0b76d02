#include <algorithm>
#include <stdexcept>

#include "protocol/runtime/address.hpp"
#include "protocol/runtime/link.hpp"
#include "protocol/runtime/random.hpp"
#include "protocol/runtime/websocket_link.hpp"

namespace assent {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Between half and the whole of it, so that participants do not come back in step.
milliseconds jittered(milliseconds delay) {
  const auto half = static_cast<std::uint64_t>(delay.count()) / 2;
  return milliseconds(static_cast<std::int64_t>(half + random_below(half + 1)));
}

}  // namespace

// One attempt after the other: resolve ─▶ connect ─▶ handshake ─▶ up ─▶ lost ─▶ pause ─▶ resolve …
// Each attempt has a number; what still arrives from an earlier one is ignored.
struct LinkDialer::Impl : std::enable_shared_from_this<LinkDialer::Impl> {
  Impl(net::io_context& context, std::vector<std::string> texts, std::string resource,
       LinkOptions link_options, Backoff pauses, Callbacks called)
      : path(std::move(resource)),
        options(link_options),
        backoff(pauses),
        callbacks(std::move(called)),
        resolver(context),
        socket(context),
        timer(context) {
    for (const auto& text : texts) {
      auto address = parse_address(text);
      if (!address) throw std::runtime_error("\"" + text + "\" is not an address host:port");
      addresses.push_back(std::move(*address));
    }
    if (addresses.empty()) throw std::runtime_error("there is no address to dial");
  }

  const Address& address() const { return addresses[next % addresses.size()]; }

  void dial() {
    const auto attempt = ++attempts;
    limit(attempt);
    Error not_numeric;
    const auto number = net::ip::make_address(address().host, not_numeric);
    if (!not_numeric) return connect(attempt, {Tcp::endpoint(number, address().port)});
    resolver.async_resolve(
        address().host, std::to_string(address().port),
        [self = shared_from_this(), attempt](Error error, const Resolver::results_type& found) {
          if (attempt != self->attempts) return;
          if (error) return self->failed("cannot resolve the name: " + error.message());
          std::vector<Tcp::endpoint> endpoints;
          for (const auto& entry : found) endpoints.push_back(entry.endpoint());
          self->connect(attempt, std::move(endpoints));
        });
  }

  // Bounds resolving and connecting; the handshake is bounded by the link itself.
  void limit(std::uint64_t attempt) {
    timer.expires_after(options.silence);
    timer.async_wait([self = shared_from_this(), attempt](Error error) {
      if (!error && attempt == self->attempts) self->failed("no answer in time");
    });
  }

  void connect(std::uint64_t attempt, std::vector<Tcp::endpoint> endpoints) {
    auto kept = std::make_shared<std::vector<Tcp::endpoint>>(std::move(endpoints));
    net::async_connect(
        socket, *kept,
        [self = shared_from_this(), attempt, kept](Error error, const Tcp::endpoint&) {
          if (attempt != self->attempts) return;
          if (error) return self->failed("cannot connect: " + error.message());
          self->shake_hands(attempt);
        });
  }

  void shake_hands(std::uint64_t attempt) {
    timer.cancel();
    opening = std::make_shared<WebSocketLink>(
        tls ? Stream(std::move(socket), *tls) : Stream(std::move(socket)), options);
    opening->connect(address(), path, token,
                     [self = shared_from_this(), attempt](std::string_view failure) {
                       if (attempt != self->attempts) return;
                       if (!failure.empty()) return self->failed(failure);
                       self->up(attempt);
                     });
  }

  void up(std::uint64_t attempt) {
    running = std::move(opening);
    const auto link = running;
    up_since = steady_clock::now();
    failures = 0;
    held = hold(link);
    callbacks.on_up(held);
    if (attempt != attempts) return;  // stopped by that call
    link->run(
        {[self = shared_from_this()](std::string_view frame) { self->callbacks.on_frame(frame); },
         [self = shared_from_this()](std::string_view reason) { self->down(reason); }});
  }

  void down(std::string_view reason) {
    const auto attempt = ++attempts;
    running.reset();
    held.reset();
    // A link that breaks at once again must not be dialed at full speed.
    if (steady_clock::now() - up_since >= backoff.longest) pause = {};
    callbacks.on_down(reason);
    if (attempt == attempts) dial_later();
  }

  void failed(std::string_view reason) {
    const auto attempt = ++attempts;
    const std::string text = to_string(address()) + ": " + std::string(reason);
    abandon_attempt();
    ++next;
    callbacks.on_failed(text);
    if (attempt != attempts) return;  // stopped by that call
    if (++failures % addresses.size() != 0) return dial();
    dial_later();
  }

  void dial_later() {
    pause = pause.count() == 0 ? backoff.first : std::min(pause * 2, backoff.longest);
    timer.expires_after(jittered(pause));
    timer.async_wait([self = shared_from_this(), attempt = attempts](Error error) {
      if (!error && attempt == self->attempts) self->dial();
    });
  }

  void abandon_attempt() {
    resolver.cancel();
    Error ignored;
    socket.close(ignored);
    timer.cancel();
    if (opening) opening->abandon();
    opening.reset();
  }

  void stop() {
    ++attempts;
    abandon_attempt();
    if (running) running->abandon();
    running.reset();
    held.reset();
  }

  std::vector<Address> addresses;
  std::string path;
  TlsContext tls;
  std::string token;
  LinkOptions options;
  Backoff backoff;
  Callbacks callbacks;
  Resolver resolver;
  Socket socket;
  Timer timer;
  std::shared_ptr<WebSocketLink> opening;
  std::shared_ptr<WebSocketLink> running;
  std::shared_ptr<Link> held;
  std::uint64_t attempts = 0;
  std::size_t next = 0;
  std::size_t failures = 0;
  milliseconds pause{0};
  SteadyTime up_since;
};

LinkDialer::LinkDialer(net::io_context& io, std::vector<std::string> addresses, std::string path,
                       LinkOptions options, Backoff backoff, Callbacks callbacks)
    : impl_(std::make_shared<Impl>(io, std::move(addresses), std::move(path), options, backoff,
                                   std::move(callbacks))) {}

LinkDialer::~LinkDialer() {
  impl_->stop();
}

void LinkDialer::secure(TlsContext tls, std::string token) {
  impl_->tls = std::move(tls);
  impl_->token = std::move(token);
}

void LinkDialer::start() {
  impl_->dial();
}

void LinkDialer::stop() {
  impl_->stop();
}

}  // namespace assent
