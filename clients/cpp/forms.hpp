// Between the client's types and the API's JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "clients/cpp/client.hpp"

namespace assent::client {

std::string to_json(const Interactive& transaction);
std::string to_json(const External& transaction);
std::string to_json(std::int64_t seq, const Branch& branch);
std::string to_json(WaitFor wait_for);
std::string preview_json(const std::string& outcome);
std::string resolve_json(const std::string& outcome, const std::string& reason,
                         const std::string& seen);
std::string acknowledge_json(const std::string& reason);
// nullopt: not an answer to statements.
std::optional<std::vector<StatementResult>> parse_results(const std::string& json);

}  // namespace assent::client
