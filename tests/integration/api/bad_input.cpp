#include "tests/integration/api/bad_input.hpp"

namespace assent::test {
namespace {

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// A request with these header lines (each with its line end) and body.
std::string request(const std::string& start, const std::string& header,
                    const std::string& body = "") {
  return start + " HTTP/1.1\r\nHost: x\r\n" + header + "\r\n" + body;
}

std::string post(const std::string& header, const std::string& body = "") {
  return request("POST /v1/transactions", "Content-Type: application/json\r\n" + header, body);
}

// A transaction of one branch that would be carried out, with this in place of its statement.
std::string with_statement(const std::string& statement) {
  return R"({"branches":[{"participant":"bank_a","statements":[)" + statement + "]}]}";
}

std::string with_param(const std::string& param) {
  return with_statement(R"json({"sql":"insert into witness values ($1)","params":[)json" + param +
                        "]}");
}

const std::string kGet = "GET /v1/version HTTP/1.1\r\n";

const std::vector<BadInput> kBadHttp = {
    {"no HTTP at all", "hello\r\n\r\n"},
    {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)},
    {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"an unknown version", "GET / HTTP/9.9\r\nHost: x\r\n\r\n"},
    {"no version", "GET /\r\n\r\n"},
    {"NUL in the target", std::string("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 28)},
    {"an encoded NUL in the target", request("GET /v1/%00", "")},
    {"half an escape in the target", request("GET /v1/%2", "")},
    {"an escape that is none", request("GET /v1/%zz", "")},
    {"bytes that are not UTF-8 in the target", request("GET /v1/\xff\xfe", "")},
    {"a target without a slash", request("GET v1/version", "")},
    {"a target of another scheme", request("GET file:///etc/passwd", "")},
    {"up the tree", request("GET /../../etc/passwd", "")},
    {"up the tree, encoded", request("GET /v1/%2e%2e/%2e%2e/etc/passwd", "")},
    {"up the tree, behind the console", request("GET /console/..%2f..%2fetc/passwd", "")},
    {"a target over the limit", request("GET /" + std::string(9'000, 'a'), "")},
    {"a target over every limit", request("GET /" + std::string(200'000, 'a'), "")},
    {"an unknown method", request("BREW /v1/transactions", "")},
    {"a method that is no token", request("GE(T /v1/version", "")},
    {"TRACE", request("TRACE /v1/version", "")},
    {"CONNECT", "CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"no Host", kGet + "\r\n"},
    {"two Hosts", kGet + "Host: a\r\nHost: b\r\n\r\n"},
    {"a header without a colon", kGet + "Host: x\r\nnonsense\r\n\r\n"},
    {"a header without a name", kGet + "Host: x\r\n: y\r\n\r\n"},
    {"a space before the colon", kGet + "Host : x\r\n\r\n"},
    {"a folded header", kGet + "Host: x\r\nA: b\r\n\tc\r\nB\r\n\r\n"},
    {"NUL in a header", kGet + std::string("Host: x\r\nA: b\0c\r\n\r\n", 19)},
    {"bare line feeds", "GET /v1/version HTTP/1.1\nHost: x\n\n\r\n\r\n"},
    {"a bare carriage return", kGet + "Host: x\rA: b\r\n\r\n"},
    {"a header over the limit", kGet + "Host: x\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n"},
    {"headers over the limit", kGet + "Host: x\r\n" + repeated("A: b\r\n", 4'000) + "\r\n"},
    {"an empty header over and over", kGet + "Host: x\r\n" + repeated("A:\r\n", 9'000) + "\r\n"},
    {"headers behind the last chunk, over and over",
     post("Transfer-Encoding: chunked\r\n", "0\r\n" + repeated("A:\r\n", 90'000) + "\r\n")},
    {"two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}")},
    {"two equal lengths", post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}")},
    {"a list of lengths", post("Content-Length: 2, 2\r\n", "{}")},
    {"a negative length", post("Content-Length: -1\r\n", "{}")},
    {"a length that is no number", post("Content-Length: two\r\n", "{}")},
    {"a hexadecimal length", post("Content-Length: 0x2\r\n", "{}")},
    {"a length beyond 64 bits", post("Content-Length: 99999999999999999999\r\n", "{}")},
    {"the largest length", post("Content-Length: 18446744073709551615\r\n", "{}")},
    {"100 MB announced", post("Content-Length: 104857600\r\n", "{")},
    {"length and chunks", post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "0\r\n\r\n")},
    {"an unknown coding", post("Transfer-Encoding: gzip\r\n", "x")},
    {"two codings", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
    {"chunked twice",
     post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"a chunk size that is none", post("Transfer-Encoding: chunked\r\n", "xyz\r\n\r\n")},
    {"a negative chunk", post("Transfer-Encoding: chunked\r\n", "-1\r\n\r\n")},
    {"a chunk beyond 64 bits", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n\r\n")},
    {"the largest chunk", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n\r\n")},
    {"a chunk without its end", post("Transfer-Encoding: chunked\r\n", "2\r\n{}XX0\r\n\r\n")},
    {"a chunk's extension over the limit",
     post("Transfer-Encoding: chunked\r\n", "2;a=" + std::string(100'000, 'a') + "\r\n")},
    {"an unknown expectation", post("Expect: the-moon\r\nContent-Length: 2\r\n", "{}")},
    {"a link without its key", request("GET /v1/link",
                                       "Connection: upgrade\r\n"
                                       "Upgrade: websocket\r\n")},
    {"a link of another version", request("GET /v1/link",
                                          "Connection: upgrade\r\nUpgrade: websocket\r\n"
                                          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                                          "Sec-WebSocket-Version: 7\r\n")},
    {"a WebSocket where there is none", request("GET /v1/transactions",
                                                "Connection: upgrade\r\nUpgrade: websocket\r\n"
                                                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                                                "Sec-WebSocket-Version: 13\r\n")},
    {"a body of another type",
     request("POST /v1/transactions", "Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}")},
    {"a body without a type", request("POST /v1/transactions", "Content-Length: 2\r\n", "{}")},
    {"a form", request("POST /v1/transactions",
                       "Content-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: 3\r\n",
                       "a=b")},
    {"an empty key", post("Idempotency-Key:\r\nContent-Length: 2\r\n", "{}")},
    {"a key over the limit",
     post("Idempotency-Key: " + std::string(256, 'k') + "\r\nContent-Length: 2\r\n", "{}")},
    {"a key that is not printable",
     post("Idempotency-Key: a\x01\x62\r\nContent-Length: 2\r\n", "{}")},
    {"a key that is not ASCII", post("Idempotency-Key: \xc3\xbc\r\nContent-Length: 2\r\n", "{}")},
    {"no body", post("Content-Length: 0\r\n")},
    {"an unknown query parameter", request("GET /v1/transactions?all=1", "")},
    {"a query parameter twice", request("GET /v1/transactions?limit=1&limit=2", "")},
    {"a limit of nothing", request("GET /v1/transactions?limit=0", "")},
    {"a limit beyond all", request("GET /v1/transactions?limit=99999999999999999999", "")},
    {"a limit that is no number", request("GET /v1/transactions?limit=1e3", "")},
    {"a state that is none", request("GET /v1/transactions?state=done", "")},
    {"an age that is none", request("GET /v1/transactions?older_than=-1s", "")},
    {"an age beyond all", request("GET /v1/transactions?older_than=99999999999999999h", "")},
    {"a page that is none", request("GET /v1/transactions?page_token=x", "")},
    {"an event that is none", request("GET /v1/events?after=1", "")},
    {"an event beyond all",
     request("GET /v1/events?after=99999999999999999999-99999999999999999999", "")},
};

const std::vector<BadInput> kBadBodies = {
    {"nothing but a brace", "{"},
    {"nothing but a bracket", "["},
    {"white space", "  \n\t "},
    {"a byte order mark", "\xef\xbb\xbf{}"},
    {"null", "null"},
    {"a number", "1"},
    {"a text", "\"x\""},
    {"an array", "[]"},
    {"an empty object", "{}"},
    {"two documents", "{}{}"},
    {"something behind the document", "{} x"},
    {"a trailing comma", R"({"branches":[],})"},
    {"a comment", R"({/* x */"branches":[]})"},
    {"single quotes", "{'branches':[]}"},
    {"a name without quotes", "{branches:[]}"},
    {"a line feed in a text", "{\"mode\":\"one\nshot\"}"},
    {"NUL in the document", std::string("{\"mode\":\0}", 10)},
    {"NUL in a text", std::string("{\"mode\":\"a\0b\"}", 14)},
    {"bytes that are not UTF-8", "{\"mode\":\"\xff\xfe\"}"},
    {"an overlong NUL", "{\"mode\":\"\xc0\x80\"}"},
    {"a surrogate in UTF-8", "{\"mode\":\"\xed\xa0\x80\"}"},
    {"beyond Unicode", "{\"mode\":\"\xf4\x90\x80\x80\"}"},
    {"half of a surrogate pair", R"({"mode":"\ud800"})"},
    {"an escape that is none", R"({"mode":"\x41"})"},
    {"a duplicate key", R"({"mode":"interactive","mode":"one_shot"})"},
    {"a duplicate key, once escaped", R"({"mode":"interactive","m\u006fde":"one_shot"})"},
    {"a duplicate key further in", with_statement(R"({"sql":"select 1","sql":"select 2"})")},
    {"depth 33", with_param(repeated("[", 33) + repeated("]", 33))},
    {"depth 100,000, arrays", repeated("[", 100'000)},
    {"depth 100,000, objects", repeated("{\"a\":", 100'000)},
    {"depth 100,000, in a parameter", with_param(repeated("[", 100'000) + repeated("]", 100'000))},
    {"a number of 1,001 digits", with_param(std::string(1'001, '9'))},
    {"a number of 900,000 digits", with_param(std::string(900'000, '9'))},
    {"an infinite time-out", R"({"mode":"interactive","timeout_ms":1e400})"},
    {"a fraction of a millisecond", R"({"mode":"interactive","timeout_ms":0.5})"},
    {"no time at all", R"({"mode":"interactive","timeout_ms":0})"},
    {"a negative time-out", R"({"mode":"interactive","timeout_ms":-1})"},
    {"a time-out over the limit", R"({"mode":"interactive","timeout_ms":3600001})"},
    {"a time-out beyond 64 bits", R"({"mode":"interactive","timeout_ms":99999999999999999999})"},
    {"NaN", R"({"mode":"interactive","timeout_ms":NaN})"},
    {"a hexadecimal number", R"({"mode":"interactive","timeout_ms":0x10})"},
    {"a number with a plus", R"({"mode":"interactive","timeout_ms":+1})"},
    {"a number with zeros before it", R"({"mode":"interactive","timeout_ms":007})"},
    {"a misspelt field", R"({"mode":"interactive","timeout":5})"},
    {"a field in capitals", R"({"MODE":"interactive"})"},
    {"a mode that is none", R"({"mode":"two_shot"})"},
    {"a mode of another type", R"({"mode":1})"},
    {"branches of an interactive one",
     R"({"mode":"interactive","branches":[{"participant":"bank_a","statements":[]}]})"},
    {"an external one without branches", R"({"mode":"external"})"},
    {"statements of an external one",
     R"({"mode":"external","branches":[{"participant":"bank_a","statements":[{"sql":"s"}]}]})"},
    {"no branches", R"({"branches":[]})"},
    {"branches that are none", R"({"branches":{}})"},
    {"a branch that is none", R"({"branches":[1]})"},
    {"a branch of nobody", R"({"branches":[{"statements":[{"sql":"select 1"}]}]})"},
    {"a branch without statements", R"({"branches":[{"participant":"bank_a"}]})"},
    {"a participant that is a path",
     R"({"branches":[{"participant":"../bank_a","statements":[{"sql":"select 1"}]}]})"},
    {"a participant with a quote",
     R"({"branches":[{"participant":"a'b","statements":[{"sql":"select 1"}]}]})"},
    {"a participant over the limit", R"({"branches":[{"participant":")" + std::string(64, 'a') +
                                         R"(","statements":[{"sql":"select 1"}]}]})"},
    {"a participant that nobody knows",
     R"({"branches":[{"participant":"bank_z","statements":[{"sql":"select 1"}]}]})"},
    {"a participant twice",
     R"({"branches":[{"participant":"bank_a","statements":[{"sql":"select 1"}]},)"
     R"({"participant":"bank_a","statements":[{"sql":"select 2"}]}]})"},
    {"65 branches", R"({"branches":[)" +
                        repeated(R"({"participant":"bank_a","statements":[{"sql":"s"}]},)", 64) +
                        R"({"participant":"bank_b","statements":[{"sql":"s"}]}]})"},
    {"1,001 statements",
     with_statement(repeated(R"({"sql":"select 1"},)", 1'000) + R"({"sql":"select 1"})")},
    {"no SQL", with_statement("{}")},
    {"SQL of another type", with_statement(R"({"sql":["select 1"]})")},
    {"empty SQL", with_statement(R"({"sql":""})")},
    {"blank SQL", with_statement(R"({"sql":" \t\n"})")},
    {"1,001 parameters", with_param(repeated("1,", 1'000) + "1")},
    {"parameters that are none", with_statement(R"({"sql":"select 1","params":{}})")},
    {"an expectation of nothing", with_statement(R"({"sql":"select 1","expect":{}})")},
    {"a negative expectation", with_statement(R"({"sql":"select 1","expect":{"rows":-1}})")},
    {"an expectation beyond 32 bits",
     with_statement(R"({"sql":"select 1","expect":{"rows":4294967296}})")},
    {"17 labels", R"({"mode":"interactive","labels":{"0":"","1":"","2":"","3":"","4":"","5":"",)"
                  R"("6":"","7":"","8":"","9":"","a":"","b":"","c":"","d":"","e":"","f":"",)"
                  R"("g":""}})"},
    {"a label over the limit",
     R"({"mode":"interactive","labels":{"a":")" + std::string(129, 'x') + R"("}})"},
    {"a label of another type", R"({"mode":"interactive","labels":{"a":1}})"},
    {"a label without a name", R"({"mode":"interactive","labels":{"":"x"}})"},
    {"a group", R"({"branches":[{"group":"all","statements":[{"sql":"select 1"}]}]})"},
    {"an isolation that is none",
     R"({"isolation":"chaos","branches":[{"participant":"bank_a","statements":[{"sql":"s"}]}]})"},
    {"a body over the limit", with_param('"' + std::string(2 << 20, 'x') + '"')},
};

constexpr const char* kEscapes[] = {"commit",
                                    "COMMIT WORK",
                                    "commit and chain",
                                    "end",
                                    "abort",
                                    "rollback",
                                    "ROLLBACK AND CHAIN",
                                    "begin",
                                    "start transaction",
                                    "savepoint a",
                                    "release savepoint a",
                                    "rollback to savepoint a",
                                    "prepare transaction 'x'",
                                    "commit prepared 'x'",
                                    "rollback prepared 'x'",
                                    "/**/commit",
                                    "-- x\ncommit",
                                    "/* /* */ */ commit",
                                    "\tcommit;",
                                    "(commit)",
                                    "commit; select 1",
                                    "select 1; commit",
                                    "select 1;; commit",
                                    "select $$a$$; commit",
                                    "select $a$ $b$ $a$; commit",
                                    "set role postgres",
                                    "set local role postgres",
                                    "set session authorization postgres",
                                    "set local session authorization default",
                                    "reset role",
                                    "reset all",
                                    "reset session authorization",
                                    "discard all",
                                    "discard temp",
                                    "discard plans",
                                    "set search_path = pg_temp",
                                    "set session search_path to x",
                                    "set transaction read only",
                                    "set transaction isolation level serializable",
                                    "set session characteristics as transaction read only",
                                    "listen escaped",
                                    "unlisten *",
                                    "notify escaped",
                                    "copy witness from program 'echo escaped'",
                                    "copy (select 1) to program 'cat > escaped'",
                                    "copy witness to '/tmp/escaped'",
                                    "copy witness from stdin",
                                    "copy witness to stdout",
                                    "select pg_advisory_lock(7)",
                                    "select pg_catalog.pg_advisory_lock(7)",
                                    "select \"pg_advisory_lock\"(7)",
                                    "select pg_try_advisory_lock(7)",
                                    "select pg_advisory_lock_shared(7)",
                                    "select U&\"\\0070g_advisory_lock\"(7)",
                                    "create temp table escaped (a int)",
                                    "create temporary table escaped as select 1",
                                    "create local temp table escaped (a int)",
                                    "select 1 into temp escaped",
                                    "create table pg_temp.escaped (a int)",
                                    "create temp view escaped as select 1",
                                    "create temp sequence escaped",
                                    "declare escaped cursor with hold for select 1",
                                    "prepare escaped as select 1",
                                    "execute escaped",
                                    "deallocate all",
                                    "load 'escaped'",
                                    "vacuum",
                                    "vacuum full witness",
                                    "checkpoint",
                                    "create database escaped",
                                    "drop database bank_a",
                                    "alter system set x = 1",
                                    "create role escaped superuser",
                                    "alter role current_user superuser",
                                    "grant pg_execute_server_program to current_user",
                                    "create extension dblink",
                                    "select set_config('role', 'postgres', true)",
                                    "select set_config('role', 'postgres', false)",
                                    "select set_config('session_authorization', 'postgres', false)",
                                    "select pg_read_file('/etc/passwd')",
                                    "select pg_ls_dir('/')",
                                    "select lo_import('/etc/passwd')",
                                    "select pg_reload_conf()",
                                    "delete from assent.outcome",
                                    "select assent.trim_outcomes(interval '0', 1000)",
                                    "select * from \"assent\".mark",
                                    "drop schema assent cascade",
                                    "do $$ begin commit; end $$",
                                    "do $$ begin rollback; end $$",
                                    "do $$ begin execute 'commit'; end $$",
                                    "do $$ begin execute 'set role postgres'; end $$",
                                    "call escape_by_commit()",
                                    "call escape_by_rollback()",
                                    "select tries_to_commit()"};

}  // namespace

std::string escape_targets() {
  return "create table witness (what text);"
         "grant all on witness to assent_participant;"
         "create procedure escape_by_commit() language plpgsql as $$ begin commit; end $$;"
         "create procedure escape_by_rollback() language plpgsql as $$ begin rollback; end $$;"
         "create function tries_to_commit() returns void language plpgsql as "
         "$$ begin execute 'commit'; end $$";
}

std::vector<BadInput> bad_http() {
  return kBadHttp;
}

std::vector<BadInput> bad_bodies() {
  return kBadBodies;
}

std::vector<BadInput> escapes() {
  std::vector<BadInput> out;
  for (const char* sql : kEscapes) out.push_back({sql, sql});
  // The same, behind a write that must not survive.
  const std::string write = "insert into witness values ('escaped')";
  for (const char* sql : kEscapes) out.push_back({write + " | " + sql, write + "\x1f" + sql});
  return out;
}

std::vector<BadInput> forged_ids() {
  std::vector<BadInput> out;
  for (const char* id : {"0",
                         "1",
                         "-1",
                         "null",
                         "*",
                         "%25",
                         "x",
                         "00000000-0000-0000-0000-000000000000",
                         "ffffffff-ffff-ffff-ffff-ffffffffffff",
                         "0199aaaa-0000-7000-8000-000000000000",
                         "0199aaaa-0000-7000-8000-00000000000",
                         "0199aaaa-0000-7000-8000-0000000000000",
                         "0199aaaa_0000_7000_8000_000000000000",
                         "0199aaaa000070008000000000000000",
                         "%7b0199aaaa-0000-7000-8000-000000000000%7d",
                         "0199AAAA-0000-7000-8000-000000000000",
                         "0199aaaa-0000-4000-8000-000000000000",
                         "0199aaaa-0000-7000-c000-000000000000",
                         "assent1:0199aaaa-0000-7000-8000-000000000000:1:0199aaaa-0000-7000-8000-"
                         "000000000000:bank_a",
                         "%27%20or%201=1%20--",
                         "..",
                         "%2e%2e",
                         "%2F",
                         "%00"})
    out.push_back({id, id});
  return out;
}

}  // namespace assent::test
