#include <exception>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <thread>

#include "protocol/runtime/token.hpp"
#include "tests/lab/campaign.hpp"
#include "tests/lab/growth.hpp"
#include "tests/lab/visitors.hpp"

namespace assent::lab {

using test::Deployment;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBanks = 2;

// As the soak: stores are filled first, then comes half of the time in which nothing is judged, and
// the rest in rounds, after each of which all comes to rest and what is used is read.
class Traffic {
 public:
  Traffic(const fs::path& folder, std::uint64_t seed)
      : seed_(seed), random_(seed), options_(options(folder)), bank_(options_) {
    for (std::size_t i = 0; i < kBanks; ++i)
      bank_.cluster(i).query(test::escape_targets(), Deployment::name(i));
    cents_ = bank_.total();
    result_.campaign = "traffic";
  }

  CampaignResult run(double minutes, double rate) {
    watch_growth(bank_, result_, minutes, filled_,
                 {[this, rate](std::chrono::duration<double> time) { come(time, rate); },
                  [this] { rest(); }, [this] { judge(); }});
    return result_;
  }

 private:
  // A token of each caller, and the file of all of them.
  test::DeploymentOptions options(const fs::path& folder) {
    test::DeploymentOptions options;
    options.participants = kBanks;
    options.cluster.durable = false;
    options.folder = folder;
    std::string callers = new_token("client", "shop") + new_token("viewer", "watch");
    for (std::size_t i = 0; i < kBanks; ++i)
      callers += new_token("participant", Deployment::name(i));
    std::ofstream(file("access")) << callers;
    options.tokens = {read_token_file(file("shop")), read_token_file(file("watch"))};
    options.coordinator_env = small_history();
    options.coordinator_env.emplace_back("ASSENT_ACCESS_FILE", file("access"));
    options.participant_env = [this](const std::string& name) {
      return test::Environment{{"ASSENT_LINK_TOKEN_FILE", file(name)}};
    };
    return options;
  }

  std::string file(const std::string& name) const { return (secrets_.path() / name).string(); }

  std::string new_token(const std::string& role, const std::string& name) {
    dev::ProcessOptions process;
    process.argv = {(dev::executable_folder() / "assent").string(),
                    "token",
                    "new",
                    role,
                    name,
                    "--out",
                    file(name)};
    const dev::Finished made = dev::run(process);
    if (!made.status.ok()) throw std::runtime_error("assent token new: " + made.output);
    return made.output;
  }

  void come(std::chrono::duration<double> time, double rate) {
    const auto before = visits_.counts()["committed"];
    {
      const Visitors visitors(bank_, options_.tokens, inputs_, rate, random_(), visits_);
      std::this_thread::sleep_for(time);  // how long they come
    }
    if (visits_.counts()["committed"] == before)
      result_.violations.push_back("no good transfer was committed in a whole round");
  }

  void rest() {
    if (!dev::poll_until([&] { return is_at_rest(bank_); }, 60s))
      result_.violations.push_back("something has not ended after a minute at rest");
    for (std::size_t i = 0; i < kBanks; ++i)
      if (bank_.cluster(i).value("select count(*) from witness", Deployment::name(i)) != "0")
        result_.violations.push_back("a bad input has written into " + Deployment::name(i));
    if (bank_.total() != cents_) result_.violations.push_back("money was made or lost");
    readings_.push_back(read_use(bank_));
    for (std::string& sentence : visits_.wrongs())
      result_.violations.push_back(std::move(sentence));
    const Use& use = readings_.back();
    std::cerr << requests() << " requests, " << visits_.counts()["committed"]
              << " transfers committed, " << use.memory_kib << " KiB, " << use.descriptors
              << " descriptors, " << use.connections << " connections" << std::endl;
    age_journal(bank_);
  }

  std::size_t requests() const {
    std::size_t all = 0;
    for (const auto& [kind, count] : visits_.counts())
      if (kind != "committed") all += count;
    return all;
  }

  void judge() {
    if (readings_.empty()) return;
    result_.runs = requests();
    result_.figures = {{"seed", static_cast<double>(seed_)},
                       {"filled_with", static_cast<double>(filled_)},
                       {"distinct_bad_inputs", static_cast<double>(inputs_.distinct())},
                       {"readings", static_cast<double>(readings_.size())}};
    for (const auto& [kind, count] : visits_.counts())
      result_.figures.emplace_back(kind, static_cast<double>(count));
    judge_growth(readings_, result_);
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  dev::TemporaryFolder secrets_{"assent-traffic"};
  const BadInputs inputs_ = bad_inputs();
  test::DeploymentOptions options_;
  Deployment bank_;
  Visits visits_;
  std::int64_t cents_ = 0;
  std::vector<Use> readings_;
  CampaignResult result_;
  std::size_t filled_ = 0;
};

}  // namespace

CampaignResult run_traffic(const fs::path& folder, double minutes, double rate,
                           std::uint64_t seed) {
  return Traffic(folder, seed).run(minutes, rate);
}

}  // namespace assent::lab
