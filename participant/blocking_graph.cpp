#include <algorithm>
#include <map>
#include <queue>
#include <set>

#include "participant/blocking.hpp"

namespace assent {
namespace {

constexpr std::size_t kUnseen = static_cast<std::size_t>(-1);

// Who is reached from these nodes; each once.
std::vector<std::size_t> reached(const std::vector<std::vector<std::size_t>>& waiters,
                                 const std::vector<std::size_t>& starts) {
  std::vector<std::size_t> found;
  std::set<std::size_t> seen;
  const auto follow = [&](std::size_t node) {
    for (const std::size_t waiter : waiters[node])
      if (seen.insert(waiter).second) found.push_back(waiter);
  };
  for (const std::size_t start : starts) follow(start);
  for (std::size_t at = 0; at < found.size(); ++at) follow(found[at]);
  return found;
}

// A request or a grant, by the node it belongs to.
struct Claim {
  std::size_t node;
  LockMode mode;
};
struct Object {
  std::vector<Claim> held;
  std::vector<Claim> queue;  // in PostgreSQL's order
};

class Builder {
 public:
  explicit Builder(const LockSnapshot& snapshot) : snapshot_(snapshot) {
    for (const SessionRow& session : snapshot.sessions) {
      if (session.leader_pid != 0) leaders_[session.pid] = session.leader_pid;
      sessions_[session.pid] = &session;
    }
  }

  Blocking build() {
    find_owners();
    add_prepared();
    read_locks();
    connect();
    name_rows();
    grow_tree();
    choose_roots();
    return std::move(result_);
  }

 private:
  // Until a restart of the server a prepared transaction keeps the virtual transaction id of the
  // session that prepared it; afterwards it is -1/xid. Either way the lock on its own id tells.
  void find_owners() {
    std::map<std::uint32_t, std::size_t> by_xid;
    for (std::size_t i = 0; i < snapshot_.prepared.size(); ++i)
      by_xid[snapshot_.prepared[i].xid] = i;
    for (const LockRow& row : snapshot_.locks) {
      if (row.pid != 0 || row.object.type != "transactionid" || !row.granted) continue;
      if (const auto found = by_xid.find(row.object.xid);
          found != by_xid.end() && row.mode == LockMode::exclusive)
        owners_[row.virtual_transaction] = found->second;
    }
  }

  void add_prepared() {
    for (std::size_t i = 0; i < snapshot_.prepared.size(); ++i) {
      BlockingNode node;
      node.prepared = i;
      result_.nodes.push_back(std::move(node));
    }
  }

  std::size_t session_node(int pid) {
    if (const auto leader = leaders_.find(pid); leader != leaders_.end()) pid = leader->second;
    const auto [found, is_new] = by_pid_.try_emplace(pid, result_.nodes.size());
    if (is_new) {
      BlockingNode node;
      node.pid = pid;
      result_.nodes.push_back(std::move(node));
    }
    return found->second;
  }

  // Of the prepared transaction that this row belongs to; one that the list does not have gets a
  // node of its own, so that its waiters do not seem to wait for nothing.
  std::size_t prepared_node(const LockRow& row) {
    if (const auto owner = owners_.find(row.virtual_transaction); owner != owners_.end())
      return owner->second;
    const auto [found, is_new] =
        strangers_.try_emplace(row.virtual_transaction, result_.nodes.size());
    if (is_new) result_.nodes.emplace_back();
    return found->second;
  }

  void read_locks() {
    std::vector<const LockRow*> waiting;
    for (const LockRow& row : snapshot_.locks) {
      if (!row.granted) {
        waiting.push_back(&row);
        continue;
      }
      const std::size_t node = row.pid == 0 ? prepared_node(row) : session_node(row.pid);
      objects_[row.object].held.push_back({node, row.mode});
      if (row.pid == 0) note_held(node, row);
      if (row.pid != 0 && row.object.type == "tuple")
        tuples_[node] = {row.object.relation, row.object.page, row.object.line};
      if (row.object.type == "relation" && row.mode == LockMode::row_exclusive)
        written_[node].insert(row.object.relation);
    }
    // Who has just begun to wait has no time yet: he came last.
    std::ranges::stable_sort(waiting, {}, [](const LockRow* row) {
      return row->wait_start_us == 0 ? INT64_MAX : row->wait_start_us;
    });
    for (const LockRow* row : waiting) enqueue(*row);
  }

  void note_held(std::size_t number, const LockRow& row) {
    std::vector<HeldLock>& locks = result_.nodes[number].locks;
    const auto [found, is_new] = held_index_.try_emplace({number, row.object}, locks.size());
    if (is_new) locks.push_back({row.object, {}});
    locks[found->second].modes.push_back(row.mode);
  }

  // As ProcSleep() does: at the end, but ahead of the first waiter that would have to wait for what
  // this one holds on the object already.
  void enqueue(const LockRow& row) {
    const std::size_t number = session_node(row.pid);
    Object& object = objects_[row.object];
    const auto must_wait_for_us = [&](const Claim& waiter) {
      return std::ranges::any_of(object.held, [&](const Claim& held) {
        return held.node == number && conflict(waiter.mode, held.mode);
      });
    };
    const auto place = std::ranges::find_if(object.queue, must_wait_for_us);
    object.queue.insert(place, {number, row.mode});
    BlockingNode& node = result_.nodes[number];
    // Of several waiting workers of one query the first is shown.
    if (!node.wait)
      node.wait = Wait{row.object,
                       row.mode,
                       row.wait_start_us != 0 ? row.wait_start_us : snapshot_.taken_at_ms * 1000,
                       0,
                       {},
                       {}};
  }

  void connect() {
    for (const auto& [object, claims] : objects_)
      for (std::size_t at = 0; at < claims.queue.size(); ++at) connect(claims, at);
    for (BlockingNode& node : result_.nodes) {
      tidy(node.blocked_by, {});
      tidy(node.behind, node.blocked_by);
      const auto is_stranger = [this](std::size_t number) {
        const BlockingNode& blocker = result_.nodes[number];
        return !blocker.prepared && blocker.pid == 0;
      };
      result_.torn |= std::ranges::any_of(node.blocked_by, is_stranger);
    }
  }

  void connect(const Object& claims, std::size_t at) {
    const Claim& waiter = claims.queue[at];
    BlockingNode& node = result_.nodes[waiter.node];
    for (const Claim& held : claims.held)
      if (held.node != waiter.node && conflict(waiter.mode, held.mode))
        node.blocked_by.push_back(held.node);
    for (std::size_t ahead = 0; ahead < at; ++ahead)
      if (claims.queue[ahead].node != waiter.node &&
          conflict(waiter.mode, claims.queue[ahead].mode))
        node.behind.push_back(claims.queue[ahead].node);
    if (node.wait) node.wait->queue_position = at;
  }

  // Each once, and none that is in `without`.
  static void tidy(std::vector<std::size_t>& list, const std::vector<std::size_t>& without) {
    std::set<std::size_t> seen(without.begin(), without.end());
    std::erase_if(list, [&](std::size_t number) { return !seen.insert(number).second; });
  }

  void name_rows() {
    for (std::size_t i = 0; i < result_.nodes.size(); ++i) {
      BlockingNode& node = result_.nodes[i];
      if (!node.wait) continue;
      const LockObject& object = node.wait->object;
      if (object.type == "tuple") {
        node.wait->row = RowPlace{object.relation, object.page, object.line};
      } else if (object.type == "transactionid") {
        if (const auto tuple = tuples_.find(i); tuple != tuples_.end())
          node.wait->row = tuple->second;
        else
          node.wait->shared_relations = shared_relations(i, node.blocked_by);
      }
    }
  }

  // A unique key that the other has inserted: no row can be named, but often the table.
  std::vector<std::uint32_t> shared_relations(std::size_t waiter,
                                              const std::vector<std::size_t>& blockers) {
    std::vector<std::uint32_t> common;
    for (const std::size_t blocker : blockers)
      std::ranges::set_intersection(written_[waiter], written_[blocker],
                                    std::back_inserter(common));
    return common;
  }

  // ---- the tree

  template <typename Visit>
  void each_blocker(std::size_t number, Visit visit) const {
    for (const std::size_t blocker : result_.nodes[number].blocked_by) visit(blocker);
    for (const std::size_t blocker : result_.nodes[number].behind) visit(blocker);
  }

  // Distances from everything that does not wait itself; then from the longest waiter of what is
  // left, which waits in a circle.
  void grow_tree() {
    waiters_.resize(result_.nodes.size());
    depth_.assign(result_.nodes.size(), kUnseen);
    for (std::size_t i = 0; i < result_.nodes.size(); ++i)
      each_blocker(i, [&](std::size_t blocker) { waiters_[blocker].push_back(i); });
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < result_.nodes.size(); ++i)
      if (!result_.nodes[i].wait) starts.push_back(i);
    measure(starts);
    for (;;) {
      std::size_t longest = kUnseen;
      for (std::size_t i = 0; i < result_.nodes.size(); ++i)
        if (depth_[i] == kUnseen && (longest == kUnseen || waits_longer(i, longest))) longest = i;
      if (longest == kUnseen) break;
      measure({longest});
    }
    for (std::size_t i = 0; i < result_.nodes.size(); ++i) choose_parent(i);
    for (BlockingNode& node : result_.nodes)
      std::ranges::stable_sort(node.children,
                               [this](std::size_t a, std::size_t b) { return waits_longer(a, b); });
  }

  bool waits_longer(std::size_t a, std::size_t b) const {
    return result_.nodes[a].wait->since_us < result_.nodes[b].wait->since_us;
  }

  void measure(const std::vector<std::size_t>& starts) {
    std::queue<std::size_t> open;
    for (const std::size_t start : starts) {
      depth_[start] = 0;
      open.push(start);
    }
    for (; !open.empty(); open.pop())
      for (const std::size_t waiter : waiters_[open.front()])
        if (depth_[waiter] == kUnseen) {
          depth_[waiter] = depth_[open.front()] + 1;
          open.push(waiter);
        }
  }

  // Holders before those who queue, prepared transactions before sessions.
  void choose_parent(std::size_t number) {
    if (depth_[number] == 0) return;
    std::optional<std::size_t> best;
    each_blocker(number, [&](std::size_t blocker) {
      if (depth_[blocker] + 1 != depth_[number]) return;
      if (!best || (result_.nodes[blocker].pid == 0 && result_.nodes[*best].pid != 0))
        best = blocker;
    });
    result_.nodes[number].parent = best;
    result_.nodes[*best].children.push_back(number);
  }

  void choose_roots() {
    for (std::size_t i = 0; i < result_.nodes.size(); ++i) {
      BlockingNode& node = result_.nodes[i];
      if (node.parent || (!node.prepared && waiters_[i].empty())) continue;
      const std::vector<std::size_t> held = reached(waiters_, {i});
      node.reach = held.size();
      const bool is_here = node.prepared && is_ours(snapshot_.prepared[*node.prepared].database);
      const auto waits_here = [this](std::size_t waiter) { return in_this_database(waiter); };
      if (is_here || std::ranges::any_of(held, waits_here)) result_.roots.push_back(i);
    }
    std::ranges::stable_sort(result_.roots, {}, [this](std::size_t root) {
      const BlockingNode& node = result_.nodes[root];
      return node.prepared ? snapshot_.prepared[*node.prepared].prepared_at_ms : INT64_MAX;
    });
  }

  bool is_ours(const std::string& database) const { return database == snapshot_.database; }

  // One that has ended since, or belongs to no database, may have been.
  bool in_this_database(std::size_t number) const {
    const auto session = sessions_.find(result_.nodes[number].pid);
    return session == sessions_.end() || session->second->database.empty() ||
           is_ours(session->second->database);
  }

  const LockSnapshot& snapshot_;
  Blocking result_;
  std::map<int, int> leaders_;
  std::map<int, const SessionRow*> sessions_;
  std::map<std::string, std::size_t> owners_;     // virtual transaction → prepared transaction
  std::map<std::string, std::size_t> strangers_;  // … → node of one that is not listed
  std::map<int, std::size_t> by_pid_;
  std::map<LockObject, Object> objects_;
  std::map<std::pair<std::size_t, LockObject>, std::size_t> held_index_;  // into a node's locks
  std::map<std::size_t, RowPlace> tuples_;                  // the row a session holds a lock on
  std::map<std::size_t, std::set<std::uint32_t>> written_;  // relations a node has written to
  std::vector<std::vector<std::size_t>> waiters_;
  std::vector<std::size_t> depth_;
};

}  // namespace

std::vector<std::size_t> Blocking::held_by(const std::vector<std::size_t>& blockers) const {
  std::vector<std::vector<std::size_t>> waiters(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::size_t blocker : nodes[i].blocked_by) waiters[blocker].push_back(i);
    for (const std::size_t blocker : nodes[i].behind) waiters[blocker].push_back(i);
  }
  return reached(waiters, blockers);
}

const BlockingNode* Blocking::find(int pid) const {
  for (const BlockingNode& node : nodes)
    if (node.pid == pid && pid != 0) return &node;
  return nullptr;
}

Blocking analyse(const LockSnapshot& snapshot) {
  return Builder(snapshot).build();
}

}  // namespace assent
