// Records as a coordinator of two participants writes them.
#pragma once

#include "protocol/records.hpp"
#include "protocol/runtime/random.hpp"

namespace assent::bench {

inline const ServerIdentity kBankA{7'411'111'111'111'111'111u, 1, "bank_a"};
inline const ServerIdentity kBankB{7'422'222'222'222'222'222u, 1, "bank_b"};

inline CommitRecord commit_record(Sequence sequence, Epoch epoch) {
  CommitRecord record;
  record.tx = TxId{new_uuid7()};
  record.epoch = epoch;
  record.sequence = sequence;
  record.branches = {{"bank_a", 1000 + sequence, kBankA}, {"bank_b", 2000 + sequence, kBankB}};
  const Uuid key = new_uuid7();
  record.key = RequestKey{key.bytes, key.bytes};
  record.labels = R"({"order":"o-)" + std::to_string(sequence) + R"("})";
  record.wall_ms = uuid7_unix_ms(record.tx.uuid).value_or(0);
  return record;
}

}  // namespace assent::bench
