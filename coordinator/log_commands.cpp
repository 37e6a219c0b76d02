#include "coordinator/log_commands.hpp"

#include <iostream>
#include <map>
#include <set>

#include "coordinator/api/json_writer.hpp"
#include "coordinator/log/inspection.hpp"
#include "protocol/text.hpp"

namespace assent {
namespace {

// What a ledger says, in figures.
struct Summary {
  std::set<TxId> unfinished;
  std::set<std::string> members;
  std::size_t heuristic = 0;
  std::set<TxId> resolved;
  std::set<TxId> acknowledged;
  EpochRecord start;
  Sequence sequence = 0;
};

Summary summary(const LedgerContents& contents) {
  Summary all;
  for (const LogRecord& record : contents.records) {
    if (const auto* epoch = std::get_if<EpochRecord>(&record))
      if (epoch->epoch >= all.start.epoch) all.start = *epoch;
    if (const auto* member = std::get_if<MemberRecord>(&record))
      all.members.insert(member->participant);
    if (const auto* commit = std::get_if<CommitRecord>(&record)) {
      all.unfinished.insert(commit->tx);
      all.sequence = std::max(all.sequence, commit->sequence);
    }
    if (const auto* end = std::get_if<EndRecord>(&record)) all.unfinished.erase(end->tx);
    if (std::holds_alternative<HeuristicRecord>(record)) ++all.heuristic;
    if (const auto* resolution = std::get_if<ResolutionRecord>(&record)) {
      all.resolved.insert(resolution->tx);
      all.sequence = std::max(all.sequence, resolution->sequence);
      if (resolution->outcome == Outcome::committed) all.unfinished.insert(resolution->tx);
    }
    if (const auto* seen = std::get_if<AcknowledgementRecord>(&record))
      all.acknowledged.insert(seen->tx);
  }
  return all;
}

void print(const LedgerContents& contents) {
  const Summary all = summary(contents);
  std::cout << "ledger        " << to_string(contents.ledger) << '\n';
  if (all.start.epoch == 0)
    std::cout << "epoch         none: it was made, and never started\n";
  else
    std::cout << "epoch         " << all.start.epoch << ", begun " << utc_text(all.start.wall_ms)
              << '\n';
  for (const LedgerSegment& segment : contents.chain)
    std::cout << "segment       " << segment_name(segment.header.number) << ", " << segment.end
              << " of " << segment.header.size << " bytes used\n";
  std::cout << "records       " << contents.records.size() << "; the last commit is number "
            << all.sequence << '\n'
            << "unfinished    " << all.unfinished.size() << " commits\n"
            << "participants  ";
  for (const std::string& member : all.members)
    std::cout << (member == *all.members.begin() ? "" : ", ") << member;
  std::cout << (all.members.empty() ? "none\n" : "\n") << "heuristic     " << all.heuristic
            << " branches ended otherwise than decided, or unproven; acknowledged for "
            << all.acknowledged.size() << " transactions\n"
            << "resolved      " << all.resolved.size() << " transactions by an operator\n";
}

[[noreturn]] void refuse(const LogError& error) {
  throw ConfigError(error.message);
}

int verify(const std::string& folder) {
  const auto contents = verify_log(folder);
  if (!contents) refuse(contents.error());
  const auto user = user_of_ledger(folder);
  print(*contents);
  std::cout << "in use        " << (user ? "by process " + *user : "no") << '\n';
  // Of a ledger in use, it is a record being written at this moment.
  if (contents->tail == Tail::torn && !user)
    std::cout << "tail          torn: the last write did not end; the next start asks participants "
                 "before it presumes abort\n";
  std::cout << "ok: every record that had been synced is whole\n";
  return ExitCode::ok;
}

int dump(const std::string& folder, bool json) {
  std::string text;
  const auto contents = verify_log(
      folder, [&text] { text.clear(); },
      [&](const std::string& path, std::uint64_t offset, const LogRecord& record) {
        const std::string file = path.substr(path.rfind('/') + 1);
        text += json ? record_line(file, offset, record)
                     : file + ":" + std::to_string(offset) + " " + to_text(record) + "\n";
      });
  std::cout << text << std::flush;
  if (!contents) refuse(contents.error());
  return std::cout ? ExitCode::ok : ExitCode::internal;
}

int backup(const std::string& folder, const std::string& to) {
  const auto copy = backup_log(folder, to);
  if (!copy) refuse(copy.error());
  print(*copy);
  std::cout << "ok: a whole copy is in " << to << ", synced and read back. Of the original and its "
            << "copies exactly one may be started again; a copy with --restored\n";
  return ExitCode::ok;
}

}  // namespace

std::optional<int> run_log_command(const DaemonRun& run) {
  const std::string& folder = run.config.text("ledger");
  if (run.command == "log verify") return verify(folder);
  if (run.command == "log dump") return dump(folder, run.options.contains("--json"));
  if (run.command == "log backup") return backup(folder, run.options.at("--to"));
  return std::nullopt;
}

}  // namespace assent
