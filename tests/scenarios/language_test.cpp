// What the language refuses: a scenario that is not understood must not pass.
#include <string>

#include "tests/scenarios/air.hpp"
#include "tests/scenarios/commands.hpp"
#include "tests/scenarios/script.hpp"
#include "tests/support/catch.hpp"

namespace assent::scenarios {
namespace {

const std::string kHead = "# Title\n# Proves P1.\n# Watch: it.\n\n";

std::string failures(const std::string& body) {
  std::string all;
  try {
    for (const std::string& failure : run_script(read_script("f.txt", kHead + body)).failures)
      all += failure + "\n";
  } catch (const Refusal& refusal) {
    all = refusal.what();
  }
  return all;
}

bool says(const std::string& text, const std::string& what) {
  INFO(text);
  CHECK(text.find(what) != std::string::npos);
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("a scenario that goes as written passes") {
  CHECK(failures("participants orders\n----\norders: ready\n\nrest\n----\nat rest\n").empty());
}

TEST_CASE("what is not understood is refused with its line and the nearest known name") {
  CHECK(says(failures("particpants orders\nrest\n----\nok\n"),
             "f.txt:5: no command is called \"particpants\"; did you mean \"participants\"?"));
  const std::string start = "participants orders\n----\norders: ready\n\n";
  CHECK(says(failures(start + "deliver prepar\nrest\n----\nat rest\n"),
             "f.txt:9: no message is called \"prepar\"; did you mean \"Prepare\"?"));
  CHECK(says(failures(start + "begin t1 orders\ndrop commit t1\nrest\n----\nat rest\n"),
             "f.txt:10: nothing in the air is \"commit t1\"; there is Prepare t1 to orders"));
  CHECK(says(failures(start + "crash order\nrest\n----\nat rest\n"),
             "no participant is called \"order\"; did you mean \"orders\"?"));
  CHECK(says(failures(start + "begin t1 orders:wrte\nrest\n----\nat rest\n"),
             "no work is called \"wrte\"; did you mean \"write\"?"));
  CHECK(says(failures(start + "tick 5\nrest\n----\nat rest\n"), "\"5\" is not a duration"));
  CHECK(says(failures(start + "settle now\nrest\n----\nat rest\n"), "it is written: settle"));
}

TEST_CASE("a hold that nothing was ever held by is refused with its line") {
  const std::string story = "participants orders\n----\norders: ready\n\n";
  CHECK(says(failures(story + "hold commit to orders\nrest\n----\nat rest\n"),
             "line 9: nothing was ever held by \"hold commit to orders\""));
}

TEST_CASE("an expectation fails whatever the golden says") {
  const std::string story =
      "participants orders\n----\norders: ready\n\nquietly begin t1 orders\nquietly settle\n";
  CHECK(says(failures(story + "expect t1 aborted\n----\nok\n"),
             "f.txt:11: expected t1 aborted; it is committed"));
}

TEST_CASE("another trace is shown as a difference, at its line") {
  const std::string shown = failures("participants orders\nrest\n----\norders: ready\nat sea\n");
  CHECK(says(shown, "f.txt:8:"));
  CHECK(says(shown, "  orders: ready\n- at sea\n+ at rest\n"));
}

TEST_CASE("what does not come to rest is a violation") {
  CHECK(says(failures("participants orders\n----\norders: ready\n\nhold commit\n"
                      "quietly begin t1 orders\nquietly settle\nrest\n----\nok\n"),
             "VIOLATION I10"));
}

TEST_CASE("a file says what it proves, and ends by looking") {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      read_script("f.txt", text);
    } catch (const Refusal& refused) {
      return refused.what();
    }
    return "nothing";
  };
  CHECK(says(refusal("# Title\n# Watch: it.\n\nrest\n----\n"), "Proves P"));
  CHECK(says(refusal("# Title\n# Proves P1.\n\nrest\n----\n"), "Watch: "));
  CHECK(says(refusal(kHead + "settle\n----\nok\n"), "the last command is"));
  CHECK(says(refusal(kHead + "settle\n\nrest\n----\n"), "f.txt:6: commands without"));
  CHECK(refusal(kHead + "rest\n----\n") == "nothing");
}

TEST_CASE("sentences are cited by number") {
  CHECK(cited("Proves P1, P19 and P1; not PP3 or P0.") == std::vector<std::string>{"P1", "P19"});
}

}  // namespace assent::scenarios
