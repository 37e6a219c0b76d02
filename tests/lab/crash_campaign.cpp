#include <iostream>

#include "tests/lab/campaign.hpp"
#include "tests/lab/checkers.hpp"
#include "tests/lab/points.hpp"
#include "tests/lab/situations.hpp"

namespace assent::lab {

using test::Deployment;

namespace {

constexpr const char* kModes[] = {"kill", "error", "delay:300ms"};

class CrashCampaign {
 public:
  explicit CrashCampaign(const std::filesystem::path& folder)
      : bank_(options(folder)), situations_(bank_) {
    install_workload(bank_);
    cents_ = bank_.total();
    result_.campaign = "crash-points";
  }

  CampaignResult run(const std::string& only) {
    for (const bool of_coordinator : {true, false})
      for (const std::string& point : of_coordinator ? coordinator_points() : participant_points())
        for (const char* mode : kModes)
          if (point.find(only) != std::string::npos) pass({of_coordinator, point, mode});
    return result_;
  }

 private:
  static test::DeploymentOptions options(const std::filesystem::path& folder) {
    test::DeploymentOptions options;
    options.cluster.durable = false;  // processes die, the machine does not
    options.folder = folder;
    options.faults = true;
    return options;
  }

  void pass(const Situations::Orders& orders) {
    const std::string what = orders.point + "=" + orders.order;
    const auto start = std::chrono::steady_clock::now();
    ++result_.runs;
    ++result_.points;
    Names wrong;
    try {
      situations_.bring_about(Situations::of_point(orders.point), orders);
      const bool hit = was_obeyed(orders);
      result_.points_hit += hit ? 1 : 0;
      if (!hit) wrong.push_back("the point was not reached");
      for (std::string& sentence : situations_.finish()) wrong.push_back(std::move(sentence));
      History history;
      history.cents_before = cents_;
      situations_.tell(history);
      observe(bank_, history);
      for (std::string& sentence : check_all(history)) wrong.push_back(std::move(sentence));
    } catch (const std::exception& error) {
      wrong.push_back(error.what());
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    std::cerr << (wrong.empty() ? "ok      " : "FAILED  ") << what << " (" << took.count() << " ms)"
              << std::endl;
    if (!wrong.empty()) std::cerr << bank_.logs() << std::endl;
    for (const std::string& sentence : wrong) {
      std::cerr << "  " << sentence << std::endl;
      result_.violations.push_back(what + ": " + sentence);
    }
  }

  bool was_obeyed(const Situations::Orders& orders) {
    dev::Process& daemon = orders.of_coordinator ? bank_.coordinator() : bank_.participant(0);
    if (orders.order == "kill")
      return daemon.logged().find("crash point " + orders.point + ": killed by order") !=
             std::string::npos;
    for (const PointCount& count : count_points(orders.of_coordinator ? bank_.coordinator_admin()
                                                                      : bank_.participant_admin(0)))
      if (count.point == orders.point) return count.obeyed > 0;
    return false;
  }

  Deployment bank_;
  Situations situations_;
  std::int64_t cents_ = 0;
  CampaignResult result_;
};

}  // namespace

CampaignResult run_crash_points(const std::filesystem::path& folder, const std::string& only) {
  return CrashCampaign(folder).run(only);
}

}  // namespace assent::lab
