#include "tests/support/memory_files.hpp"

#include <algorithm>

namespace assent::test {
namespace {

constexpr std::size_t kSector = 512;

std::error_code error(std::errc code) {
  return std::make_error_code(code);
}

}  // namespace

void MemoryDisk::power_off(std::mt19937_64& chance) {
  lose_power([&chance] { return (chance() & 1) != 0; });
}

void MemoryDisk::power_off() {
  lose_power([] { return false; });
}

void MemoryDisk::lose_power(const std::function<bool()>& survives) {
  locked_ = false;
  for (const Names& later : unsynced_names_) {
    if (!survives()) break;
    durable_names_ = later;
  }
  unsynced_names_.clear();
  names_ = durable_names_;
  for (auto& [name, file] : names_) {
    // What a failed sync dropped is equal in cache and belief and is never written.
    if (file->cache.size() != file->platter.size() && survives())
      file->platter.resize(file->cache.size());
    for (std::size_t at = 0; at < file->platter.size(); at += kSector) {
      const auto cached = file->cache.substr(std::min(at, file->cache.size()), kSector);
      const auto believed = file->believed.substr(std::min(at, file->believed.size()), kSector);
      if (cached == believed || !survives()) continue;
      const std::size_t size = std::min(cached.size(), file->platter.size() - at);
      file->platter.replace(at, size, cached, 0, size);
    }
    file->cache = file->believed = file->platter;
  }
}

std::uint64_t MemoryDisk::used() const {
  std::uint64_t sum = 0;
  for (const auto& [name, file] : names_) sum += file->cache.size();
  return sum;
}

std::map<std::string, std::string> MemoryDisk::content() const {
  std::map<std::string, std::string> all;
  for (const auto& [name, file] : names_) all[name] = file->cache;
  return all;
}

bool MemoryDisk::is_durable(const std::string& name) const {
  const auto now = names_.find(name);
  const auto later = durable_names_.find(name);
  return now != names_.end() && later != durable_names_.end() && now->second == later->second &&
         now->second->cache == now->second->platter;
}

void MemoryDisk::put(const std::string& name, std::string content) {
  auto file = std::make_shared<File>(File{content, content, content});
  for (Names& names : unsynced_names_) names[name] = file;
  names_[name] = durable_names_[name] = file;
}

void MemoryDisk::remove(const std::string& name) {
  for (Names& names : unsynced_names_) names.erase(name);
  names_.erase(name);
  durable_names_.erase(name);
}

std::error_code MemoryFiles::operate(const std::string& what, const std::string& name,
                                     const std::function<std::error_code(bool half)>& act) {
  const bool dies = ++disk_.operations == disk_.crash_at;
  if (dies && !disk_.crash_after) {
    if (what == "pwrite") act(true);
    throw SimulatedCrash{};
  }
  if (disk_.fault)
    if (const auto fault = disk_.fault(what, name)) {
      if (what == "fdatasync")
        for (auto& [handle, open] : open_)
          if (open.name == name) open.file->believed = open.file->cache;
      return fault;
    }
  const auto result = act(false);
  if (dies) throw SimulatedCrash{};
  return result;
}

std::error_code MemoryFiles::lock(std::string& holder) {
  if (disk_.locked_) {
    holder = "4711";
    return error(std::errc::operation_would_block);
  }
  disk_.locked_ = holds_lock_ = true;
  return {};
}

std::error_code MemoryFiles::list(std::vector<std::string>& names) {
  names.clear();
  for (const auto& [name, file] : disk_.names_) names.push_back(name);
  return {};
}

std::error_code MemoryFiles::read(const std::string& name, std::uint64_t limit,
                                  std::string& content, std::uint64_t& size) {
  const auto found = disk_.names_.find(name);
  if (found == disk_.names_.end()) return error(std::errc::no_such_file_or_directory);
  const std::string& cache = found->second->cache;
  size = cache.size();
  content = cache.substr(0, limit);
  content.resize(content.find_last_not_of('\0') + 1);  // as much as may be left out
  return {};
}

std::error_code MemoryFiles::create(const std::string& name, Handle& handle) {
  return operate("create", name, [&](bool) -> std::error_code {
    auto& file = disk_.names_[name];
    if (file) return error(std::errc::file_exists);
    file = std::make_shared<MemoryDisk::File>();
    name_changed();
    handle = next_++;
    open_[handle] = {name, file};
    return {};
  });
}

std::error_code MemoryFiles::pwrite(Handle handle, std::uint64_t offset, std::string_view bytes) {
  Open& open = open_.at(handle);
  return operate("pwrite", open.name, [&](bool half) -> std::error_code {
    if (half) bytes = bytes.substr(0, bytes.size() / 2);
    std::string& cache = open.file->cache;
    const std::uint64_t grown = std::max<std::uint64_t>(cache.size(), offset + bytes.size());
    if (disk_.used() + (grown - cache.size()) > disk_.room)
      return error(std::errc::no_space_on_device);
    cache.resize(grown);
    cache.replace(offset, bytes.size(), bytes);
    return {};
  });
}

std::error_code MemoryFiles::fdatasync(Handle handle) {
  Open& open = open_.at(handle);
  return operate("fdatasync", open.name, [&](bool) -> std::error_code {
    MemoryDisk::File& file = *open.file;
    file.platter.resize(file.cache.size());
    for (std::size_t at = 0; at < file.cache.size(); at += kSector)
      if (at >= file.believed.size() ||
          file.cache.compare(at, kSector, file.believed, at, kSector) != 0)
        file.platter.replace(at, kSector, file.cache, at, kSector);
    file.believed = file.cache;
    return {};
  });
}

void MemoryFiles::close(Handle handle) {
  open_.erase(handle);
}

std::error_code MemoryFiles::rename(const std::string& from, const std::string& to) {
  return operate("rename", from, [&](bool) -> std::error_code {
    const auto found = disk_.names_.find(from);
    if (found == disk_.names_.end()) return error(std::errc::no_such_file_or_directory);
    auto file = found->second;
    disk_.names_.erase(found);
    disk_.names_[to] = file;
    for (auto& [handle, open] : open_)
      if (open.file == file) open.name = to;
    name_changed();
    return {};
  });
}

std::error_code MemoryFiles::unlink(const std::string& name) {
  return operate("unlink", name, [&](bool) -> std::error_code {
    if (disk_.names_.erase(name) == 0) return error(std::errc::no_such_file_or_directory);
    name_changed();
    return {};
  });
}

std::error_code MemoryFiles::sync_folder() {
  return operate("sync_folder", {}, [&](bool) -> std::error_code {
    disk_.durable_names_ = disk_.names_;
    disk_.unsynced_names_.clear();
    return {};
  });
}

}  // namespace assent::test
