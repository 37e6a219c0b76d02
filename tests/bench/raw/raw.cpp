#include "tests/bench/raw/raw.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/raw/decision_file.hpp"

namespace assent::bench::raw {
namespace {

struct Client;

// One client's connection to one database.
struct Branch {
  Branch(const std::string& conninfo, Client& of, std::size_t index)
      : pg(PQconnectdb(conninfo.c_str()), PQfinish), client(of), bank(index) {
    expect(PQstatus(pg.get()) == CONNECTION_OK);
    const std::unique_ptr<PGresult, void (*)(PGresult*)> made(
        PQprepare(pg.get(), "move", index == 0 ? kDebitSql : kCreditSql, 2, nullptr), PQclear);
    expect(PQresultStatus(made.get()) == PGRES_COMMAND_OK);
    expect(PQsetnonblocking(pg.get(), 1) == 0 && PQenterPipelineMode(pg.get()) == 1);
  }

  void expect(bool good) const {
    if (!good) throw std::runtime_error(std::string("raw: ") + PQerrorMessage(pg.get()));
  }
  void send(const char* sql) const {
    expect(PQsendQueryParams(pg.get(), sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1);
  }
  void go() const { expect(PQpipelineSync(pg.get()) == 1 && PQflush(pg.get()) == 0); }

  // Takes what has come; true when the answers to everything sent are complete.
  bool take() const {
    expect(PQconsumeInput(pg.get()) == 1);
    bool complete = false;
    while (!complete && PQisBusy(pg.get()) == 0) {
      PGresult* const result = PQgetResult(pg.get());
      if (result == nullptr) continue;  // between two commands
      const ExecStatusType status = PQresultStatus(result);
      complete = status == PGRES_PIPELINE_SYNC;
      // "0 rows" is a transfer without funds, and a failed PREPARE answers ROLLBACK without error.
      const std::string tag = PQcmdStatus(result);
      PQclear(result);
      expect(complete || (status == PGRES_COMMAND_OK && tag != "UPDATE 0" && tag != "ROLLBACK"));
    }
    return complete;
  }

  std::unique_ptr<PGconn, void (*)(PGconn*)> pg;
  Client& client;
  std::size_t bank;
};

struct Client {
  std::vector<std::unique_ptr<Branch>> branches;
  Moves moves;
  std::string gid;
  Clock::time_point asked;
  std::size_t waiting = 0;  // branches that have not answered
  bool finishing = false;   // in phase two
};

class Program {
 public:
  Program(Variant variant, const std::vector<std::string>& databases, const std::string& log,
          const Pace& pace, Book& book, Recorder& recorder)
      : variant_(variant), book_(book), recorder_(recorder), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (variant == Variant::durable) log_ = std::make_unique<DecisionFile>(log);
    for (std::size_t i = 0; i < pace.clients; ++i) {
      Client& client = *clients_.emplace_back(std::make_unique<Client>());
      for (std::size_t bank = 0; bank < databases.size(); ++bank) {
        Branch& branch =
            *client.branches.emplace_back(std::make_unique<Branch>(databases[bank], client, bank));
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &branch;
        if (epoll_ctl(epoll_, EPOLL_CTL_ADD, PQsocket(branch.pg.get()), &event) != 0)
          throw std::runtime_error("raw: epoll");
      }
    }
  }
  ~Program() { ::close(epoll_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void run() {
    for (const auto& client : clients_) begin(*client);
    std::array<epoll_event, 256> events{};
    while (busy_ > 0) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        Branch& branch = *static_cast<Branch*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (branch.take() && --branch.client.waiting == 0) answered(branch.client);
      }
      decide();
    }
  }

 private:
  void begin(Client& client) {
    client.asked = Clock::now();
    if (!recorder_.goes_on(client.asked)) return;
    ++busy_;
    book_.pick(client.moves);
    client.gid = "raw-" + std::to_string(::getpid()) + "-" + std::to_string(++transactions_);
    client.finishing = variant_ == Variant::one_phase;
    const std::string prepare = "prepare transaction '" + client.gid + "'";
    for (const auto& branch : client.branches) {
      const Move& move = client.moves[branch->bank];
      const std::string amount = euros(move.cents);
      const std::string account = std::to_string(move.account);
      const std::array<const char*, 2> params = {amount.c_str(), account.c_str()};
      branch->send("begin");
      branch->expect(PQsendQueryPrepared(branch->pg.get(), "move", 2, params.data(), nullptr,
                                         nullptr, 0) == 1);
      branch->send(client.finishing ? "commit" : prepare.c_str());
      branch->go();
    }
    client.waiting = client.branches.size();
  }

  void answered(Client& client) {
    if (!client.finishing) return prepared_.push_back(&client);
    book_.committed(client.moves);
    recorder_.done(client.asked, Clock::now());
    --busy_;
    begin(client);
  }

  // All that became prepared in this round: one write and one sync, then they commit.
  void decide() {
    if (prepared_.empty()) return;
    if (log_) {
      for (const Client* client : prepared_) log_->add(client->gid);
      log_->sync();
    }
    for (Client* client : prepared_) {
      const std::string commit = "commit prepared '" + client->gid + "'";
      for (const auto& branch : client->branches) {
        branch->send(commit.c_str());
        branch->go();
      }
      client->finishing = true;
      client->waiting = client->branches.size();
    }
    prepared_.clear();
  }

  Variant variant_;
  Book& book_;
  Recorder& recorder_;
  int epoll_;
  std::unique_ptr<DecisionFile> log_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Client*> prepared_;
  std::size_t busy_ = 0;
  std::uint64_t transactions_ = 0;
};

}  // namespace

const char* to_string(Variant variant) {
  switch (variant) {
    case Variant::durable:
      return "durable";
    case Variant::no_log:
      return "no_log";
    case Variant::one_phase:
      return "one_phase";
  }
  return "";
}

void run(Variant variant, const std::vector<std::string>& databases, const std::string& log,
         const Pace& pace, Book& book, Recorder& recorder) {
  Program(variant, databases, log, pace, book, recorder).run();
}

}  // namespace assent::bench::raw
