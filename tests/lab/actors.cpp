#include "tests/lab/actors.hpp"

#include <libpq-fe.h>

#include "clients/cpp/transport.hpp"

namespace assent::lab {
namespace {

using namespace std::chrono_literals;

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// HTTP that can be given up from outside, and that tries once unless it is to go on.
class ImpatientTransport final : public client::Transport {
 public:
  ImpatientTransport(const std::string& url, std::shared_ptr<std::atomic<bool>> ending,
                     bool retrying)
      : http_(url), ending_(std::move(ending)), retrying_(retrying) {}

  client::Exchange call(const HttpCall& call) override {
    called_ = true;
    HttpCall piece = call;
    if (*ending_) return HttpFailure{HttpFailure::Kind::timed_out, "the lab ends", true};
    return http_.call(piece);
  }
  // Time runs out at once where nothing is to be tried again.
  std::chrono::steady_clock::time_point now() const override {
    const bool over = *ending_ || (called_ && !retrying_);
    return std::chrono::steady_clock::now() + (over ? 24h : 0h);
  }
  void wait(client::milliseconds time) override { std::this_thread::sleep_for(time); }

 private:
  HttpClient http_;
  std::shared_ptr<std::atomic<bool>> ending_;
  bool retrying_;
  bool called_ = false;
};

std::string plain(const client::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value)) return std::to_string(*number);
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  return "";
}

std::string first_value(const std::vector<client::StatementResult>& results) {
  for (const client::StatementResult& result : results)
    if (!result.rows.empty() && !result.rows.front().empty())
      return plain(result.rows.front().front());
  return {};
}
std::string first_value(const client::Executed& executed) {
  return first_value(executed.results);
}
std::string first_value(const client::Transaction& transaction) {
  for (const client::BranchOutcome& branch : transaction.branches)
    if (std::string value = first_value(branch.results); !value.empty()) return value;
  return {};
}

}  // namespace

// ---- worker

Worker::Worker() : thread_([this] { work(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Worker::give(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  changed_.notify_all();
}

bool Worker::idle() const {
  const std::lock_guard lock(mutex_);
  return !busy_ && jobs_.empty();
}

void Worker::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (ending_) return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_ = true;
    lock.unlock();
    job();
    lock.lock();
    busy_ = false;
  }
}

// ---- transaction

ClientTransaction::ClientTransaction(std::string name, std::string url,
                                     std::function<void(const std::string&)> told)
    : name_(std::move(name)),
      url_(std::move(url)),
      begun_ms_(wall_ms()),
      on_told_(std::move(told)),
      ending_(std::make_shared<std::atomic<bool>>(false)) {}

ClientTransaction::~ClientTransaction() {
  *ending_ = true;
}

client::Client ClientTransaction::make_client(bool retrying) {
  client::Patience patience;
  patience.limit = 120s;
  patience.attempt = retrying ? 3s : 30s;
  patience.longest_pause = 300ms;
  return client::Client(std::make_unique<ImpatientTransport>(url_, ending_, retrying), patience);
}

// `last`: the transaction ends with it, whatever it brings.
template <typename Result>
void ClientTransaction::take(const Result& result, bool last) {
  if (*ending_) return;
  std::optional<client::Fate> fate;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begun_);
  {
    const std::lock_guard lock(mutex_);
    outcome_ = {false, result.has_value(), {}, {}, {}};
    if (result) {
      outcome_.value = first_value(*result);
      if constexpr (std::is_same_v<std::decay_t<decltype(*result)>, client::Transaction>) {
        id_ = result->id;
        if (last)
          fate = result->state == "aborted" ? client::Fate::aborted : client::Fate::committed;
      }
    } else {
      const client::Trouble& trouble = result.error();
      outcome_.reason = trouble.reason;
      if (trouble.problem) outcome_.code = trouble.problem->code;
      if (trouble.problem && !trouble.problem->transaction.empty())
        id_ = trouble.problem->transaction;
      if (last || trouble.fate == client::Fate::aborted) fate = trouble.fate;
    }
    if (fate) told_ = fate;
    if (fate) took_ = took;
  }
  if (!fate) return;
  const std::string why = result.has_value() ? "" : ": " + result.error().reason;
  on_told_(name_ + " is answered " + std::string(to_string(*fate)) + " after " +
           std::to_string(took.count()) + " ms" + why);
}

void ClientTransaction::run(client::OneShot shot, bool retrying) {
  for (const client::Branch& branch : shot.branches) databases_.insert(branch.participant);
  worker_.give([this, shot = std::move(shot), retrying] {
    client::Client client = make_client(retrying);
    take(client.run(shot), true);
  });
}

void ClientTransaction::begin() {
  worker_.give([this] {
    client::Interactive interactive;
    interactive.timeout = interactive.idle_timeout = 60s;
    take(make_client(false).begin(interactive), false);
  });
}

void ClientTransaction::execute(const std::string& database, client::Statement statement) {
  client::Branch branch{database, {}, false};
  // Its first statement there leaves the mark as well; the last one's result is what is seen.
  if (databases_.insert(database).second)
    branch.statements.push_back({"insert into lab_mark values ($1)", {name_}, {}});
  branch.statements.push_back(std::move(statement));
  worker_.give([this, branch = std::move(branch)] {
    take(make_client(false).execute(id(), ++seq_, branch), false);
  });
}

void ClientTransaction::commit() {
  worker_.give([this] { take(make_client(false).commit(id()), true); });
}

void ClientTransaction::rollback() {
  worker_.give([this] { take(make_client(false).rollback(id()), true); });
}

Outcome ClientTransaction::outcome() const {
  const std::lock_guard lock(mutex_);
  Outcome now = outcome_;
  now.busy = !worker_.idle();
  return now;
}

std::optional<client::Fate> ClientTransaction::told() const {
  const std::lock_guard lock(mutex_);
  return told_;
}

std::optional<std::chrono::milliseconds> ClientTransaction::took() const {
  const std::lock_guard lock(mutex_);
  if (!told_) return std::nullopt;
  return took_;
}

std::string ClientTransaction::id() const {
  const std::lock_guard lock(mutex_);
  return id_;
}

// ---- session

struct Session::Impl {
  using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
  using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

  void execute(const std::string& sql) {
    const Answer answer(PQexec(connection.get(), sql.c_str()), &PQclear);
    const ExecStatusType status = PQresultStatus(answer.get());
    Outcome made;
    made.ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    if (PQntuples(answer.get()) > 0 && PQnfields(answer.get()) > 0)
      made.value = PQgetvalue(answer.get(), 0, 0);
    if (!made.ok) {
      const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
      made.code = state ? state : "connection";
      made.reason = PQerrorMessage(connection.get());
    }
    const std::lock_guard lock(mutex);
    outcome = made;
  }

  Connection connection{nullptr, &PQfinish};
  std::mutex mutex;
  Outcome outcome;
  std::optional<Worker> worker;
};

Session::Session(std::string name, std::string conninfo) : impl_(std::make_unique<Impl>()) {
  const std::string all = conninfo + " application_name=" + name;
  impl_->connection.reset(PQconnectdb(all.c_str()));
  impl_->worker.emplace();
}

Session::~Session() {
  std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> cancel(PQgetCancel(impl_->connection.get()),
                                                            &PQfreeCancel);
  char message[256];
  if (cancel && !impl_->worker->idle()) PQcancel(cancel.get(), message, sizeof message);
  impl_->worker.reset();
}

void Session::execute(const std::string& sql) {
  impl_->worker->give([this, sql] { impl_->execute(sql); });
}

Outcome Session::outcome() const {
  const std::lock_guard lock(impl_->mutex);
  Outcome now = impl_->outcome;
  now.busy = !impl_->worker->idle();
  return now;
}

}  // namespace assent::lab
