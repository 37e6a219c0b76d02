// Who is let in: the access file's lines, and what a request shows.
#include "protocol/runtime/access.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "protocol/runtime/http_server.hpp"
#include "protocol/runtime/tls.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_file.hpp"

namespace assent {
namespace {

std::string refusal_of(const std::string& text) {
  try {
    parse_callers(text, "access");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

std::string hash(std::string_view token) {
  return to_hex(digest_of(token));
}

HttpRequest with_token(const std::string& authorization) {
  HttpRequest request;
  request.headers.emplace_back("authorization", authorization);
  return request;
}

HttpRequest with_certificate(std::vector<std::string> names) {
  HttpRequest request;
  request.certificate = std::make_shared<const PeerCertificate>(PeerCertificate{std::move(names)});
  return request;
}

}  // namespace

TEST_CASE("tokens: random, of one form, and told by their SHA-256") {
  const std::string token = new_token();
  CHECK(token.size() == 71);
  CHECK(token.starts_with("assent_"));
  CHECK(new_token() != token);
  // echo -n abc | sha256sum
  CHECK(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(parse_digest(hash("abc")) == digest_of("abc"));
  CHECK_FALSE(parse_digest(hash("abc") + "0"));
  CHECK_FALSE(parse_digest(std::string(64, 'A')));
  CHECK(same(digest_of("abc"), digest_of("abc")));
  CHECK_FALSE(same(digest_of("abc"), digest_of("abd")));
}

TEST_CASE("the access file: every line is understood, or refused by its number") {
  const auto callers = parse_callers("# callers\n\nclient shop sha256=" + hash("1") +
                                         " participants=orders,stock  # the web shop\r\n"
                                         "client shop sha256=" +
                                         hash("2") + "\noperator ops certificate=ops.example",
                                     "access");
  REQUIRE(callers.size() == 3);
  CHECK(callers[0]->participants == std::vector<std::string>{"orders", "stock"});
  CHECK(callers[0]->may_use("stock"));
  CHECK_FALSE(callers[0]->may_use("bank"));
  CHECK(callers[1]->may_use("bank"));
  CHECK(callers[2]->role == Role::operate);
  CHECK(to_line(*callers[0]) == "client shop sha256=" + hash("1") + " participants=orders,stock");
  CHECK(to_line(*callers[2]) == "operator ops certificate=ops.example");

  const std::string line = "client shop sha256=" + hash("1");
  for (const auto& [text, says] : std::vector<std::pair<std::string, std::string>>{
           {"", "names nobody"},
           {"# nobody", "names nobody"},
           {line + "\nboss x sha256=" + hash("2"), "line 2: \"boss\" is no role"},
           {"client shop", "line 1: a line is: role name"},
           {"client sh/op sha256=" + hash("1"), "a name has"},
           {"client " + std::string(64, 'x') + " sha256=" + hash("1"), "a name has"},
           {"client shop sha256=abc", "64 hexadecimal digits"},
           {"client shop certificate=", "word 3 is none of"},
           {"client shop participants=a", "one credential"},
           {line + " certificate=x", "one credential"},
           {line + " sha256=" + hash("2"), "word 4 is none of"},
           {"viewer v sha256=" + hash("1") + " participants=a", "participants= is for clients"},
           {line + "\noperator shop sha256=" + hash("2"), "one name has one role"},
           {line + "\nclient other sha256=" + hash("1"), "stands on an earlier line"},
           {"viewer a certificate=x\nviewer b certificate=x", "stands on an earlier line"}}) {
    INFO(text);
    CHECK(refusal_of(text).find(says) != std::string::npos);
  }
  // A token that was put where its hash belongs is not told to whoever reads the log.
  CHECK(refusal_of("client shop assent_secret").find("secret") == std::string::npos);
  CHECK(refusal_of("client shop sha256=assent_secret").find("secret") == std::string::npos);
}

TEST_CASE("a request is its token's, else its certificate's, else nobody's") {
  const test::TemporaryFile file("client shop sha256=" + hash("good") +
                                 "\noperator ops certificate=ops.example\n");
  const Access access(file.path());
  CHECK(access.identify(with_token("Bearer good")).caller->name == "shop");
  CHECK(access.identify(with_token("bearer   good")).caller->name == "shop");
  CHECK(access.identify(with_certificate({"x", "ops.example"})).caller->name == "ops");
  HttpRequest both = with_certificate({"ops.example"});
  both.headers.emplace_back("authorization", "Bearer good");
  CHECK(access.identify(both).caller->name == "shop");

  HttpRequest two = with_token("Bearer good");
  two.headers.emplace_back("authorization", "Bearer good");
  HttpRequest wrong_token = with_certificate({"ops.example"});  // does not fall back to it
  wrong_token.headers.emplace_back("authorization", "Bearer secret");
  for (const HttpRequest& request :
       {HttpRequest{}, with_token(""), with_token("Bearer"), with_token("Bearer "),
        with_token("Basic good"), with_token("good"), with_token("Bearer Good"),
        with_token("Bearer good "), with_token("Bearer secret"), two, wrong_token,
        with_certificate({}), with_certificate({"example"}), with_certificate({"ops.example.x"})}) {
    const auto identity = access.identify(request);
    INFO(identity.refusal);
    CHECK_FALSE(identity.caller);
    CHECK_FALSE(identity.refusal.empty());
    CHECK(identity.refusal.find("secret") == std::string::npos);
  }
}

TEST_CASE("without an access file everybody is everything") {
  const Access access;
  CHECK(access.is_open());
  CHECK(access.identify({}).caller->role == Role::everybody);
  CHECK(access.identify({}).caller->may_use("orders"));
}

TEST_CASE("a file read again replaces what was known; a bad one changes nothing") {
  const test::TemporaryFile file("client shop sha256=" + hash("one"));
  Access access(file.path());
  const Caller before = *access.identify(with_token("Bearer one")).caller;
  file.write("client shop sha256=" + hash("two"));
  access.reload();
  CHECK_FALSE(access.identify(with_token("Bearer one")).caller);
  CHECK_FALSE(access.knows(before));
  CHECK(access.knows(*access.identify(with_token("Bearer two")).caller));
  file.write("clent shop");
  CHECK_THROWS_AS(access.reload(), std::runtime_error);
  CHECK(access.identify(with_token("Bearer two")).caller);
  std::filesystem::remove(file.path());
  CHECK_THROWS_AS(access.reload(), std::runtime_error);
  CHECK_THROWS_AS(Access(file.path()), std::runtime_error);
}

TEST_CASE("an access file that everybody may write is refused") {
  const test::TemporaryFile file("client shop sha256=" + hash("one"));
  std::filesystem::permissions(file.path(), std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  CHECK_THROWS_AS(Access(file.path()), std::runtime_error);
}

TEST_CASE("a token file: one line, blanks around it; what it holds is never told") {
  CHECK(read_token_file(test::TemporaryFile("  assent_x\r\n").path()) == "assent_x");
  for (const char* const text : {"", "\n", "two words", "two\nlines", "secret\x01"}) {
    const test::TemporaryFile file(text);
    try {
      read_token_file(file.path());
      FAIL_CHECK("accepted: " << text);
    } catch (const std::runtime_error& error) {
      CHECK(std::string(error.what()).find("secret") == std::string::npos);
    }
  }
  CHECK_THROWS_AS(read_token_file("/nowhere/token"), std::runtime_error);
}

}  // namespace assent
