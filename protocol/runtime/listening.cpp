#include "protocol/runtime/listening.hpp"

#include <string>

#include <boost/asio/ip/address.hpp>

namespace assent {
namespace {

// A number; a name may stand for any address.
bool is_loopback(const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

}  // namespace

ConfigKey allow_open_network_key() {
  ConfigKey key;
  key.name = "allow_open_network";
  key.type = KeyType::boolean;
  key.standard = "false";
  key.help = "listen beyond loopback although there is neither TLS nor authentication yet";
  return key;
}

Address listen_address(const Config& config, std::string_view key) {
  const std::string& text = config.text(key);
  const auto address = parse_address(text);
  const std::string where = std::string(key) + " (" + config.source(key) + ")";
  if (!address)
    throw ConfigError(where + ": " + text +
                      " is not an address; write host:port, as 127.0.0.1:7400");
  if (!is_loopback(address->host) && !config.boolean("allow_open_network"))
    throw ConfigError(
        where + ": " + text +
        " is open to the network, and there is neither TLS nor authentication yet. Listen on "
        "127.0.0.1, or say allow_open_network if the network itself is closed to others");
  return *address;
}

}  // namespace assent
