// Who may do what over the API, and how much of it at a time.
//
// A transaction belongs to the caller who began it: it stands among the transaction's labels as
// assent.caller, where it lasts as long as the transaction itself, across restarts, and where
// whoever may see the transaction sees whose it is. Belongs to the I/O thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "protocol/coordinator_machine.hpp"
#include "protocol/runtime/access.hpp"

namespace assent {

struct HttpRequest;

// What a route demands of its caller. Where no callers are configured everybody may do everything.
enum class Demand {
  nothing,  // not even to be known
  own,      // to see: a client its own transactions; viewer and operator all
  all,      // to see everything: viewer and operator
  run,      // to begin and end transactions: client
  operate,  // to decide where nobody else can: operator
  link,     // to be a participant
};

struct AdmissionLimits {
  std::size_t requests_per_second = 0;  // of one caller; 0: any number
  std::size_t transactions = 0;         // unfinished ones of one caller; 0: any number
};

class Admission {
 public:
  // `access` outlives this.
  Admission(const Access& access, AdmissionLimits limits) : access_(access), limits_(limits) {}

  void use(AdmissionLimits limits) { limits_ = limits; }

  struct Decision {
    CallerPtr caller;  // set unless refused; everybody, where nothing is demanded
    Failure failure;   // unauthenticated, permission_denied or overloaded, where it is not
  };
  Decision admit(const HttpRequest& request, Demand demand, Instant now);

  // Whether the caller may begin one more transaction; it is counted then.
  bool begin(const Caller& caller, const TxId& tx, const CoordinatorMachine& machine);

 private:
  // As many requests as there are whole tokens; so many come back each second.
  struct Allowance {
    double tokens = 0;
    Instant at{};
  };
  bool is_too_fast(const Caller& caller, Instant now);

  const Access& access_;
  AdmissionLimits limits_;
  // By the caller's name; there are no more than the file has.
  std::map<std::string, Allowance, std::less<>> allowances_;
  std::map<std::string, std::set<TxId>, std::less<>> begun_;
};

// The client's labels and, before them, the caller.
std::string labels_of(const Caller& caller, std::string labels);
inline constexpr std::string_view kReservedLabels = "assent.";
bool may_see(const Caller& caller, const Transaction& tx);

}  // namespace assent
