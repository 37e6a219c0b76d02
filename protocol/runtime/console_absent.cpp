// In place of the console's files where they were not built: a page that says so.
#include "protocol/runtime/console.hpp"

namespace assent {
namespace {

constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Assent</title>
<h1>Assent runs here, without its console</h1>
<p>The pages for the browser are built with Node.js and npm, which were missing, or could not reach
their registry, when this program was built. To have them, build it again with
<code>-DASSENT_CONSOLE=ON</code>: the build then says what is wrong instead of leaving them out.</p>
<p>Everything they show is also told by <code>assent blocking</code>, <code>assent list</code>,
<code>assent show ID</code> and <code>assent participants</code>, and is served as JSON:
<a href="/v1/blocking">/v1/blocking</a>.</p>
</html>
)html";

constexpr ConsoleFile kFiles[] = {{"/", "text/html; charset=utf-8", "\"absent\"", kPage, {}}};

}  // namespace

std::span<const ConsoleFile> console_files() {
  return kFiles;
}

}  // namespace assent
