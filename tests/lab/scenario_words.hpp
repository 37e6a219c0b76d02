// The words of the scenario language: what may stand at a place, whatever the scenario is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assent::lab {

using Words = std::vector<std::string>;

Words split(std::string_view text);
// What is left of the line from its n-th word on, with its own spaces.
std::string rest_of(std::string_view line, std::size_t word);

bool is_place(std::string_view word);  // in a form: NEW, TX …
bool is_count(std::string_view word);  // digits, not more than can be counted with
bool is_number(std::string_view word);
// kill, error or delay:2s; the passage after an @, with a + where all later ones are meant as well.
bool is_order(std::string_view word);
bool is_name(const std::string& word);

// What a place wants, for people.
std::string help_of(std::string_view place);

}  // namespace assent::lab
