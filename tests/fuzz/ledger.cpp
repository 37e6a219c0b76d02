// A folder of segments: read, then opened, then opened again.
#include "coordinator/log/ledger_opening.hpp"
#include "coordinator/log/ledger_reader.hpp"
#include "tests/fuzz/folder.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/memory_files.hpp"

namespace assent::fuzz {
namespace {

constexpr std::uint64_t kSegment = 4096;

struct Start {
  Recovered recovered;
  EpochRecord epoch;
};

// One start of a coordinator, which ends at once.
LogResult<Start> start(test::MemoryDisk& disk) {
  test::MemoryFiles files(disk);
  std::vector<LogRecord> records;
  auto opened = open_ledger(files, {kSegment, false, 1, Uuid{},
                                    [&](const LogRecord& record) { records.push_back(record); }});
  if (!opened) return opened.error();
  opened->recovered.records = std::move(records);
  return Start{std::move(opened->recovered), opened->start};
}

}  // namespace

void ledger(std::string_view bytes) {
  const auto folder = read_folder(bytes);
  test::MemoryDisk disk;
  for (const auto& [name, content] : folder) disk.put(name, content);

  test::MemoryFiles files(disk);
  const auto contents = read_ledger(files);
  const auto first = start(disk);
  demand(contents.has_value() == first.has_value(), "what can be read can be opened");
  if (!contents) {
    const std::string& why = contents.error().message;
    demand(why.find("/disk/") != std::string::npos, "a refusal names the file");
    demand(why == first.error().message, "reading and opening refuse for the same reason");
    demand(disk.content() == folder, "what is refused is not changed");
    return;
  }
  demand(first->recovered.records == contents->records, "opening gives what reading gives");

  const auto second = start(disk);
  demand(second.has_value(), "what was opened once is opened again");
  std::vector<LogRecord> expected = contents->records;
  expected.push_back(first->epoch);
  demand(second->recovered.records == expected, "what was found is kept, with the start itself");
  demand(second->recovered.tail == Tail::clean, "a torn tail is gone after one start");
}

}  // namespace assent::fuzz
