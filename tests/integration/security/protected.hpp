// A coordinator with TLS and callers, certificates made by openssl, and a participant, for tests of
// who is let in.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/client.hpp"
#include "clients/dev/cluster.hpp"
#include "clients/dev/process.hpp"

namespace assent::test {

// A certificate authority, and what it signs: NAME.pem and NAME.key in its folder, for
// `names` (subjectAltName as openssl takes it). ca.pem is its own.
class Authority {
 public:
  explicit Authority(std::filesystem::path folder);
  void sign(const std::string& name, const std::string& names, const std::string& days = "2") const;
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

using Words = std::vector<std::string>;
// The output of `assent token new`: the token goes to a file in the folder; returns the line.
std::string new_token(const std::string& role, const std::string& name, const std::string& file);

class Protected {
 public:
  Protected();

  const std::filesystem::path& folder() const { return folder_.path(); }
  const Authority& authority() const { return authority_; }
  std::string file(const std::string& name) const { return (folder() / name).string(); }
  void write_access(const std::string& text) const;

  // `more` comes after the options that protect it.
  void start_coordinator(Words more = {});
  dev::Process& coordinator() { return *coordinator_; }
  // Runs until the coordinator knows it as ready, or as it is told to.
  dev::Process start_participant(const std::string& name, Words link) const;
  std::string conninfo() const { return cluster_->participant_conninfo("bank_a"); }

  HttpClientOptions with_token(const std::string& token_file) const;
  HttpClientOptions with_certificate(const std::string& name) const;
  HttpAnswer ask(const std::string& method, const std::string& target,
                 const HttpClientOptions& options, const std::string& body = {}) const;
  std::string url() const { return "https://localhost:" + std::to_string(port_); }
  // Ends with its exit code and what it has said.
  static dev::Finished run(Words argv, std::vector<std::pair<std::string, std::string>> env = {});
  Words coordinator_argv(Words more) const;

 private:
  dev::TemporaryFolder folder_;
  Authority authority_;
  std::uint16_t port_;
  std::uint16_t admin_port_;
  std::unique_ptr<dev::Cluster> cluster_;
  std::unique_ptr<dev::Process> coordinator_;
};

std::string content(const std::filesystem::path& file);

}  // namespace assent::test
