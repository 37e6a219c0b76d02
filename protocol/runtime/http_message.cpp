#include "protocol/runtime/http_message.hpp"

#include <algorithm>
#include <ctime>

#include <boost/url.hpp>

namespace assent {
namespace {

namespace urls = boost::urls;

constexpr std::size_t kMaxTarget = 8 * 1024;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Beast does not look into values it writes: a line break in one would be a header of its own.
std::string one_line(std::string value) {
  std::replace_if(
      value.begin(), value.end(),
      [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }, ' ');
  return value;
}

std::string http_date() {
  thread_local std::time_t last = 0;
  thread_local char text[32];
  thread_local std::size_t length = 0;
  const std::time_t now = std::time(nullptr);
  if (now != last || length == 0) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    last = now;
  }
  return {text, length};
}

// Path and query of the request target; false when it is not a target we understand.
bool read_target(std::string_view target, HttpRequest& out) {
  auto parsed = urls::parse_origin_form(target);
  // The absolute form is what a client of a proxy writes.
  if (!parsed && target.starts_with("http://")) parsed = urls::parse_absolute_uri(target);
  if (!parsed) return false;
  out.path = parsed->path();
  if (out.path.empty()) out.path = "/";
  if (out.path.find('\0') != std::string::npos) return false;
  for (const auto& param : parsed->params()) {
    out.query.emplace_back(std::string(param.key), std::string(param.value));
  }
  return true;
}

bool has_body(unsigned status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<Refusal> check_header(const http::request_header<>& header) {
  if (header.version() >= 11 && header.count(http::field::host) != 1) {
    return Refusal{400, "An HTTP/1.1 request carries exactly one Host header."};
  }
  if (header.target().size() > kMaxTarget) return Refusal{414, "The request target is too long."};
  // Two opinions about where a request ends are how requests are smuggled past a proxy.
  const auto transfer_codings = header.count(http::field::transfer_encoding);
  if (transfer_codings != 0) {
    if (header.count(http::field::content_length) != 0) {
      return Refusal{400, "Content-Length and Transfer-Encoding exclude each other."};
    }
    if (header.version() < 11 || transfer_codings != 1 ||
        lower(header[http::field::transfer_encoding]) != "chunked") {
      return Refusal{400, "The only Transfer-Encoding understood is a single \"chunked\"."};
    }
  }
  if (header.count(http::field::content_length) > 1) {
    return Refusal{400, "A request carries at most one Content-Length."};
  }
  if (header.count(http::field::expect) != 0 && !expects_continue(header)) {
    return Refusal{417, "The only expectation understood is 100-continue."};
  }
  return std::nullopt;
}

bool expects_continue(const http::request_header<>& header) {
  return header.version() >= 11 && beast::iequals(header[http::field::expect], "100-continue");
}

std::optional<Refusal> refusal_for(const Error& error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) {
    return std::nullopt;
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Refusal{431, "The request's header is larger than this server accepts."};
  }
  if (error == http::error::body_limit) {
    return Refusal{413, "The request's body is larger than this server accepts."};
  }
  static const auto& parser_errors = make_error_code(http::error::bad_method).category();
  if (error.category() != parser_errors) return std::nullopt;
  return Refusal{400, "The request is not well-formed HTTP/1.1: " + error.message() + "."};
}

std::variant<HttpRequest, Refusal> translate(BeastRequest&& request) {
  HttpRequest out;
  if (!read_target(request.target(), out)) {
    return Refusal{400, "The request target is not a path with an optional query."};
  }
  out.method = request.method() == http::verb::head ? "GET" : std::string(request.method_string());
  for (const auto& field : request) {
    out.headers.emplace_back(lower(field.name_string()), std::string(field.value()));
  }
  out.body = std::move(request.body());
  return out;
}

BeastResponse translate(HttpResponse&& response, ResponseShape shape) {
  BeastResponse out(http::int_to_status(response.status), shape.version);
  out.result(response.status);
  out.set(http::field::date, http_date());
  if (has_body(response.status)) {
    if (!response.content_type.empty()) {
      out.set(http::field::content_type, one_line(std::move(response.content_type)));
    }
    out.content_length(response.body.size());
    if (!shape.head) out.body() = std::move(response.body);
  }
  for (auto& [name, value] : response.headers) out.insert(name, one_line(std::move(value)));
  out.keep_alive(shape.keep_alive);
  return out;
}

}  // namespace assent
