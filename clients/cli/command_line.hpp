// The command tree of `assent`: reads arguments, calls the API, prints.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clients/cli/terminal.hpp"
#include "clients/cpp/transport.hpp"

namespace assent::cli {

// To a server, with what shows who is calling.
using Dial = std::function<std::unique_ptr<client::Transport>(const std::string& url,
                                                              const HttpClientOptions& options)>;
// The same, once the command line has said who that is.
using Connect = std::function<std::unique_ptr<client::Transport>(const std::string& url)>;

// Runs one command; `arguments` without the program's name. Returns its exit code. Throws only what
// is unexpected.
int run_command_line(std::vector<std::string> arguments, const Terminal& terminal,
                     const Dial& dial);

}  // namespace assent::cli
