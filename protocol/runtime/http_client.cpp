#include "protocol/runtime/http_client.hpp"

#include <stdexcept>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "protocol/runtime/address.hpp"
#include "protocol/runtime/stream.hpp"

namespace assent {
namespace {

using Kind = HttpFailure::Kind;

constexpr std::uint32_t kHeaderBytes = 64 * 1024;

constexpr std::string_view kHttp = "http://", kHttps = "https://";

Address read_server(std::string_view text) {
  const std::string_view whole = text;
  if (text.starts_with(kHttp)) text.remove_prefix(kHttp.size());
  if (text.starts_with(kHttps)) text.remove_prefix(kHttps.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  auto address = parse_address(text);
  if (!address)
    throw std::invalid_argument("\"" + std::string(whole) +
                                "\" is not http://host:port or https://host:port");
  return *address;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<std::chrono::seconds> validity_left(ssl_st* connection) {
  const X509* const certificate = SSL_get0_peer_certificate(connection);
  int days = 0;
  int seconds = 0;
  if (!certificate ||
      ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate)) != 1)
    return std::nullopt;
  return std::chrono::hours(24) * days + std::chrono::seconds(seconds);
}

}  // namespace

std::optional<std::string_view> HttpAnswer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

struct HttpClient::Impl {
  using Parser = http::response_parser<http::string_body>;

  Impl(std::string_view server, HttpClientOptions given)
      : address(read_server(server)), options(std::move(given)), io(1), stream(Socket(io)) {
    if (server.starts_with(kHttps)) {
      tls = make_client_context(options.tls);
    } else if (!options.token.empty() && !is_loopback(address.host)) {
      throw std::invalid_argument("the token would travel in clear text to " + address.host +
                                  "; use https://");
    }
  }

  // Runs one asynchronous operation to its end or the deadline, when its socket is closed.
  template <class Start>
  Error run(Start start) {
    std::optional<Error> result;
    start([&result](Error error, const auto&...) { result = error; });
    io.restart();
    io.run_until(deadline);
    if (result) return *result;
    Error ignored;
    socket().close(ignored);
    io.restart();
    io.run();  // the operation still refers to the stream
    hang_up();
    return net::error::timed_out;
  }

  Socket& socket() { return stream.socket(); }

  void hang_up() {
    Error ignored;
    socket().close(ignored);
    stream = Stream(Socket(io));
    buffer.clear();
  }

  // Whether the kept connection has been closed, or something came that nobody asked for.
  bool stale() {
    char byte = 0;
    Error error;
    socket().non_blocking(true, error);
    socket().receive(net::buffer(&byte, 1), Tcp::socket::message_peek, error);
    return error != net::error::would_block;
  }

  std::optional<HttpFailure> connect() {
    if (socket().is_open() && !stale()) return std::nullopt;
    hang_up();
    Error error;
    Resolver resolver(io);
    const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
    if (!error) {
      error = run([&](auto done) { net::async_connect(socket(), found, done); });
    }
    if (!error) socket().set_option(Tcp::no_delay(true), error);
    std::string why;
    if (!error && tls) error = begin_tls(why);
    if (!error) return std::nullopt;
    const auto kind = error == net::error::timed_out ? Kind::timed_out : Kind::unreachable;
    return failure(kind, "Cannot connect to", why.empty() ? error.message() : why, false);
  }

  Error begin_tls(std::string& why) {
    stream = Stream(std::move(stream.socket()), *tls);
    ssl_st* const connection = stream.tls()->native_handle();
    expect_server(connection, address.host);
    const Error error =
        run([&](auto done) { stream.async_handshake(ssl::stream_base::client, done); });
    if (error) why = unaccepted_certificate(connection);
    return error;
  }

  HttpFailure failure(Kind kind, std::string_view what, const std::string& why, bool sent) {
    hang_up();
    return {kind, std::string(what) + " " + to_string(address) + ": " + why + ".", sent};
  }

  HttpFailure classify(const Error& error) {
    if (error == net::error::timed_out) {
      return failure(Kind::timed_out, "No answer from", "the time-out has passed", true);
    }
    if (error == http::error::body_limit || error == http::error::header_limit ||
        error == http::error::buffer_overflow) {
      return failure(Kind::too_large, "Too large an answer from", error.message(), true);
    }
    static const auto& parser_errors = make_error_code(http::error::bad_method).category();
    const bool cut = error == http::error::end_of_stream || error == http::error::partial_message;
    if (error.category() == parser_errors && !cut) {
      return failure(Kind::malformed, "No valid HTTP from", error.message(), true);
    }
    return failure(Kind::closed, "The connection was closed by", error.message(), true);
  }

  std::variant<HttpAnswer, HttpFailure> call(const HttpCall& call) {
    deadline = std::chrono::steady_clock::now() + call.timeout;
    if (auto failed = connect()) return std::move(*failed);
    http::request<http::string_body> request;
    request.version(11);
    request.method_string(call.method);
    request.target(call.target);
    request.set(http::field::host, to_string(address));
    for (const auto& [name, value] : call.headers) request.insert(name, value);
    if (!options.token.empty()) request.set(http::field::authorization, "Bearer " + options.token);
    if (!call.body.empty() || call.method == "POST") request.content_length(call.body.size());
    request.body() = call.body;

    // A server that refuses early answers before it has read all: so look for an answer even when
    // the request could not be sent whole.
    const Error unsent = run([&](auto done) { http::async_write(stream, request, done); });
    if (unsent == net::error::timed_out) return classify(unsent);
    Parser parser;
    parser.header_limit(kHeaderBytes);
    parser.body_limit(options.answer_bytes);
    parser.skip(call.method == "HEAD");
    const Error error = run([&](auto done) { http::async_read(stream, buffer, parser, done); });
    if (error) return classify(error);
    return finish(parser);
  }

  HttpAnswer finish(Parser& parser) {
    auto& response = parser.get();
    HttpAnswer answer;
    answer.status = response.result_int();
    for (const auto& field : response) {
      answer.headers.emplace_back(lower(field.name_string()), std::string(field.value()));
    }
    answer.body = std::move(response.body());
    if (tls) answer.certificate_left = validity_left(stream.tls()->native_handle());
    if (!response.keep_alive()) hang_up();
    return answer;
  }

  Address address;
  HttpClientOptions options;
  TlsContext tls;  // null: plain HTTP
  net::io_context io;
  Stream stream;
  beast::flat_buffer buffer;
  SteadyTime deadline;
};

HttpClient::HttpClient(std::string_view server, HttpClientOptions options)
    : impl_(std::make_unique<Impl>(server, std::move(options))) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

std::variant<HttpAnswer, HttpFailure> HttpClient::call(const HttpCall& call) {
  return impl_->call(call);
}

}  // namespace assent
