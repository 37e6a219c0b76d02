#include "clients/cli/table.hpp"

#include <algorithm>
#include <utility>

namespace assent::cli {
namespace {

// Characters, not bytes: what follows the first byte of a UTF-8 character is not counted.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

void Table::add(std::vector<Cell> cells) {
  cells.resize(columns_.size(), Cell(""));
  for (Cell& cell : cells) cell.text = printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::text(const Terminal& terminal, std::string_view indent) const {
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.emplace_back(printable(column.title), Colour::bold);
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    widths.push_back(width(titles[c].text));
    for (const auto& row : rows_) widths[c] = std::max(widths[c], width(row[c].text));
  }

  std::string result;
  const auto add_line = [&](const std::vector<Cell>& cells) {
    std::string line(indent);
    std::string gap;  // written only before further text, so that no line ends in spaces
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string padding(widths[c] - width(cells[c].text), ' ');
      if (columns_[c].right) gap += padding;
      if (!cells[c].text.empty())
        line += std::exchange(gap, "") + terminal.paint(cells[c].text, cells[c].colour);
      if (!columns_[c].right) gap += padding;
      gap += "  ";
    }
    result += line + '\n';
  };
  add_line(titles);
  for (const auto& row : rows_) add_line(row);
  return result;
}

}  // namespace assent::cli
