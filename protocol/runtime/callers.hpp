// Who may talk to a daemon, and as what: a file of callers, each with a token's SHA-256 or the name
// in a client's certificate.
//
//   # role      name      credential                  what it may
//   client      shop      sha256=3f7a…                participants=orders,stock
//   operator    ops       sha256=90c2…
//   viewer      grafana   certificate=grafana.example
//   participant orders    certificate=orders.example
//
// One line a credential; a name may have several lines of one role, so that a token can be replaced
// without a gap. A participant's name is bound to its credential. Without a file everybody is
// everything, which is for loopback only (listening.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/runtime/token.hpp"

namespace assent {

// client: begins transactions and sees its own. viewer: sees everything. operator: sees everything
// and decides where a person must. participant: links a database.
enum class Role : std::uint8_t { everybody, client, viewer, operate, participant };
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);

struct Caller {
  Role role = Role::everybody;
  std::string name;                       // empty for `everybody`
  std::vector<std::string> participants;  // those a client may use; empty: all
  std::optional<TokenDigest> token;       // else it is known by its certificate
  std::string certificate;

  bool may_use(std::string_view participant) const;
  bool operator==(const Caller&) const = default;
};
using CallerPtr = std::shared_ptr<const Caller>;

// Throws std::runtime_error naming `origin`, the line and what is expected there.
std::vector<CallerPtr> parse_callers(std::string_view text, const std::string& origin);

// The line for the file, without its end.
std::string to_line(const Caller& caller);

}  // namespace assent
