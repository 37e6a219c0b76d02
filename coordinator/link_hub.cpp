#include "coordinator/link_hub.hpp"

#include <map>
#include <set>
#include <utility>

#include "protocol/codec.hpp"
#include "protocol/runtime/link.hpp"
#include "protocol/runtime/log.hpp"
#include "protocol/runtime/upgrade.hpp"

namespace assent {
namespace {

// One connection. Its name is empty until its Hello, and again once another link has taken the
// name.
struct Connection {
  std::shared_ptr<Link> link;
  CallerPtr caller;
  std::string name;
};

}  // namespace

struct LinkHub::Impl : std::enable_shared_from_this<Impl> {
  std::function<void(CoordinatorEvent)> report;
  std::function<void(const std::string&, std::string)> take_report;
  std::set<std::shared_ptr<Connection>> connections;
  std::map<std::string, std::shared_ptr<Connection>> named;

  void received(const std::shared_ptr<Connection>& from, std::string_view frame) {
    auto decoded = decode_to_coordinator(frame);
    if (!decoded.ok()) {
      log::warning(
          "link closed: its frame cannot be read",
          {{"participant", from->name}, {"peer", from->link->peer()}, {"error", decoded.error}});
      return from->link->close("malformed frame: " + decoded.error);
    }
    if (!decoded.report.empty() && !from->name.empty() && take_report)
      take_report(from->name, std::move(decoded.report));
    for (ToCoordinator& message : decoded.messages) {
      if (auto* hello = std::get_if<Hello>(&message)) {
        if (from->name.empty()) introduce(from, std::move(*hello));
      } else if (!from->name.empty()) {
        report(FromParticipant{from->name, std::move(message)});
      }
    }
  }

  // Nobody speaks for a participant but whoever holds its credential.
  bool may_be(const Caller& caller, const std::string& participant) const {
    return caller.role == Role::everybody || caller.name == participant;
  }

  void introduce(const std::shared_ptr<Connection>& from, Hello hello) {
    if (!may_be(*from->caller, hello.participant)) {
      log::error("link refused: its credential is another participant's",
                 {{"participant", hello.participant},
                  {"credential", from->caller->name},
                  {"peer", from->link->peer()}});
      return from->link->close("this credential is not " + hello.participant + "'s");
    }
    if (const auto older = named.find(hello.participant); older != named.end()) {
      const auto replaced = older->second;
      log::warning("link replaced by a newer one of the same name",
                   {{"participant", hello.participant}, {"peer", replaced->link->peer()}});
      lose(replaced);
      replaced->link->close("another link says hello with this name");
    }
    from->name = hello.participant;
    named[from->name] = from;
    log::info("participant linked", {{"participant", from->name}, {"peer", from->link->peer()}});
    report(LinkUp{std::move(hello)});
  }

  // From here on the connection stands for nobody.
  void lose(const std::shared_ptr<Connection>& connection) {
    if (connection->name.empty()) return;
    named.erase(connection->name);
    report(LinkDown{std::exchange(connection->name, {})});
  }

  void closed(const std::shared_ptr<Connection>& connection, std::string_view reason) {
    if (!connection->name.empty())
      log::warning("participant's link lost",
                   {{"participant", connection->name}, {"reason", std::string(reason)}});
    lose(connection);
    connections.erase(connection);
  }
};

LinkHub::LinkHub(std::function<void(CoordinatorEvent)> report) : impl_(std::make_shared<Impl>()) {
  impl_->report = std::move(report);
}

LinkHub::~LinkHub() {
  close_all();
}

void LinkHub::on_report(std::function<void(const std::string&, std::string)> take) {
  impl_->take_report = std::move(take);
}

void LinkHub::accept(Upgrade upgrade, CallerPtr caller) {
  const auto connection = std::make_shared<Connection>();
  connection->caller = std::move(caller);
  LinkCallbacks callbacks;
  const std::weak_ptr<Impl> hub = impl_;
  callbacks.on_frame = [hub, connection](std::string_view frame) {
    if (const auto impl = hub.lock()) impl->received(connection, frame);
  };
  callbacks.on_closed = [hub, connection](std::string_view reason) {
    if (const auto impl = hub.lock()) impl->closed(connection, reason);
  };
  accept_link(std::move(upgrade), LinkOptions{}, std::move(callbacks),
              [hub, connection](std::shared_ptr<Link> link) {
                const auto impl = hub.lock();
                if (!impl) return;  // no one is there to let go of it later
                connection->link = std::move(link);
                impl->connections.insert(connection);
              });
}

void LinkHub::send(const std::string& participant, const std::vector<ToParticipant>& messages) {
  const auto found = impl_->named.find(participant);
  if (found == impl_->named.end()) return;
  const auto link = found->second->link;  // a full link closes itself
  for (std::string& frame : encode_frames(messages)) link->send(std::move(frame));
}

void LinkHub::disconnect(const std::string& participant, const std::string& reason) {
  const auto found = impl_->named.find(participant);
  if (found == impl_->named.end()) return;
  log::warning("participant disconnected", {{"participant", participant}, {"reason", reason}});
  found->second->link->close(reason);
}

void LinkHub::close_unless(const std::function<bool(const Caller&)>& welcome) {
  for (const auto& connection : impl_->connections)
    if (!welcome(*connection->caller))
      connection->link->close("the access file does not name this credential any more");
}

void LinkHub::close_all() {
  // A link's callbacks hold its connection, which holds the link: let go, or neither ever ends.
  for (const auto& connection : impl_->connections) connection->link.reset();
  impl_->connections.clear();
  impl_->named.clear();
}

}  // namespace assent
