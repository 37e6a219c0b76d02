#include "tests/bench/transfer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <map>
#include <stdexcept>

#include <boost/json.hpp>

#include "tests/bench/processes.hpp"
#include "tests/bench/raw/raw.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/site.hpp"

namespace assent::bench {
namespace {

namespace json = boost::json;

// What one program did, in one turn or in the middle of several.
struct Result {
  double tps = 0;
  Latency latency;
  Usage used;  // for each transaction
  HttpCounts http;
  std::size_t count = 0;
};

template <typename Part>
double median_of(const std::vector<Result>& turns, Part part) {
  std::vector<double> values;
  for (const Result& turn : turns) values.push_back(part(turn));
  return median(std::move(values));
}

Usage per_transaction(const Usage& used, std::size_t count) {
  const double n = static_cast<double>(std::max<std::size_t>(count, 1));
  return {used.client_s / n,   used.coordinator_s / n, used.participants_s / n,
          used.postgres_s / n, used.wal_syncs / n,     used.wal_bytes / n};
}

template <typename Program>
Result measure(const std::string& name, Site& site, const Pace& pace, Program program) {
  Usage before;
  Usage after;
  Recorder recorder(pace, {[&] { before = site.usage(); }, [&] { after = site.usage(); },
                           [&](double seconds, std::size_t done) {
                             std::fprintf(stderr, "  %-10s %4.0f s  %8.0f/s\n", name.c_str(),
                                          seconds, static_cast<double>(done) / seconds);
                           }});
  Result result;
  result.http = program(recorder);
  result.tps = recorder.rate();
  result.count = recorder.count();
  result.latency = recorder.latency();
  result.used = per_transaction(after - before, result.count);
  return result;
}

json::object latency_object(const std::vector<Result>& turns) {
  return {{"p50", median_of(turns, [](const Result& r) { return r.latency.p50_ms; })},
          {"p95", median_of(turns, [](const Result& r) { return r.latency.p95_ms; })},
          {"p99", median_of(turns, [](const Result& r) { return r.latency.p99_ms; })},
          {"p99.9", median_of(turns, [](const Result& r) { return r.latency.p999_ms; })}};
}

json::object cpu_object(const std::vector<Result>& turns, bool raw) {
  const auto us = [&](double Usage::*part) {
    return median_of(turns, [part](const Result& r) { return r.used.*part * 1e6; });
  };
  json::object cpu{{"client", us(&Usage::client_s)}, {"postgres", us(&Usage::postgres_s)}};
  if (raw) return cpu;
  cpu["coordinator"] = us(&Usage::coordinator_s);
  cpu["participants"] = us(&Usage::participants_s);
  return cpu;
}

json::object result_object(const std::vector<Result>& turns, bool raw) {
  return {{"tps", median_of(turns, [](const Result& r) { return r.tps; })},
          {"latency_ms", latency_object(turns)},
          {"cpu_us_per_tx", cpu_object(turns, raw)},
          {"wal_syncs_per_tx", median_of(turns, [](const Result& r) { return r.used.wal_syncs; })},
          {"wal_bytes_per_tx", median_of(turns, [](const Result& r) { return r.used.wal_bytes; })}};
}

void print_row(const std::string& name, const std::vector<Result>& turns) {
  const auto us = [&](double Usage::*part) {
    return median_of(turns, [part](const Result& r) { return r.used.*part * 1e6; });
  };
  const auto ms = [&](double Latency::*part) {
    return median_of(turns, [part](const Result& r) { return r.latency.*part; });
  };
  std::printf("%-14s %8.0f  %6.2f %6.2f %6.2f %7.2f  %6.1f %6.1f %6.1f %6.1f\n", name.c_str(),
              median_of(turns, [](const Result& r) { return r.tps; }), ms(&Latency::p50_ms),
              ms(&Latency::p95_ms), ms(&Latency::p99_ms), ms(&Latency::p999_ms),
              us(&Usage::client_s), us(&Usage::coordinator_s), us(&Usage::participants_s),
              us(&Usage::postgres_s));
}

constexpr std::array kRaw = {raw::Variant::durable, raw::Variant::no_log, raw::Variant::one_phase};
constexpr const char* kOurs = "assent";
using Turns = std::map<std::string, std::vector<Result>>;

// Each beside the raw run of its own turn, then the middle of these.
double ratio(const Turns& turns, const std::string& raw) {
  std::vector<double> ratios;
  const auto& ours = turns.at(kOurs);
  const auto& other = turns.at(raw);
  for (std::size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i].tps / other[i].tps);
  return median(std::move(ratios));
}

double p50_ratio(const Turns& turns, const std::string& raw) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < turns.at(kOurs).size(); ++i)
    ratios.push_back(turns.at(kOurs)[i].latency.p50_ms / turns.at(raw)[i].latency.p50_ms);
  return median(std::move(ratios));
}

Turns take_turns(const TransferOptions& options, Site& site, Book& book) {
  Turns turns;
  HttpLoad load = options.load;
  load.port = site.port();
  load.participants = site.participants();
  for (std::size_t turn = 0; turn < options.turns; ++turn) {
    turns[kOurs].push_back(measure(kOurs, site, options.pace, [&](Recorder& recorder) {
      return run(load, options.pace, book, recorder);
    }));
    if (!options.versus_raw) continue;
    for (const raw::Variant variant : kRaw)
      turns[raw::to_string(variant)].push_back(
          measure(raw::to_string(variant), site, options.pace, [&](Recorder& recorder) {
            raw::run(variant, site.databases(), site.raw_log(), options.pace, book, recorder);
            return HttpCounts{};
          }));
  }
  return turns;
}

json::object report(const TransferOptions& options, const Turns& turns, double load_before) {
  const std::vector<Result>& ours = turns.at(kOurs);
  json::object object = result_object(ours, false);
  HttpCounts http;
  std::size_t all = 0;
  for (const Result& turn : ours) {
    http.requests += turn.http.requests;
    http.bytes_in += turn.http.bytes_in;
    http.bytes_out += turn.http.bytes_out;
    http.aborted += turn.http.aborted;
    http.pending += turn.http.pending;
    all += turn.count;
  }
  object["clients"] = options.pace.clients;
  object["branches"] = options.branches;
  object["transactions"] = all;
  object["aborted"] = http.aborted;
  object["pending"] = http.pending;
  const bool one_shot = options.load.mode == HttpLoad::Mode::one_shot;
  const std::size_t requests = one_shot ? 1 : options.branches + 2;
  const double each = static_cast<double>(std::max<std::uint64_t>(http.requests, 1)) /
                      static_cast<double>(requests);
  object["client_round_trips_per_tx"] = requests;
  object["http_bytes_per_tx"] = static_cast<double>(http.bytes_in + http.bytes_out) / each;
  object["load_before"] = load_before;
  if (options.versus_raw) {
    json::object ratios, p50, raw_results;
    for (const raw::Variant variant : kRaw) {
      const std::string name = raw::to_string(variant);
      ratios[name] = ratio(turns, name);
      p50[name] = p50_ratio(turns, name);
      raw_results[name] = result_object(turns.at(name), true);
    }
    object["ratio"] = ratios;
    object["p50_ratio"] = p50;
    object["raw"] = raw_results;
  }
  return object;
}

}  // namespace

bool transfer(const TransferOptions& options) {
  const double load_before = load_average();
  Site site(options.branches, options.accounts, options.pace.clients);
  Book book(options.branches, options.accounts);
  const Turns turns = take_turns(options, site, book);
  const std::string wrong = site.check(book);
  if (!options.json) {
    std::printf("%-14s %8s  %6s %6s %6s %7s  %6s %6s %6s %6s   CPU us a transaction\n", "", "tx/s",
                "p50 ms", "p95", "p99", "p99.9", "client", "coord.", "parts.", "pg");
    print_row(kOurs, turns.at(kOurs));
    for (const auto& [name, results] : turns)
      if (name != kOurs) print_row("raw " + name, results);
  }
  json::object object = report(options, turns, load_before);
  object["correct"] = wrong.empty();
  if (!wrong.empty()) {
    std::fprintf(stderr, "assent-bench: WRONG: %s\n", wrong.c_str());
    object["wrong"] = wrong;
  }
  std::cout << json::serialize(object) << std::endl;
  return wrong.empty();
}

}  // namespace assent::bench
