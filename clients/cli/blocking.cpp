#include "clients/cli/blocking.hpp"

#include <ostream>
#include <variant>

#include <boost/json.hpp>

#include "clients/cli/dev_installation.hpp"
#include "clients/cpp/client.hpp"
#include "clients/cpp/json.hpp"
#include "protocol/runtime/blocking_document.hpp"

namespace assent::cli {

namespace json = boost::json;
using namespace std::chrono_literals;

const char* const kBlockingFooter = R"(
The first line says it all; below it each root stands with what it holds, what would free it, and
the sessions that wait for it, those behind others further to the right.

When the coordinator does not answer, the participants are asked: those given with --participant or
in ASSENT_PARTICIPANTS (the addresses of their admin listeners, separated by commas), or those of
the `assent dev` that runs here.

Examples:
  assent blocking
  assent blocking --watch
  assent blocking --participant db1:7411 --participant db2:7411
  assent blocking --json | jq -r '.databases[].roots[].waiters[].pid'
)";

namespace {

// Who is asked at three in the morning wants an answer now; a participant takes up to three seconds
// to learn that its database is silent.
constexpr client::milliseconds kAnswerLimit = 4s;
constexpr client::milliseconds kWatchInterval = 1s;

BlockingAnswer ask(client::Transport& transport) {
  const auto exchange = transport.call({.method = "GET",
                                        .target = "/v1/blocking",
                                        .headers = {},
                                        .body = {},
                                        .timeout = kAnswerLimit});
  if (const auto* failure = std::get_if<HttpFailure>(&exchange)) return {{}, failure->message};
  const HttpAnswer& answer = std::get<HttpAnswer>(exchange);
  if (answer.status == 200) return {answer.body, {}};
  return {{}, "HTTP status " + std::to_string(answer.status) + " for /v1/blocking"};
}

// A participant's document is one of one database: that is its part of the whole.
BlockingPart part_of(const std::string& url, const BlockingAnswer& answer) {
  BlockingPart part;
  part.participant = url;
  if (!answer.document) {
    part.silent_because = answer.trouble;
    return part;
  }
  boost::system::error_code error;
  const json::value document = json::parse(*answer.document, error);
  const json::object* fields = document.if_object();
  const json::array* databases = fields ? client::array_of(*fields, "databases") : nullptr;
  if (error || !databases || databases->size() != 1 || !databases->front().is_object()) {
    part.silent_because = "its answer is not that of a participant";
    return part;
  }
  const json::object& report = databases->front().as_object();
  part.participant = client::text_of(report, "participant");
  part.report = json::serialize(report);
  part.age = client::milliseconds(client::integer_of(report, "age_ms").value_or(0));
  return part;
}

}  // namespace

BlockingAnswer ask_blocking(const BlockingOptions& options, const Connect& connect) {
  BlockingAnswer answer = ask(*connect(options.coordinator));
  if (answer.document) return answer;
  std::vector<std::string> urls = options.participants;
  if (urls.empty()) urls = dev_participants(options.coordinator);
  if (urls.empty()) {
    answer.trouble +=
        "\n  what to do: ask the participants: give the addresses of their admin listeners with "
        "--participant or in ASSENT_PARTICIPANTS";
    return answer;
  }
  std::vector<BlockingPart> parts;
  bool answered = false;
  for (const std::string& url : urls) {
    const BlockingAnswer of_one = ask(*connect(url));
    answered |= of_one.document.has_value();
    if (!of_one.document) answer.trouble += "\n  " + of_one.trouble;
    parts.push_back(part_of(url, of_one));
  }
  if (answered) return {join_blocking(parts), {}};
  return answer;
}

int show_blocking(const BlockingOptions& options, const Terminal& terminal,
                  const Connect& connect) {
  for (;;) {
    const BlockingAnswer answer = ask_blocking(options, connect);
    if (options.watch && !options.json) terminal.out << "\x1b[2J\x1b[H";
    if (!answer.document) {
      terminal.err << terminal.paint("error:", Colour::red) << " nobody answers: " << answer.trouble
                   << '\n';
      if (!options.watch) return kUnreachable;
    } else if (options.json) {
      terminal.out << *answer.document << std::endl;
    } else {
      print_blocking(terminal, *answer.document);
      terminal.out << std::flush;
    }
    if (!options.watch) return kDone;
    connect(options.coordinator)->wait(kWatchInterval);
  }
}

}  // namespace assent::cli
