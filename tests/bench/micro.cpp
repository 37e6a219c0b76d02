// What the parts cost, each alone: machine steps, codec, log framing and batching.
#include <optional>

#include <benchmark/benchmark.h>

#include "coordinator/log/group_commit.hpp"
#include "coordinator/log/scan.hpp"
#include "protocol/codec.hpp"
#include "protocol/coordinator_machine.hpp"
#include "protocol/participant_machine.hpp"
#include "protocol/runtime/random.hpp"
#include "tests/bench/ledger_records.hpp"

namespace assent::bench {
namespace {

const LedgerId kLedger{make_uuid7(1, {9})};
const Uuid kLife = make_uuid7(2, {3});
constexpr Epoch kEpoch = 3;
const std::vector<std::string> kNames = {"bank_a", "bank_b"};

Now at(std::int64_t ms) {
  return {Instant(std::chrono::milliseconds(1'000'000 + ms)), 1'800'000'000'000 + ms};
}

Work work() {
  return {std::string(120, 'w')};  // the machines never look into it
}

// ---- machines

// A coordinator whose participants are ready.
CoordinatorMachine coordinator() {
  Recovered recovered;
  recovered.ledger = kLedger;
  EpochRecord start;
  start.epoch = kEpoch;
  start.life = kLife;
  CoordinatorLimits limits;
  limits.finished_kept = 1000;
  CoordinatorMachine machine(limits, recovered, start, at(0));
  std::vector<CoordinatorAction> out;
  for (const std::string& name : kNames) {
    const ServerIdentity server{77, 1, name};
    machine.step(LinkUp{{name, server, {}}}, at(0), out);
    machine.step(Logged{100}, at(0), out);
    machine.step(FromParticipant{name, Ready{{kLedger, kEpoch, kLife, 0}, server, {}}}, at(0), out);
  }
  return machine;
}

RecordNumber number_of_log(const std::vector<CoordinatorAction>& actions) {
  for (const CoordinatorAction& action : actions)
    if (const auto* log = std::get_if<Log>(&action)) return log->number;
  return 0;
}

// Begin, both votes, the record durable, both applied: the machine's part of one transfer.
void coordinator_transaction(benchmark::State& state) {
  CoordinatorMachine machine = coordinator();
  std::vector<CoordinatorAction> out;
  std::int64_t ms = 0;
  RequestId request = 0;
  for (auto each : state) {
    const Now now = at(++ms);
    Begin begin;
    begin.request = ++request;
    begin.tx = TxId{new_uuid7()};
    for (const std::string& name : kNames) begin.branches.push_back({name, work()});
    begin.timeout = Duration(30'000);
    out.clear();
    machine.step(begin, now, out);
    for (const std::string& name : kNames) {
      Vote vote;
      vote.gid = {kLedger, kEpoch, begin.tx, name};
      vote.verdict = Verdict::yes;
      vote.xid = request;
      vote.server = {77, 1, name};
      machine.step(FromParticipant{name, vote}, now, out);
    }
    const RecordNumber record = number_of_log(out);
    if (record == 0) return state.SkipWithError("nothing was to be recorded");
    machine.step(Logged{record}, now, out);
    for (const std::string& name : kNames)
      machine.step(
          FromParticipant{name,
                          Applied{{kLedger, kEpoch, begin.tx, name}, Outcome::committed, {}, 0}},
          now, out);
    benchmark::DoNotOptimize(out.data());
  }
  if (machine.unfinished() != 0) state.SkipWithError("not every transaction was finished");
}
BENCHMARK(coordinator_transaction);

// Prepare, prepared, commit, committed, and the journal's share: the machine's part of one branch.
void participant_branch(benchmark::State& state) {
  ParticipantMachine machine("bank_a", ParticipantLimits{});
  std::vector<ParticipantAction> out;
  const ServerIdentity server{77, 1, "bank_a"};
  machine.step(DatabaseUp{server, {}, {}}, at(0), out);
  machine.step(LinkOpened{}, at(0), out);
  machine.step(FromCoordinator{Welcome{kLedger, kEpoch, kLife}}, at(0), out);
  machine.step(MarkRaised{{kLedger, kEpoch, kLife, 0}}, at(0), out);
  std::int64_t ms = 0;
  Sequence sequence = 0;
  for (auto each : state) {
    const Now now = at(++ms);
    const Gid gid{kLedger, kEpoch, TxId{new_uuid7()}, "bank_a"};
    out.clear();
    machine.step(FromCoordinator{Prepare{gid, work(), kNames, Duration(30'000)}}, now, out);
    machine.step(PrepareDone{gid, PrepareDone::Yes{++sequence, {}}}, now, out);
    machine.step(FromCoordinator{Commit{gid, sequence, sequence, server}}, now, out);
    machine.step(FinishDone{gid, Outcome::committed, FinishDone::Result::done, {}}, now, out);
    for (std::size_t i = 0; i < out.size(); ++i)
      if (const auto* journal = std::get_if<WriteJournal>(&out[i]))
        machine.step(JournalWritten{journal->batch, true}, now, out);
    benchmark::DoNotOptimize(out.data());
  }
  if (!machine.branches().empty()) state.SkipWithError("not every branch has ended");
}
BENCHMARK(participant_branch);

// ---- codec

std::vector<ToParticipant> prepares(std::int64_t count) {
  std::vector<ToParticipant> messages;
  for (std::int64_t i = 0; i < count; ++i)
    messages.push_back(
        Prepare{{kLedger, kEpoch, TxId{new_uuid7()}, "bank_a"}, work(), kNames, Duration(30'000)});
  return messages;
}

void encode_prepares(benchmark::State& state) {
  const auto messages = prepares(state.range(0));
  for (auto each : state) benchmark::DoNotOptimize(encode_frames(messages));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_prepares)->Arg(1)->Arg(16);

void decode_prepares(benchmark::State& state) {
  const std::string frame = encode_frames(prepares(state.range(0))).at(0);
  for (auto each : state) benchmark::DoNotOptimize(decode_to_participant(frame));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_prepares)->Arg(1)->Arg(16);

// ---- log

SegmentHeader segment() {
  SegmentHeader header;
  header.ledger = kLedger;
  header.number = 1;
  header.opening_end = kHeaderBytes;
  header.size = 1u << 30;
  return header;
}

// So many records into one batch, handed over.
void append_batch(benchmark::State& state) {
  const LogRecord record = commit_record(1, kEpoch);
  RecordNumber number = 0;
  std::optional<GroupCommit> commit(std::in_place, segment(), 1u << 30);
  for (auto each : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i)
      if (!commit->append(++number, record)) commit.emplace(segment(), 1u << 30);  // it was full
    std::deque<LogJob> jobs;
    commit->flush(jobs, [] { return std::vector<LogRecord>(); });
    benchmark::DoNotOptimize(jobs);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(append_batch)->Arg(1)->Arg(64);

std::string filled_segment(RecordCodec& codec) {
  const SegmentHeader header = segment();
  const Framing framing(header);
  std::string file = encode(header);
  for (Sequence i = 1; file.size() < (8u << 20); ++i) {
    std::string payload;
    codec.encode(commit_record(i, kEpoch), payload);
    framing.append(file, file.size(), kHeaderBytes, 3, payload);
  }
  return file;
}

// Found and checked; and decoded as well.
void scan(benchmark::State& state) {
  RecordCodec codec;
  const std::string file = filled_segment(codec);
  const bool decoded = state.range(0) != 0;
  for (auto each : state) {
    std::size_t count = 0;
    const auto take = [&](const Framing::Frame& frame) {
      count += !decoded || codec.decode(frame.kind, frame.payload) ? 1 : 0;
    };
    const SegmentScan found = scan_segment(file, file.size(), segment(), file.size(), take);
    if (found.damage || count == 0) return state.SkipWithError("damaged");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(file.size()));
}
BENCHMARK(scan)->ArgName("decoded")->Arg(0)->Arg(1);

}  // namespace
}  // namespace assent::bench
