// One well-formed message of every kind, with every field set to something of its own.
#pragma once

#include <string>
#include <vector>

#include "protocol/messages.hpp"

namespace assent::samples {

inline Uuid uuid(std::uint8_t number) {
  Uuid uuid;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i)
    uuid.bytes[i] = static_cast<std::uint8_t>(number * 16 + i);
  return uuid;
}

inline const LedgerId kLedger{uuid(1)};
inline const TxId kTx{uuid(2)};
inline const Uuid kLife = uuid(3);

inline Gid gid(const std::string& participant = "orders") {
  return {kLedger, 3, kTx, participant};
}

inline ServerIdentity server() {
  return {7'423'000'000'000'000'001, 2, "shop"};
}

inline Failure failure() {
  Failure failure;
  failure.problem = Problem::lock_timeout;
  failure.participant = "stock";
  failure.statement = 1;
  failure.message = "canceling statement due to lock timeout";
  failure.sqlstate = "55P03";
  failure.detail = "detail";
  failure.hint = "Grüße, 世界 🐘";
  failure.schema = "public";
  failure.table = "items";
  failure.column = "amount";
  failure.constraint = "items_check";
  failure.position = "17";
  return failure;
}

inline std::vector<ToParticipant> to_participant() {
  return {
      Welcome{kLedger, 4, kLife},
      Execute{gid(), 2, Work{std::string("work\0with zero", 14)}, Duration(1500)},
      Prepare{gid(), Work{"\xff\xfe not UTF-8"}, {"orders", "stock"}, Duration(500)},
      Prepare{gid(), Work{}, {}, Duration(1)},  // work of no bytes is not absent work
      Prepare{gid(), std::nullopt, {}, Duration(0)},
      Prepare{gid(), std::nullopt, {"orders", "stock"}, Duration(500), 3},
      Commit{gid(), 18'446'744'073'709'551'615u, 771, server()},
      Commit{gid(), 5, 0, ServerIdentity{}},
      Abort{gid("stock")},
      Abort{gid("stock"), 771, server()},
      Abort{gid("stock"), 0, {}, true},
      Ask{gid("a")},
  };
}

inline std::vector<ToCoordinator> to_coordinator() {
  const Mark mark{kLedger, 3, kLife, 41};
  return {
      Hello{"orders", server(), {mark, Mark{LedgerId{uuid(9)}, 0, Uuid{}, 0}}},
      Hello{"orders", ServerIdentity{}, {}, 900},
      Ready{
          mark, server(), {HeldBranch{gid(), 771, {"orders", "stock"}}, HeldBranch{gid(), 0, {}}}},
      Executed{gid(), 7, Results{"rows"}},
      Executed{gid(), 7, Results{}},
      Executed{gid(), 8, failure()},
      Vote{gid(), Verdict::yes, 771, server(), Results{"rows"}, std::nullopt},
      Vote{gid(), Verdict::read_only, 0, {}, Results{}, std::nullopt},
      Vote{gid(), Verdict::no, 0, {}, std::nullopt, failure()},
      Vote{gid(), Verdict::no, 0, {}, std::nullopt, std::nullopt},
      Vote{gid(), Verdict::yes, 771, server(), std::nullopt, std::nullopt, 3},
      Vote{gid(), Verdict::not_yet, 0, {}, std::nullopt, failure(), 3},
      Applied{gid(), Outcome::committed, Application::applied, 40, 41'000'000},
      Applied{gid(), Outcome::aborted, Application::proved, 0},
      Applied{gid(), Outcome::committed, Application::heuristic, 1},
      Applied{gid(), Outcome::committed, Application::unproven, 1},
      Inquiry{gid(), {"orders", "stock"}},
      Evidence{gid(), Knowledge::committed, 12},
      Evidence{gid(), Knowledge::aborted, 0},
      Evidence{gid(), Knowledge::prepared, 0},
      Evidence{gid(), Knowledge::nothing, 0},
  };
}

}  // namespace assent::samples
