// Every input of the corpus, through its target: fuzz_corpus FOLDER, which holds a folder for each
// target. A broken promise or a crash ends it, after the name of the input has been shown.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "tests/fuzz/targets.hpp"

namespace {

using Target = void (*)(std::string_view);

const std::map<std::string, Target> kTargets = {{"wire", assent::fuzz::wire},
                                                {"records", assent::fuzz::records},
                                                {"ledger", assent::fuzz::ledger},
                                                {"request", assent::fuzz::request},
                                                {"http", assent::fuzz::http},
                                                {"sql_guard", assent::fuzz::sql_guard},
                                                {"configuration", assent::fuzz::configuration}};

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_corpus FOLDER\n");
    return 64;
  }
  int empty = 0;
  for (const auto& [name, target] : kTargets) {
    std::size_t inputs = 0;
    const std::filesystem::path folder = std::filesystem::path(argv[1]) / name;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
      std::fprintf(stderr, "%s\r", entry.path().c_str());
      target(content(entry.path()));
      ++inputs;
    }
    std::printf("%s: %zu inputs\n", name.c_str(), inputs);
    empty += inputs == 0 ? 1 : 0;
  }
  if (empty != 0) std::fprintf(stderr, "%d targets have no corpus in %s\n", empty, argv[1]);
  return empty == 0 ? 0 : 1;
}
