// The parts of one `assent dev` and the folder they lie in; see dev.hpp for the folder.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients/cli/dev.hpp"
#include "clients/cli/dev_parts.hpp"
#include "clients/dev/machine.hpp"

namespace assent::cli {

class Installation {
 public:
  // Takes the folder (refusing one that is somebody else's or in use) and chooses the ports.
  // Nothing runs yet. Throws std::runtime_error.
  explicit Installation(const DevOptions& options);
  // Stops what runs; removes the folder unless it is to be kept.
  ~Installation();

  // One step of the first start, telling what it is; false when there is no more to do.
  bool start_next(const Terminal& terminal);
  // Waits until every participant is ready. False when `interrupted` says so first.
  bool wait_until_ready(const std::function<bool()>& interrupted);

  const std::filesystem::path& folder() const { return folder_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  const std::vector<std::unique_ptr<Part>>& parts() const { return parts_; }
  const std::vector<std::string>& participants() const { return names_; }
  std::string psql(const std::string& participant) const;

  // Whether the part is wanted down; and saying so.
  bool wanted_down(const Part& part) const;
  void want_down(const Part& part) const;

  void write_state();

 private:
  void add_database(const std::string& name);
  void add_coordinator();
  void add_participant(const std::string& name);
  std::uint16_t port_of(const std::string& part, const char* fact) const;

  std::optional<dev::TemporaryFolder> temporary_;
  std::filesystem::path folder_;
  int lock_ = -1;
  bool keep_ = false;
  std::uint16_t port_ = 0;
  std::vector<std::string> names_;
  std::map<std::string, std::uint16_t> former_ports_;  // "bank_a.db port" → 15432
  std::vector<std::unique_ptr<Part>> parts_;           // in the order of their start
  std::map<std::string, DatabasePart*> databases_;     // by participant
  std::vector<DaemonPart*> daemons_;
};

// state.json, as others read it.
struct DevState {
  std::filesystem::path folder;
  pid_t pid = 0;
  std::string url;
  struct PartState {
    std::string state;  // running | down
    pid_t pid = -1;
    std::map<std::string, std::string> facts;
  };
  std::map<std::string, PartState> parts;
};
// nullopt: there is none, or it cannot be read.
std::optional<DevState> read_state(const std::filesystem::path& folder);

}  // namespace assent::cli
