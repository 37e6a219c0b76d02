// Between Beast's messages and ours: what is refused, and how the two translate.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "protocol/runtime/asio.hpp"
#include "protocol/runtime/http_server.hpp"

namespace assent {

using BeastRequest = http::request<http::string_body>;
using BeastResponse = http::response<http::string_body>;

// Why a request is answered by the server itself.
struct Refusal {
  unsigned status = 400;
  std::string what;
};

// Checks of the header that Beast leaves to us; none of them may wait for the body.
std::optional<Refusal> check_header(const http::request_header<>& header);

bool expects_continue(const http::request_header<>& header);

// What to answer to an error of the parser; nullopt when the client has simply gone.
std::optional<Refusal> refusal_for(const Error& error);

std::variant<HttpRequest, Refusal> translate(BeastRequest&& request);

struct ResponseShape {
  unsigned version = 11;
  bool keep_alive = false;
  bool head = false;  // headers as for GET, no body
};
BeastResponse translate(HttpResponse&& response, ResponseShape shape);

}  // namespace assent
