#include "tests/simulation/ledger_disk.hpp"

#include <algorithm>

#include "coordinator/log/ledger_reader.hpp"

namespace assent::simulation {
namespace {

constexpr std::uint64_t kAllRoom = ~0ull;

// Of a record that is a decision: the transaction's.
const TxId* decided_by(const LogRecord& record) {
  if (const auto* commit = std::get_if<CommitRecord>(&record)) return &commit->tx;
  if (const auto* resolution = std::get_if<ResolutionRecord>(&record)) return &resolution->tx;
  return nullptr;
}

}  // namespace

LedgerDisk::LedgerDisk(World& world, LedgerId ledger, const Content& content)
    : world_(world),
      ledger_(ledger),
      // Small: a schedule fills several.
      segment_bytes_(512 * static_cast<std::uint64_t>(world.random.between(3, 8))),
      disk_(std::make_unique<test::MemoryDisk>()),
      chance_(world.random.next()) {
  replace(content);
}

LedgerDisk::LedgerDisk(World& world, LedgerId ledger) : LedgerDisk(world, ledger, Content{}) {
  test::MemoryFiles files(*disk_);
  if (const auto made = init_ledger(files, ledger, segment_bytes_); !made)
    world_.observer.report({"log", made.error().message});
}

std::unique_ptr<LedgerDisk> LedgerDisk::copy() const {
  std::unique_ptr<LedgerDisk> copy(new LedgerDisk(world_, ledger_, disk_->content()));
  copy->disk_->place.inode = disk_->place.inode + 1;
  copy->learn_content();
  return copy;
}

// ---- a process
// -----------------------------------------------------------------------------------

std::optional<LedgerDisk::Opened> LedgerDisk::open(Host host, std::int64_t wall_ms) {
  host_ = std::move(host);
  ++life_;
  files_ = std::make_unique<LedgerFiles>(*disk_, world_.plant);
  LedgerOpening opening;
  opening.segment_bytes = segment_bytes_;
  opening.restored = restored && world_.plant != Plant::copy_trusted;
  opening.wall_ms = wall_ms;
  opening.life = world_.uuid(wall_ms);
  std::vector<LogRecord> records;
  opening.take = [&](const LogRecord& record) { records.push_back(record); };
  try {
    auto opened = open_ledger(*files_, opening);
    if (!opened) {
      refused(opened.error().message);
      close(Crash::process);
      return std::nullopt;
    }
    opened->recovered.records = std::move(records);
    Opened result{std::move(opened->recovered), opened->start};
    log_ = std::make_unique<test::SteppedLog>(*std::move(opened), segment_bytes_);
    found(result.recovered, result.start);
    note(result.start);
    current_ = files_->current();
    world_.count_fault("ledger_opened");
    LogHost log_host;
    log_host.on_durable = [this](RecordNumber up_to) { told_durable_ = up_to; };
    log_host.on_failed = [this](const std::string& what) {
      world_.say("the ledger fails: " + what);
      failed_ = true;
    };
    log_host.snapshot = [this] { return host_.snapshot(); };
    log_->start(std::move(log_host));
    restored = excused_ = false;
    pump();
    return result;
  } catch (const test::SimulatedCrash&) {
    world_.say("it dies while it opens its ledger");
    world_.count_fault("died_opening_ledger");
    close(death_);
    if (damaged()) mend();
    return std::nullopt;
  }
}

void LedgerDisk::refused(const std::string& why) {
  world_.say("the ledger is refused: " + why);
  if (damaged()) return world_.count_fault("damage_refused");
  if (!excused_ && disk_->room == kAllRoom)
    world_.observer.report({"log", "nothing befell the ledger, yet " + why});
}

// What a start has found is on disk again. It must be what was there.
void LedgerDisk::found(const Recovered& recovered, const EpochRecord& start) {
  std::set<TxId> lost = damaged() ? commits_before_ : unfinished_;
  if (!damaged()) lost.insert(resolved_.begin(), resolved_.end());
  for (const LogRecord& record : recovered.records)
    if (const TxId* decided = decided_by(record)) lost.erase(*decided);
  // Perhaps by an earlier start, which died or failed after it had written so.
  const bool noticed = start.careful_below > last_epoch_;
  if (damaged() && noticed) {
    world_.ledger_disputed = true;
    world_.observer.commits_lost(lost);
  } else if (!lost.empty()) {
    world_.observer.report({"log", "the ledger has lost the commit record of " +
                                       to_string(*lost.begin()) + " and does not notice"});
  }
  undamaged_.clear();
  unfinished_.clear();
  resolved_.clear();
  last_epoch_ = 0;
  const bool durable = disk_->is_durable(files_->current());
  for (const LogRecord& record : recovered.records) {
    note(record);
    if (durable) world_.observer.record_durable(record, competed_);
  }
}

void LedgerDisk::note(const LogRecord& record) {
  last_is_commit_ = decided_by(record) != nullptr;
  if (const auto* commit = std::get_if<CommitRecord>(&record)) unfinished_.insert(commit->tx);
  if (const auto* end = std::get_if<EndRecord>(&record)) unfinished_.erase(end->tx);
  // Never forgotten, though it has ended.
  if (const auto* resolution = std::get_if<ResolutionRecord>(&record))
    resolved_.insert(resolution->tx);
  if (const auto* start = std::get_if<EpochRecord>(&record))
    last_epoch_ = std::max(last_epoch_, start->epoch);
}

// What was under way has been done up to some operation.
void LedgerDisk::close(Crash crash) {
  if (log_ && std::exchange(busy_, false)) {
    disk_->crash_at = disk_->operations + 1 + world_.random.below(6);
    disk_->crash_after = world_.random.percent(50);
    try {
      log_->finish();
    } catch (const test::SimulatedCrash&) {
    }
  }
  ++life_;
  log_.reset();
  files_.reset();
  taken_.clear();
  told_durable_.reset();
  failed_ = busy_ = waits_for_room_ = false;
  disk_->crash_at = 0;
  if (crash == Crash::process)
    disk_->kill();
  else
    disk_->power_off(chance_);
}

bool LedgerDisk::append(RecordNumber number, const LogRecord& record) {
  if (!log_->append(number, record)) {
    world_.count_fault("record_refused");
    // What has ended may be left out by the next opening, also where there is no room to say so.
    if (const auto* end = std::get_if<EndRecord>(&record)) unfinished_.erase(end->tx);
    return false;
  }
  taken_.emplace_back(number, record);
  return true;
}

void LedgerDisk::flush() {
  log_->flush();
  pump();
}

// ---- the disk at work
// ----------------------------------------------------------------------------

// What is taken up now is done when its time is over: nobody else looks at the files meanwhile, and
// whoever dies before has done a part of it.
void LedgerDisk::pump() {
  if (busy_) return;
  if (!log_->has_work()) return look_for_room();
  busy_ = true;
  log_->begin();
  const Micros takes = slow ? world_.latency(50'000, 3'000'000) : world_.latency(80, 20'000);
  world_.scheduler.after(takes, [this, life = life_] {
    if (life == life_) work();
  });
}

void LedgerDisk::look_for_room() {
  if (!log_->lacks_room() || std::exchange(waits_for_room_, true)) return;
  world_.scheduler.after(Micros(1'000'000), [this, life = life_] {
    if (life != life_) return;
    waits_for_room_ = false;
    if (busy_ || log_->has_work() || !log_->lacks_room()) return pump();
    busy_ = true;
    work();
  });
}

void LedgerDisk::work() {
  busy_ = false;
  try {
    log_->finish();
  } catch (const test::SimulatedCrash&) {
    world_.count_fault("died_at_file_operation");
    return host_.on_death(death_);
  }
  if (failed_) return host_.on_failed();
  if (std::exchange(current_, files_->current()) != files_->current())
    world_.count_fault("segment_opened");
  const auto told = std::exchange(told_durable_, std::nullopt);
  if (told) report_durable(*told);
  pump();
  if (told) host_.on_durable(*told);
}

// The log's word is not taken for it.
void LedgerDisk::report_durable(RecordNumber up_to) {
  if (!disk_->is_durable(files_->current())) return;
  for (; !taken_.empty() && taken_.front().first <= up_to; taken_.pop_front()) {
    note(taken_.front().second);
    world_.observer.record_durable(taken_.front().second, competed_);
  }
}

bool LedgerDisk::settled() const {
  return log_ && !busy_ && !log_->has_work() && disk_->is_durable(files_->current());
}

// ---- what befalls it
// ------------------------------------------------------------------------------

void LedgerDisk::die_at_operation(std::uint64_t next, Crash crash) {
  disk_->crash_at = disk_->operations + next;
  disk_->crash_after = world_.random.percent(50);
  death_ = crash;
}

void LedgerDisk::fail(const std::string& operation, unsigned times) {
  disk_->fault = [this, operation, times](const std::string& what,
                                          const std::string&) mutable -> std::error_code {
    if (what != operation || times == 0) return {};
    --times;
    excused_ = true;
    world_.count_fault(operation + "_failed");
    return std::make_error_code(std::errc::io_error);
  };
}

std::uint64_t LedgerDisk::used() const {
  std::uint64_t sum = 0;
  for (const auto& [name, bytes] : disk_->content()) sum += bytes.size();
  return sum;
}

void LedgerDisk::fill_up() {
  disk_->room = used();
  excused_ = true;
}

void LedgerDisk::make_room() {
  disk_->room = kAllRoom;
}

void LedgerDisk::heal() {
  make_room();
  slow = false;
  disk_->fault = nullptr;
  disk_->crash_at = 0;
  if (damaged()) mend();
}

void LedgerDisk::put_back(const LedgerDisk& copy) {
  replace(copy.disk_->content());
  learn_content();
}

void LedgerDisk::move_elsewhere() {
  ++disk_->place.inode;
}

void LedgerDisk::start_twice() {
  if (!log_) return;
  const Content before = disk_->content();
  test::MemoryFiles others(*disk_);
  LedgerOpening opening;
  opening.segment_bytes = segment_bytes_;
  if (open_ledger(others, opening))
    world_.observer.report({"log", "a second coordinator has opened a ledger that is in use"});
  if (disk_->content() != before)
    world_.observer.report({"log", "a start that was refused has changed the ledger"});
}

void LedgerDisk::replace(const Content& content) {
  disk_->power_off();  // whoever changes files by hand leaves nothing behind that is not on disk
  for (const auto& [name, bytes] : disk_->content()) disk_->remove(name);
  for (const auto& [name, bytes] : content) disk_->put(name, bytes);
}

std::vector<LogRecord> LedgerDisk::readable() const {
  test::MemoryFiles files(*disk_);
  auto contents = read_ledger(files);
  return contents ? std::move(contents->records) : std::vector<LogRecord>{};
}

void LedgerDisk::learn_content() {
  unfinished_.clear();
  resolved_.clear();
  last_epoch_ = 0;
  for (const LogRecord& record : readable()) note(record);
}

std::set<TxId> LedgerDisk::commits() const {
  std::set<TxId> result;
  for (const LogRecord& record : readable())
    if (const TxId* decided = decided_by(record)) result.insert(*decided);
  return result;
}

}  // namespace assent::simulation
