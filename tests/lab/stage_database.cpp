// Steps that concern PostgreSQL servers.
#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "protocol/ids.hpp"
#include "tests/lab/stage.hpp"

namespace assent::lab {

void Stage::perform_database(const Step& step) {
  const std::string& name = step.words[0];
  const std::string lane = name + ".db";
  const bool good = step.verb == Verb::give_connections || step.verb == Verb::give_slots ||
                    step.verb == Verb::back_up || step.verb == Verb::promote;
  timeline_.mark(lane, good ? MarkKind::step : MarkKind::fault, step.text);
  switch (step.verb) {
    case Verb::terminate:
      for (const pid_t pid : participant_backends(conninfo(name))) terminate(name, pid);
      return;
    case Verb::terminate_one:
      return terminate(name, backend_of(name));
    case Verb::take_connections:
      crowds_[name] = std::make_unique<Crowd>(conninfo(name));
      return;
    case Verb::give_connections:
      crowds_.erase(name);
      return;
    case Verb::take_slots:
      slots_taken_.insert(name);
      return take_slots(conninfo(name));
    case Verb::give_slots:
      slots_taken_.erase(name);
      return give_slots_back(conninfo(name));
    case Verb::promote:
      return promote(name);
    case Verb::back_up:
      std::filesystem::remove_all(backup_of(name));
      return own().cluster(index_of(name)).back_up(backup_of(name));
    default:
      own().cluster(index_of(name)).put_back(backup_of(name));
  }
}

std::string Stage::conninfo(const std::string& database) const {
  if (!deployment_) return at_.participants.at(index_of(database)).conninfo;
  const dev::Cluster& cluster = deployment_->cluster(index_of(database));
  const auto standby = standbys_.find(database);
  if (standby == standbys_.end() || !standby->second->following())
    return cluster.conninfo(database);
  // Whoever connects again after a promotion finds the new server.
  const dev::Cluster& other = standby->second->cluster();
  return "host=" + cluster.socket_folder().string() + "," + other.socket_folder().string() +
         " port=" + std::to_string(cluster.port()) + "," + std::to_string(other.port()) +
         " dbname=" + database + " user=postgres target_session_attrs=read-write";
}

pid_t Stage::backend_of(const std::string& database) const {
  const std::vector<pid_t> backends = participant_backends(conninfo(database));
  if (backends.empty()) throw std::runtime_error(database + " has no connection to its database");
  return backends.front();
}

void Stage::terminate(const std::string& database, pid_t backend) {
  dev::query(conninfo(database), "select pg_terminate_backend(" + std::to_string(backend) + ")");
}

void Stage::promote(const std::string& database) {
  const std::size_t index = index_of(database);
  const auto standby = standbys_.find(database);
  if (standby == standbys_.end() || !standby->second->following())
    throw std::runtime_error(database + " has no standby");
  if (own().cluster(index).running())
    throw std::runtime_error("two servers would be written to: kill " + database + ".db first");
  own().replace_cluster(index, standby->second->promote());
  alive_[database + ".db"] = true;
  proxy(database + "-database").lead_to(own().cluster(index).port());
}

void Stage::by_hand(const std::string& verb, const std::string& name, const std::string& database) {
  fault(database + ".db", verb + " prepared, by hand: " + name);
  for (const dev::Row& row : dev::query(conninfo(database), "select gid from pg_prepared_xacts")) {
    const auto gid = parse_gid(row[0].value_or(""));
    if (!gid || gid->participant != database) continue;
    const std::vector<std::string> holders = prepared_at(name);
    if (std::find(holders.begin(), holders.end(), database) == holders.end()) continue;
    dev::query(conninfo(database), verb + " prepared '" + to_string(*gid) + "'");
    return;
  }
  throw std::runtime_error(name + " is not prepared at " + database);
}

}  // namespace assent::lab
