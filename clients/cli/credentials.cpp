#include "clients/cli/credentials.hpp"

#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "protocol/runtime/callers.hpp"

namespace assent::cli {

HttpClientOptions Credentials::options() const {
  HttpClientOptions options;
  options.tls = {ca_file, certificate_file, key_file};
  if (certificate_file.empty() != key_file.empty())
    throw std::invalid_argument("--cert and --key-file belong together");
  try {
    if (!token_file.empty()) options.token = read_token_file(token_file);
    // A file that cannot be used is said at once, whatever the URL.
    if (!ca_file.empty() || !certificate_file.empty()) make_client_context(options.tls);
  } catch (const std::runtime_error& error) {
    throw std::invalid_argument(error.what());
  }
  return options;
}

void add_credential_options(CLI::App& app, Credentials& credentials) {
  app.add_option("--token-file", credentials.token_file, "File with the token to show")
      ->envname("ASSENT_TOKEN_FILE");
  app.add_option("--ca", credentials.ca_file,
                 "PEM file: who signs the server's certificate, for https")
      ->envname("ASSENT_CA_FILE");
  app.add_option("--cert", credentials.certificate_file, "PEM file: the certificate to show")
      ->envname("ASSENT_CERT_FILE");
  app.add_option("--key-file", credentials.key_file, "PEM file: the certificate's private key")
      ->envname("ASSENT_KEY_FILE");
}

namespace {

constexpr const char* kTokenFooter = R"(
ROLE is client, viewer, operator or participant; a participant's NAME is that of its database:

  assent token new client shop --participants orders,stock
  assent token new participant orders --out /etc/assent/orders.token

The printed line goes into the coordinator's access_file, which holds the token's SHA-256 only, and
is in force after a SIGHUP. The token itself is kept nowhere else: whoever loses it gets a new one.
)";

// Readable by its owner alone, and never in place of another file.
void write_secret(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0)
    throw std::invalid_argument(path + ": the file is there already, or cannot be made here");
  const std::string line = text + "\n";
  const bool written = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (::close(file) != 0 || !written)
    throw std::invalid_argument(path + ": the token could not be written");
}

int make_token(const NewToken& wanted, const Terminal& terminal) {
  const auto role = parse_role(wanted.role);
  if (!role)
    throw std::invalid_argument("\"" + wanted.role +
                                "\" is no role; there are client, viewer, operator, participant");
  const std::string token = new_token();
  Caller caller;
  caller.role = *role;
  caller.name = wanted.name;
  caller.participants = wanted.participants;
  caller.token = digest_of(token);
  const std::string line = to_line(caller);
  try {
    parse_callers(line, "assent token new");
  } catch (const std::runtime_error& error) {
    throw std::invalid_argument(error.what());
  }
  if (wanted.file.empty())
    terminal.out << token << '\n';
  else
    write_secret(wanted.file, token);
  terminal.out << line << '\n';
  return 0;
}

}  // namespace

void add_token_command(CLI::App& app, NewToken& wanted, const Terminal& terminal,
                       std::function<int()>& run) {
  CLI::App* const token = app.add_subcommand("token", "Tokens, which show who is calling");
  token->require_subcommand(1);
  CLI::App* const fresh = token->add_subcommand("new", "Make a token and its access file's line");
  fresh->add_option("ROLE", wanted.role, "What the caller may do")->required();
  fresh->add_option("NAME", wanted.name, "The caller's name")->required();
  fresh->add_option("--participants", wanted.participants, "Those a client may use; all, if absent")
      ->delimiter(',');
  fresh->add_option("--out", wanted.file, "Write the token to this new file, not to the terminal");
  fresh->footer(kTokenFooter);
  fresh->callback([&] { run = [&wanted, &terminal] { return make_token(wanted, terminal); }; });
}

}  // namespace assent::cli
