// What the process counts, in the Prometheus text format.
//
// A label's values are few and known beforehand (a participant, an outcome); ids are refused, as
// each would be a series of its own for ever. Metrics may be changed from any thread, cheaply.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

namespace assent {

class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The same name and labels give the same object, which lives as long as this does: look it up
  // once and keep it. A name not valid, or an id as a label value, is a std::logic_error.
  prometheus::Counter& counter(const std::string& name, const std::string& help,
                               const Labels& labels = {});
  prometheus::Gauge& gauge(const std::string& name, const std::string& help,
                           const Labels& labels = {});
  // `bounds`: upper bounds of the buckets, ascending, in the unit the name ends with.
  prometheus::Histogram& histogram(const std::string& name, const std::string& help,
                                   const std::vector<double>& bounds, const Labels& labels = {});

  // Called before each scrape, on the scraping thread, to set gauges that are looked up rather
  // than counted.
  void before_scrape(std::function<void()> refresh);
  // Everything, and the process's own memory, files, processor time and start.
  std::string text();

  // From 100 µs to 10 s.
  static const std::vector<double>& latency_seconds();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent
