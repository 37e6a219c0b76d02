// The state tables of protocol/README.md, which are what the machines are tested against.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace assent::bench {

struct StateTable {
  std::vector<std::string> states;                                   // the columns
  std::vector<std::string> events;                                   // the rows
  std::map<std::pair<std::string, std::string>, std::string> cells;  // (state, event)
};

inline std::vector<std::string> table_row(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  std::string cell;
  std::getline(stream, cell, '|');
  while (std::getline(stream, cell, '|')) {
    const auto first = cell.find_first_not_of(' '), last = cell.find_last_not_of(' ');
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
  }
  return cells;
}

// The table below the heading. Its first column names the event, its first row the states.
inline StateTable read_state_table(const std::string& file, const std::string& heading) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line) && line != heading) {
  }
  if (!in) throw std::runtime_error("no heading \"" + heading + "\" in " + file);
  while (std::getline(in, line) && line.rfind("| ", 0) != 0) {
  }
  StateTable table;
  table.states = table_row(line);
  table.states.erase(table.states.begin());
  std::getline(in, line);  // the rule below the head
  while (std::getline(in, line) && line.rfind("| ", 0) == 0) {
    const auto cells = table_row(line);
    if (cells.size() != table.states.size() + 1)
      throw std::runtime_error("a row with another number of cells: " + line);
    table.events.push_back(cells[0]);
    for (std::size_t i = 0; i < table.states.size(); ++i)
      table.cells[{table.states[i], cells[0]}] = cells[i + 1];
  }
  return table;
}

// What a cell says: what is done, and the next state where it is another one. "–" is nothing.
inline std::string cell_text(const std::string& done, const std::string& before,
                             const std::string& after) {
  if (before == after) return done.empty() ? "–" : done;
  return (done.empty() ? "" : done + " ") + "→ " + after;
}

}  // namespace assent::bench
