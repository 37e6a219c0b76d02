// What the commands print for people.
#pragma once

#include <string>

#include "clients/cli/terminal.hpp"
#include "clients/cpp/client.hpp"

namespace assent::cli {

void print_transaction(const Terminal& terminal, const client::Transaction& transaction);
void print_results(const Terminal& terminal, const std::vector<client::StatementResult>& results);
// The answers to GET /v1/transactions and GET /v1/participants.
void print_transactions(const Terminal& terminal, const std::string& json);
void print_participants(const Terminal& terminal, const std::string& json);

// What happened, what became of the transaction, what to do; on stderr. `again` is the command that
// repeats the request safely, where there is one. Returns the exit code.
int print_trouble(const Terminal& terminal, const client::Trouble& trouble,
                  const std::string& again = {});

// The exit code for a transaction that was to be committed.
int exit_code(const client::Transaction& transaction);

}  // namespace assent::cli
