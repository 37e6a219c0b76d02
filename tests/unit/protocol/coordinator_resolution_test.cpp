// What an operator decides of a transaction that the ledger has no record of.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/coordinator_bench.hpp"

namespace assent {
namespace {

using bench::CoordinatorBench;
using bench::tx;

const std::vector<std::string> kPeers = {"orders", "stock", "billing"};

Gid old_gid(CoordinatorBench& b, const std::string& participant) {
  return b.gid(tx(1), participant, 2);
}

std::string evidence(CoordinatorBench& b, const std::string& from, Knowledge knowledge) {
  return b.from(from, Evidence{old_gid(b, from), knowledge, 0});
}

std::string resolve(CoordinatorBench& b, Outcome outcome, const std::string& seen = "",
                    const TxId& id = tx(1)) {
  return b.act(ResolveAsked{7, id, outcome, "ann", "ticket 4711", seen});
}

std::string applied(CoordinatorBench& b, const std::string& from, Outcome outcome,
                    Application how = Application::applied) {
  return b.from(from, Applied{old_gid(b, from), outcome, how, 0});
}

std::string known(CoordinatorBench& b, Outcome outcome = Outcome::aborted) {
  return b.m().preview(tx(1), outcome, b.now).seen();
}

std::string effects(CoordinatorBench& b, Outcome outcome) {
  std::vector<std::string> parts;
  for (const EffectOnBranch& branch : b.m().preview(tx(1), outcome, b.now).branches)
    parts.push_back(branch.participant + " " + std::string(to_string(branch.effect)));
  return bench::join(parts);
}

// A contradicted ledger. orders holds a branch of epoch 2 of which it knows nothing, stock has no
// trace of it, and billing is away.
CoordinatorBench in_doubt(std::vector<std::string> peers = kPeers) {
  CoordinatorBench b;
  b.recovered.records = {EpochRecord{2, bench::life(2), {}, 1, 0, 0, 0, 0},
                         MemberRecord{"billing", bench::server(), 0},
                         MemberRecord{"orders", bench::server(), 0},
                         MemberRecord{"stock", bench::server(), 0}};
  b.hello("orders", {{bench::ledger(), 2, bench::life(2), 1}});
  b.logged();
  b.ready("orders", {{old_gid(b, "orders"), 700, std::move(peers)}}, 1);
  b.connect("stock");
  b.wait(b.limits.resend_interval);
  b.act(CoordinatorTick{});
  evidence(b, "stock", Knowledge::nothing);
  REQUIRE(b.m().doubts().size() == 1);
  return b;
}

Outcome other(Outcome outcome) {
  return outcome == Outcome::committed ? Outcome::aborted : Outcome::committed;
}

std::string order(Outcome outcome) {
  return outcome == Outcome::committed ? "Commit" : "Abort";
}

const Outcome kBoth[] = {Outcome::committed, Outcome::aborted};

}  // namespace

TEST_CASE("the preview says what is known of each branch, and what would be done", "[P47]") {
  CoordinatorBench b = in_doubt();
  CHECK(known(b) == "billing=unheard,orders=prepared,stock=nothing");
  CHECK(effects(b, Outcome::committed) == "billing ask, orders commit, stock none");
  CHECK(effects(b, Outcome::aborted) == "billing ask, orders roll_back, stock none");
  const ResolutionPreview preview = b.m().preview(tx(1), Outcome::aborted, b.now);
  CHECK(preview.records);
  CHECK(preview.fate == Fate::unknown);
  CHECK_FALSE(preview.why.empty());
  CHECK(b.m().doubts().size() == 1);  // looking decides nothing
  CHECK(b.m().preview(tx(2), Outcome::aborted, b.now).refusal->problem ==
        Problem::transaction_not_found);
}

TEST_CASE("nobody hears of an operator's decision before it is durable", "[P47][P48]") {
  for (const Outcome outcome : kBoth) {
    INFO(to_string(outcome));
    CoordinatorBench b = in_doubt();
    CHECK(resolve(b, outcome, known(b)) == "log Resolution");
    const auto* record = b.logged_record<ResolutionRecord>();
    REQUIRE(record);
    CHECK(record->epoch == 2);
    CHECK(record->outcome == outcome);
    CHECK(record->by == "ann");
    CHECK(record->reason == "ticket 4711");
    CHECK(record->branches == std::vector<DecidedBranch>{{"orders", 700, bench::server()}});
    CHECK(record->unheard == std::vector<std::string>{"billing"});
    CHECK(b.m().find(tx(1)) == nullptr);
    // Whatever happens meanwhile: it waits.
    CHECK(b.from("orders", Inquiry{old_gid(b, "orders"), kPeers}).empty());
    CHECK(b.tick_after(b.limits.resend_interval).empty());
    CHECK(resolve(b, other(outcome)) == "refuse outcome-unknown unknown");
    CHECK(resolve(b, outcome).empty());  // the same: it gets the same answer
    const std::string told = outcome == Outcome::committed ? "answer committed" : "answer aborted";
    CHECK(b.logged() == order(outcome) + " to orders, " + told + ", " + told);
    CHECK(b.m().doubts().empty());
    CHECK(b.at(tx(1)).resolution->by == "ann");
    CHECK(applied(b, "orders", outcome) == "log End");
    CHECK(b.at(tx(1)).state ==
          (outcome == Outcome::committed ? TxState::committed : TxState::aborted));
  }
}

TEST_CASE("the log refuses an operator's decision: nothing is changed", "[P48]") {
  for (const Outcome outcome : kBoth) {
    CoordinatorBench b = in_doubt();
    resolve(b, outcome);
    CHECK(b.act(LogRefused{b.last}) == "refuse log-unavailable unknown");
    CHECK(b.m().doubts().size() == 1);
    CHECK(b.m().find(tx(1)) == nullptr);
    CHECK(resolve(b, other(outcome)) == "log Resolution");  // still free to decide
  }
}

TEST_CASE("evidence that comes while the decision is on its way to the disk", "[P48][P49]") {
  CoordinatorBench b = in_doubt();
  resolve(b, Outcome::aborted);
  b.connect("billing");
  CHECK(evidence(b, "billing", Knowledge::committed).empty());
  SECTION("the decision stands, and the damage is shown") {
    CHECK(b.act(Logged{b.last}) == "log Heuristic, Abort to orders, answer aborted");
    CHECK(b.at(tx(1)).branch("billing")->phase == BranchPhase::heuristic);
    CHECK(b.at(tx(1)).alarming() == std::vector<std::string>{"billing"});
    CHECK(applied(b, "orders", Outcome::aborted).empty());  // first the damage is durable
    CHECK(b.logged() == "log End");
  }
  SECTION("it was never made: the evidence decides") {
    CHECK(b.act(LogRefused{b.last}) == "refuse log-unavailable unknown, log Commit");
  }
}

TEST_CASE("evidence that comes afterwards never turns a decision around", "[P49]") {
  for (const Outcome outcome : kBoth) {
    INFO(to_string(outcome));
    CoordinatorBench b = in_doubt();
    resolve(b, outcome);
    b.logged();
    const bool committed = outcome == Outcome::committed;
    CHECK(b.connect("billing") == "Welcome to billing, Ask to billing");
    SECTION("otherwise: the databases differ, durably and for everybody to see") {
      CHECK(evidence(b, "billing", committed ? Knowledge::aborted : Knowledge::committed) ==
            "log Heuristic");
      CHECK(b.logged_record<HeuristicRecord>()->decided == outcome);
      CHECK(b.at(tx(1)).damaged());
      CHECK(b.at(tx(1)).resolution->outcome == outcome);
    }
    SECTION("likewise: it is told, and proves that it was also done (P40)") {
      CHECK(evidence(b, "billing", committed ? Knowledge::committed : Knowledge::aborted) ==
            order(outcome) + " to billing");
      applied(b, "orders", outcome);
      CHECK(applied(b, "billing", outcome, Application::heuristic) == "log Heuristic");
      CHECK(b.at(tx(1)).alarming() == std::vector<std::string>{"billing"});
    }
    SECTION("likewise, when all others have ended: until it says that it is done") {
      applied(b, "orders", outcome);
      const Knowledge same = committed ? Knowledge::committed : Knowledge::aborted;
      CHECK(evidence(b, "billing", same) == order(outcome) + " to billing");
      CHECK(b.tick_when_due() == "Ask to billing");
      CHECK(evidence(b, "billing", same) == order(outcome) + " to billing");
      CHECK(applied(b, "billing", outcome).empty());
      CHECK(b.at(tx(1)).branch("billing")->phase == BranchPhase::applied);
      CHECK(b.at(tx(1)).resolution->unheard.empty());
    }
    SECTION("prepared: it follows") {
      CHECK(evidence(b, "billing", Knowledge::prepared) == order(outcome) + " to billing");
      applied(b, "orders", outcome);
      CHECK(b.m().unfinished() == 1);
      CHECK(applied(b, "billing", outcome) == "log End");
    }
    SECTION("no trace") {
      CHECK(evidence(b, "billing", Knowledge::nothing).empty());
      CHECK(b.at(tx(1)).resolution->unheard.empty());
    }
    SECTION("lost on the way: it is asked again, also when all others have ended") {
      applied(b, "orders", outcome);
      CHECK(b.tick_when_due() == "Ask to billing");
      CHECK(b.tick_when_due() == "Ask to billing");
      evidence(b, "billing", Knowledge::nothing);
      CHECK(b.tick_when_due().empty());
      CHECK(b.m().wake_at() == std::nullopt);
    }
  }
}

TEST_CASE("who was not heard of and comes back holding the branch is told the decision", "[P49]") {
  for (const Outcome outcome : kBoth) {
    CoordinatorBench b = in_doubt();
    resolve(b, outcome);
    b.logged();
    applied(b, "orders", outcome);
    b.logged();
    CHECK(b.connect("billing", {{old_gid(b, "billing"), 800, kPeers}}) ==
          "Welcome to billing, " + order(outcome) + " to billing");
    // Nobody waits for it any more; but that it ended by hand is not lost.
    CHECK(applied(b, "billing", outcome, Application::heuristic) == "log Heuristic");
    CHECK(b.at(tx(1)).resolution->unheard.empty());
    CHECK(b.at(tx(1)).damaged());
  }
}

TEST_CASE("an operator's decision is the same after a restart, for ever", "[P48]") {
  for (const Outcome outcome : kBoth)
    for (const bool ended : {false, true}) {
      INFO(to_string(outcome) << (ended ? ", ended" : ""));
      CoordinatorBench b = in_doubt();
      resolve(b, outcome);
      b.logged();
      if (ended) applied(b, "orders", outcome);
      CoordinatorBench next = b.restarted();
      CHECK(next.at(tx(1)).resolution == b.at(tx(1)).resolution);
      CHECK(next.m().unfinished() == (ended ? 0 : 1));
      const std::string told = next.connect("orders", {{old_gid(b, "orders"), 700, kPeers}});
      CHECK(told.ends_with(order(outcome) + " to orders"));
      CHECK(next.connect("billing") == "Welcome to billing, Ask to billing");
      CHECK(resolve(next, outcome) ==
            (outcome == Outcome::committed ? "answer committed" : "answer aborted"));
      CHECK(resolve(next, other(outcome)) == (outcome == Outcome::committed
                                                  ? "refuse already-committed committed"
                                                  : "refuse already-aborted aborted"));
      next.tick_after(next.limits.finished_kept_for);
      next.tick_after(next.limits.finished_kept_for);
      CHECK(next.m().find(tx(1)) != nullptr);
    }
}

TEST_CASE("a snapshot stands for the decision, also while it is on its way to the disk", "[P48]") {
  for (const Outcome outcome : kBoth) {
    CoordinatorBench b = in_doubt();
    resolve(b, outcome);
    const auto kept = [&] {
      CoordinatorBench next = b.restarted();
      next.recovered.records = b.m().snapshot();
      const Transaction* tx1 = next.m().find(tx(1));
      return tx1 && tx1->resolution && tx1->resolution->outcome == outcome &&
             tx1->resolution->unheard == std::set<std::string>{"billing"};
    };
    CHECK(kept());
    b.logged();
    CHECK(kept());
    applied(b, "orders", outcome);
    CHECK(kept());
    CoordinatorBench next = b.restarted();
    next.recovered.records = b.m().snapshot();
    CHECK(next.m().unfinished() == 0);
  }
}

TEST_CASE("a branch that ended by hand before the decision is proved by its id", "[P49]") {
  CoordinatorBench b = in_doubt();
  b.connect("billing", {{old_gid(b, "billing"), 800, kPeers}});
  b.act(LinkDown{"orders"});
  b.connect("orders");  // without it
  CHECK(known(b) == "billing=prepared,orders=gone,stock=nothing");
  CHECK(effects(b, Outcome::committed) == "billing commit, orders prove, stock none");
  resolve(b, Outcome::committed);
  CHECK(b.logged() == "Commit to billing, Commit to orders, answer committed");
  CHECK(b.sent<Commit>("orders")->xid == 700);
  CHECK(applied(b, "orders", Outcome::committed, Application::heuristic) == "log Heuristic");
}

TEST_CASE("whose participants nobody knows: every member counts as not heard of", "[P47]") {
  CoordinatorBench b = in_doubt({});
  CHECK(known(b) == "billing=unheard,orders=prepared,stock=nothing");
}

TEST_CASE("an operator decides what was looked at, and nothing else", "[P47]") {
  CoordinatorBench b = in_doubt();
  const std::string seen = known(b);
  b.connect("billing");
  evidence(b, "billing", Knowledge::nothing);
  CHECK(resolve(b, Outcome::aborted, seen) == "refuse resolution-refused unknown");
  CHECK(b.act(ResolveAsked{7, tx(1), Outcome::aborted, "ann", "", {}}) ==
        "refuse invalid-request unknown");
  CHECK(resolve(b, Outcome::aborted, known(b)) == "log Resolution");
  b.logged();
  // Sent again because its answer was lost: what was asked for is so.
  CHECK(resolve(b, Outcome::aborted, seen) == "answer aborted");
}

TEST_CASE("a transaction of this epoch: the votes decide, or it is rolled back", "[P47]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.one_shot(1, tx(1)));
  b.vote(tx(1), "orders", Verdict::yes);
  CHECK(resolve(b, Outcome::committed) == "refuse resolution-refused unknown");
  CHECK(effects(b, Outcome::aborted) == "orders roll_back, stock roll_back");
  SECTION("rolled back, as its client could") {
    CHECK(resolve(b, Outcome::aborted) ==
          "Abort to both, refuse rolled-back aborted, answer aborted");
    CHECK(b.at(tx(1)).failure->message == "ann rolled it back: ticket 4711");
    CHECK_FALSE(b.at(tx(1)).resolution);
  }
  SECTION("being decided") {
    b.vote(tx(1), "stock", Verdict::yes);
    for (const Outcome outcome : kBoth)
      CHECK(resolve(b, outcome) == "refuse outcome-unknown unknown");
    b.logged();
    CHECK(resolve(b, Outcome::aborted) == "refuse already-committed committed");
    CHECK(resolve(b, Outcome::committed) == "answer committed");
  }
}

TEST_CASE("damage is acknowledged by an operator, durably", "[P49]") {
  CoordinatorBench b = bench::working_coordinator();
  const auto acknowledge = [](CoordinatorBench& at) {
    return at.act(AcknowledgeAsked{8, tx(1), "ann", "mended"});
  };
  CHECK(acknowledge(b) == "refuse transaction-not-found aborted");
  b.decide(tx(1));
  b.applied(tx(1), "orders", Outcome::committed);
  CHECK(acknowledge(b) == "refuse resolution-refused committed");
  b.applied(tx(1), "stock", Outcome::committed, Application::heuristic);
  CHECK(acknowledge(b) == "refuse log-unavailable committed");  // the damage first
  b.logged();
  CHECK(acknowledge(b) == "log Acknowledgement");
  CHECK(b.at(tx(1)).alarming().size() == 1);
  SECTION("the log has no room") {
    CHECK(b.act(LogRefused{b.last}) == "refuse log-unavailable committed");
    CHECK(b.at(tx(1)).alarming().size() == 1);
  }
  SECTION("durable") {
    CHECK(b.act(AcknowledgeAsked{9, tx(1), "bob", "too"}).empty());
    CHECK(b.logged() == "answer committed, answer committed");
    CHECK(b.at(tx(1)).alarming().empty());
    CHECK(b.at(tx(1)).damaged());
    CHECK(acknowledge(b) == "answer committed");
    for (const bool by_snapshot : {false, true}) {
      CoordinatorBench next = b.restarted();
      if (by_snapshot) next.recovered.records = b.m().snapshot();
      CHECK(next.at(tx(1)).acknowledgements == b.at(tx(1)).acknowledgements);
      CHECK(next.at(tx(1)).alarming().empty());
      CHECK(next.at(tx(1)).damaged());
    }
  }
  SECTION("what a snapshot finds on its way is not lost") {
    CoordinatorBench next = b.restarted();
    next.recovered.records = b.m().snapshot();
    CHECK(next.at(tx(1)).alarming().empty());
  }
}

TEST_CASE("damage found after an acknowledgement alarms anew", "[P49]") {
  CoordinatorBench b = in_doubt();
  resolve(b, Outcome::aborted);
  b.logged();
  applied(b, "orders", Outcome::aborted, Application::heuristic);
  b.logged();
  b.act(AcknowledgeAsked{8, tx(1), "ann", "mended"});
  b.logged();
  CHECK(b.at(tx(1)).alarming().empty());
  b.connect("billing");
  evidence(b, "billing", Knowledge::committed);
  CHECK(b.at(tx(1)).alarming() == std::vector<std::string>{"billing"});
}

}  // namespace assent
