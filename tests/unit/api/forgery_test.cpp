// Messages of those who have no part in a transaction change nothing of it.
#include <boost/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {
namespace {

const std::string kTwoBranches =
    R"({"branches":[{"participant":"orders","statements":[{"sql":"insert"}]},)"
    R"({"participant":"stock","statements":[{"sql":"update"}]}]})";

Uuid other(Uuid uuid) {
  uuid.bytes[15] = static_cast<std::uint8_t>(uuid.bytes[15] ^ 1);
  return uuid;
}

Vote yes(const Gid& gid) {
  Vote vote;
  vote.gid = gid;
  vote.verdict = Verdict::yes;
  vote.xid = 666;
  return vote;
}

// A transaction of orders and stock that waits for the vote of stock, and mallory, who has no part.
struct Waiting : FakeCoordinator {
  Waiting() {
    for (const char* name : {"orders", "stock", "mallory"}) connect(name);
    answer = ask("POST", "/v1/transactions", kTwoBranches);
    gid = sent_to<Prepare>("stock").gid;
    vote_yes("orders");
  }
  const Transaction& transaction() const { return machine().transactions().begin()->second; }
  void say(const std::string& who, ToCoordinator message) {
    post(FromParticipant{who, std::move(message)});
  }
  bool waits_as_before() const {
    return !answer->has_value() && machine().transactions().size() == 1 &&
           transaction().state == TxState::preparing &&
           transaction().branch("stock")->phase == BranchPhase::preparing;
  }

  std::shared_ptr<std::optional<HttpResponse>> answer;
  Gid gid;  // of the branch at stock
};

}  // namespace

TEST_CASE("a vote counts from its participant, with its gid, and from nobody else") {
  Waiting shop;
  Gid of_mallory = shop.gid, of_other_ledger = shop.gid, of_other_epoch = shop.gid,
      of_other_tx = shop.gid;
  of_mallory.participant = "mallory";
  of_other_ledger.ledger.uuid = other(shop.gid.ledger.uuid);
  ++of_other_epoch.epoch;
  of_other_tx.tx.uuid = other(shop.gid.tx.uuid);
  for (const char* who : {"mallory", "nobody", ""})
    for (const Gid& gid : {shop.gid, of_mallory}) {
      shop.say(who, yes(gid));
      CHECK(shop.waits_as_before());
    }
  for (const Gid& gid : {of_other_ledger, of_other_epoch, of_other_tx}) {
    shop.say("stock", yes(gid));
    CHECK(shop.waits_as_before());
  }
  shop.vote_yes("stock");
  CHECK(shop.transaction().state == TxState::committing);
}

TEST_CASE("what only the owner of a branch can know is not taken from others") {
  Waiting shop;
  Vote no;
  no.gid = shop.gid;
  no.verdict = Verdict::no;
  Applied applied;
  applied.gid = shop.gid;
  applied.outcome = Outcome::aborted;
  Executed executed;
  executed.gid = shop.gid;
  executed.seq = 1;
  executed.result = Results{};
  for (const char* who : {"mallory", "nobody"})
    for (const ToCoordinator& message :
         {ToCoordinator(no), ToCoordinator(applied), ToCoordinator(executed),
          ToCoordinator(Inquiry{shop.gid, {}})}) {
      shop.say(who, message);
      CHECK(shop.waits_as_before());
    }
  // Nor is the outcome, once there is one, made by others.
  shop.vote_yes("stock");
  applied.outcome = Outcome::committed;
  applied.application = Application::heuristic;
  shop.say("mallory", applied);
  CHECK(shop.transaction().state == TxState::committing);
  CHECK_FALSE(shop.transaction().damaged());
  shop.applied("orders");
  shop.applied("stock");
  REQUIRE(shop.answer->has_value());
  CHECK((*shop.answer)->status == 201);
}

}  // namespace assent
