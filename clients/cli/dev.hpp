// `assent dev`: a coordinator, participants and PostgreSQL servers to throw away, in one command.
//
// Everything lies in one folder:
//
//   state.json       what runs: pids, ports, sockets, commands; rewritten at every change
//   lock             held while `assent dev` runs
//   down/PART        present: that part is to be down. Created and removed by `kill` and `start`
//   ledger/          the coordinator's
//   bank_a/          a PostgreSQL cluster: data/, socket/, postgres.log
//   coordinator.log  bank_a.log …
//
// The folder is the only channel between `assent dev` and its control commands: they change what is
// wanted (down/), it makes it so, and they wait until state.json says that it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "clients/cli/terminal.hpp"

namespace assent::cli {

struct DevOptions {
  unsigned participants = 2;
  std::filesystem::path folder;  // empty: a temporary one
  std::uint16_t port = 0;        // 0: 7400, or a free one where that is taken
  bool no_restart = false;
};

extern const char* const kDevFooter;

// Runs until SIGINT, SIGTERM or SIGHUP. Call it from the main thread, alone.
int run_dev(const DevOptions& options, const Terminal& terminal);

// For an installation that runs elsewhere. An empty folder means the only one that runs.
int dev_kill(const std::filesystem::path& folder, const std::string& part, const Terminal& to);
int dev_start(const std::filesystem::path& folder, const std::string& part, const Terminal& to);
// The addresses of the participants of the installation whose coordinator has this URL; none where
// no such installation runs here.
std::vector<std::string> dev_participants(const std::string& url);
int dev_psql(const std::filesystem::path& folder, const std::string& part,
             const std::vector<std::string>& arguments, const Terminal& to);

}  // namespace assent::cli
