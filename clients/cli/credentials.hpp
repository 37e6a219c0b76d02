// How `assent` shows who it is, and how tokens are made. Secrets come from files only: the command
// line and the environment are for others to see.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "clients/cli/terminal.hpp"
#include "protocol/runtime/http_client.hpp"

namespace CLI {
class App;
}

namespace assent::cli {

struct Credentials {
  std::string token_file;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;

  // Throws std::invalid_argument where a file cannot be used.
  HttpClientOptions options() const;
};
void add_credential_options(CLI::App& app, Credentials& credentials);

struct NewToken {
  std::string role;
  std::string name;
  std::vector<std::string> participants;
  std::string file;  // to write the token to; empty: it is printed
};

// `assent token new`: prints a new token, once, and the line for the access file. `run` is set when
// that is the command given.
void add_token_command(CLI::App& app, NewToken& wanted, const Terminal& terminal,
                       std::function<int()>& run);

}  // namespace assent::cli
