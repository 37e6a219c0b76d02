#include "tests/scenarios/names.hpp"

#include <regex>

namespace assent::scenarios {

Names::Names() {
  options_.namer = [this](const Uuid& id) { return of(id); };
}

std::string Names::of(const Uuid& id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? to_string(id) : found->second;
}

std::string Names::shorten(std::string sentence) const {
  for (const auto& [id, name] : names_)
    for (std::size_t at = 0; (at = sentence.find(to_string(id), at)) != std::string::npos;)
      sentence.replace(at, to_string(id).size(), name);
  return sentence;
}

std::string Names::without_noise(const std::string& text) {
  static const std::regex after_blank(
      " ((work|results?)=[0-9]+B|(request|wall_ms|forgotten_wall_ms)=[0-9]+)");
  static const std::regex after_brace("\\{results=[0-9]+B ?");
  return std::regex_replace(std::regex_replace(text, after_blank, ""), after_brace, "{");
}

}  // namespace assent::scenarios
