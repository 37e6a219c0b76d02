// The scenario language: what it takes, and what it says to what it does not.
#include "tests/lab/scenario.hpp"

#include "tests/support/catch.hpp"

using namespace assent::lab;

namespace {

const std::string kHead = "title A title\nwatch One.\n\n";

std::string error_of(const std::string& steps) {
  try {
    parse_scenario(kHead + steps, "x.lab");
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "no error";
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != text.npos);
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("a scenario is read step by step") {
  const Scenario scenario =
      parse_scenario(kHead +
                         "databases 3\nsetting max_connections 20\n# a comment\n"
                         "order engine.log.commit kill@2 at coordinator\n"
                         "t1: transfer 12.50 from bank_a/1 to bank_c/7\n"
                         "t2: run\n  bank_a: select 1, 'it: is'\n  bank_b: select 2\n"
                         "s1 at bank_b: update account  set balance = 1\n"
                         "eventually t1 in-doubt at bank_c within 500ms\n"
                         "expect value at bank_a is 7: select 7\n",
                     "dir/name.lab");
  CHECK(scenario.name == "name");
  CHECK(scenario.title == "A title");
  CHECK(scenario.databases.size() == 3);
  REQUIRE(scenario.steps.size() == 6);
  CHECK(scenario.steps[0].words ==
        std::vector<std::string>{"engine.log.commit", "kill@2", "coordinator"});
  CHECK(scenario.steps[1].words == std::vector<std::string>{"t1", "12.50", "bank_a/1", "bank_c/7"});
  REQUIRE(scenario.steps[2].branches.size() == 2);
  CHECK(scenario.steps[2].branches[0].second == "select 1, 'it: is'");
  CHECK(scenario.steps[3].words[2] == "update account  set balance = 1");
  CHECK(scenario.steps[4].within == std::chrono::milliseconds(500));
  CHECK(scenario.steps[4].condition.seen == Seen::in_doubt_at);
  CHECK(scenario.steps[5].condition.words == std::vector<std::string>{"bank_a", "7", "select 7"});
}

TEST_CASE("headings say what there is, and with it what can be named") {
  const Scenario scenario = parse_scenario(kHead +
                                               "small ledger\nsynchronous standby of bank_b\n"
                                               "hold bank_b-standby\nkill bank_a.backend\n"
                                               "move the clock of bank_a on by 24h\n"
                                               "t1: begin\nexpect t1 took over 2s\n",
                                           "x.lab");
  CHECK(scenario.small_ledger);
  CHECK(scenario.standbys == std::map<std::string, bool>{{"bank_b", true}});
  REQUIRE(scenario.steps.size() == 5);
  CHECK(scenario.steps[2].words == std::vector<std::string>{"bank_a", "24h"});
  CHECK(scenario.steps[4].condition.seen == Seen::took);
  says(error_of("hold bank_a-standby\n"), "does not fit here");
  says(error_of("duplicate bank_a-database\n"), "bank_a-coordinator");
  says(error_of("start bank_a.backend\n"), "bank_a.db");
}

TEST_CASE("what is wrong is named, with its line and the nearest word") {
  says(error_of("kil coordinator\n"), "x.lab:4: \"kil\" does not fit here");
  says(error_of("kil coordinator\n"), "did you mean \"kill\"?");
  says(error_of("kill coordinater\n"), "did you mean \"coordinator\"?");
  says(error_of("kill bank_c\n"), "bank_a.db");
  says(error_of("order engine.log.comit kill at coordinator\n"),
       "did you mean \"engine.log.commit\"?");
  says(error_of("order engine.log.commit explode at coordinator\n"), "expected: ORDER");
  says(error_of("expect t1 committed\n"), "x.lab:4:");
  says(error_of("t1: begin\nexpect t1 comitted\n"), "x.lab:5:");
  says(error_of("t1: begin\nexpect t1 comitted\n"), "did you mean \"committed\"?");
  says(error_of("t1: begin\neventually t1 committed within soon\n"), "\"soon\" is no time");
  says(error_of("  bank_a: select 1\n"), "only the statements of `run` are indented");
  says(error_of("hold bank_a\n"), "bank_a-coordinator");
  says(error_of("kill coordinator now\n"), "the end of the line");
  says(error_of(""), "there is no step; `assent-lab language`");
  says(error_of("expect t1 committed\n"), "a transaction named before: there is none yet");
  says(error_of("order engine.log.commit explode at coordinator\n"), "kill, error or delay:2s");
}

TEST_CASE("what would only be noticed when it is played is refused before") {
  says(error_of("databases 99999999999999999999\n"), "x.lab:4:");
  says(error_of("databases -\n"), "x.lab:4:");
  says(error_of("databases 1.5\n"), "from 1 to 8 databases");
  says(error_of("t1: transfer 5--3 from bank_a/1 to bank_b/1\n"), "\"5--3\" does not fit here");
  says(error_of("order engine.log.commit kill@soon at coordinator\n"), "\"kill@soon\"");
  says(error_of("order engine.log.commit kill@0 at coordinator\n"), "\"kill@0\"");
  says(error_of("order engine.log.commit kill at bank_a\n"), "write at coordinator");
  says(error_of("order agent.send.vote kill at coordinator\n"), "write at bank_a");
  says(error_of("t1: run\nkill coordinator\n"), "x.lab:5: t1 runs nothing");
  says(error_of("t1: run\n"), "t1 runs nothing");
  says(error_of("kill coordinator\ndatabases 3\n"), "before the first step");
  CHECK(error_of("order engine.log.commit error@2+ at coordinator\n") == "no error");
}
