#include "tests/lab/campaign.hpp"

#include <cmath>
#include <cstdint>

#include <boost/json.hpp>

namespace assent::lab {

std::string summary(const CampaignResult& result) {
  boost::json::object line{{"campaign", result.campaign},
                           {"runs", result.runs},
                           {"violations", result.violations.size()},
                           {"points", result.points},
                           {"points_hit", result.points_hit}};
  for (const auto& [name, figure] : result.figures) {
    if (figure == std::floor(figure))
      line[name] = static_cast<std::int64_t>(figure);
    else
      line[name] = figure;
  }
  if (!result.violations.empty()) line["first_violation"] = result.violations.front();
  return boost::json::serialize(line);
}

}  // namespace assent::lab
