// A ledger that may have lost records asks before it rules.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/coordinator_bench.hpp"

namespace assent {
namespace {

using bench::CoordinatorBench;
using bench::tx;

const std::vector<std::string> kPeers = {"orders", "stock"};

// Epoch 3, knowing of orders and stock, and of a branch of epoch 2 nothing.
CoordinatorBench careful() {
  CoordinatorBench b;
  b.recovered.records = {EpochRecord{2, bench::life(2), {}, 1, 0, 0, 0, 0},
                         MemberRecord{"orders", bench::server(), 0},
                         MemberRecord{"stock", bench::server(), 0}};
  b.recovered.same_place = false;
  return b;
}

std::string evidence(CoordinatorBench& b, const std::string& from, Knowledge knowledge,
                     Sequence sequence = 0) {
  return b.from(from, Evidence{b.gid(tx(1), from, 2), knowledge, sequence});
}

// orders holds a branch of epoch 2 that the ledger does not know.
std::string return_holding(CoordinatorBench& b, std::vector<std::string> peers = kPeers) {
  return b.connect("orders", {{b.gid(tx(1), "orders", 2), 700, std::move(peers)}});
}

}  // namespace

TEST_CASE("what makes a start careful is made durable before anybody is welcomed", "[P36][P39]") {
  for (const std::string what : {"moved", "torn", "restored"}) {
    INFO(what);
    CoordinatorBench b = careful();
    b.recovered.same_place = what != "moved";
    b.recovered.tail = what == "torn" ? Tail::torn : Tail::clean;
    b.recovered.restored = what == "restored";
    CHECK(b.m().standing() == Standing::careful);
    CHECK(b.hello("orders") == "log Epoch");
    CHECK(b.logged_record<EpochRecord>()->careful_below == 3);
    // Without room for it nobody is welcomed.
    CHECK(b.act(LogRefused{b.last}) == "disconnect orders");
    b.records.pop_back();
    CHECK(b.hello("orders") == "log Epoch");
    CHECK(b.logged() == "Welcome to orders");
    // Later starts are careful about the same epochs, and no others.
    CoordinatorBench next = b.restarted();
    next.recovered.same_place = true;
    next.recovered.tail = Tail::clean;
    next.recovered.restored = false;
    CHECK(next.m().standing(2) == Standing::careful);
    CHECK(next.m().standing(3) == Standing::complete);
  }
}

TEST_CASE("a complete ledger presumes abort at once", "[P35]") {
  CoordinatorBench b = careful();
  b.recovered.same_place = true;
  CHECK(return_holding(b) == "Welcome to orders, Abort to orders");
}

TEST_CASE("careful: all four ways out of a doubt", "[P36]") {
  CoordinatorBench b = careful();
  CHECK(return_holding(b) == "log Epoch, Welcome to orders");
  REQUIRE(b.m().doubts().size() == 1);
  b.wait(b.limits.resend_interval);
  CHECK(b.connect("stock") == "Welcome to stock, Ask to stock");

  SECTION("committed there: the commit is recorded again, then told") {
    CHECK(evidence(b, "stock", Knowledge::committed, 4) == "log Commit");
    CHECK(b.m().doubts().empty());
    const auto* record = b.logged_record<CommitRecord>();
    REQUIRE(record);
    CHECK(record->epoch == 2);
    CHECK(record->branches.size() == 2);
    CHECK(record->branches[0] == DecidedBranch{"orders", 700, bench::server()});
    CHECK(b.logged() == "Commit to both");
  }
  SECTION("aborted there: it cannot have been decided") {
    CHECK(evidence(b, "stock", Knowledge::aborted) == "Abort to orders");
    CHECK(b.m().doubts().empty());
  }
  SECTION("nothing anywhere, everybody heard and fenced: presumed") {
    CHECK(evidence(b, "stock", Knowledge::nothing) == "Abort to orders");
    CHECK(*b.sent<Abort>("orders") == Abort{b.gid(tx(1), "orders", 2), 700, bench::server()});
  }
  SECTION("prepared there too: presumed, and both are told") {
    b.act(LinkDown{"stock"});
    CHECK(b.connect("stock", {{b.gid(tx(1), "stock", 2), 701, kPeers}}) ==
          "Welcome to stock, Abort to both");
  }
  SECTION("evidence of another transaction, epoch or participant is none") {
    CHECK(b.from("stock", Evidence{b.gid(tx(2), "stock", 2), Knowledge::aborted, 0}).empty());
    CHECK(b.from("stock", Evidence{b.gid(tx(1), "stock", 1), Knowledge::aborted, 0}).empty());
    CHECK(b.from("stock", Evidence{b.gid(tx(1), "orders", 2), Knowledge::aborted, 0}).empty());
    CHECK(b.m().doubts().size() == 1);
  }
}

TEST_CASE("careful: nothing is presumed while a participant has not been heard", "[P36]") {
  CoordinatorBench b = careful();
  return_holding(b);
  CHECK(b.tick_after(b.limits.resend_interval).empty());
  CHECK(b.m().doubts().size() == 1);
  SECTION("whose peers nobody knows any more: every member is asked") {
    CoordinatorBench c = careful();
    return_holding(c, {});
    c.wait(c.limits.resend_interval);
    CHECK(c.connect("third") == "log Member, Welcome to third, Ask to third");
    evidence(c, "third", Knowledge::nothing);
    CHECK(c.m().doubts().size() == 1);  // stock is still away
    c.wait(c.limits.resend_interval);
    CHECK(c.connect("stock") == "Welcome to stock, Ask to stock, Ask to third");
    CHECK(evidence(c, "stock", Knowledge::nothing) == "Abort to orders");
  }
  SECTION("heard, but gone again") {
    b.connect("stock");
    b.tick_after(b.limits.resend_interval);
    b.act(LinkDown{"orders"});
    CHECK(evidence(b, "stock", Knowledge::nothing).empty());
    CHECK(b.m().doubts().size() == 1);
  }
}

TEST_CASE("a doubt is asked about again, and ends with those who wait for it") {
  CoordinatorBench b = careful();
  return_holding(b);
  b.connect("stock");
  b.tick_after(b.limits.resend_interval);
  CHECK(b.tick_after(b.limits.resend_interval - Duration(1)).empty());
  CHECK(b.tick_after(Duration(1)) == "Ask to stock");
  b.act(LinkDown{"orders"});
  b.connect("orders");  // ended by hand meanwhile
  CHECK(b.m().doubts().empty());
}

TEST_CASE("evidence is kept while who asked is away, and told when it is back") {
  CoordinatorBench b = careful();
  return_holding(b);
  b.connect("stock");
  b.act(LinkDown{"orders"});
  CHECK(evidence(b, "stock", Knowledge::nothing).empty());
  CHECK(b.connect("orders", {{b.gid(tx(1), "orders", 2), 700, kPeers}}) ==
        "Welcome to orders, Abort to orders");
}

TEST_CASE("an adopted commit that the log refuses is in doubt again, not aborted", "[P36]") {
  CoordinatorBench b = careful();
  return_holding(b);
  b.connect("stock");
  CHECK(evidence(b, "stock", Knowledge::committed) == "log Commit");
  CHECK(b.act(LogRefused{b.last}).empty());
  CHECK(b.m().find(tx(1)) == nullptr);
  CHECK(b.m().unfinished() == 0);
  CHECK(b.m().wake_at() == std::nullopt);
  CHECK(b.from("orders", Inquiry{b.gid(tx(1), "orders", 2), kPeers}) == "Ask to stock");
}

TEST_CASE("who was not heard of before a commit was adopted still hears of it") {
  CoordinatorBench b = careful();
  return_holding(b, {});
  b.connect("stock");
  evidence(b, "stock", Knowledge::committed);
  b.logged();
  REQUIRE(b.at(tx(1)).branches.size() == 2);
  b.connect("third");
  CHECK(b.from("third", Inquiry{b.gid(tx(1), "third", 2), {}}) == "Commit to third");
  const auto applied = [&](const std::string& name) {
    return b.from(name, Applied{b.gid(tx(1), name, 2), Outcome::committed, {}, 0});
  };
  applied("orders");
  CHECK(applied("stock").empty());
  CHECK(applied("third") == "log End");
}

TEST_CASE("contradicted: a participant has seen what the ledger does not hold", "[P37][P39]") {
  CoordinatorBench b = careful();
  b.recovered.same_place = true;
  const Mark lost{bench::ledger(), 2, bench::life(2), 1};
  CHECK(b.hello("orders", {lost}) == "log Epoch");
  CHECK(b.logged_record<EpochRecord>()->contradicted_below == 3);
  CHECK(b.m().standing() == Standing::contradicted);
  CHECK(b.m().standing(3) == Standing::complete);
  b.logged();
  b.ready("orders", {{b.gid(tx(1), "orders", 2), 700, kPeers}}, 1);
  b.connect("stock");
  b.tick_after(b.limits.resend_interval);
  SECTION("nothing is not enough") {
    CHECK(evidence(b, "stock", Knowledge::nothing).empty());
    CHECK(b.m().doubts().size() == 1);
  }
  SECTION("evidence of abort is") {
    CHECK(evidence(b, "stock", Knowledge::aborted) == "Abort to orders");
  }
  SECTION("the next start inherits it") {
    CoordinatorBench next = b.restarted();
    CHECK(next.m().standing(2) == Standing::contradicted);
  }
}

TEST_CASE("marks of a start that is none of this ledger's: a copy of it has ruled meanwhile",
          "[P7]") {
  CoordinatorBench b = careful();
  b.recovered.same_place = true;
  const auto hello = [&](std::uint8_t life) {
    return b.hello("orders", {{bench::ledger(), 2, bench::life(life), 0}});
  };
  SECTION("its own start") {
    CHECK(hello(2) == "Welcome to orders");
    CHECK(b.m().standing() == Standing::complete);
  }
  SECTION("another life") {
    CHECK(hello(8) == "stop");
  }
  SECTION("another life, and the ledger knows itself to be a copy") {
    b.recovered.same_place = false;
    CHECK(hello(8) == "log Epoch");
    b.logged();
    CHECK(b.m().members().at("orders").state == Member::State::welcomed);
  }
}

TEST_CASE("a branch older than the outcomes that are kept is not presumed aborted", "[P38]") {
  CoordinatorBench b = bench::working_coordinator();
  const TxId old = tx(1, b.now.wall_ms - b.limits.outcome_retention.count() - 1);
  CHECK(b.from("orders", Inquiry{b.gid(old, "orders", 2), kPeers}) == "Ask to stock");
  CHECK(b.from("stock", Evidence{b.gid(old, "stock", 2), Knowledge::nothing, 0}).empty());
  CHECK(b.m().doubts().size() == 1);
}

}  // namespace assent
