// The first byte chooses daemon and layer. What cannot be used ends in ConfigError or UsageError,
// whatever the bytes are.
#include "coordinator/configuration.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include "participant/configuration.hpp"
#include "protocol/runtime/command_line.hpp"
#include "protocol/runtime/config_file.hpp"
#include "protocol/runtime/config_pages.hpp"
#include "protocol/runtime/listening.hpp"
#include "tests/fuzz/targets.hpp"

namespace assent::fuzz {
namespace {

using Values = std::map<std::string, ConfigValue>;

// A file in memory with a path, since that is what is asked for.
std::string file_with(std::string_view text) {
  static const int fd = ::memfd_create("configuration", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const bool written =
      fd >= 0 && ::ftruncate(fd, 0) == 0 &&
      ::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  demand(written, "there is memory for a file");
  return path;
}

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    all.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

void use(const DaemonSpec& spec, bool coordinator, const Values& values) {
  const Config config(spec.keys, values);
  demand(!config_page(spec, config).empty(), "what is valid can be shown");
  listen_address(config, "admin.listen");
  if (coordinator) {
    listen_address(config, "listen");
    const FileLogOptions options = log_options(config);
    demand(options.segment_bytes >= kMinSegmentBytes, "a segment has a size that works");
    demand(coordinator_limits(config).open_transactions > 0, "limits let something through");
  } else {
    const DatabaseOptions options = database_options(config);
    demand(options.lanes > 0 && options.finishers >= options.lanes, "the pools fit together");
    demand(participant_limits(config).open_branches > 0, "limits let something through");
  }
}

}  // namespace

void configuration(std::string_view bytes) {
  static const DaemonSpec specs[] = {participant_spec(), coordinator_spec()};
  if (bytes.empty()) return;
  const bool coordinator = (bytes[0] & 1) != 0;
  const DaemonSpec& spec = specs[coordinator ? 1 : 0];
  const std::string_view text = bytes.substr(1);
  try {
    if (bytes[0] & 2)
      use(spec, coordinator, read_environment(lines(text), spec.keys));
    else if (bytes[0] & 4)
      read_command_line(lines(text), spec);
    else
      use(spec, coordinator, read_config_file(file_with(text), spec.keys));
  } catch (const ConfigError& error) {
    demand(*error.what() != '\0', "a refusal says why");
  } catch (const UsageError& error) {
    demand(*error.what() != '\0', "a refusal says why");
  }
}

}  // namespace assent::fuzz
