// fuzz_seeds FOLDER: writes inputs that fuzzing begins with where they need code to be made. Texts
// (statements, requests, configuration) stand in the corpus as they are.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "protocol/codec.hpp"
#include "protocol/record_codec.hpp"
#include "tests/fuzz/folder.hpp"
#include "tests/support/memory_files.hpp"
#include "tests/support/stepped_log.hpp"
#include "tests/unit/protocol/samples.hpp"

namespace {

using namespace assent;

class Seeds {
 public:
  explicit Seeds(std::filesystem::path folder) : folder_(std::move(folder)) {}
  void add(const std::string& target, const std::string& bytes) {
    std::filesystem::create_directories(folder_ / target);
    const std::string name = "seed-" + std::to_string(++count_) + ".bin";
    std::ofstream(folder_ / target / name, std::ios::binary) << bytes;
  }

 private:
  std::filesystem::path folder_;
  int count_ = 0;
};

CommitRecord commit(Sequence sequence) {
  CommitRecord record;
  record.tx = samples::kTx;
  record.epoch = 1;
  record.sequence = sequence;
  record.branches = {{"orders", 7, samples::server()}, {"stock", 8, samples::server()}};
  record.key = RequestKey{{1}, {2}};
  record.labels = R"({"a":"b"})";
  return record;
}

std::vector<LogRecord> one_of_each() {
  return {EpochRecord{9, samples::kLife, {"machine", 1, 2}, -5, 17, 8, 4, 3},
          MemberRecord{"orders", samples::server(), 3},
          commit(4),
          EndRecord{samples::kTx, 4, {{"orders", 3}}},
          HeuristicRecord{samples::kTx, "stock", Outcome::aborted, Application::unproven, 6},
          ResolutionRecord{samples::kTx,
                           3,
                           Outcome::aborted,
                           4,
                           {{"orders", 771, samples::server()}},
                           {"stock"},
                           "ann",
                           "ticket 4711",
                           7},
          AcknowledgementRecord{samples::kTx, {"stock"}, "ann", "mended", 8}};
}

void add_messages(Seeds& seeds) {
  const auto downwards = samples::to_participant();
  const auto upwards = samples::to_coordinator();
  for (const ToParticipant& each : downwards) seeds.add("wire", '\0' + encode_frame({&each, 1}));
  for (const ToCoordinator& each : upwards) seeds.add("wire", '\1' + encode_frame({&each, 1}));
  seeds.add("wire", '\0' + encode_frame(downwards));
  seeds.add("wire", '\1' + encode_frame(upwards));
}

void add_records(Seeds& seeds) {
  RecordCodec codec;
  for (const LogRecord& record : one_of_each()) {
    std::string bytes(1, static_cast<char>(kind_of(record)));
    codec.encode(record, bytes);
    seeds.add("records", bytes);
  }
}

// A new ledger, one with records, and chains of segments as several starts leave them.
void add_ledgers(Seeds& seeds) {
  test::MemoryDisk disk;
  {
    test::MemoryFiles files(disk);
    if (!init_ledger(files, samples::kLedger, 4096)) std::abort();
  }
  seeds.add("ledger", fuzz::describe_folder(disk.content()));
  RecordNumber number = 0;
  for (const std::size_t records : {1u, 30u, 3u}) {
    test::MemoryFiles files(disk);
    auto opened = open_ledger(files, {4096, false, 1, samples::kLife, {}});
    if (!opened) std::abort();
    test::SteppedLog log(*std::move(opened), 4096);
    log.start({[](const auto& work) { work(); }, [](RecordNumber) {}, [](const std::string&) {},
               [] { return std::vector<LogRecord>{commit(1)}; }});
    for (std::size_t i = 0; i < records; ++i) {
      for (const LogRecord& record : one_of_each())
        if (!log.append(++number, record)) break;
      log.flush();
      log.work();
    }
    auto folder = disk.content();
    folder.erase("spare");
    seeds.add("ledger", fuzz::describe_folder(folder));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 64;
  }
  Seeds seeds(argv[1]);
  add_messages(seeds);
  add_records(seeds);
  add_ledgers(seeds);
  return 0;
}
