#include "tests/bench/request_text.hpp"

#include <string_view>

namespace assent::bench {
namespace {

void append_statement(std::string& out, const HttpLoad& load, std::size_t bank, const Move& move) {
  const std::string account = std::to_string(move.account);
  if (load.read_only) {
    out.append("{\"sql\":\"").append(kReadSql).append("\",\"params\":[").append(account);
    out += "],\"expect\":{\"rows\":1}}";
    return;
  }
  out.append("{\"sql\":\"").append(bank == 0 ? kDebitSql : kCreditSql);
  out.append("\",\"params\":[\"").append(euros(move.cents)).append("\",").append(account);
  out += "],\"expect\":{\"rows\":1}}";
}

void append_branch(std::string& out, const HttpLoad& load, std::size_t bank, const Move& move) {
  out.append("\"participant\":\"").append(load.participants[bank]).append("\"");
  if (load.read_only) out += ",\"read_only\":true";
  out += ",\"statements\":[";
  append_statement(out, load, bank, move);
  for (std::size_t i = 1; i < load.statements; ++i)
    out.append(",{\"sql\":\"")
        .append(kReadSql)
        .append("\",\"params\":[")
        .append(std::to_string(1 + (move.account + static_cast<int>(i) * 37) % 1000))
        .append("]}");
  out += "]";
}

void write_post(std::string& out, std::string_view target, std::string_view body) {
  out.assign("POST ").append(target).append(" HTTP/1.1\r\nHost: assent\r\n");
  out.append("Content-Type: application/json\r\nContent-Length: ");
  out.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

}  // namespace

void write_one_shot(std::string& out, const HttpLoad& load, const Moves& moves) {
  thread_local std::string body;
  body = load.wait_for_decided ? R"({"wait_for":"decided","branches":[)" : R"({"branches":[)";
  for (std::size_t bank = 0; bank < moves.size(); ++bank) {
    body += bank == 0 ? "{" : ",{";
    append_branch(body, load, bank, moves[bank]);
    body += "}";
  }
  body += "]}";
  write_post(out, "/v1/transactions", body);
}

std::string interactive_request(const HttpLoad& load, const Moves& moves, std::size_t step,
                                const std::string& tx) {
  std::string out;
  if (step == 0) {
    write_post(out, "/v1/transactions", R"({"mode":"interactive"})");
  } else if (step <= moves.size()) {
    std::string body = "{\"seq\":" + std::to_string(step) + ",";
    append_branch(body, load, step - 1, moves[step - 1]);
    write_post(out, "/v1/transactions/" + tx + "/statements", body + "}");
  } else {
    write_post(out, "/v1/transactions/" + tx + "/commit",
               load.wait_for_decided ? R"({"wait_for":"decided"})" : "{}");
  }
  return out;
}

}  // namespace assent::bench
