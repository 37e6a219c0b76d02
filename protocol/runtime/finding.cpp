#include "protocol/runtime/finding.hpp"

#include <algorithm>
#include <stdexcept>

namespace assent {

const char* to_string(Finding::Severity severity) {
  switch (severity) {
    case Finding::Severity::error:
      return "error";
    case Finding::Severity::warning:
      return "warning";
    case Finding::Severity::note:
      return "note";
  }
  return "";
}

bool has_error(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == Finding::Severity::error;
  });
}

void look(Findings& found, const std::function<void()>& part) {
  try {
    part();
  } catch (const std::runtime_error& error) {
    found.push_back({Finding::Severity::error, error.what(), {}});
  }
}

std::string findings_page(const Findings& findings) {
  std::string page;
  for (const Finding& finding : findings) {
    page += std::string(to_string(finding.severity)) + ": " + finding.what + "\n";
    for (const std::string* more : {&finding.why, &finding.remedy})
      if (!more->empty()) page += "  " + *more + "\n";
  }
  return page;
}

}  // namespace assent
