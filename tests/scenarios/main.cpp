// scenarios FILE …            runs each; UPDATE=1 in the environment writes what it does now
// scenarios --cited PROTOCOL.md FILE …   is every sentence proved by a file, and none that is not
// there?
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "tests/scenarios/air.hpp"
#include "tests/scenarios/script.hpp"

namespace assent::scenarios {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw Refusal(path + " cannot be read");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool run_file(const std::string& path, bool update) {
  const std::string before = read_file(path);
  Ran ran = run_script(read_script(path, before));
  if (const std::string after = to_text(ran.now); update && after != before) {
    std::ofstream(path) << after;
    std::cout << path << ": written anew\n";
    // An expectation or an invariant that fails is for no golden to say.
    ran = run_script(read_script(path, after));
  }
  constexpr std::size_t kShown = 3;  // what follows the first is mostly its consequence
  for (std::size_t i = 0; i < std::min(kShown, ran.failures.size()); ++i)
    std::cout << ran.failures[i] << "\n";
  if (ran.failures.size() > kShown)
    std::cout << "and " << ran.failures.size() - kShown << " more\n";
  return ran.failures.empty();
}

bool check_citations(const std::string& protocol, const std::vector<std::string>& files) {
  std::map<std::string, int> sentences;
  std::istringstream lines(read_file(protocol));
  for (std::string line; std::getline(lines, line);)
    if (line.rfind("- **P", 0) == 0) sentences[cited(line).at(0)] = 0;
  bool fine = true;
  const auto complain = [&fine](const std::string& what) {
    std::cout << what << "\n";
    fine = false;
  };
  for (const std::string& path : files)
    for (const std::string& line : read_script(path, read_file(path)).header)
      for (const std::string& sentence : cited(line)) {
        const auto found = sentences.find(sentence);
        if (found == sentences.end())
          complain(path + ": cites " + sentence + ", which " + protocol + " does not have");
        else if (line.rfind("Proves ", 0) == 0)
          ++found->second;
      }
  for (const auto& [sentence, files_of_it] : sentences)
    if (files_of_it == 0)
      complain(protocol + ": " + sentence + " is proved by no scenario: write one");
  std::cout << sentences.size() << " sentences, " << files.size() << " scenarios\n";
  return fine;
}

}  // namespace
}  // namespace assent::scenarios

int main(int count, char** arguments) {
  using namespace assent::scenarios;
  std::vector<std::string> files(arguments + 1, arguments + count);
  const char* const update = std::getenv("UPDATE");
  bool fine = !files.empty();
  if (!fine)
    std::cout << "usage: [UPDATE=1] scenarios FILE … | scenarios --cited PROTOCOL.md FILE …\n";
  try {
    if (fine && files[0] == "--cited" && files.size() > 2)
      return check_citations(files[1], {files.begin() + 2, files.end()}) ? 0 : 1;
  } catch (const Refusal& refusal) {
    std::cout << refusal.what() << "\n";
    return 1;
  }
  for (const std::string& path : files) {
    try {
      fine = run_file(path, update && std::string(update) == "1") && fine;
    } catch (const Refusal& refusal) {
      std::cout << refusal.what() << "\n";
      fine = false;
    }
  }
  return fine ? 0 : 1;
}
