#include "protocol/runtime/metrics.hpp"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include "protocol/ids.hpp"

namespace assent {
namespace {

struct ProcessNumbers {
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double cpu_seconds = 0;
  double start_seconds = 0;  // Unix time
  double open_files = 0;
};

double boot_time() {
  std::ifstream stat("/proc/stat");
  for (std::string line; std::getline(stat, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return 0;
}

// Fields of /proc/self/stat, counted from the end of the program's name, which may hold anything.
ProcessNumbers read_process() {
  ProcessNumbers numbers;
  std::ifstream stat("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream rest(text.substr(text.rfind(')') + 1));
  std::vector<std::string> fields((std::istream_iterator<std::string>(rest)), {});
  if (fields.size() > 21) {
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    numbers.cpu_seconds = (std::stod(fields[11]) + std::stod(fields[12])) / ticks;
    numbers.start_seconds = boot_time() + std::stod(fields[19]) / ticks;
    numbers.virtual_bytes = std::stod(fields[20]);
    numbers.resident_bytes = std::stod(fields[21]) * static_cast<double>(sysconf(_SC_PAGESIZE));
  }
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    ++numbers.open_files;
  }
  return numbers;
}

void refuse_ids(const std::string& name, const Metrics::Labels& labels) {
  for (const auto& [label, value] : labels) {
    if (parse_uuid(value) || parse_gid(value)) {
      throw std::logic_error(name + ": the label " + label + " may not be an id");
    }
  }
}

template <class Builder>
auto& family(Builder builder, prometheus::Registry& registry, const std::string& name,
             const std::string& help) {
  try {
    return builder.Name(name).Help(help).Register(registry);
  } catch (const std::invalid_argument& error) {
    throw std::logic_error(name + ": " + error.what());
  }
}

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  std::vector<std::function<void()>> refreshers;
  prometheus::Counter* cpu_seconds = nullptr;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  impl_->cpu_seconds =
      &counter("process_cpu_seconds_total", "Processor time used, user and system");
  auto& resident = gauge("process_resident_memory_bytes", "Memory in use");
  auto& address_space = gauge("process_virtual_memory_bytes", "Address space in use");
  auto& open_files = gauge("process_open_fds", "Open file descriptors");
  auto& most_files = gauge("process_max_fds", "Limit of open file descriptors");
  auto& start = gauge("process_start_time_seconds", "When the process began, Unix time");
  before_scrape([this, &resident, &address_space, &open_files, &most_files, &start] {
    const auto numbers = read_process();
    resident.Set(numbers.resident_bytes);
    address_space.Set(numbers.virtual_bytes);
    open_files.Set(numbers.open_files);
    start.Set(numbers.start_seconds);
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) most_files.Set(static_cast<double>(files.rlim_cur));
    const double more = numbers.cpu_seconds - impl_->cpu_seconds->Value();
    if (more > 0) impl_->cpu_seconds->Increment(more);
  });
}

Metrics::~Metrics() = default;

prometheus::Counter& Metrics::counter(const std::string& name, const std::string& help,
                                      const Labels& labels) {
  refuse_ids(name, labels);
  return family(prometheus::BuildCounter(), impl_->registry, name, help).Add(labels);
}

prometheus::Gauge& Metrics::gauge(const std::string& name, const std::string& help,
                                  const Labels& labels) {
  refuse_ids(name, labels);
  return family(prometheus::BuildGauge(), impl_->registry, name, help).Add(labels);
}

prometheus::Histogram& Metrics::histogram(const std::string& name, const std::string& help,
                                          const std::vector<double>& bounds, const Labels& labels) {
  refuse_ids(name, labels);
  return family(prometheus::BuildHistogram(), impl_->registry, name, help).Add(labels, bounds);
}

void Metrics::before_scrape(std::function<void()> refresh) {
  impl_->refreshers.push_back(std::move(refresh));
}

std::string Metrics::text() {
  for (const auto& refresh : impl_->refreshers) refresh();
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

const std::vector<double>& Metrics::latency_seconds() {
  static const std::vector<double> bounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                             0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                             1,      2.5,     5,      10};
  return bounds;
}

}  // namespace assent
