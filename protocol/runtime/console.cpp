#include "protocol/runtime/console.hpp"

#include <algorithm>
#include <string>

namespace assent {
namespace {

// Nothing comes from anywhere else, nothing is written into the page itself, and no other site
// shows it in a frame of its own.
constexpr const char* kPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'";

// "gzip" as a coding of its own, and not refused by a weight of zero.
bool takes_gzip(std::string_view accepted) {
  while (!accepted.empty()) {
    const std::size_t comma = std::min(accepted.find(','), accepted.size());
    std::string_view coding = accepted.substr(0, comma);
    accepted.remove_prefix(std::min(comma + 1, accepted.size()));
    coding.remove_prefix(std::min(coding.find_first_not_of(' '), coding.size()));
    const std::string_view name = coding.substr(0, coding.find_first_of(" ;"));
    if (name != "gzip") continue;
    const std::size_t weight = coding.find("q=");
    return weight == coding.npos ||
           coding.find_first_of("123456789", weight) != std::string_view::npos;
  }
  return false;
}

}  // namespace

std::optional<HttpResponse> console_answer(const HttpRequest& request) {
  if (request.method != "GET") return std::nullopt;
  const auto files = console_files();
  const auto file = std::ranges::find(files, request.path, &ConsoleFile::path);
  if (file == files.end()) return std::nullopt;

  HttpResponse response;
  response.content_type = file->content_type;
  response.headers = {{"ETag", std::string(file->etag)},     {"Cache-Control", "no-cache"},
                      {"Vary", "Accept-Encoding"},           {"Content-Security-Policy", kPolicy},
                      {"X-Content-Type-Options", "nosniff"}, {"Referrer-Policy", "no-referrer"}};
  if (request.header("if-none-match").value_or("") == file->etag) {
    response.status = 304;
    return response;
  }
  const bool packed =
      !file->gzip.empty() && takes_gzip(request.header("accept-encoding").value_or(""));
  if (packed) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = packed ? file->gzip : file->plain;
  return response;
}

}  // namespace assent
