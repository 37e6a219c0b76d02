#include "tests/support/crash_states.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace assent::test {
namespace {

using Kind = DiskChange::Kind;
using Names = std::map<std::string, std::size_t>;

constexpr std::size_t kSector = 512;
constexpr std::uint64_t kCountable = 1ull << 62;

Names names_of(const DiskImage& image) {
  Names names;
  for (const auto& [name, content] : image) names.emplace(name, names.size());
  return names;
}

void rename_in(Names& names, const DiskChange& change) {
  if (change.kind == Kind::rename || change.kind == Kind::unlink) names.erase(change.name);
  if (change.kind == Kind::create) names[change.name] = change.file;
  if (change.kind == Kind::rename) names[change.to] = change.file;
}

void write_into(std::string& content, std::uint64_t offset, std::string_view bytes) {
  content.resize(std::max<std::size_t>(content.size(), offset + bytes.size()));
  content.replace(offset, bytes.size(), bytes);
}

// Zeros where the content ends earlier.
std::string sector_of(const std::string& content, std::size_t sector) {
  const std::size_t at = std::min(sector * kSector, content.size());
  std::string bytes = content.substr(at, kSector);
  bytes.resize(kSector);
  return bytes;
}

template <typename Value>
void add_version(std::vector<Value>& versions, Value value) {
  if (versions.back() != value) versions.push_back(std::move(value));
}

// Takes one of `choices` out of a number.
std::size_t choose(std::uint64_t& number, std::size_t choices) {
  const std::size_t chosen = number % choices;
  number /= choices;
  return chosen;
}

}  // namespace

std::string_view to_string(DiskChange::Kind kind) {
  constexpr std::string_view names[] = {"create", "write",  "sync",
                                        "rename", "unlink", "sync_folder"};
  return names[static_cast<std::size_t>(kind)];
}

// ---- recording

RecordingFiles::RecordingFiles(Files& files, DiskHistory& history)
    : files_(files),
      history_(history),
      names_(names_of(history.before)),
      next_file_(history.before.size()) {
  for (const DiskChange& change : history.changes) {
    rename_in(names_, change);
    next_file_ += change.kind == Kind::create ? 1 : 0;
  }
}

std::error_code RecordingFiles::remember(std::error_code error, DiskChange change) {
  if (error) return error;
  rename_in(names_, change);
  history_.changes.push_back(std::move(change));
  return error;
}

std::error_code RecordingFiles::create(const std::string& name, Handle& handle) {
  const auto error = files_.create(name, handle);
  if (!error) open_[handle] = next_file_;
  return remember(error, {Kind::create, error ? 0 : next_file_++, name, {}, 0, {}});
}

std::error_code RecordingFiles::pwrite(Handle handle, std::uint64_t offset,
                                       std::string_view bytes) {
  return remember(files_.pwrite(handle, offset, bytes),
                  {Kind::write, open_.at(handle), {}, {}, offset, std::string(bytes)});
}

std::error_code RecordingFiles::fdatasync(Handle handle) {
  return remember(files_.fdatasync(handle), {Kind::sync, open_.at(handle), {}, {}, 0, {}});
}

void RecordingFiles::close(Handle handle) {
  files_.close(handle);
  open_.erase(handle);
}

std::error_code RecordingFiles::rename(const std::string& from, const std::string& to) {
  const auto error = files_.rename(from, to);
  return remember(error, {Kind::rename, error ? 0 : names_.at(from), from, to, 0, {}});
}

std::error_code RecordingFiles::unlink(const std::string& name) {
  const auto error = files_.unlink(name);
  return remember(error, {Kind::unlink, error ? 0 : names_.at(name), name, {}, 0, {}});
}

std::error_code RecordingFiles::sync_folder() {
  return remember(files_.sync_folder(), {Kind::sync_folder, 0, {}, {}, 0, {}});
}

// ---- what may be left

DiskImage seen_after(const DiskHistory& history, std::size_t changes, std::size_t bytes) {
  std::vector<std::string> files;
  for (const auto& [name, content] : history.before) files.push_back(content);
  Names names = names_of(history.before);
  for (std::size_t i = 0; i < changes; ++i) {
    const DiskChange& change = history.changes[i];
    const std::size_t limit = i + 1 == changes ? bytes : change.bytes.size();
    rename_in(names, change);
    if (change.kind == Kind::create) files.emplace_back();
    if (change.kind == Kind::write)
      write_into(files[change.file], change.offset,
                 std::string_view(change.bytes).substr(0, limit));
  }
  DiskImage image;
  for (const auto& [name, file] : names) image[name] = files[file];
  return image;
}

CrashStates::CrashStates(const DiskHistory& history, std::size_t changes)
    : durable_names_(names_of(history.before)) {
  for (const auto& [name, content] : history.before)
    files_.push_back({content, content, {content.size()}, {}});
  for (std::size_t i = 0; i < changes; ++i) apply(history.changes[i]);
  const auto times = [this](std::uint64_t choices) {
    count_ = count_ > kCountable / choices ? kCountable : count_ * choices;
  };
  for (std::size_t i = 0; i < names_in_doubt_.size(); ++i) times(2);
  for (const Content& content : files_) {
    times(content.sizes.size());
    for (const auto& [sector, versions] : content.sectors) times(versions.size());
  }
}

void CrashStates::apply(const DiskChange& change) {
  switch (change.kind) {
    case Kind::create:
      files_.push_back({{}, {}, {0}, {}});
      [[fallthrough]];
    case Kind::rename:
    case Kind::unlink:
      names_in_doubt_.push_back(change);
      return;
    case Kind::sync_folder:
      for (const DiskChange& each : std::exchange(names_in_doubt_, {}))
        rename_in(durable_names_, each);
      return;
    case Kind::write:
      return write(files_[change.file], change);
    case Kind::sync: {
      Content& content = files_[change.file];
      content = {content.latest, content.latest, {content.latest.size()}, {}};
    }
  }
}

void CrashStates::write(Content& content, const DiskChange& change) {
  const std::string before = content.latest;
  write_into(content.latest, change.offset, change.bytes);
  const std::uint64_t end = content.latest.size();
  for (std::uint64_t size = (before.size() / kSector + 1) * kSector; size < end; size += kSector)
    add_version(content.sizes, size);
  add_version(content.sizes, end);
  const std::size_t last = (change.offset + change.bytes.size() + kSector - 1) / kSector;
  for (std::size_t sector = change.offset / kSector; sector < last; ++sector) {
    const std::string now = sector_of(content.latest, sector);
    const auto known = content.sectors.find(sector);
    if (known != content.sectors.end()) {
      add_version(known->second, now);
    } else if (sector_of(before, sector) != now) {
      content.sectors[sector] = {sector_of(before, sector), now};
    }
  }
}

DiskImage CrashStates::at(std::uint64_t number) const {
  Names names = durable_names_;
  for (const DiskChange& change : names_in_doubt_)
    if (choose(number, 2) == 1) rename_in(names, change);
  std::vector<std::string> contents;
  for (const Content& content : files_) {
    const std::uint64_t size = content.sizes[choose(number, content.sizes.size())];
    std::string bytes = content.durable;
    bytes.resize(content.latest.size());
    for (const auto& [sector, versions] : content.sectors) {
      const std::string& version = versions[choose(number, versions.size())];
      const std::size_t at = sector * kSector;
      const std::size_t length = std::min(kSector, bytes.size() - at);
      bytes.replace(at, length, version, 0, length);
    }
    bytes.resize(size);
    contents.push_back(std::move(bytes));
  }
  DiskImage image;
  for (const auto& [name, file] : names) image[name] = contents[file];
  return image;
}

std::uint64_t CrashStates::each(std::uint64_t limit, std::uint64_t seed,
                                const std::function<void(const DiskImage&)>& look) const {
  if (count_ <= limit) {
    for (std::uint64_t number = 0; number < count_; ++number) look(at(number));
    return count_;
  }
  std::mt19937_64 random(seed);
  look(at(0));
  look(at(count_ - 1));
  for (std::uint64_t i = 2; i < limit; ++i) look(at(random() % count_));
  return std::max<std::uint64_t>(limit, 2);
}

}  // namespace assent::test
