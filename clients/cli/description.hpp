// The command tree as JSON: what manual pages, the reference and completion are made from.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace assent::cli {

// The program and, below "commands", each of its commands, hidden ones left out.
std::string describe(const CLI::App& program);

}  // namespace assent::cli
