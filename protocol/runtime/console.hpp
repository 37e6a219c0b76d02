// The console: pages for a browser, compiled into the daemons so that each serves it by itself, a
// participant also when the coordinator is gone. Built in clients/console.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "protocol/runtime/http_server.hpp"

namespace assent {

struct ConsoleFile {
  std::string_view path;  // of the request: "/", "/console/app.js"
  std::string_view content_type;
  std::string_view etag;  // with its quotes
  std::string_view plain;
  std::string_view gzip;  // the same, compressed; empty: there is no such form
};

// In clients/console: what its build has made, or one page that says why there is none.
std::span<const ConsoleFile> console_files();

// The answer to a request for one of the console's files; nullopt: it is for something else.
std::optional<HttpResponse> console_answer(const HttpRequest& request);

}  // namespace assent
