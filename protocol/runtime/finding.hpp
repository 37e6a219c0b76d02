// What is not as it should be, as an operator wants to be told: what it is, why it matters, what to
// do.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace assent {

struct Finding {
  enum class Severity : std::uint8_t {
    error,    // it fails, or an answer could be wrong: mend it first
    warning,  // works, but not as well as it should
    note,     // nothing is wrong: what was seen
  };
  Severity severity = Severity::error;
  std::string what;
  std::string remedy;  // empty where `what` says it, and of notes
  std::string why = {};
};
using Findings = std::vector<Finding>;

const char* to_string(Finding::Severity severity);
bool has_error(const Findings& findings);
// Does it, and adds what it throws (std::runtime_error) as an error.
void look(Findings& found, const std::function<void()>& part);
// For people: "error: what", and below it, indented, why and the remedy.
std::string findings_page(const Findings& findings);

}  // namespace assent
