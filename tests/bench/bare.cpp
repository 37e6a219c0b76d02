#include "tests/bench/bare.hpp"

#include <memory>
#include <stdexcept>

#include <libpq-fe.h>

namespace assent::bench {
namespace {

class Connection {
 public:
  explicit Connection(const std::string& conninfo)
      : connection_(PQconnectdb(conninfo.c_str()), PQfinish) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) fail();
  }
  void send(const std::string& sql) {
    if (PQsendQuery(connection_.get(), sql.c_str()) != 1) fail();
  }
  void finish() {
    while (PGresult* result = PQgetResult(connection_.get())) {
      const bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
      PQclear(result);
      if (!good) fail();
    }
  }

 private:
  [[noreturn]] void fail() { throw std::runtime_error(PQerrorMessage(connection_.get())); }
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

std::string phase_one(const std::string& sign, int account, const std::string& gid) {
  return "begin; update account set balance = balance " + sign +
         " 0.01 where id = " + std::to_string(account) + "; prepare transaction '" + gid + "'";
}

}  // namespace

Transfer bare_transfer(const std::string& from_database, const std::string& to_database,
                       int client) {
  const auto debit = std::make_shared<Connection>(from_database);
  const auto credit = std::make_shared<Connection>(to_database);
  return [debit, credit, client, number = 0](int from, int to) mutable {
    const std::string gid = "bare-" + std::to_string(client) + "-" + std::to_string(++number);
    debit->send(phase_one("-", from, gid));
    credit->send(phase_one("+", to, gid));
    debit->finish();
    credit->finish();
    debit->send("commit prepared '" + gid + "'");
    credit->send("commit prepared '" + gid + "'");
    debit->finish();
    credit->finish();
  };
}

}  // namespace assent::bench
