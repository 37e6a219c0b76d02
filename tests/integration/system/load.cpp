#include "tests/integration/system/load.hpp"

#include <random>
#include <set>

namespace assent::test {

Load::Load(Deployment& deployment, std::size_t clients) : deployment_(deployment) {
  for (std::size_t i = 0; i < deployment.size(); ++i) {
    deployment.cluster(i).query("create table marker (name text not null)", Deployment::name(i));
    deployment.cluster(i).query("grant insert on marker to assent_participant",
                                Deployment::name(i));
  }
  for (std::size_t i = 0; i < clients; ++i) clients_.emplace_back([this, i] { run(i); });
}

Load::~Load() {
  stop();
}

void Load::stop() {
  stopping_ = true;
  for (std::thread& each : clients_) each.join();
  clients_.clear();
}

void Load::run(std::size_t number) {
  std::mt19937 random(static_cast<unsigned>(number));
  client::Patience patience;
  patience.limit = std::chrono::seconds(20);
  patience.attempt = std::chrono::seconds(10);
  patience.longest_pause = std::chrono::milliseconds(300);
  client::Client assent(deployment_.url(), patience);
  for (std::size_t n = 0; !stopping_; ++n) {
    const std::string marker = std::to_string(number) + "/" + std::to_string(n);
    const std::size_t from = random() % deployment_.size();
    const std::size_t to = (from + 1) % deployment_.size();
    auto shot = transfer(Deployment::name(from), 1 + static_cast<int>(random() % 100),
                         Deployment::name(to), 1 + static_cast<int>(random() % 100), "1.00");
    for (client::Branch& branch : shot.branches)
      branch.statements.push_back({"insert into marker values ($1)", {marker}, {}});
    shot.timeout = std::chrono::seconds(5);
    {
      const std::lock_guard lock(mutex_);
      told_[marker] = client::Fate::unknown;
    }
    const auto done = assent.run(shot);
    if (done) ++committed_;
    const std::lock_guard lock(mutex_);
    told_[marker] = done ? client::Fate::committed : done.error().fate;
  }
}

std::vector<std::string> Load::contradictions() {
  std::vector<std::string> wrong;
  std::map<std::string, std::size_t> rows;
  for (std::size_t i = 0; i < deployment_.size(); ++i)
    for (const dev::Row& row :
         deployment_.cluster(i).query("select name from marker", Deployment::name(i)))
      ++rows[*row[0]];
  for (const auto& [marker, fate] : told_) {
    const auto found = rows.find(marker);
    const std::size_t count = found == rows.end() ? 0 : found->second;
    if (count != 0 && count != 2)
      wrong.push_back(marker + " is in " + std::to_string(count) + " places instead of 0 or 2");
    if (fate == client::Fate::committed && count != 2)
      wrong.push_back(marker + " was answered committed and is not in both databases");
    if ((fate == client::Fate::aborted || fate == client::Fate::none) && count != 0)
      wrong.push_back(marker + " was answered " + std::string(to_string(fate)) + " and is there");
  }
  return wrong;
}

}  // namespace assent::test
