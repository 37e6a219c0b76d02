// What a participant whose database hangs costs the transactions that do not need it.
#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

#include <libpq-fe.h>

#include "clients/cpp/client.hpp"
#include "tests/bench/http_load.hpp"
#include "tests/bench/measures.hpp"
#include "tests/bench/site.hpp"

namespace assent::bench {
namespace {

using test::Deployment;

constexpr int kAccounts = 10'000;
constexpr std::size_t kTurns = 3;
constexpr std::size_t kOthers = 32;  // clients that go on asking for what hangs

double healthy_p99_ms(Site& site, Book& book) {
  HttpLoad load;
  load.port = site.port();
  load.participants = {Deployment::name(0), Deployment::name(1)};
  Pace pace;
  pace.clients = 32;
  pace.rate = 200;
  Recorder recorder(pace, {[] {}, [] {}, [](double, std::size_t) {}});
  run(load, pace, book, recorder);
  return recorder.latency().p99_ms;
}

// Held until it goes.
class TableLock {
 public:
  explicit TableLock(const std::string& conninfo)
      : session_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> locked(
        PQexec(session_.get(), "begin; lock table account in access exclusive mode"), &PQclear);
    if (PQresultStatus(locked.get()) != PGRES_COMMAND_OK)
      throw std::runtime_error(PQerrorMessage(session_.get()));
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> session_;
};

// Clients that want the third bank and one of the others, on rows of their own, until it goes.
class Others {
 public:
  explicit Others(Site& site) {
    for (std::size_t i = 0; i < kOthers; ++i)
      threads_.emplace_back([this, &site, account = kAccounts + 1 + static_cast<int>(i)] {
        client::Client client = site.deployment().client();
        while (!over_) {
          client::OneShot shot =
              test::transfer(Deployment::name(0), account, Deployment::name(2), account, "0.00");
          shot.timeout = std::chrono::seconds(1);
          client.run(shot);
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
      });
  }
  ~Others() {
    over_ = true;
    for (std::thread& each : threads_) each.join();
  }

 private:
  std::atomic<bool> over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

void measure_bulkhead(Report& report) {
  Site site(3, kAccounts + static_cast<int>(kOthers), 64);
  Book book(2, kAccounts);
  dev::Cluster& third = site.deployment().cluster(2);
  std::vector<double> ratios;
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    const double alone = healthy_p99_ms(site, book);
    const TableLock lock(third.conninfo(Deployment::name(2)));
    const Others others(site);
    ratios.push_back(healthy_p99_ms(site, book) / alone);
  }
  report.add({"bulkhead-p99-ratio", ratios, "", 1.2,
              "p99 of transfers between two banks, 200 a second, while a third bank's table is "
              "locked and 32 clients ask for it, over p99 without"});
}

}  // namespace assent::bench
