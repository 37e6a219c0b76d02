// Where a command writes, and in which colours.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace assent::cli {

// What `assent` returns to the shell. Part of the interface: scripts rely on it.
enum ExitCode : int {
  kDone = 0,         // done; for a transaction: committed, and applied where that was waited for
  kRefused = 1,      // the transaction was aborted, or the request refused; nothing was applied
  kUsage = 2,        // the command line or the input cannot be used; nothing was sent
  kUnreachable = 3,  // no coordinator answered; nothing was sent
  kUnsettled = 4,    // committed but not applied everywhere yet, or the outcome is not known: ask
  kBroken = 5,       // `assent dev`: the installation could not be started or kept running
};

enum class Colour { none, bold, dim, red, green, yellow };

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool colour = false;  // escape sequences may be written
  bool asks = false;    // somebody sits at `in` and sees `err`

  std::string paint(std::string_view text, Colour colour) const;
};

// Colour only on a terminal that can, and not with NO_COLOR set.
bool wants_colour(int descriptor);

// Control characters as \n, \x1b …: what comes from databases must not drive the terminal.
std::string printable(std::string_view text);

// One word for a POSIX shell.
std::string shell_quoted(const std::string& text);

}  // namespace assent::cli
