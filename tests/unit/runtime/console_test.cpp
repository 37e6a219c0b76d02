// The console's files over HTTP: complete, compressed where that is understood, under its policy.
#include "protocol/runtime/console.hpp"

#include "tests/support/catch.hpp"

using namespace assent;

namespace {

HttpRequest request_for(std::string_view path,
                        std::vector<std::pair<std::string, std::string>> headers = {}) {
  HttpRequest request;
  request.method = "GET";
  request.path = path;
  request.headers = std::move(headers);
  return request;
}

std::string header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

}  // namespace

TEST_CASE("every file of the console is served under its policy, and again only when changed") {
  REQUIRE_FALSE(console_files().empty());
  for (const ConsoleFile& file : console_files()) {
    CAPTURE(file.path);
    const auto whole = console_answer(request_for(file.path));
    REQUIRE(whole);
    CHECK(whole->status == 200);
    CHECK(whole->content_type == file.content_type);
    CHECK(whole->body == file.plain);
    CHECK(header(*whole, "Content-Encoding").empty());
    CHECK(header(*whole, "Content-Security-Policy").starts_with("default-src 'self'; "));
    const auto same =
        console_answer(request_for(file.path, {{"if-none-match", std::string(file.etag)}}));
    CHECK(same->status == 304);
    CHECK(same->body.empty());
  }
  CHECK_FALSE(console_answer(request_for("/v1/version")));
  HttpRequest post = request_for("/");
  post.method = "POST";
  CHECK_FALSE(console_answer(post));
}

TEST_CASE("the console comes compressed to whoever takes that") {
  for (const ConsoleFile& file : console_files()) {
    if (file.gzip.empty()) continue;  // built without npm
    CAPTURE(file.path);
    const auto packed = [&](const std::string& accepted) {
      const auto response = console_answer(request_for(file.path, {{"accept-encoding", accepted}}));
      const bool is_packed = header(*response, "Content-Encoding") == "gzip";
      CHECK(response->body == (is_packed ? file.gzip : file.plain));
      return is_packed;
    };
    CHECK(packed("gzip, deflate, br"));
    CHECK(packed("br;q=1.0, gzip;q=0.5"));
    CHECK_FALSE(packed("br"));
    CHECK_FALSE(packed("gzip;q=0"));
    CHECK_FALSE(packed("x-gzip2, identity"));
  }
}
