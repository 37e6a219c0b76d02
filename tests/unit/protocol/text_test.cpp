#include "protocol/text.hpp"

#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/unit/protocol/samples.hpp"

namespace assent {
namespace {

using samples::gid;
using samples::kLedger;
using samples::kLife;
using samples::kTx;

// L1 for the samples' ledger, T1 for their transaction; every other id in full.
TextOptions short_names() {
  return {[](const Uuid& uuid) -> std::string {
    if (uuid == kLedger.uuid) return "L1";
    if (uuid == kTx.uuid) return "T1";
    if (uuid == kLife) return "life";
    return "";
  }};
}

template <typename T>
std::string text(const T& value) {
  return to_text(value, short_names());
}

Instant at_us(std::int64_t us) {
  return Instant(std::chrono::microseconds(us));
}

const Mark kMark{kLedger, 3, kLife, 41};
const ServerIdentity kServer{7423, 2, "shop"};
Failure deadlock() {
  Failure failure;
  failure.problem = Problem::deadlock;
  failure.participant = "stock";
  failure.statement = 0;
  failure.message = "deadlock detected";
  failure.sqlstate = "40P01";
  return failure;
}

TEST_CASE("Ids are written in full, unless they have a name") {
  CHECK(to_text(gid()) == to_string(gid()));
  CHECK(parse_gid(to_text(gid())) == gid());
  CHECK(to_text(kTx) == to_string(kTx));
  CHECK(to_text(kLedger) == to_string(kLedger));
  CHECK(to_text(kLife) == to_string(kLife));
  CHECK(text(gid()) == "L1:3:T1:orders");
  CHECK(text(kTx) == "T1");
  CHECK(text(samples::uuid(9)) == to_string(samples::uuid(9)));
}

TEST_CASE("Messages to a participant") {
  CHECK(text(Welcome{kLedger, 3, kLife}) == "Welcome ledger=L1 epoch=3 life=life");
  CHECK(text(Execute{gid(), 2, Work{"abc"}, Duration(1500)}) ==
        "Execute gid=L1:3:T1:orders seq=2 work=3B time_left=1500ms");
  CHECK(text(Prepare{gid(), Work{""}, {"orders", "stock"}, Duration(500)}) ==
        "Prepare gid=L1:3:T1:orders work=0B peers=[orders stock] time_left=500ms");
  CHECK(text(Prepare{gid(), std::nullopt, {}, Duration(0)}) ==
        "Prepare gid=L1:3:T1:orders time_left=0ms");
  CHECK(text(Prepare{gid(), std::nullopt, {}, Duration(500), 2}) ==
        "Prepare gid=L1:3:T1:orders time_left=500ms ask=2");
  CHECK(text(Abort{gid(), 0, {}, true}) == "Abort gid=L1:3:T1:orders external");
  CHECK(text(Commit{gid(), 4, 771, kServer}) ==
        "Commit gid=L1:3:T1:orders sequence=4 xid=771 server=7423/2/shop");
  CHECK(text(Abort{gid()}) == "Abort gid=L1:3:T1:orders");
  CHECK(text(Ask{gid()}) == "Ask gid=L1:3:T1:orders");
}

TEST_CASE("Messages to the coordinator") {
  CHECK(text(Hello{"orders", kServer, {kMark}}) ==
        "Hello participant=orders server=7423/2/shop "
        "marks=[{ledger=L1 epoch=3 life=life sequence=41}]");
  CHECK(text(Ready{
            kMark, kServer, {HeldBranch{gid(), 7, {"orders"}}, HeldBranch{gid("a"), 8, {}}}}) ==
        "Ready mark={ledger=L1 epoch=3 life=life sequence=41} server=7423/2/shop "
        "held=[{gid=L1:3:T1:orders xid=7 peers=[orders]} {gid=L1:3:T1:a xid=8}]");
  CHECK(text(Executed{gid(), 2, Results{"12345"}}) ==
        "Executed gid=L1:3:T1:orders seq=2 result=5B");
  CHECK(text(Executed{gid(), 2, deadlock()}) ==
        "Executed gid=L1:3:T1:orders seq=2 result=Failure{problem=deadlock participant=stock "
        "statement=0 message=\"deadlock detected\" sqlstate=40P01}");
  CHECK(text(Vote{gid(), Verdict::yes, 771, kServer, Results{"abc"}, std::nullopt}) ==
        "Vote gid=L1:3:T1:orders verdict=yes xid=771 server=7423/2/shop results=3B");
  CHECK(
      text(Vote{gid(), Verdict::no, 0, {}, std::nullopt, deadlock()}) ==
      "Vote gid=L1:3:T1:orders verdict=no failure={problem=deadlock participant=stock statement=0 "
      "message=\"deadlock detected\" sqlstate=40P01}");
  CHECK(text(Vote{gid(), Verdict::not_yet, 0, {}, std::nullopt, deadlock(), 2}) ==
        "Vote gid=L1:3:T1:orders verdict=not_yet failure={problem=deadlock participant=stock "
        "statement=0 message=\"deadlock detected\" sqlstate=40P01} ask=2");
  CHECK(text(Applied{gid(), Outcome::committed, Application::heuristic, 9}) ==
        "Applied gid=L1:3:T1:orders outcome=committed application=heuristic durable_mark=9");
  CHECK(text(Inquiry{gid(), {"orders", "stock"}}) ==
        "Inquiry gid=L1:3:T1:orders peers=[orders stock]");
  CHECK(text(Evidence{gid(), Knowledge::committed, 9}) ==
        "Evidence gid=L1:3:T1:orders knowledge=committed sequence=9");
}

TEST_CASE("A variant is written as what it holds") {
  CHECK(text(ToParticipant{Abort{gid()}}) == "Abort gid=L1:3:T1:orders");
  CHECK(text(ParticipantEvent{ParticipantTick{}}) == "ParticipantTick");
  CHECK(text(CoordinatorAction{Stop{"epoch 4 was seen"}}) == "Stop reason=\"epoch 4 was seen\"");
}

TEST_CASE("What carries a message shows it after a colon") {
  CHECK(text(Send{"orders", Abort{gid()}}) == "Send participant=orders: Abort gid=L1:3:T1:orders");
  CHECK(text(FromParticipant{"orders", Inquiry{gid(), {}}}) ==
        "FromParticipant participant=orders: Inquiry gid=L1:3:T1:orders");
  CHECK(text(FromCoordinator{Ask{gid()}}) == "FromCoordinator: Ask gid=L1:3:T1:orders");
  CHECK(text(SendToCoordinator{Inquiry{gid(), {}}}) ==
        "SendToCoordinator: Inquiry gid=L1:3:T1:orders");
  CHECK(text(Log{3, HeuristicRecord{kTx, "stock", Outcome::committed, Application::unproven, 5}}) ==
        "Log number=3: HeuristicRecord tx=T1 participant=stock decided=committed "
        "application=unproven wall_ms=5");
}

TEST_CASE("An operator's decisions") {
  CHECK(text(ResolveAsked{7, kTx, Outcome::aborted, "ann", "ticket 4711", "orders=prepared"}) ==
        "ResolveAsked request=7 tx=T1 outcome=aborted by=ann reason=\"ticket 4711\" "
        "seen=\"orders=prepared\"");
  CHECK(text(AcknowledgeAsked{8, kTx, "ann", "mended"}) ==
        "AcknowledgeAsked request=8 tx=T1 by=ann reason=mended");
  CHECK(text(ResolutionRecord{kTx,
                              3,
                              Outcome::committed,
                              4,
                              {{"orders", 771, kServer}},
                              {"stock"},
                              "ann",
                              "ticket 4711",
                              5}) ==
        "ResolutionRecord tx=T1 epoch=3 outcome=committed sequence=4 "
        "branches=[{participant=orders xid=771 server=7423/2/shop}] unheard=[stock] by=ann "
        "reason=\"ticket 4711\" wall_ms=5");
  CHECK(text(AcknowledgementRecord{kTx, {"stock"}, "ann", "mended", 5}) ==
        "AcknowledgementRecord tx=T1 participants=[stock] by=ann reason=mended wall_ms=5");
  ResolutionPreview preview;
  preview.records = true;
  preview.why = "moved";
  preview.branches = {{"orders", "prepared", BranchEffect::commit}};
  CHECK(text(preview) ==
        "ResolutionPreview fate=unknown records why=moved branches=[{participant=orders "
        "known=prepared effect=commit}]");
}

TEST_CASE("Log records") {
  CommitRecord commit;
  commit.tx = kTx;
  commit.epoch = 3;
  commit.sequence = 4;
  commit.branches = {{"orders", 771, kServer}, {"stock", 12, kServer}};
  commit.key = RequestKey{};
  commit.key->key[15] = 0xab;
  commit.labels = "{\"a\":\"b\\c\"}";
  commit.wall_ms = 1'700'000'000'000;
  CHECK(text(commit) ==
        "CommitRecord tx=T1 epoch=3 sequence=4 "
        "branches=[{participant=orders xid=771 server=7423/2/shop} "
        "{participant=stock xid=12 server=7423/2/shop}] "
        "key={key=000000000000000000000000000000ab body=00000000000000000000000000000000} "
        "labels=\"{\\\"a\\\":\\\"b\\\\c\\\"}\" wall_ms=1700000000000");
  commit.key->first_sent_ms = 1'699'999'999'000;
  CHECK(text(commit).find("00 first_sent_ms=1699999999000} ") != std::string::npos);
  EpochRecord epoch;
  epoch.epoch = 2;
  epoch.life = kLife;
  epoch.place = {"machine", 3, 4};
  CHECK(text(epoch) == "EpochRecord epoch=2 life=life place={machine_id=machine device=3 inode=4}");
  epoch.forgotten_key_ms = 7;
  CHECK(text(epoch).ends_with(" forgotten_key_ms=7"));
  MemberRecord member;
  member.participant = "stock";
  member.server = kServer;
  CHECK(text(LogRecord{member}) == "MemberRecord participant=stock server=7423/2/shop");
  CHECK(text(EndRecord{kTx, 4, {{"orders", 4}}}) ==
        "EndRecord tx=T1 sequence=4 marks=[{participant=orders sequence=4}]");
}

TEST_CASE("Verbs of the database and their completions") {
  CHECK(text(RunWork{gid(), 1, Work{"ab"}, Duration(5)}) ==
        "RunWork gid=L1:3:T1:orders seq=1 work=2B time_left=5ms");
  CHECK(text(PrepareDone{gid(), PrepareDone::Yes{7, Results{"abc"}}}) ==
        "PrepareDone gid=L1:3:T1:orders result=Yes{xid=7 results=3B}");
  CHECK(text(PrepareDone{gid(), PrepareDone::Lost{}}) ==
        "PrepareDone gid=L1:3:T1:orders result=Lost{}");
  CHECK(text(Settled{gid(), std::nullopt}) == "Settled gid=L1:3:T1:orders");
  CHECK(text(Settled{gid(), 7}) == "Settled gid=L1:3:T1:orders xid=7");
  CHECK(
      text(FinishDone{gid(), Outcome::aborted, FinishDone::Result::no_such_gid, "gone\n\x01"}) ==
      "FinishDone gid=L1:3:T1:orders outcome=aborted result=no_such_gid message=\"gone\\n\\x01\"");
  CHECK(text(VerifyPrepared{gid(), 2, {"orders", "stock"}}) ==
        "VerifyPrepared gid=L1:3:T1:orders ask=2 peers=[orders stock]");
  CHECK(text(Verified{gid(), 2, {}, Xid{771}}) == "Verified gid=L1:3:T1:orders ask=2 result=771");
  CHECK(text(StatusRead{gid(), StatusRead::Status::in_progress}) ==
        "StatusRead gid=L1:3:T1:orders status=in_progress");
  CHECK(text(ListPrepared{}) == "ListPrepared");
  CHECK(text(JournalWritten{3, true}) == "JournalWritten batch=3 ok");
  CHECK(text(JournalWritten{3, false}) == "JournalWritten batch=3");
  CHECK(text(WriteJournal{1, {{gid(), Outcome::committed, Application::proved, 4}}}) ==
        "WriteJournal batch=1 lines=[{gid=L1:3:T1:orders outcome=committed application=proved "
        "sequence=4}]");
  CHECK(text(WriteJournal{2, {}, {{gid().ledger, 9}}}) == "WriteJournal batch=2 up_to=[L1:9]");
  CHECK(text(DatabaseUp{kServer, {}, {}}) == "DatabaseUp server=7423/2/shop");
}

TEST_CASE("Requests and answers") {
  Begin begin;
  begin.request = 1;
  begin.tx = kTx;
  begin.branches = {{"orders", Work{"abc"}}};
  begin.timeout = Duration(1000);
  CHECK(text(begin) ==
        "Begin request=1 tx=T1 mode=one_shot branches=[{participant=orders work=3B}] "
        "timeout=1000ms idle_timeout=0ms wait_for=applied");
  CHECK(text(CommitAsked{2, kTx, WaitFor::decided}) ==
        "CommitAsked request=2 tx=T1 wait_for=decided");
  CHECK(text(Reply{2, kTx, std::nullopt, Fate::committed}) ==
        "Reply request=2 tx=T1 fate=committed");
  CHECK(text(Reply{2, kTx, std::nullopt, Fate::none}) == "Reply request=2 tx=T1");
  begin.refusal.emplace();
  begin.refusal->problem = Problem::permission_denied;
  begin.refusal->message = "not yours";
  CHECK(text(begin).ends_with(" refusal={problem=permission-denied message=\"not yours\"}"));
  CHECK(text(Drain{}) == "Drain");
  CHECK(text(LimitsChanged{100, 10}) ==
        "LimitsChanged open_transactions=100 participant_branches=10");
}

TEST_CASE("States") {
  Branch branch;
  branch.state = BranchState::rolling_back;
  branch.gid = gid();
  branch.busy = true;
  branch.decided = Outcome::aborted;
  branch.since = at_us(1'500'000);
  branch.retry_at = at_us(2'000'025);
  CHECK(text(branch) ==
        "Branch state=rolling_back gid=L1:3:T1:orders busy decided=aborted since=@1500ms "
        "retry_at=@2000.025ms");
  Doubt doubt;
  doubt.gid = gid();
  doubt.evidence = {{"orders", Knowledge::prepared}, {"stock", Knowledge::nothing}};
  doubt.askers = {"orders"};
  doubt.held = {{"orders", DecidedBranch{"orders", 7, kServer}}};
  doubt.why = "stock is away";
  CHECK(text(doubt) ==
        "Doubt gid=L1:3:T1:orders evidence=[orders:prepared stock:nothing] askers=[orders] "
        "held=[orders:{participant=orders xid=7 server=7423/2/shop}] why=\"stock is away\"");
}

TEST_CASE("A machine shows its whole state, one line for each field or entry") {
  CHECK(text(ParticipantMachine("orders", {})) == "ParticipantMachine\n  name=orders\n  link=down");
  ParticipantLimits limits;
  limits.open_branches = 7;
  ParticipantMachine machine("orders", limits);
  CHECK(text(machine).find("\n  limits={open_branches=7 ended_kept=") != std::string::npos);
  std::vector<ParticipantAction> actions;
  machine.step(DatabaseUp{kServer, {kMark}, {HeldBranch{gid(), 7, {"orders"}}}}, Now{}, actions);
  const std::string up = text(machine);
  CHECK(up.find("\n  database_up") != std::string::npos);
  CHECK(up.find("\n  server=7423/2/shop") != std::string::npos);
  CHECK(up.find("\n  marks L1:{ledger=L1 epoch=3 life=life sequence=41}") != std::string::npos);
  CHECK(up.find("\n  branches L1:3:T1:orders:{state=prepared gid=L1:3:T1:orders") !=
        std::string::npos);
  CHECK(text(ParticipantMachine(machine)) == up);
}

}  // namespace
}  // namespace assent
