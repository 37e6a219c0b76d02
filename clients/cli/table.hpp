// Aligned columns for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/cli/terminal.hpp"

namespace assent::cli {

class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;  // numbers
  };
  struct Cell {
    Cell(std::string what, Colour how = Colour::none) : text(std::move(what)), colour(how) {}
    Cell(const char* what) : text(what) {}
    std::string text;
    Colour colour = Colour::none;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns; missing ones are empty.
  void add(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }
  // Title line and rows, each line preceded by `indent`, without trailing spaces.
  std::string text(const Terminal& terminal, std::string_view indent = "") const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace assent::cli
