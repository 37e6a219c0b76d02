// Names of things: ledgers, epochs, transactions, branches.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace assent {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  bool operator==(const Uuid&) const = default;
  // As the bytes are ordered. By words: transactions are looked up by these all the time.
  std::strong_ordering operator<=>(const Uuid& other) const {
    const auto high = word(0) <=> other.word(0);
    return high != 0 ? high : word(8) <=> other.word(8);
  }
  bool is_nil() const { return *this == Uuid{}; }

 private:
  std::uint64_t word(std::size_t at) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
  }
};

// Lower-case canonical form, 36 characters. Parsing accepts exactly that form and nothing else, so
// that an id has one spelling everywhere (in gids, in URLs, in logs).
std::string to_string(const Uuid& uuid);
std::optional<Uuid> parse_uuid(std::string_view text);

// A UUIDv7 from its parts: Unix milliseconds (48 bits) and 10 random bytes (6 bits of which are
// overwritten).
Uuid make_uuid7(std::int64_t unix_ms, const std::array<std::uint8_t, 10>& random);
// The milliseconds in a UUIDv7; nullopt for any other version.
std::optional<std::int64_t> uuid7_unix_ms(const Uuid& uuid);

struct TxId {
  Uuid uuid;
  auto operator<=>(const TxId&) const = default;
};

// One decision log. A coordinator *is* its ledger: whoever holds the log may rule on the gids that
// name it.
struct LedgerId {
  Uuid uuid;
  auto operator<=>(const LedgerId&) const = default;
};

inline std::string to_string(const TxId& id) {
  return to_string(id.uuid);
}
inline std::string to_string(const LedgerId& id) {
  return to_string(id.uuid);
}

// Raised durably at every start of a coordinator, before anything is accepted. 0 means "none yet".
using Epoch = std::uint64_t;
// Commit records are numbered 1, 2, 3 … for the life of a ledger. 0 means "none yet".
using Sequence = std::uint64_t;
// PostgreSQL's 64-bit transaction id (xid8). 0 means "none".
using Xid = std::uint64_t;

// Participant names: a lower-case letter, then letters, digits, '_' or '-'; at most 63 characters.
bool is_participant_name(std::string_view name);

// The global identifier of a branch: what PREPARE TRANSACTION is given. It names the only ledger
// that may rule on the branch. Its text form is assent1:<ledger>:<epoch>:<tx>:<participant>, under
// 200 bytes (PostgreSQL's limit), unique per cluster.
struct Gid {
  LedgerId ledger;
  Epoch epoch = 0;
  TxId tx;
  std::string participant;
  auto operator<=>(const Gid&) const = default;
};

std::string to_string(const Gid& gid);
// nullopt for anything that is not exactly what to_string writes: such a gid is foreign and never
// touched.
std::optional<Gid> parse_gid(std::string_view text);

// What tells one PostgreSQL server (and its history) from another. After a failover the timeline
// differs; after a re-creation the system identifier does. Proofs by xid hold only where all three
// are the same.
struct ServerIdentity {
  std::uint64_t system_identifier = 0;
  std::uint32_t timeline = 0;
  std::string database;
  auto operator<=>(const ServerIdentity&) const = default;
};

}  // namespace assent

template <>
struct std::hash<assent::Uuid> {
  std::size_t operator()(const assent::Uuid& uuid) const noexcept;
};
template <>
struct std::hash<assent::TxId> {
  std::size_t operator()(const assent::TxId& id) const noexcept {
    return std::hash<assent::Uuid>{}(id.uuid);
  }
};
