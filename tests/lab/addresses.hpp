// Where a deployment is that the lab is to work on: its own, or one that is there already and is
// described in a file.
//
//   coordinator 127.0.0.1:7400 admin 127.0.0.1:7401
//   participant bank_a admin 127.0.0.1:7411 database host=127.0.0.1 dbname=bank_a user=postgres
//   link bank_a-coordinator from 127.0.0.1:7500 to 127.0.0.1:7400
//
// A participant's database is given as to libpq, with a superuser. A link says where the lab
// listens while a scenario runs, and where it leads what comes: the deployment must dial there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace assent::lab {

struct Endpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};
std::string to_string(const Endpoint& endpoint);

struct Addresses {
  struct Participant {
    std::string name;
    Endpoint admin;
    std::string conninfo;
  };
  struct Link {
    std::string name;
    Endpoint from;
    Endpoint to;
  };
  Endpoint coordinator;
  Endpoint coordinator_admin;
  std::vector<Participant> participants;
  std::vector<Link> links;

  std::vector<std::string> names() const;
};

// Throw ScenarioError, with file, line and what would fit. `file` is for messages.
Addresses parse_addresses(std::string_view text, const std::string& file);
Addresses read_addresses(const std::filesystem::path& file);

// The process of that program ("assent-coordinator") of this machine that listens there. Throws
// std::runtime_error when there is none.
pid_t listener(const Endpoint& endpoint, std::string_view program);
// Whether something accepts connections there.
bool reachable(const Endpoint& endpoint);

}  // namespace assent::lab
