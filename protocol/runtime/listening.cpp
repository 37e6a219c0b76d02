#include "protocol/runtime/listening.hpp"

namespace assent {
namespace {

std::string place(const Config& config, std::string_view key) {
  return std::string(key) + " (" + config.source(key) + "): ";
}

bool given(const Config& config, std::string_view key) {
  return !config.text(key).empty();
}

// What stands between a listener and the network it would be open to.
std::string missing_protection(const Config& config) {
  const bool tls = given(config, "tls.certificate");
  if (tls && given(config, "access_file")) return {};
  if (tls) return "nobody is asked who they are: name the callers in access_file";
  if (given(config, "access_file"))
    return "tokens would travel in clear text: set tls.certificate and tls.key";
  return "there is neither TLS nor authentication: set tls.certificate, tls.key and access_file";
}

}  // namespace

std::vector<ConfigKey> listening_keys() {
  return {
      {.name = "access_file",
       .help = "file of callers: who may do what, by which token or certificate (see `assent token "
               "new`); without it everybody who reaches a listener may do everything"},
      {.name = "tls.certificate",
       .help = "PEM file: this daemon's certificate and its chain; turns TLS on for all listeners"},
      {.name = "tls.key", .help = "PEM file: the certificate's private key, without a passphrase"},
      {.name = "tls.client_ca",
       .help = "PEM file: whose certificates of clients are accepted, as named in access_file"},
      {.name = "allow_open_network",
       .type = KeyType::boolean,
       .standard = "false",
       .help = "listen or dial beyond loopback although TLS or authentication is missing; only "
               "where the network itself is closed to others"}};
}

Address listen_address(const Config& config, std::string_view key) {
  const std::string& text = config.text(key);
  const auto address = parse_address(text);
  if (!address)
    throw ConfigError(place(config, key) + text +
                      " is not an address; write host:port, as 127.0.0.1:7400");
  const std::string missing = missing_protection(config);
  if (!missing.empty() && !is_loopback(address->host) && !config.boolean("allow_open_network"))
    throw ConfigError(place(config, key) + text + " is open to the network, and " + missing +
                      ". Or listen on 127.0.0.1, or say allow_open_network if the network itself "
                      "is closed to others");
  return *address;
}

Access access_of(const Config& config) {
  try {
    return Access(config.text("access_file"));
  } catch (const std::runtime_error& error) {
    throw ConfigError(std::string("access_file: ") + error.what());
  }
}

TlsContext listening_tls(const Config& config) {
  const auto needs = [&config](std::string_view key, std::string_view other) {
    if (given(config, key) && !given(config, other))
      throw ConfigError(place(config, key) + "needs " + std::string(other) + " as well");
  };
  needs("tls.certificate", "tls.key");
  needs("tls.key", "tls.certificate");
  needs("tls.client_ca", "tls.certificate");
  needs("tls.client_ca", "access_file");
  if (!given(config, "tls.certificate")) return nullptr;
  try {
    return make_server_context(
        {config.text("tls.certificate"), config.text("tls.key"), config.text("tls.client_ca")});
  } catch (const std::runtime_error& error) {
    throw ConfigError(std::string("tls: ") + error.what());
  }
}

}  // namespace assent
