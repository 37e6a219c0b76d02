#include "clients/cpp/client.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <random>

#include "clients/cpp/forms.hpp"

namespace assent::client {
namespace {

constexpr const char* kTransactions = "/v1/transactions";

std::string path_of(const std::string& id, const char* verb = "") {
  std::string path = kTransactions;
  path += '/';
  path += percent_encoded(id);
  return path += verb;
}

HttpCall post(std::string target, std::string body) {
  return {.method = "POST",
          .target = std::move(target),
          .headers = {{"content-type", "application/json"}},
          .body = std::move(body)};
}

HttpCall get_call(std::string target) {
  return {.method = "GET", .target = std::move(target), .headers = {}, .body = {}};
}

// 128 random bits: two clients never choose the same.
std::string new_key() {
  std::random_device random;
  std::string key;
  for (int word = 0; word < 4; ++word) {
    std::array<char, 9> digits;
    std::snprintf(digits.data(), digits.size(), "%08x", random());
    key += digits.data();
  }
  return key;
}

bool is_usable_key(std::string_view key) {
  const auto usable = [](char c) { return c >= ' ' && c <= '~' && c != '"'; };
  return !key.empty() && key.size() <= 255 && std::ranges::all_of(key, usable);
}

// A 2xx answer that cannot be read is worth no more than a lost one.
Trouble unreadable(const HttpAnswer& answer) {
  return {Trouble::Kind::unsettled,
          Fate::unknown,
          "the answer (HTTP status " + std::to_string(answer.status) + ") cannot be read",
          {},
          answer.body};
}

}  // namespace

Client::Client(const std::string& url, Patience patience, const HttpClientOptions& options)
    : Client(make_http_transport(url, options), patience) {}
Client::Client(std::unique_ptr<Transport> transport, Patience patience)
    : transport_(std::move(transport)), patience_(patience) {}
Client::~Client() = default;

std::string http_date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text;
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text.data();
}

Result<Transaction> Client::run(const OneShot& one_shot, const std::string& key,
                                const std::string& first_sent) {
  return run_json(to_json(one_shot), key, first_sent);
}

Result<Transaction> Client::run_json(const std::string& body, const std::string& key,
                                     const std::string& first_sent) {
  last_key_ = key.empty() ? new_key() : key;
  if (!is_usable_key(last_key_))
    return Trouble{Trouble::Kind::refused,
                   Fate::none,
                   "an idempotency key is 1 to 255 printable ASCII characters other than '\"'",
                   {},
                   {}};
  HttpCall call = post(kTransactions, body);
  call.headers.emplace_back("idempotency-key", '"' + last_key_ + '"');
  if (!first_sent.empty()) call.headers.emplace_back("repeatability-first-sent", first_sent);
  return transaction(call);
}

Result<Transaction> Client::begin(const Interactive& interactive) {
  // Repeated even when a reply is lost: the transaction nobody knows of is aborted when it idles.
  return transaction(post(kTransactions, to_json(interactive)));
}

Result<Transaction> Client::begin_external(const External& external) {
  return transaction(post(kTransactions, to_json(external)));  // as above: its time ends it
}

Result<Executed> Client::execute(const std::string& id, std::int64_t seq, const Branch& branch) {
  const auto answer =
      request(*transport_, post(path_of(id, "/statements"), to_json(seq, branch)), patience_);
  if (!answer) return answer.error();
  auto results = parse_results(answer->body);
  if (!results) return unreadable(*answer);
  return Executed{std::move(*results), answer->body};
}

Result<Transaction> Client::commit(const std::string& id, WaitFor wait_for) {
  return transaction(post(path_of(id, "/commit"), to_json(wait_for)));
}

Result<Transaction> Client::rollback(const std::string& id) {
  return transaction(post(path_of(id, "/rollback"), ""));
}

Result<Transaction> Client::get(const std::string& id) {
  return transaction(get_call(path_of(id)));
}

Result<Document> Client::list(const Filter& filter) {
  std::string target = kTransactions;
  char separator = '?';
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    target += separator + std::string(name) + "=" + percent_encoded(value);
    separator = '&';
  };
  add("state", filter.state);
  add("participant", filter.participant);
  add("older_than", filter.older_than);
  add("limit", filter.limit ? std::to_string(*filter.limit) : "");
  add("page_token", filter.page_token);
  return document(get_call(target));
}

Result<Document> Client::preview(const std::string& id, const std::string& outcome) {
  return document(post(path_of(id, "/resolve"), preview_json(outcome)));
}

// Repeated when a reply is lost: the same decision again is the same decision.
Result<Transaction> Client::resolve(const std::string& id, const std::string& outcome,
                                    const std::string& reason, const std::string& seen) {
  return transaction(post(path_of(id, "/resolve"), resolve_json(outcome, reason, seen)));
}

Result<Transaction> Client::acknowledge(const std::string& id, const std::string& reason) {
  return transaction(post(path_of(id, "/acknowledge"), acknowledge_json(reason)));
}

Result<Document> Client::timeline(const std::string& id) {
  return document(get_call(path_of(id) + "/events"));
}

Result<Document> Client::participants() {
  return document(get_call("/v1/participants"));
}

Result<Document> Client::groups() {
  return document(get_call("/v1/groups"));
}

Result<Document> Client::version() {
  return document(get_call("/v1/version"));
}

Result<Transaction> Client::transaction(const HttpCall& call) {
  const auto answer = request(*transport_, call, patience_);
  if (!answer) return answer.error();
  auto transaction = parse_transaction(answer->body);
  if (!transaction) return unreadable(*answer);
  transaction->pending = answer->status == 202;
  return std::move(*transaction);
}

Result<Document> Client::document(const HttpCall& call) {
  const auto answer = request(*transport_, call, patience_);
  if (!answer) return answer.error();
  return Document{answer->body};
}

}  // namespace assent::client
