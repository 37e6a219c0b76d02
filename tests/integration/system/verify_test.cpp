// Groups and `assent verify` over real databases: what was planted is named, and nothing else.
#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;

namespace {

constexpr const char* kToAll =
    R"j({"branches":[{"group":"replicas","statements":[{"sql":)j"
    R"j("insert into account (id, owner, balance) values (500, 'new', 5)"}]}]})j";

struct Replicas {
  Replicas() : bank({.participants = 3, .coordinator_env = {{"ASSENT_GROUPS", kGroups}}}) {}

  static constexpr const char* kGroups = "replicas=bank_a,bank_b,bank_c;misspelt=bank_a,bank_x";
  Deployment bank;

  dev::Finished assent(std::vector<std::string> words) const {
    std::vector<std::string> argv = {(dev::executable_folder() / "assent").string(), "--url",
                                     bank.url()};
    argv.insert(argv.end(), words.begin(), words.end());
    return dev::run({.argv = std::move(argv), .without_env = "ASSENT_"}, std::chrono::minutes(3));
  }
  void at(std::size_t member, const std::string& sql) {
    bank.cluster(member).query(sql, std::string("bank_") + "abc"[member]);
  }
  void everywhere(const std::string& sql) {
    for (std::size_t i = 0; i < bank.size(); ++i) at(i, sql);
  }
};

bool says(const dev::Finished& finished, const std::string& text) {
  return finished.output.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE(
    "one request runs at every member of a group, and a retry after it changed is no second") {
  Replicas site;
  const HttpAnswer first = site.bank.http("POST", "/v1/transactions", kToAll, "all-1");
  INFO(first.body << site.bank.logs());
  CHECK((first.status == 201 || first.status == 202));
  CHECK(first.body.find(R"({"participant":"bank_c","group":"replicas","state":)") !=
        std::string::npos);
  CHECK(site.bank.settles());
  for (std::size_t i = 0; i < 3; ++i) CHECK(site.bank.balance(i, 500) == "5.00");

  // The next start has another group, and one without it; the commit record has the key.
  for (const char* groups : {"replicas=bank_a", ""}) {
    site.bank.kill_coordinator();
    site.bank.start_coordinator({{"ASSENT_GROUPS", groups}});
    site.bank.await_ready();
    const HttpAnswer again = site.bank.http("POST", "/v1/transactions", kToAll, "all-1");
    INFO(again.body);
    CHECK((again.status == 201 || again.status == 202));
    CHECK(again.body.find(R"("participant":"bank_c","group":"replicas")") != std::string::npos);
  }
  CHECK(site.bank.http("POST", "/v1/transactions", kToAll, "all-2").status == 400);
}

TEST_CASE("groups are shown, with the member that nobody has seen") {
  Replicas site;
  const auto groups = site.assent({"groups"});
  INFO(groups.output);
  CHECK(groups.status.code == 0);
  CHECK(says(groups, "bank_x  unknown"));
  const auto doctor = site.assent({"doctor"});
  INFO(doctor.output);
  CHECK(says(doctor, "The group misspelt names bank_x, which has never connected."));
}

TEST_CASE("verify: copies that are the same, and rows that are not") {
  Replicas site;
  const auto same = site.assent({"verify", "replicas", "account"});
  INFO(same.output);
  CHECK(same.status.code == 0);
  CHECK(says(same, "public.account: the same, 100 rows at 3 members"));

  site.at(1, "update account set balance = balance + 1 where id = 7");
  site.at(2, "delete from account where id = 42");
  site.at(0, "insert into account values (777, 'extra', 0)");
  for (const bool lock : {false, true}) {
    std::vector<std::string> words = {"verify", "replicas", "account", "--chunk", "10"};
    if (lock) words.push_back("--lock");
    const auto found = site.assent(words);
    INFO(found.output);
    CHECK(found.status.code == 1);
    CHECK(says(found, "public.account: 3 rows differ, of 101"));
    CHECK(says(found, "id=7    A       B        A"));
    CHECK(says(found, "id=42   A       A        missing"));
    CHECK(says(found, "id=777  A       missing  missing"));
  }
  const auto document = site.assent({"--json", "verify", "bank_a,bank_b", "account"});
  CHECK(document.status.code == 1);
  CHECK(says(document, R"("same":false)"));
  CHECK(says(document, R"({"key":{"id":"7"},"sha256":{"bank_a":")"));
  CHECK(says(document, R"("bank_b":null)"));
  const auto early = site.assent({"verify", "replicas", "account", "--most", "1"});
  CHECK(says(early, "at least 1 row differs; the rest was not compared"));
}

TEST_CASE("verify: NULL is no empty text, keys have several columns, settings make no difference") {
  Replicas site;
  site.everywhere(
      "create table \"Odd one\" (line int, code text collate \"C\", at timestamptz, note text, "
      "f float8, primary key (code, line));"
      "grant select, insert, update, delete on \"Odd one\" to assent_participant;"
      "insert into \"Odd one\" select n, repeat(chr(97 + n % 26), 1 + n % 3), "
      "'2026-01-01 00:00:00+00'::timestamptz + n * interval '1 hour', null, n / 3.0 "
      "from generate_series(1, 500) n");
  site.at(1, "alter role assent_participant set timezone = 'Asia/Tokyo'");
  site.at(2, "alter role assent_participant set datestyle = 'German'");
  for (std::size_t i = 1; i < 3; ++i) {
    site.bank.kill_participant(i);
    site.bank.start_participant(i);
  }
  site.bank.await_ready();
  const auto same = site.assent({"verify", "replicas", "public.\"Odd one\"", "--chunk", "50"});
  INFO(same.output);
  CHECK(same.status.code == 0);
  CHECK(says(same, "500 rows"));

  site.at(2, "update \"Odd one\" set note = '' where line = 3");
  const auto found = site.assent({"verify", "replicas", "\"Odd one\"", "account"});
  INFO(found.output);
  CHECK(found.status.code == 1);
  CHECK(says(found, ": 1 row differs, of 500"));
  CHECK(says(found, "(code, line)=(d, 3)  A       A       B"));
  CHECK(says(found, "public.account: the same"));
}

TEST_CASE("verify: what cannot be compared is said") {
  Replicas site;
  site.everywhere(
      "create table plain (a int); grant all on plain to assent_participant;"
      "create table forbidden (a int primary key)");
  site.at(1, "create table only_here (a int primary key)");
  site.at(1, "alter table account add column more int");
  const auto refused = [&](std::vector<std::string> words, const std::string& why) {
    words.insert(words.begin(), "verify");
    const auto finished = site.assent(words);
    INFO(finished.output);
    CHECK(finished.status.code == 2);
    CHECK(says(finished, why));
  };
  refused({"replica", "account"}, "there is no group replica; did you mean \"replicas\"?");
  refused({"replicas", "acount"}, "there is no table acount at bank_a");
  refused({"replicas", "only_here"}, "there is no table only_here at bank_a");
  refused({"bank_b,bank_a", "only_here"}, "there is no table only_here at bank_a");
  refused({"replicas", "plain"}, "has no primary key, by which its rows could be told apart");
  refused({"replicas", "account"},
          "the columns of public.account are not the same: only bank_b has more integer");
  refused({"replicas", "forbidden"}, "permission denied for table forbidden");
  refused({"bank_a,bank_a", "account"}, "a participant is named twice");
  refused({"misspelt", "account"}, "No participant of this name has ever connected: bank_x");
}

TEST_CASE("verify --lock waits for writers, gives up in time, and keeps them out meanwhile") {
  Replicas site;
  auto open = site.bank.client().begin({.timeout = std::chrono::minutes(1)});
  REQUIRE(open.has_value());
  auto client = site.bank.client();
  const auto written = client.execute(
      open->id, 1,
      {.participant = "bank_b", .statements = {{"update account set balance = 1 where id = 1"}}});
  REQUIRE(written.has_value());
  const auto kept_out =
      site.assent({"verify", "replicas", "account", "--lock", "--lock-timeout", "0.5"});
  INFO(kept_out.output);
  CHECK(kept_out.status.code == 4);
  CHECK(says(kept_out, "lock-timeout"));
  REQUIRE(client.rollback(open->id).has_value());
  CHECK(site.assent({"verify", "replicas", "account", "--lock"}).status.code == 0);
  // And it leaves no lock behind.
  CHECK(site.bank.http("POST", "/v1/transactions", kToAll).status / 100 == 2);
}
