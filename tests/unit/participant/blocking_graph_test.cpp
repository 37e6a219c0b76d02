// Who waits for whom, from rows of pg_locks alone.
#include <algorithm>
#include <set>

#include "tests/support/catch.hpp"
#include "tests/unit/participant/snapshots.hpp"

using namespace assent;
using enum LockMode;

namespace {

// Pids of sessions, and 0 for every prepared transaction.
std::set<int> pids(const Blocking& blocking, const std::vector<std::size_t>& nodes) {
  std::set<int> found;
  for (const std::size_t node : nodes) found.insert(blocking.nodes[node].pid);
  return found;
}

int parent_of(const Blocking& blocking, int pid) {
  return blocking.nodes[blocking.find(pid)->parent.value()].pid;
}

}  // namespace

TEST_CASE("Modes conflict as the manual says, and either way round") {
  for (int a = 1; a <= 8; ++a)
    for (int b = 1; b <= 8; ++b)
      CHECK(conflict(static_cast<LockMode>(a), static_cast<LockMode>(b)) ==
            conflict(static_cast<LockMode>(b), static_cast<LockMode>(a)));
  CHECK_FALSE(conflict(access_share, exclusive));
  CHECK(conflict(access_share, access_exclusive));
  CHECK(conflict(share_update_exclusive, share_update_exclusive));
  CHECK_FALSE(conflict(share, share));
  CHECK_FALSE(conflict(row_exclusive, row_exclusive));
  for (int mode = 1; mode <= 8; ++mode) {
    const auto each = static_cast<LockMode>(mode);
    CHECK(parse_lock_mode(to_string(each)) == each);
  }
  CHECK_FALSE(parse_lock_mode("SIReadLock"));
}

TEST_CASE("A row that a prepared transaction has changed: a queue behind the first waiter") {
  Snapshot snapshot;
  snapshot.prepare(700, "g");
  snapshot.hold(11, row_of(1, 7), exclusive);
  snapshot.wait(11, transaction(700), share);
  snapshot.wait(12, row_of(1, 7), exclusive);
  snapshot.wait(13, row_of(1, 7), exclusive);
  const Blocking blocking = analyse(snapshot);
  CHECK(pids(blocking, blocking.find(11)->blocked_by) == std::set{0});
  CHECK(pids(blocking, blocking.find(12)->blocked_by) == std::set{11});
  CHECK(pids(blocking, blocking.find(13)->blocked_by) == std::set{11});
  CHECK(pids(blocking, blocking.find(13)->behind) == std::set{12});
  CHECK(parent_of(blocking, 13) == 11);
  for (const int pid : {11, 12, 13}) CHECK(blocking.find(pid)->wait->row == RowPlace{1, 0, 7});
  REQUIRE(blocking.roots.size() == 1);
  CHECK(blocking.nodes[blocking.roots[0]].reach == 3);
  CHECK_FALSE(blocking.torn);
}

TEST_CASE("After a restart a prepared transaction has another virtual transaction, and is found") {
  Snapshot snapshot;
  snapshot.prepare(700, "g");
  snapshot.locks[0].virtual_transaction = "-1/700";
  LockRow held = snapshot.locks[0];
  held.object = table(1);
  held.mode = row_exclusive;
  snapshot.locks.push_back(held);
  snapshot.wait(11, table(1), access_exclusive);
  const Blocking blocking = analyse(snapshot);
  REQUIRE(blocking.roots.size() == 1);
  CHECK(blocking.nodes[blocking.roots[0]].locks.size() == 2);
  CHECK(blocking.nodes[blocking.roots[0]].reach == 1);
}

TEST_CASE("A reader waits behind a migration that waits, and not for the writer") {
  Snapshot snapshot;
  snapshot.prepare(700, "g");
  snapshot.hold(-700, table(1), row_exclusive);
  snapshot.wait(11, table(1), access_exclusive);
  snapshot.wait(12, table(1), access_share);
  snapshot.wait(13, table(1), access_share);
  const Blocking blocking = analyse(snapshot);
  CHECK(blocking.find(12)->blocked_by.empty());
  CHECK(pids(blocking, blocking.find(12)->behind) == std::set{11});
  CHECK(pids(blocking, blocking.find(13)->behind) == std::set{11});
  CHECK(parent_of(blocking, 12) == 11);
  CHECK(blocking.find(13)->wait->queue_position == 2);
}

TEST_CASE("Who holds what an earlier waiter waits for goes ahead of him") {
  Snapshot snapshot;
  snapshot.prepare(700, "g");
  snapshot.hold(-700, table(1), row_exclusive);
  snapshot.hold(12, table(1), access_share);
  snapshot.wait(11, table(1), access_exclusive);
  snapshot.wait(12, table(1), share);
  const Blocking blocking = analyse(snapshot);
  CHECK(pids(blocking, blocking.find(11)->blocked_by) == std::set{0, 12});
  CHECK(blocking.find(12)->behind.empty());
  CHECK(pids(blocking, blocking.find(12)->blocked_by) == std::set{0});
  CHECK(blocking.find(12)->wait->queue_position == 0);
}

TEST_CASE("Who waits for two roots stands under one and is counted at both") {
  Snapshot snapshot;
  snapshot.prepare(700, "old");
  snapshot.prepare(701, "young");
  for (const int xid : {-700, -701}) snapshot.hold(xid, table(1), row_exclusive);
  snapshot.wait(11, table(1), access_exclusive);
  const Blocking blocking = analyse(snapshot);
  REQUIRE(blocking.roots.size() == 2);
  CHECK(blocking.nodes[blocking.roots[0]].reach == 1);
  CHECK(blocking.nodes[blocking.roots[1]].reach == 1);
  CHECK(blocking.held_by(blocking.roots).size() == 1);
  CHECK(blocking.nodes[blocking.roots[0]].children.size() +
            blocking.nodes[blocking.roots[1]].children.size() ==
        1);
}

TEST_CASE("A circle has a root as well, and what hangs on it is in the tree") {
  Snapshot snapshot;
  snapshot.hold(11, transaction(11), exclusive);
  snapshot.hold(12, transaction(12), exclusive);
  snapshot.wait(11, transaction(12), share);
  snapshot.wait(12, transaction(11), share);
  snapshot.wait(13, transaction(11), share);
  const Blocking blocking = analyse(snapshot);
  REQUIRE(blocking.roots.size() == 1);
  CHECK(blocking.nodes[blocking.roots[0]].pid == 11);
  CHECK(blocking.held_by(blocking.roots).size() == 3);
  CHECK(parent_of(blocking, 12) == 11);
  CHECK(parent_of(blocking, 13) == 11);
}

TEST_CASE("A holder without a name is shown, and asks for another snapshot") {
  Snapshot snapshot;
  snapshot.prepare(700, "g");
  snapshot.prepared.clear();
  snapshot.wait(11, transaction(700), share);
  const Blocking blocking = analyse(snapshot);
  CHECK(blocking.torn);
  REQUIRE(blocking.roots.size() == 1);
  CHECK_FALSE(blocking.nodes[blocking.roots[0]].prepared);
  CHECK(blocking.nodes[blocking.roots[0]].reach == 1);
}

TEST_CASE("Workers of one query are one session, and do not wait for each other") {
  Snapshot snapshot;
  snapshot.prepare(700, "g");
  snapshot.hold(-700, table(1), access_exclusive);
  snapshot.wait(21, table(1), access_share);
  snapshot.wait(22, table(1), access_exclusive);
  for (SessionRow& session : snapshot.sessions) session.leader_pid = 20;
  const Blocking blocking = analyse(snapshot);
  REQUIRE(blocking.find(20) != nullptr);
  CHECK(blocking.find(21) == nullptr);
  CHECK(pids(blocking, blocking.find(20)->blocked_by) == std::set{0});
  CHECK(blocking.find(20)->behind.empty());
}

TEST_CASE("Another database's branches are roots here only where somebody here waits for them") {
  Snapshot snapshot;
  snapshot.prepare(700, "elsewhere", "other");
  snapshot.prepare(701, "here");
  CHECK(analyse(snapshot).roots.size() == 1);
  snapshot.wait(11, transaction(700), share);
  CHECK(analyse(snapshot).roots.size() == 2);
  snapshot.sessions[0].database = "other";
  CHECK(analyse(snapshot).roots.size() == 1);
}

TEST_CASE("A thousand sessions behind twenty branches: each edge, and nobody twice") {
  Snapshot snapshot;
  constexpr int kBranches = 20, kSessions = 1000;
  for (int i = 0; i < kBranches; ++i) snapshot.prepare(700 + i, "g" + std::to_string(i));
  for (int i = 0; i < kSessions; ++i) {
    const int branch = i % kBranches, pid = 10'000 + i;
    const auto row = row_of(1, static_cast<std::uint32_t>(branch + 1));
    snapshot.hold(pid, table(1), row_exclusive);
    if (i < kBranches) {
      snapshot.hold(pid, row, exclusive);
      snapshot.wait(pid, transaction(static_cast<std::uint32_t>(700 + branch)), share);
    } else {
      snapshot.wait(pid, row, exclusive);
    }
  }
  const Blocking blocking = analyse(snapshot);
  REQUIRE(blocking.roots.size() == kBranches);
  std::size_t listed = 0;
  for (const std::size_t root : blocking.roots) {
    CHECK(blocking.nodes[root].reach == kSessions / kBranches);
    REQUIRE(blocking.nodes[root].children.size() == 1);
    listed += 1 + blocking.nodes[blocking.nodes[root].children[0]].children.size();
  }
  CHECK(listed == kSessions);
  CHECK(blocking.held_by(blocking.roots).size() == kSessions);
  for (int i = kBranches; i < kSessions; ++i) {
    const BlockingNode& node = *blocking.find(10'000 + i);
    CHECK(pids(blocking, node.blocked_by) == std::set{10'000 + i % kBranches});
    CHECK(node.behind.size() == static_cast<std::size_t>(i / kBranches - 1));
  }
}

TEST_CASE("Objects are named as a person would") {
  LockObject object;
  object.type = "advisory";
  object.class_id = 0xFFFFFFFF;
  object.object_id = 0xFFFFFFFE;
  object.object_sub_id = 1;
  CHECK(describe(object, "") == "advisory lock -2");
  object.object_sub_id = 2;
  CHECK(describe(object, "") == "advisory lock (-1, -2)");
  CHECK(describe(row_of(1, 7), "public.t") == "row 7 of page 0 of public.t");
  CHECK(describe(table(1), "public.t") == "public.t");
  CHECK(describe(transaction(733), "") == "transaction 733");
}
