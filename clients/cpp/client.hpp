// A client of the coordinator's REST API.
//
//   assent::client::Client assent("http://127.0.0.1:7400");
//   auto done = assent.run({.branches = {{"orders", {{"insert into orders values ($1)", {"o-1"}}}},
//                                        {"stock", {{"update item set qty = qty - 1", {}, 1}}}}});
//   if (done) … done->state …          // "committed", and applied unless a branch is pending
//   else if (done.error().fate == Fate::aborted) …   // nothing of it was applied anywhere
//   else if (done.error().fate == Fate::unknown) …   // repeat with the same key, or ask
//
// Every call blocks until there is an answer or its patience ends, repeating what can be repeated
// (requester.hpp). Not thread-safe: one Client a thread. Nothing throws but the constructor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "clients/cpp/requester.hpp"

namespace assent::client {

// A parameter or a cell. Numbers that are not 32- or 64-bit integers travel as text, exactly.
using Value = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string>;

struct Statement {
  std::string sql;  // one statement, parameters as $1, $2 …
  std::vector<Value> params{};
  std::optional<std::uint32_t> expect_rows{};  // any other number of rows aborts the transaction
};

struct Branch {
  std::string participant;
  std::vector<Statement> statements{};
  bool read_only = false;
  std::string group{};  // one-shot, with no participant: a branch for each member of this
};

enum class WaitFor { applied, decided };

struct OneShot {
  std::vector<Branch> branches{};
  std::optional<milliseconds> timeout{};       // to the last vote
  std::optional<milliseconds> lock_timeout{};  // for each lock
  std::string isolation{};  // "", "read_committed", "repeatable_read", "serializable"
  WaitFor wait_for = WaitFor::applied;
  std::vector<std::pair<std::string, std::string>> labels{};
};

struct Interactive {
  std::optional<milliseconds> timeout{};
  std::optional<milliseconds> idle_timeout{};
  std::vector<std::pair<std::string, std::string>> labels{};
};

// The application does the work over its own connections and prepares it there.
struct External {
  std::vector<std::string> participants{};
  std::optional<milliseconds> timeout{};
  std::vector<std::pair<std::string, std::string>> labels{};
};

struct StatementResult {
  std::string command;
  std::int64_t rows_affected = 0;
  std::vector<std::pair<std::string, std::string>> columns;  // name, type
  std::vector<std::vector<Value>> rows;
};

struct BranchOutcome {
  std::string participant;
  std::string group;  // that was named in its place; empty: none was
  std::string state;
  std::vector<StatementResult> results;
  // External, until it is decided: what the application runs at the end of its work there.
  std::vector<std::string> prepare;
};

struct Transaction {
  std::string id;
  std::string state;     // open, preparing, deciding, committing, committed, aborting, aborted,
                         // in_doubt
  bool pending = false;  // decided, but not every branch has applied it yet (HTTP 202)
  std::int64_t next_seq = 0;  // interactive: the number of the next statements
  std::vector<BranchOutcome> branches;
  std::string json;  // the answer as received
};

struct Executed {
  std::vector<StatementResult> results;
  std::string json;
};

struct Filter {
  std::string state{};
  std::string participant{};
  std::string older_than{};  // "30s"
  std::optional<unsigned> limit{};
  std::string page_token{};
};

// An answer that is shown, not computed with: lists.
struct Document {
  std::string json;
};

// Now, as `first_sent` of a request has it.
std::string http_date_now();

class Client {
 public:
  // Throws as HttpClient: an unusable URL, or a file of `options` (token, TLS) that is.
  explicit Client(const std::string& url, Patience patience = {},
                  const HttpClientOptions& options = {});
  Client(std::unique_ptr<Transport> transport, Patience patience);
  ~Client();

  // A whole transaction in one request. The key makes it safe to repeat: with the same key and body
  // it happens once, however often it is sent. Empty: one is made, and used for the repetitions
  // within this call; last_key() tells it.
  // `first_sent` is an HTTP date: with it a repetition that comes too late, when nobody remembers
  // the key any more, is refused and not run; without it the coordinator takes what it does not
  // remember for new. It is said only where it was asked for: a coordinator whose clock is behind
  // the client's refuses such a request.
  Result<Transaction> run(const OneShot& transaction, const std::string& key = {},
                          const std::string& first_sent = {});
  // The same with a body as the API takes it.
  Result<Transaction> run_json(const std::string& body, const std::string& key = {},
                               const std::string& first_sent = {});
  const std::string& last_key() const { return last_key_; }

  Result<Transaction> begin(const Interactive& transaction = {});
  Result<Transaction> begin_external(const External& transaction);
  // `seq` counts 1, 2, 3 … over the whole transaction; repeating the last one returns its answer.
  Result<Executed> execute(const std::string& id, std::int64_t seq, const Branch& branch);
  Result<Transaction> commit(const std::string& id, WaitFor wait_for = WaitFor::applied);
  Result<Transaction> rollback(const std::string& id);

  Result<Transaction> get(const std::string& id);
  // What happened to it, step by step.
  Result<Document> timeline(const std::string& id);
  Result<Document> list(const Filter& filter = {});

  // An operator's. `outcome` is committed or aborted. `seen` is that of the preview that was looked
  // at: where more is known by now, nothing is decided. Empty: decided whatever is known.
  Result<Document> preview(const std::string& id, const std::string& outcome);
  Result<Transaction> resolve(const std::string& id, const std::string& outcome,
                              const std::string& reason, const std::string& seen = {});
  Result<Transaction> acknowledge(const std::string& id, const std::string& reason);

  Result<Document> participants();
  Result<Document> groups();
  Result<Document> version();

 private:
  Result<Transaction> transaction(const HttpCall& call);
  Result<Document> document(const HttpCall& call);

  std::unique_ptr<Transport> transport_;
  Patience patience_;
  std::string last_key_;
};

// The bodies and answers, for those who send or show them otherwise.
std::string to_json(const OneShot& transaction);
// nullopt: not a transaction as the API shows it.
std::optional<Transaction> parse_transaction(const std::string& json);

}  // namespace assent::client
