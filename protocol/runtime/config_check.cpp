#include "protocol/runtime/config_check.hpp"

#include <stdexcept>
#include <string>

#include <sys/stat.h>

#include "protocol/runtime/listening.hpp"

namespace assent {
namespace {

constexpr std::chrono::hours kRenewBefore{24 * 21};

}  // namespace

void check_listening(const Config& config, const std::vector<std::string_view>& addresses,
                     Findings& found) {
  for (const std::string_view key : addresses) look(found, [&] { listen_address(config, key); });
  look(found, [&] { listening_tls(config); });
  look(found, [&] { access_of(config); });
  check_expiry(config, {"tls.certificate", "tls.client_ca"}, found);
  check_secrecy(config, {"tls.key"}, found);
}

void check_expiry(const Config& config, const std::vector<std::string_view>& certificates,
                  Findings& found) {
  for (const std::string_view key : certificates) {
    const std::string& file = config.text(key);
    if (file.empty()) continue;
    try {
      const auto left = certificate_expires_in(file);
      if (left.count() < 0 || left > kRenewBefore) continue;
      found.push_back({Finding::Severity::warning,
                       std::string(key) + " (" + config.source(key) + "): " + file +
                           " expires in " + std::to_string(left.count() / 86'400) + " days.",
                       "Renew it, and reload with SIGHUP.",
                       "Afterwards nobody who checks it connects any more."});
    } catch (const std::runtime_error&) {
      continue;
    }
  }
}

void check_secrecy(const Config& config, const std::vector<std::string_view>& files,
                   Findings& found) {
  for (const std::string_view key : files) {
    const std::string& file = config.text(key);
    struct stat status {};
    if (file.empty() || ::stat(file.c_str(), &status) != 0) continue;
    if ((status.st_mode & S_IROTH) == 0) continue;
    found.push_back({Finding::Severity::warning,
                     std::string(key) + " (" + config.source(key) +
                         "): everybody on this machine "
                         "may read " +
                         file + ".",
                     "chmod o-rwx " + file, "Who has it can pass for this daemon."});
  }
}

}  // namespace assent
