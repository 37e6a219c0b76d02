#include <exception>
#include <iostream>

#include <unistd.h>

#include "clients/cli/command_line.hpp"

int main(int argc, char** argv) {
  const assent::cli::Terminal terminal{
      std::cin, std::cout, std::cerr,
      assent::cli::wants_colour(STDOUT_FILENO) && assent::cli::wants_colour(STDERR_FILENO),
      isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1};
  try {
    return assent::cli::run_command_line({argv + 1, argv + argc}, terminal,
                                         assent::client::make_http_transport);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return assent::cli::kBroken;
  }
}
