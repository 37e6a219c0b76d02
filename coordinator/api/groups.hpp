// Groups: participants that go by one name in a request.
//
// A group is resolved when a transaction begins and never again: the machine, the ledger and the
// participants know branches only. Which of them came from a group stands among the transaction's
// labels (assent.group.NAME), where it lasts as long as the transaction, across restarts and
// changes of the configuration.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace assent {

// Members by the group's name; names as participants'. In the order of the configuration.
using Groups = std::map<std::string, std::vector<std::string>, std::less<>>;

// The groups that this participant is a member of.
std::vector<std::string_view> groups_with(const Groups& groups, std::string_view participant);

// "there is no group "replica"; did you mean replicas?"
std::string no_such_group(const Groups& groups, std::string_view name);

// The labels of a transaction, JSON text or empty, with a label for each group used before them.
std::string with_group_labels(std::string labels, const std::vector<std::string>& used,
                              const Groups& groups);
// The group that the branch came from, by the transaction's labels; empty: it was named itself.
std::string_view group_of(std::string_view labels, std::string_view participant);

}  // namespace assent
