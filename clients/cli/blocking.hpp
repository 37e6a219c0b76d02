// `assent blocking`: who waits for whom in all databases; from the coordinator, or from the
// participants where it does not answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "clients/cli/command_line.hpp"
#include "clients/cli/terminal.hpp"

namespace assent::cli {

struct BlockingOptions {
  std::string coordinator;                // its URL
  std::vector<std::string> participants;  // URLs of their admin listeners; empty: of `assent dev`
  bool json = false;
  bool watch = false;
};

extern const char* const kBlockingFooter;

// The document that a server gives, or why there is none.
struct BlockingAnswer {
  std::optional<std::string> document;
  std::string trouble;
};
// The coordinator's, or, where it does not answer, one of all participants together.
BlockingAnswer ask_blocking(const BlockingOptions& options, const Connect& connect);

int show_blocking(const BlockingOptions& options, const Terminal& terminal, const Connect& connect);

// The document for people.
void print_blocking(const Terminal& terminal, const std::string& json);

}  // namespace assent::cli
