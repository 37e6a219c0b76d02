#include "tests/lab/scenario_words.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "protocol/runtime/config.hpp"
#include "tests/lab/scenario_forms.hpp"

namespace assent::lab {

Words split(std::string_view text) {
  Words words;
  std::istringstream stream{std::string(text)};
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string rest_of(std::string_view line, std::size_t word) {
  const auto skip_spaces = [&] {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front())))
      line.remove_prefix(1);
  };
  skip_spaces();
  for (; word > 0; --word) {
    while (!line.empty() && !std::isspace(static_cast<unsigned char>(line.front())))
      line.remove_prefix(1);
    skip_spaces();
  }
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())))
    line.remove_suffix(1);
  return std::string(line);
}

bool is_place(std::string_view word) {
  return !word.empty() && std::isupper(static_cast<unsigned char>(word.front())) != 0 &&
         (word.size() == 1 || std::isupper(static_cast<unsigned char>(word[1])) != 0);
}

bool is_count(std::string_view word) {
  return !word.empty() && word.size() < 10 && word.find_first_not_of("0123456789") == word.npos;
}

bool is_number(std::string_view word) {
  if (word.starts_with('-')) word.remove_prefix(1);
  const auto point = word.find('.');
  return is_count(word.substr(0, point)) &&
         (point == word.npos || is_count(word.substr(point + 1)));
}

bool is_order(std::string_view word) {
  const auto at = word.find('@');
  if (at != word.npos) {
    std::string_view passage = word.substr(at + 1);
    if (passage.ends_with('+')) passage.remove_suffix(1);
    if (!is_count(passage) || passage.find_first_not_of('0') == passage.npos) return false;
  }
  const std::string_view what = word.substr(0, at);
  return what == "kill" || what == "error" ||
         (what.starts_with("delay:") && parse_duration(what.substr(6)));
}

std::string help_of(std::string_view place) {
  for (const PlaceForm& form : kPlaces)
    if (form.place.find(place) != form.place.npos) return std::string(form.help);
  return {};
}

bool is_name(const std::string& word) {
  return !word.empty() && std::isalpha(static_cast<unsigned char>(word[0])) != 0 &&
         std::all_of(word.begin(), word.end(), [](unsigned char c) {
           return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_';
         });
}

}  // namespace assent::lab
