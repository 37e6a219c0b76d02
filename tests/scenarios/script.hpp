// A scenario's file: a comment that says what is proved, then blocks of commands and what they
// lead to.
//
//   # Title
//   # Proves P19, P22.
//   # Watch: …
//
//   command
//   command
//   ----
//   what happened
#pragma once

#include <string>
#include <vector>

namespace assent::scenarios {

struct Block {
  struct Line {
    std::string text;
    int number = 0;
  };
  std::vector<std::string> before;  // comments and blank lines
  std::vector<Line> commands;
  std::vector<std::string> output;  // as the file has it
  int output_line = 0;              // the number of its first line
};

struct Script {
  std::string path;
  std::vector<std::string> header;  // the comment at its head, without the "# "
  std::vector<Block> blocks;
  std::vector<std::string> after;
};

// Throws Refusal, naming the line.
Script read_script(const std::string& path, const std::string& text);
std::string to_text(const Script& script);

// "P19" … of a text, each once, in order.
std::vector<std::string> cited(const std::string& text);

struct Ran {
  std::vector<std::string> failures;  // empty: as it should be
  Script now;                         // with the output that it has now
};
Ran run_script(const Script& script);

// A unified diff without context lines' limits: blocks are short.
std::string diff(const std::vector<std::string>& expected, const std::vector<std::string>& actual);

}  // namespace assent::scenarios
