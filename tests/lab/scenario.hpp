// Scenarios: short texts that say what runs, what fails and what must be seen. The language is the
// table in scenario_forms.hpp; docs/LAB.md explains it.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/lab/scenario_forms.hpp"

namespace assent::lab {

struct Condition {
  Seen seen = Seen::prepared;
  std::vector<std::string> words;  // what stood at the form's places, in their order
};

struct Step {
  int line = 0;
  std::string text;  // as written
  Verb verb = Verb::expect;
  std::vector<std::string> words;
  Condition condition;                                        // of expect and eventually
  std::chrono::milliseconds within{0};                        // of eventually
  std::vector<std::pair<std::string, std::string>> branches;  // of run: database and statement
};

struct Scenario {
  std::string name;  // of the file, without its ending
  std::string title;
  std::vector<std::string> watch;                             // what to watch for, a sentence each
  std::vector<std::string> databases;                         // by name
  std::vector<std::pair<std::string, std::string>> settings;  // of every PostgreSQL server
  std::map<std::string, bool> standbys;  // by database: whether it is synchronous
  bool small_ledger = false;
  std::vector<Step> steps;
};

// "file:line: what is wrong", with the nearest known word.
class ScenarioError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// `file` is for messages. `existing`: the databases of the deployment that it is to run on; none:
// it gets one of its own.
Scenario parse_scenario(std::string_view text, const std::string& file,
                        const std::vector<std::string>& existing = {});
// Throws ScenarioError also when the file cannot be read.
Scenario read_scenario(const std::filesystem::path& file,
                       const std::vector<std::string>& existing = {});

}  // namespace assent::lab
