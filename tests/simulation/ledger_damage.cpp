// What a disk, a cable or a person can do to the files of a ledger that nobody has open.
#include <algorithm>
#include <utility>

#include "coordinator/log/segment.hpp"
#include "tests/simulation/ledger_disk.hpp"

namespace assent::simulation {
namespace {

void flip_bit(std::string& file, std::uint64_t at, Random& random) {
  file[at] = static_cast<char>(file[at] ^ (1 << random.below(8)));
}

void zero_sector(std::string& file, std::uint64_t around) {
  constexpr std::uint64_t kSector = 512;
  const std::uint64_t begin = around / kSector * kSector;
  const std::uint64_t size = std::min<std::uint64_t>(kSector, file.size() - begin);
  file.replace(begin, size, size, '\0');
}

bool ends_in_zeros(const std::string& file) {
  return file.find_first_not_of('\0', records_of(file).end) == std::string::npos;
}

std::string first_segment_of(LedgerId ledger) {
  test::MemoryDisk disk;
  test::MemoryFiles files(disk);
  if (!init_ledger(files, ledger, 4096)) return {};
  return disk.content().begin()->second;
}

}  // namespace

void LedgerDisk::damage_last() {
  const auto segments = segments_of(*disk_);
  if (segments.empty() || damaged()) return;
  Content content = disk_->content();
  std::string& file = content[segments.back()];
  const auto header = decode_header(file);
  const Records records = records_of(file);
  if (!std::holds_alternative<SegmentHeader>(header)) return;
  if (records.last < std::get<SegmentHeader>(header).opening_end) return;
  undamaged_ = disk_->content();
  commits_before_ = commits();
  flip_bit(file, world_.random.below(records.end - records.last) + records.last, world_.random);
  disk_->put(segments.back(), file);
}

// Anything anywhere. What nothing on this disk can tell is left out: marks of the participants do.
void LedgerDisk::damage() {
  const auto segments = segments_of(*disk_);
  if (segments.empty() || damaged()) return;
  Random& random = world_.random;
  const std::string name = segments[random.below(segments.size())];
  const bool newest = name == segments.back();
  Content content = disk_->content();
  undamaged_ = content;
  commits_before_ = commits();
  std::string& file = content[name];
  const std::uint64_t at = random.below(file.size());
  switch (random.below(6)) {
    case 0:
      file.resize(at);
      break;
    case 1:
      zero_sector(file, at);
      // Cut off exactly between two records, nothing tells that there was more.
      if (newest && ends_in_zeros(file)) return mend();
      break;
    case 2:
      if (newest && segments.size() > 1) return mend();  // as an older copy: see put_back()
      content.erase(name);
      break;
    case 3:
      if (newest) return mend();
      std::swap(file, content[segments.back()]);
      break;
    case 4:
      file = first_segment_of(LedgerId{world_.uuid(World::kWallStart)});
      break;
    default:
      flip_bit(file, std::min(at, records_of(file).end), random);
  }
  replace(content);
}

void LedgerDisk::mend() {
  replace(std::exchange(undamaged_, {}));
}

}  // namespace assent::simulation
