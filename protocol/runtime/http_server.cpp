#include "protocol/runtime/http_server.hpp"

#include <algorithm>
#include <stdexcept>

#include "protocol/runtime/address.hpp"
#include "protocol/runtime/http_connection.hpp"
#include "protocol/runtime/http_streaming.hpp"

namespace assent {
namespace {

// Beyond the limit, so many at a time are told so; more are closed without a word.
constexpr std::size_t kRefusedAtOnce = 64;
constexpr std::chrono::milliseconds kAcceptPause{20};

bool out_of_resources(const Error& error) {
  return error == net::error::no_descriptors || error == net::error::no_memory ||
         error == net::error::no_buffer_space ||
         error == boost::system::errc::too_many_files_open_in_system;
}

// At most so long: of thousands of slow connections, those whose time is up together are few each
// time, and no request waits until all of them are answered.
constexpr std::chrono::milliseconds kLongestPeriod{50};

std::chrono::milliseconds sweep_period(const HttpLimits& limits) {
  const auto shortest = std::min(
      {limits.header_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout});
  return std::clamp(shortest / 4, std::chrono::milliseconds(5), kLongestPeriod);
}

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(net::io_context& context, HttpLimits limits, Handler handler, ProblemBody problem)
      : io(context), sweeper(context), state(std::make_shared<HttpServerState>()) {
    state->limits = limits;
    state->handler = std::move(handler);
    state->problem = std::move(problem);
  }

  void accept(std::shared_ptr<Acceptor> acceptor) {
    acceptor->async_accept([self = shared_from_this(), acceptor](Error error, Socket socket) {
      if (error == net::error::operation_aborted || !acceptor->is_open()) return;
      if (!error) self->take(std::move(socket));
      if (out_of_resources(error)) return self->accept_later(acceptor);
      self->accept(acceptor);
    });
  }

  void accept_later(std::shared_ptr<Acceptor> acceptor) {
    auto pause = std::make_shared<Timer>(io, kAcceptPause);
    pause->async_wait([self = shared_from_this(), acceptor, pause](Error) {
      if (acceptor->is_open()) self->accept(acceptor);
    });
  }

  void take(Socket socket) {
    if (state->connections.size() >= state->limits.connections) make_room();
    const std::size_t open = state->connections.size();
    if (open >= state->limits.connections + kRefusedAtOnce) return;
    Error ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    const bool full = open >= state->limits.connections;
    // To say so under TLS would cost more than the request.
    if (full && state->tls) return;
    auto connection = std::make_shared<HttpConnection>(
        state->tls ? Stream(std::move(socket), *state->tls) : Stream(std::move(socket)), state);
    state->connections.insert(connection);
    if (full)
      return connection->refuse({503, "This server has as many connections as it accepts."});
    connection->start();
  }

  // Those who hold connections and send no request must not keep out those who do.
  void make_room() {
    if (state->newcomers.empty()) return;
    HttpConnection& longest = *state->newcomers.front();
    const auto waited = std::chrono::steady_clock::now() - longest.opened();
    if (waited > state->limits.patience) longest.close();
  }

  void sweep() {
    sweeper.expires_after(sweep_period(state->limits));
    sweeper.async_wait([self = shared_from_this()](Error error) {
      if (error) return;
      const auto now = std::chrono::steady_clock::now();
      self->for_each([now](const HttpConnection& connection) { return connection.is_due(now); },
                     [now](HttpConnection& connection) { connection.sweep(now); });
      self->sweep();
    });
  }

  // Calls something that may close the connection it is given.
  template <class Condition, class Action>
  void for_each(Condition condition, Action action) {
    std::vector<std::shared_ptr<HttpConnection>> chosen;
    for (const auto& connection : state->connections)
      if (condition(*connection)) chosen.push_back(connection);
    for (const auto& connection : chosen) action(*connection);
  }
  template <class Action>
  void for_each(Action action) {
    for_each([](const HttpConnection&) { return true; }, std::move(action));
  }

  void close_streams() {
    const auto all = state->streams;
    for (const auto& each : all) each->close();
    for_each([](const HttpConnection& connection) { return connection.waits(); },
             [](HttpConnection& connection) { connection.end_wait(); });
  }

  void stop_listening() {
    Error ignored;
    for (const auto& acceptor : acceptors) acceptor->close(ignored);
    acceptors.clear();
  }

  net::io_context& io;
  std::vector<std::shared_ptr<Acceptor>> acceptors;
  Timer sweeper;
  std::shared_ptr<HttpServerState> state;
};

HttpServer::HttpServer(net::io_context& io, HttpLimits limits, Handler handler, ProblemBody problem)
    : impl_(std::make_shared<Impl>(io, limits, std::move(handler), std::move(problem))) {}

HttpServer::~HttpServer() {
  impl_->stop_listening();
  impl_->sweeper.cancel();
  impl_->for_each([](HttpConnection& connection) { connection.close(); });
  impl_->close_streams();
}

void HttpServer::on_upgrade(UpgradeHandler handler) {
  impl_->state->upgrade = std::move(handler);
}

void HttpServer::use_tls(TlsContext context) {
  impl_->state->tls = std::move(context);
}

std::uint16_t HttpServer::listen(const std::string& address, std::uint16_t port) {
  const auto where = to_string(Address{address, port});
  try {
    Resolver resolver(impl_->io);
    const auto found = resolver.resolve(address, std::to_string(port), Resolver::passive);
    auto acceptor = std::make_shared<Acceptor>(impl_->io);
    const Tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor->open(endpoint.protocol());
    acceptor->set_option(Acceptor::reuse_address(true));
    acceptor->bind(endpoint);
    acceptor->listen();
    if (impl_->acceptors.empty()) impl_->sweep();
    impl_->acceptors.push_back(acceptor);
    impl_->accept(acceptor);
    return acceptor->local_endpoint().port();
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error("cannot listen on " + where + ": " + error.code().message() +
                             "; choose another address or port, or end whoever holds it");
  }
}

void HttpServer::drain() {
  impl_->stop_listening();
  impl_->state->draining = true;
  impl_->for_each([](HttpConnection& connection) { connection.drain(); });
  impl_->close_streams();
}

void HttpServer::close_streams() {
  impl_->close_streams();
}

std::size_t HttpServer::connections() const {
  return impl_->state->connections.size();
}

}  // namespace assent
