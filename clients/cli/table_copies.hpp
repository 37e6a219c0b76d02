// One table at several participants, asked over the API.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "clients/cli/comparison.hpp"
#include "clients/cpp/client.hpp"

namespace assent::cli {

// Statements for one participant, and by participant, in the order of the questions, what they
// gave.
struct Question {
  std::string participant;
  std::vector<client::Statement> statements;
};
using Answers = std::vector<std::vector<client::StatementResult>>;

class Asking {
 public:
  virtual ~Asking() = default;
  virtual client::Result<Answers> ask(std::vector<Question> questions) = 0;
};

// Each time one transaction that only reads, with a branch and a snapshot of its own at each.
std::unique_ptr<Asking> ask_anew(client::Client& client);

// One interactive transaction for everything, in which each participant has first locked the tables
// against writers. Ends with its transaction, which is rolled back.
class Locked : public Asking {
 public:
  explicit Locked(client::Client& client) : client_(client) {}
  ~Locked() override;
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  // nullopt: begun, and all of it is locked.
  std::optional<client::Trouble> lock(const std::vector<std::string>& participants,
                                      const std::vector<std::string>& tables,
                                      client::milliseconds lock_timeout);
  client::Result<Answers> ask(std::vector<Question> questions) override;

 private:
  client::Client& client_;
  std::string id_;
  std::int64_t seq_ = 0;
};

struct Column {
  std::string name;  // quoted where SQL wants it
  std::string type;
  bool operator==(const Column&) const = default;
};

struct TableShape {
  std::string name;  // with its schema, as SQL takes it
  std::vector<Column> columns;
  std::vector<Column> key;
};

// The table's shape, which is the same at all; or why they cannot be compared, for people.
client::Result<std::variant<TableShape, std::string>> describe_table(
    Asking& asking, const std::vector<std::string>& participants, const std::string& table);

class TableCopies : public Copies {
 public:
  TableCopies(Asking& asking, std::vector<std::string> participants, TableShape shape,
              std::function<void()> wait);

  std::size_t members() const override { return participants_.size(); }
  client::Result<std::vector<Sum>> sums(const Range& range) override;
  client::Result<std::optional<Key>> key_of(std::size_t member, const Range& range,
                                            std::uint64_t row) override;
  client::Result<std::vector<std::vector<Row>>> rows(const Range& range, std::size_t most) override;
  client::Result<std::vector<std::vector<std::string>>> checksums(
      const std::vector<Key>& keys) override;
  void wait() override { wait_(); }
  bool sort_alike() override;

 private:
  std::string where(const Range& range, client::Statement& statement) const;
  client::Result<Answers> ask_all(const client::Statement& statement);

  Asking& asking_;
  std::vector<std::string> participants_;
  TableShape shape_;
  std::function<void()> wait_;
  bool by_text_ = false;  // sorted by the bytes of the keys' text
  // SQL: what the key is sorted by, its columns as text, and the hash of a row.
  std::string key_;
  std::string key_texts_;
  std::string hash_;
};

}  // namespace assent::cli
