#include "tests/integration/security/protected.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "clients/dev/machine.hpp"
#include "protocol/runtime/token.hpp"
#include "tests/integration/system/recorded.hpp"

namespace assent::test {
namespace {

constexpr std::chrono::seconds kPatience{30};

std::string program(const char* name) {
  return (dev::executable_folder() / name).string();
}

std::string must(const dev::Finished& finished) {
  if (!finished.status.ok()) throw std::runtime_error(finished.output);
  return finished.output;
}

}  // namespace

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Authority::Authority(std::filesystem::path folder) : folder_(std::move(folder)) {
  must(Protected::run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                       "-subj", "/CN=test authority", "-keyout", file("ca.key"), "-out",
                       file("ca.pem")}));
}

void Authority::sign(const std::string& name, const std::string& names,
                     const std::string& days) const {
  must(Protected::run({"openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name,
                       "-keyout", file(name + ".key"), "-out", file(name + ".csr")}));
  std::ofstream(file(name + ".ext")) << "subjectAltName=" << names << '\n';
  must(Protected::run({"openssl", "x509", "-req", "-in", file(name + ".csr"), "-CA", file("ca.pem"),
                       "-CAkey", file("ca.key"), "-CAcreateserial", "-days", days, "-extfile",
                       file(name + ".ext"), "-out", file(name + ".pem")}));
}

std::string new_token(const std::string& role, const std::string& name, const std::string& file) {
  return must(Protected::run({program("assent"), "token", "new", role, name, "--out", file}));
}

Protected::Protected()
    : folder_("assent-security"),
      authority_(folder_.path()),
      port_(dev::free_port()),
      admin_port_(dev::free_port()) {
  dev::ClusterOptions options;
  options.name = "bank_a";
  cluster_ = std::make_unique<dev::Cluster>(options);
  cluster_->install_demo_bank("bank_a");
  authority_.sign("server", "DNS:localhost,IP:127.0.0.1");
  authority_.sign("ops", "DNS:ops.example");
  write_access(new_token("client", "shop", file("shop.token")) +
               new_token("client", "till", file("till.token")) +
               new_token("participant", "bank_a", file("bank_a.token")) +
               new_token("participant", "bank_b", file("bank_b.token")) +
               "operator ops certificate=ops.example\n");
  must(run({program("assent-coordinator"), "init", "--ledger", file("ledger")}));
}

void Protected::write_access(const std::string& text) const {
  std::ofstream(file("access"), std::ios::trunc) << text;
}

dev::Finished Protected::run(Words argv, std::vector<std::pair<std::string, std::string>> env) {
  dev::ProcessOptions process;
  process.argv = std::move(argv);
  process.env = std::move(env);
  return dev::run(process);
}

Words Protected::coordinator_argv(Words more) const {
  Words argv = {program("assent-coordinator"),
                "--ledger",
                file("ledger"),
                "--listen",
                "127.0.0.1:" + std::to_string(port_),
                "--admin-listen",
                "127.0.0.1:" + std::to_string(admin_port_),
                "--log-format",
                "text"};
  argv.insert(argv.end(), more.begin(), more.end());
  return argv;
}

void Protected::start_coordinator(Words more) {
  Words all = {"--tls-certificate", file("server.pem"), "--tls-key",     file("server.key"),
               "--tls-client-ca",   file("ca.pem"),     "--access-file", file("access")};
  all.insert(all.end(), more.begin(), more.end());
  dev::ProcessOptions process;
  process.argv = coordinator_argv(all);
  process.log = file("coordinator.log");
  coordinator_ = std::make_unique<dev::Process>(process);
  if (!coordinator_->wait_for_line("ready", kPatience))
    throw std::runtime_error("the coordinator did not start:\n" + coordinator_->log_tail());
}

dev::Process Protected::start_participant(const std::string& name, Words link) const {
  dev::ProcessOptions process;
  process.argv = {program("assent-participant"),
                  "--name",
                  name,
                  "--database",
                  conninfo(),
                  "--coordinator",
                  "localhost:" + std::to_string(port_),
                  "--admin-listen",
                  "127.0.0.1:" + std::to_string(dev::free_port()),
                  "--log-format",
                  "text"};
  process.argv.insert(process.argv.end(), link.begin(), link.end());
  process.log = file(name + ".log");
  return dev::Process(process);
}

HttpClientOptions Protected::with_token(const std::string& token_file) const {
  HttpClientOptions options;
  options.tls.ca = file("ca.pem");
  if (!token_file.empty()) options.token = read_token_file(file(token_file));
  return options;
}

HttpClientOptions Protected::with_certificate(const std::string& name) const {
  HttpClientOptions options = with_token({});
  options.tls.certificate = file(name + ".pem");
  options.tls.key = file(name + ".key");
  return options;
}

HttpAnswer Protected::ask(const std::string& method, const std::string& target,
                          const HttpClientOptions& options, const std::string& body) const {
  HttpCall call;
  call.method = method;
  call.target = target;
  call.body = body;
  if (!body.empty()) call.headers.emplace_back("Content-Type", "application/json");
  auto answer = transport_to(url(), options)->call(call);
  if (auto* got = std::get_if<HttpAnswer>(&answer)) return std::move(*got);
  return {0, {}, std::get<HttpFailure>(answer).message};
}

}  // namespace assent::test
