#include "tests/scenarios/script.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "tests/scenarios/commands.hpp"

namespace assent::scenarios {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The head says in fixed places what the file is for, so that a person finds it and a test can.
void check_header(const Script& script) {
  const auto& head = script.header;
  const auto starts = [&](const std::string& with) {
    return std::any_of(head.begin(), head.end(),
                       [&](const std::string& line) { return line.rfind(with, 0) == 0; });
  };
  if (head.empty()) throw Refusal(script.path + ":1: the first line is \"# \" and the title");
  if (!starts("Proves P"))
    throw Refusal(script.path +
                  ": the head has no line \"# Proves P…\": which sentences of "
                  "docs/PROTOCOL.md does it prove?");
  if (!starts("Watch: "))
    throw Refusal(script.path + ": the head has no line \"# Watch: …\": what is to be seen?");
}

}  // namespace

Script read_script(const std::string& path, const std::string& text) {
  Script script;
  script.path = path;
  const auto lines = lines_of(text);
  std::size_t i = 0;
  for (; i < lines.size() && lines[i].rfind('#', 0) == 0; ++i)
    script.header.push_back(lines[i].size() > 2 ? lines[i].substr(2) : "");
  check_header(script);
  while (i < lines.size()) {
    Block block;
    for (; i < lines.size() && (lines[i].empty() || lines[i][0] == '#'); ++i)
      block.before.push_back(lines[i]);
    if (i == lines.size()) {
      script.after = block.before;
      break;
    }
    for (; i < lines.size() && lines[i] != "----"; ++i) {
      if (lines[i].empty())
        throw Refusal(path + ":" + std::to_string(i + 1) +
                      ": commands without \"----\" after them");
      block.commands.push_back({lines[i], static_cast<int>(i + 1)});
    }
    if (i == lines.size())
      throw Refusal(path + ":" + std::to_string(i) + ": commands without \"----\" after them");
    block.output_line = static_cast<int>(++i + 1);
    for (; i < lines.size() && !lines[i].empty(); ++i) block.output.push_back(lines[i]);
    script.blocks.push_back(std::move(block));
  }
  if (script.blocks.empty()) throw Refusal(path + ": there is no command in it");
  const std::string& last = script.blocks.back().commands.back().text;
  if (last != "rest" && last.rfind("expect ", 0) != 0)
    throw Refusal(path + ": the last command is \"rest\" or \"expect …\", not \"" + last + "\"");
  return script;
}

std::string to_text(const Script& script) {
  std::string text;
  for (const std::string& line : script.header) text += line.empty() ? "#\n" : "# " + line + "\n";
  for (const Block& block : script.blocks) {
    if (block.before.empty() || !block.before.front().empty()) text += "\n";
    for (const std::string& line : block.before) text += line + "\n";
    for (const Block::Line& command : block.commands) text += command.text + "\n";
    text += "----\n";
    for (const std::string& line : block.output) text += line + "\n";
  }
  for (const std::string& line : script.after)
    if (!line.empty()) text += line + "\n";
  return text;
}

std::vector<std::string> cited(const std::string& text) {
  static const std::regex sentence("\\bP[1-9][0-9]*\\b");
  std::vector<std::string> found;
  for (std::sregex_iterator each(text.begin(), text.end(), sentence), end; each != end; ++each)
    if (std::find(found.begin(), found.end(), each->str()) == found.end())
      found.push_back(each->str());
  return found;
}

Ran run_script(const Script& script) {
  Ran ran;
  ran.now = script;
  Commands commands;
  bool violated = false;
  for (std::size_t i = 0; i < script.blocks.size(); ++i) {
    const Block& block = script.blocks[i];
    std::vector<std::string> output;
    int line = 0;
    try {
      for (const Block::Line& command : block.commands) {
        line = command.number;
        commands.run(command.text, line);
      }
      if (i + 1 == script.blocks.size()) commands.finish();
    } catch (const Refusal& refusal) {
      ran.failures.push_back(script.path + ":" + std::to_string(line) + ": " + refusal.what());
    }
    output = commands.take_output();
    if (output.empty()) output = {"ok"};
    ran.now.blocks[i].output = output;
    if (commands.violated() && !violated) {
      violated = true;
      ran.failures.push_back(script.path + ":" + std::to_string(line) +
                             ": an invariant is violated:\n" + diff(block.output, output));
    } else if (output != block.output) {
      ran.failures.push_back(script.path + ":" + std::to_string(block.output_line) +
                             ": it went otherwise (- as written, + now):\n" +
                             diff(block.output, output));
    }
  }
  return ran;
}

std::string diff(const std::vector<std::string>& expected, const std::vector<std::string>& actual) {
  const std::size_t n = expected.size(), m = actual.size();
  // The longest common part of what follows [i] and [j].
  std::vector<std::vector<std::size_t>> common(n + 1, std::vector<std::size_t>(m + 1));
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t j = m; j-- > 0;)
      common[i][j] = expected[i] == actual[j] ? common[i + 1][j + 1] + 1
                                              : std::max(common[i + 1][j], common[i][j + 1]);
  std::string text;
  for (std::size_t i = 0, j = 0; i < n || j < m;) {
    if (i < n && j < m && expected[i] == actual[j]) {
      text += "  " + expected[i] + "\n";
      ++i, ++j;
    } else if (j == m || (i < n && common[i + 1][j] >= common[i][j + 1])) {
      text += "- " + expected[i++] + "\n";
    } else {
      text += "+ " + actual[j++] + "\n";
    }
  }
  return text;
}

}  // namespace assent::scenarios
