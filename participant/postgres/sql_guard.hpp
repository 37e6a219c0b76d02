// Refuses, before it is sent, SQL that would end or replace the branch's transaction or leave
// something behind in a connection that others use after it.
//
// Pure. It allows the statements it knows by their first keyword and refuses all others, so that
// what hides behind a comment, a byte order mark or an odd space is refused because it is not
// known. It cannot see into functions: the transaction's identity and the command tags are checked
// after the work as well, and a connection's settings are reset before each use.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace assent {

// The reason and the remedy, in a sentence or two, or nullopt: it may be sent.
std::optional<std::string> refuse_sql(std::string_view sql);

// Whether a command tag says that a statement ended, replaced or subdivided the transaction.
bool is_transaction_control(std::string_view command_tag);

// 'text' as a string literal that means the same whatever standard_conforming_strings says.
std::string quote_literal(std::string_view text);
// A name, in double quotes.
std::string quote_identifier(std::string_view name);

}  // namespace assent
