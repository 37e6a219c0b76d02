// The checkers against histories that are wrong, each in one way: a checker that finds nothing is
// worth nothing.
#include "tests/lab/checkers.hpp"

#include "tests/support/catch.hpp"

using namespace assent;
using namespace assent::lab;
using client::Fate;

namespace {

// Three transfers over two banks, two of which met in a list; all is well.
History good() {
  History history;
  history.attempts = {{"t1", {"a", "b"}, "l", Fate::committed},
                      {"t2", {"a", "b"}, "l", Fate::committed},
                      {"t3", {"a", "b"}, "l", Fate::aborted},
                      {"t4", {"a", "b"}, "", Fate::unknown}};
  history.marks = {{"a", {"t1", "t2"}}, {"b", {"t2", "t1"}}};
  history.lists = {{"a", {{"l", {"t1", "t2"}}}}, {"b", {{"l", {"t1", "t2"}}}}};
  history.cents_before = history.cents_after = 1000;
  history.reads = {{1000, true}, {1000, false}};
  return history;
}

bool mentions(const Names& sentences, const std::string& text) {
  for (const std::string& sentence : sentences)
    if (sentence.find(text) != sentence.npos) return true;
  return false;
}

}  // namespace

TEST_CASE("a right history has no violations, whatever was unknown") {
  History history = good();
  CHECK(check_all(history).empty());
  history.marks["a"].push_back("t4");
  history.marks["b"].push_back("t4");
  CHECK(check_all(history).empty());
}

TEST_CASE("bank: money lost, money made, and seen to be so under locks") {
  History history = good();
  history.cents_after = 999;
  CHECK(mentions(check_bank(history), "999"));
  history = good();
  history.cents_after = 1001;
  CHECK(mentions(check_bank(history), "1001"));
  history = good();
  history.reads[0].cents = 900;
  CHECK(mentions(check_bank(history), "under locks saw 900"));
  history = good();
  history.reads[1].cents = 900;  // not under locks: allowed
  CHECK(check_bank(history).empty());
}

TEST_CASE("lists: half a transaction, twice the same, another order") {
  History history = good();
  history.marks["b"] = {"t2"};
  history.lists["b"]["l"] = {"t2"};
  CHECK(mentions(check_lists(history), "t1 is in 1 of 2 databases"));
  history = good();
  history.lists["a"]["l"].push_back("t1");
  history.marks["a"].push_back("t1");
  CHECK(mentions(check_lists(history), "t1 happened 2 times at a"));
  history = good();
  history.lists["b"]["l"] = {"t2", "t1"};
  CHECK(mentions(check_lists(history), "another order"));
  history = good();
  history.lists["b"]["l"] = {"t1"};
  CHECK(mentions(check_lists(history), "t2 is half done at b"));
}

TEST_CASE("answers: a promise not kept, an abort that happened, a stranger") {
  History history = good();
  history.marks = {{"a", {"t2"}}, {"b", {"t2"}}};
  CHECK(mentions(check_answers(history), "t1 was answered committed and is not at a"));
  history = good();
  history.marks["b"].push_back("t3");
  CHECK(mentions(check_answers(history), "t3 was answered aborted and is at b"));
  history = good();
  history.attempts[2].told = Fate::none;
  history.marks["a"].push_back("t3");
  CHECK(mentions(check_answers(history), "t3 was answered none and is at a"));
  history = good();
  history.marks["a"].push_back("t9");
  CHECK(mentions(check_answers(history), "asked by nobody"));
}

TEST_CASE("isolation: a fractured read and a write skew are seen") {
  History history = good();
  CHECK(find_anomalies(history).fractured_reads == 0);
  history.reads.push_back({900, false});
  CHECK(find_anomalies(history).fractured_reads == 1);
  history.rule_users = {{"t1", "b", "a", true}, {"t2", "a", "b", true}, {"t3", "a", "b", false}};
  CHECK(find_anomalies(history).write_skews == 1);
  history.rule_users[1].committed = false;
  CHECK(find_anomalies(history).write_skews == 0);
}
