#include "coordinator/replaying.hpp"

#include "tests/support/catch.hpp"

namespace assent {
namespace {

const LedgerId kLedger{make_uuid7(1, {9})};

EpochRecord start(Epoch epoch) {
  EpochRecord record;
  record.epoch = epoch;
  record.life = make_uuid7(2, {static_cast<std::uint8_t>(epoch)});
  return record;
}

// Commits, most of them ended, of more records than are ever waiting.
std::vector<LogRecord> long_log() {
  std::vector<LogRecord> records{start(1), MemberRecord{"orders", {77, 1, "shop"}, 0, 0}};
  for (Sequence sequence = 1; sequence <= 6000; ++sequence) {
    CommitRecord commit;
    commit.tx = TxId{make_uuid7(static_cast<std::int64_t>(sequence), {1})};
    commit.epoch = 1;
    commit.sequence = sequence;
    commit.branches = {{"orders", 1000 + sequence, {77, 1, "shop"}}};
    if (sequence % 3 == 0) commit.key = RequestKey{commit.tx.uuid.bytes, {1}};
    commit.labels.assign(sequence % 40, 'x');
    records.push_back(commit);
    if (sequence % 100 != 0) records.push_back(EndRecord{commit.tx, sequence, {}});
  }
  return records;
}

}  // namespace

TEST_CASE("a ledger replayed while it is read makes the machine it makes at once") {
  Recovered recovered;
  recovered.ledger = kLedger;
  recovered.records = long_log();
  const Now now{Instant{} + Duration{5}, 7};
  Replaying replaying(CoordinatorLimits{}, now);
  for (const LogRecord& record : recovered.records) replaying.take(record);
  CHECK(replaying.taken() == recovered.records.size());
  const CoordinatorMachine machine = replaying.finish(recovered, start(2));
  CHECK(machine.unfinished() == 60);
  CHECK(machine == CoordinatorMachine(CoordinatorLimits{}, recovered, start(2), now));
}

TEST_CASE("a replay of a ledger that is refused half-way is given up") {
  const auto records = long_log();
  Replaying replaying(CoordinatorLimits{}, Now{});
  for (std::size_t i = 0; i < records.size() / 2; ++i) replaying.take(records[i]);
  CHECK(replaying.taken() == records.size() / 2);
}

}  // namespace assent
