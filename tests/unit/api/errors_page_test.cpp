// docs/reference/errors.md is made from the catalogue. After a change of the catalogue, run this
// with UPDATE=1 in the environment and commit what it wrote.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "protocol/problem.hpp"
#include "tests/support/catch.hpp"

namespace assent {
namespace {

std::string errors_page() {
  std::ostringstream page;
  page
      << "# Problems\n\n"
         "Every failure is answered with `application/problem+json` (RFC 9457) and one of these "
         "codes. `outcome` is\nthe usual one; the answer states the actual one. `retry`:\n\n"
         "- `never`: the same request will fail again\n"
         "- `same-key`: repeat it with the same Idempotency-Key\n"
         "- `new-key`: run it again as a new transaction\n"
         "- `after`: repeat it, but not before the Retry-After time\n\n"
         "This page is generated from `protocol/problem.cpp`; `GET /v1/errors` serves the same.\n\n"
         "| status | code | what happened | outcome | retry | what to do |\n"
         "|---|---|---|---|---|---|\n";
  for (const ProblemInfo& row : all_problems())
    page << "| " << row.status << " | `" << row.code << "` | " << row.title << " | "
         << to_string(row.fate) << " | " << to_string(row.retry) << " | " << row.remedy << " |\n";
  return page.str();
}

}  // namespace

TEST_CASE("docs/reference/errors.md is the catalogue") {
  const std::string path = ASSENT_SOURCE_DIR "/docs/reference/errors.md";
  if (std::getenv("UPDATE") != nullptr) std::ofstream(path) << errors_page();
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  INFO("run this test with UPDATE=1 and commit docs/reference/errors.md");
  CHECK(text.str() == errors_page());
}

}  // namespace assent
