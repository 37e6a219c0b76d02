// The command tree of `assent`: reads arguments, calls the API, prints.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clients/cli/terminal.hpp"
#include "clients/cpp/transport.hpp"

namespace assent::cli {

using Connect = std::function<std::unique_ptr<client::Transport>(const std::string& url)>;

// Runs one command; `arguments` without the program's name. Returns its exit code. Throws only what
// is unexpected.
int run_command_line(std::vector<std::string> arguments, const Terminal& terminal,
                     const Connect& connect);

// One word for a POSIX shell.
std::string shell_quoted(const std::string& text);

}  // namespace assent::cli
