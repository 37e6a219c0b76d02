#include "coordinator/api/transaction_request.hpp"

#include <string>

#include "coordinator/api/request_key.hpp"
#include "protocol/assent.pb.h"
#include "tests/support/catch.hpp"

namespace assent {
namespace {

template <class Parsed>
std::string refusal(const Parsed& parsed) {
  const auto* failure = std::get_if<Failure>(&parsed);
  if (failure == nullptr) return "taken";
  CHECK(failure->problem == Problem::invalid_request);
  return failure->message;
}

Begin begun(std::string_view body) {
  auto parsed = parse_begin(body);
  INFO(refusal(parsed));
  REQUIRE(std::holds_alternative<Begin>(parsed));
  return std::get<Begin>(parsed);
}

wire::Work work_of(const Work& work) {
  wire::Work decoded;
  REQUIRE(decoded.ParseFromString(work.bytes));
  return decoded;
}

// A one-shot transaction around one branch's further fields, a statement, a parameter.
std::string with_branch(const std::string& fields) {
  return R"({"branches":[{"participant":"orders",)" + fields + "}]}";
}
std::string with_statement(const std::string& fields) {
  return with_branch(R"("statements":[{)" + fields + "}]");
}
std::string with_params(const std::string& params) {
  return with_statement(R"("sql":"select 1","params":)" + params);
}
std::string with_option(const std::string& option) {
  return "{" + option +
         R"(,"branches":[{"participant":"orders","statements":[{"sql":"select 1"}]}]})";
}
std::string elements(const std::string& element, std::size_t count) {
  std::string out = "[" + element;
  for (std::size_t i = 1; i < count; ++i) out += "," + element;
  return out + "]";
}

}  // namespace

TEST_CASE("a one-shot request becomes an event") {
  const Begin event = begun(R"({
    "mode":"one_shot","timeout_ms":5000,"lock_timeout_ms":1000,"isolation":"serializable",
    "wait_for":"decided","labels":{"app":"shop","run":"7"},
    "branches":[
      {"participant":"orders","statements":[{"sql":"insert","params":["o-7781",12.50]}]},
      {"participant":"stock","read_only":true,
       "statements":[{"sql":"update","expect":{"rows":1}},{"sql":"select"}]}]})");
  CHECK(event.mode == Mode::one_shot);
  CHECK(event.timeout == Duration(5000));
  CHECK(event.wait_for == WaitFor::decided);
  CHECK(event.labels == R"({"app":"shop","run":"7"})");
  REQUIRE(event.branches.size() == 2);
  CHECK(event.branches[0].participant == "orders");
  const wire::Work orders = work_of(event.branches[0].work);
  CHECK(orders.isolation() == "serializable");
  CHECK(orders.lock_timeout_ms() == 1000);
  CHECK_FALSE(orders.read_only());
  REQUIRE(orders.statements_size() == 1);
  CHECK(orders.statements(0).sql() == "insert");
  CHECK_FALSE(orders.statements(0).has_expect_rows());
  CHECK(orders.statements(0).params(1).text() == "12.50");
  CHECK(event.branches[1].participant == "stock");
  const wire::Work stock = work_of(event.branches[1].work);
  CHECK(stock.read_only());
  REQUIRE(stock.statements_size() == 2);
  CHECK(stock.statements(0).expect_rows() == 1);
  CHECK(stock.statements(0).params_size() == 0);
}

TEST_CASE("options do not depend on the order of the fields") {
  const std::string branches = R"("branches":[{"participant":"a","statements":[{"sql":"s"}]}])";
  const Begin event =
      begun("{" + branches + R"(,"isolation":"repeatable_read","lock_timeout_ms":7})");
  CHECK(work_of(event.branches[0].work).isolation() == "repeatable_read");
  CHECK(work_of(event.branches[0].work).lock_timeout_ms() == 7);
}

TEST_CASE("a request has defaults") {
  const Begin event = begun(with_option(R"("labels":{})"));
  CHECK(event.mode == Mode::one_shot);
  CHECK(event.timeout == Duration(30'000));
  CHECK(event.wait_for == WaitFor::applied);
  CHECK(event.labels.empty());
  CHECK(work_of(event.branches[0].work).isolation().empty());
  CHECK(work_of(event.branches[0].work).lock_timeout_ms() == 0);
  CHECK(begun(R"({"mode":"interactive"})").idle_timeout == Duration(30'000));
  CHECK(begun(R"({"mode":"interactive","timeout_ms":500})").idle_timeout == Duration(500));
  CHECK(begun(R"({"mode":"interactive","idle_timeout_ms":9})").idle_timeout == Duration(9));
}

TEST_CASE("an external transaction names its branches, and brings no work") {
  const Begin event = begun(
      R"({"timeout_ms":9,"branches":[{"participant":"a"},{"participant":"b"}],"mode":"external"})");
  CHECK(event.mode == Mode::external);
  CHECK(event.timeout == Duration(9));
  REQUIRE(event.branches.size() == 2);
  CHECK(event.branches[1] == BranchWork{"b", {}});
}

TEST_CASE("parameters reach the database as they were written") {
  const Begin event = begun(with_params(
      R"([12.50,1e400,123456789012345678901234567890,"12.50","é",true,false,null,
          [1.0,{"a":null}],{"n":1.10,"s":"\""},"",-0])"));
  const wire::Work work = work_of(event.branches[0].work);
  const auto& params = work.statements(0).params();
  const char* texts[] = {"12.50",
                         "1e400",
                         "123456789012345678901234567890",
                         "12.50",
                         "é",
                         "true",
                         "false",
                         nullptr,
                         R"([1.0,{"a":null}])",
                         R"({"n":1.10,"s":"\""})",
                         "",
                         "-0"};
  REQUIRE(params.size() == std::ssize(texts));
  for (int i = 0; i < params.size(); ++i) {
    CHECK(params[i].null() == (texts[i] == nullptr));
    CHECK(params[i].has_text() == (texts[i] != nullptr));
    if (texts[i] != nullptr) CHECK(params[i].text() == texts[i]);
  }
}

namespace {

struct Fault {
  std::string body, message;
};

const std::string stmt = R"("statements":[{"sql":"s"}])";
const std::string deep(100'000, '[');

const Fault faults[] = {
    {"[]", "the body: must be an object"},
    {deep, "the body is nested deeper than 32 levels"},
    {R"({"timeout_ms":1,"timeout_ms":2})", "the key \"timeout_ms\" appears twice"},
    {"{}", "branches: a one_shot transaction needs at least one branch"},
    {R"({"branches":[]})", "branches: a one_shot transaction needs at least one branch"},
    {R"({"branches":{}})", "branches: must be an array"},
    {R"({"branches":)" + elements("{}", 65) + "}",
     "branches: has 65 elements; at most 64 are taken"},
    {R"({"branches":[7]})", "branches[0]: must be an object"},
    {R"({"timeout":5})", "timeout: unknown field; did you mean timeout_ms?"},
    {R"({"":5})",
     "\"\": unknown field; known: mode, labels, branches, idle_timeout_ms, timeout_ms, wait_for, "
     "isolation, lock_timeout_ms"},
    {R"({"branches":[{"participant":"a","statments":[]}]})",
     "branches[0].statments: unknown field; did you mean statements?"},
    {R"({"branches":[{"participant":"a",)" + stmt +
         R"(},{"participant":"b","statements":[{"sq":1}]}]})",
     "branches[1].statements[0].sq: unknown field; did you mean sql?"},
    {R"({"branches":[{"group":7,)" + stmt + "}]}", "branches[0].group: must be a string"},
    {R"({"branches":[{"group":"",)" + stmt + "}]}", "branches[0].group: must not be empty"},
    {R"({"branches":[{"group":"a"}]})", "branches[0]: statements is missing"},
    {R"({"branches":[{"group":"a","participant":"b",)" + stmt + "}]}",
     "branches[0]: participant and group cannot both be given; a group stands for all its members"},
    {R"({"mode":"external"})", "branches: an external transaction needs at least one branch"},
    {R"({"mode":"external","branches":[]})",
     "branches: an external transaction needs at least one branch"},
    {R"({"mode":"external","branches":[{}]})", "branches[0]: participant is missing"},
    {R"({"mode":"external","branches":[{"participant":"a",)" + stmt + "}]}",
     "branches[0].statements: the application of an external transaction runs its own statements, "
     "over its own connection"},
    {R"({"mode":"external","branches":[{"participant":"a","read_only":true}]})",
     "branches[0].read_only: unknown field; known: participant, statements"},
    {R"({"mode":"external","branches":[{"participant":"a"},{"participant":"a"}]})",
     "branches[1].participant: a has a branch already"},
    {R"({"mode":"external","branches":[{"participant":"a"}],"wait_for":"decided"})",
     "wait_for: is given with the commit of an external transaction"},
    {R"({"mode":"external","branches":[{"participant":"a"}],"lock_timeout_ms":5})",
     "lock_timeout_ms: is the application's to set, in its own session"},
    {R"({"mode":"external","branches":[{"participant":"a"}],"idle_timeout_ms":5})",
     "idle_timeout_ms: is for \"mode\":\"interactive\" only"},
    {R"({"mode":"x"})", "mode: must be one of: one_shot, interactive, external"},
    {R"({"mode":1})", "mode: must be one of: one_shot, interactive, external"},
    {R"({"branches":[{)" + stmt + "}]}", "branches[0]: participant is missing"},
    {R"({"branches":[{"participant":"a"}]})", "branches[0]: statements is missing"},
    {R"({"branches":[{"participant":"Orders",)" + stmt + "}]}",
     "branches[0].participant: must be a participant's name: a lower-case letter, then "
     "lower-case letters, "
     "digits, _ or -, at most 63 characters"},
    {R"({"branches":[{"participant":null,)" + stmt + "}]}",
     "branches[0].participant: must be a string"},
    {R"({"branches":[{"participant":"a",)" + stmt + R"(},{"participant":"a",)" + stmt + "}]}",
     "branches[1].participant: a has a branch already; put all its statements into one"},
    {with_branch(R"("statements":[])"), "branches[0].statements: must hold at least one statement"},
    {with_branch(R"("statements":"select")"), "branches[0].statements: must be an array"},
    {with_branch(R"("statements":)" + elements("{}", 1001)),
     "branches[0].statements: has 1001 elements; at most 1000 are taken"},
    {with_branch(R"("statements":["select"])"), "branches[0].statements[0]: must be an object"},
    {with_branch(R"("statements":[{"sql":"s"}],"read_only":1)"),
     "branches[0].read_only: must be true or false"},
    {with_statement(""), "branches[0].statements[0]: sql is missing"},
    {with_statement(R"("sql":"")"), "branches[0].statements[0].sql: must not be empty"},
    {with_statement(R"("sql":" \n")"), "branches[0].statements[0].sql: must not be empty"},
    {with_statement(R"("sql":1)"), "branches[0].statements[0].sql: must be a string"},
    {with_statement(R"("sql":"a\u0000b")"), "branches[0].statements[0].sql holds a NUL character"},
    {with_params("7"), "branches[0].statements[0].params: must be an array"},
    {with_params(elements("1", 1001)),
     "branches[0].statements[0].params: has 1001 elements; at most 1000 are taken"},
    {with_params("[1," + std::string(2000, '1') + "]"),
     "branches[0].statements[0].params[1] is a number of more than 1000 characters; send it as "
     "a string"},
    {with_params(R"([{"a":1,"a":2}])"),
     "branches[0].statements[0].params[0]: the key \"a\" appears twice"},
    {with_statement(R"("sql":"s","expect":1)"),
     "branches[0].statements[0].expect: must be an object"},
    {with_statement(R"("sql":"s","expect":{})"),
     "branches[0].statements[0].expect: rows is missing"},
    {with_statement(R"("sql":"s","expect":{"row":1})"),
     "branches[0].statements[0].expect.row: unknown field; did you mean rows?"},
    {with_statement(R"("sql":"s","expect":{"rows":-1})"),
     "branches[0].statements[0].expect.rows: must be a whole number from 0 to 4294967295"},
    {with_statement(R"("sql":"s","expect":{"rows":1.5})"),
     "branches[0].statements[0].expect.rows: must be a whole number from 0 to 4294967295"},
    {with_option(R"("timeout_ms":0)"), "timeout_ms: must be a whole number from 1 to 3600000"},
    {with_option(R"("timeout_ms":3600001)"),
     "timeout_ms: must be a whole number from 1 to 3600000"},
    {with_option(R"("timeout_ms":"5")"), "timeout_ms: must be a whole number from 1 to 3600000"},
    {with_option(R"("timeout_ms":1e3)"), "timeout_ms: must be a whole number from 1 to 3600000"},
    {with_option(R"("lock_timeout_ms":18446744073709551617)"),
     "lock_timeout_ms: must be a whole number from 1 to 3600000"},
    {with_option(R"("idle_timeout_ms":5)"),
     "idle_timeout_ms: is for \"mode\":\"interactive\" only"},
    {with_option(R"("isolation":"read_uncommitted")"),
     "isolation: must be one of: read_committed, repeatable_read, serializable"},
    {with_option(R"("wait_for":"all")"), "wait_for: must be one of: applied, decided"},
    {with_option(R"("labels":[])"), "labels: must be an object"},
    {with_option(R"("labels":{"a":1})"), "labels.a: must be a string"},
    {with_option(R"("labels":{"":"x"})"), "labels: a label's name must not be empty"},
    {with_option(R"("labels":{"a":")" + std::string(129, 'x') + "\"}"),
     "labels.a: a label's name and its value have at most 128 bytes each"},
    {with_option(R"("labels":{"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"",
                     "10":"","11":"","12":"","13":"","14":"","15":"","16":"","17":""})"),
     "labels: has 17 labels; at most 16 are taken"},
    {R"({"mode":"interactive","branches":[]})",
     "branches: an interactive transaction begins without; send statements to "
     "/v1/transactions/{id}/statements"},
    {R"({"mode":"interactive","isolation":"serializable"})",
     "isolation: is given with the statements of an interactive transaction"},
    {R"({"mode":"interactive","lock_timeout_ms":5})",
     "lock_timeout_ms: is given with the statements of an interactive transaction"},
    {R"({"mode":"interactive","wait_for":"decided"})",
     "wait_for: is given with the commit of an interactive transaction"},
    {R"({"mode":"interactive","idle_timeout_ms":0})",
     "idle_timeout_ms: must be a whole number from 1 to 3600000"},
};

}  // namespace

TEST_CASE("each fault of a begin request is named with its path") {
  for (const Fault& each : faults) {
    INFO(each.body.substr(0, 200));
    CHECK(refusal(parse_begin(each.body)) == each.message);
  }
}

TEST_CASE("a whole number may be written with zeros behind a point") {
  CHECK(begun(with_option(R"("timeout_ms":5000.0)")).timeout == Duration(5000));
  CHECK(begun(with_option(R"("timeout_ms":5000.000)")).timeout == Duration(5000));
  for (const char* other : {"5000.5", "5000.01", "0.0", "-1.0", "5e3", "5.0e3", "3600001.0"}) {
    INFO(other);
    CHECK(refusal(parse_begin(with_option(std::string(R"("timeout_ms":)") + other))) ==
          "timeout_ms: must be a whole number from 1 to 3600000");
  }
}

TEST_CASE("the limits themselves are taken") {
  CHECK(refusal(parse_begin(with_params(elements("1", 1000)))) == "taken");
  CHECK(refusal(parse_begin(with_branch(R"("statements":)" + elements(R"({"sql":"s"})", 1000)))) ==
        "taken");
  CHECK(refusal(parse_begin(with_option(R"("timeout_ms":3600000)"))) == "taken");
  CHECK(refusal(parse_begin(with_option(R"("timeout_ms":1)"))) == "taken");
}

TEST_CASE("statements of an interactive transaction become an event") {
  auto parsed = parse_statements(R"({"participant":"stock","seq":3,"isolation":"serializable",
    "lock_timeout_ms":50,"read_only":true,"statements":[{"sql":"select $1","params":[0.10]}]})");
  REQUIRE(refusal(parsed) == "taken");
  const ExecuteAsked& event = std::get<ExecuteAsked>(parsed);
  CHECK(event.participant == "stock");
  CHECK(event.seq == 3);
  const wire::Work work = work_of(event.work);
  CHECK(work.isolation() == "serializable");
  CHECK(work.lock_timeout_ms() == 50);
  CHECK(work.read_only());
  CHECK(work.statements(0).params(0).text() == "0.10");
}

TEST_CASE("each fault of a statements, commit or rollback request is named") {
  const std::string statements = R"("statements":[{"sql":"s"}])";
  CHECK(refusal(parse_statements("{}")) == "the body: participant is missing");
  CHECK(refusal(parse_statements(R"({"participant":"a",)" + statements + "}")) ==
        "the body: seq is missing");
  CHECK(refusal(parse_statements(R"({"participant":"a","seq":1})")) ==
        "the body: statements is missing");
  CHECK(refusal(parse_statements(R"({"participant":"a","seq":0,)" + statements + "}")) ==
        "seq: must be a whole number from 1 to 4294967295");
  CHECK(refusal(parse_statements(R"({"participant":"a","seq":1,"statement":[]})")) ==
        "statement: unknown field; did you mean statements?");
  CHECK(refusal(parse_statements("")) == "the body is not valid JSON: incomplete JSON at byte 0");

  CHECK(refusal(parse_commit("")) == "taken");
  CHECK(refusal(parse_commit("{}")) == "taken");
  CHECK(std::get<CommitAsked>(parse_commit(R"({"wait_for":"decided"})")).wait_for ==
        WaitFor::decided);
  CHECK(refusal(parse_commit("[]")) == "the body: must be an object");
  CHECK(refusal(parse_commit(R"({"force":true})")).starts_with("force: unknown field; "));
  CHECK(refusal(parse_rollback("")) == "taken");
  CHECK(refusal(parse_rollback("{}")) == "taken");
  CHECK(refusal(parse_rollback(R"({"a":1})")) ==
        "the body: a rollback takes none, or an empty object");
}

TEST_CASE("an idempotency key is the hash of the header and of the body") {
  const auto key = request_key("abc", "");
  REQUIRE(key);
  // SHA-256 of "abc" and of nothing, from FIPS 180-4 and RFC 6234.
  CHECK(key->key == std::array<std::uint8_t, 16>{0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                                 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23});
  CHECK(key->body == std::array<std::uint8_t, 16>{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                                  0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24});
  CHECK(request_key("\"abc\"", "") == key);
  CHECK(request_key("abc", " ") != key);
  CHECK(request_key("abcd", "") != key);
  CHECK(request_key(std::string(255, 'x'), ""));
  CHECK_FALSE(request_key(std::string(256, 'x'), ""));
  CHECK_FALSE(request_key("", ""));
  CHECK_FALSE(request_key("\"\"", ""));
  CHECK_FALSE(request_key("a\tb", ""));
  CHECK_FALSE(request_key("é", ""));
}

}  // namespace assent
