// The whole of it: a transfer in doubt, sessions that wait for it, the coordinator gone.
#include <regex>
#include <thread>

#include <boost/json.hpp>

#include "tests/integration/blocking/sessions.hpp"
#include "tests/integration/system/deployment.hpp"

using namespace assent;
using namespace assent::test;
using namespace std::chrono_literals;

namespace {

namespace json = boost::json;

struct Outage {
  Deployment bank{2};
  std::vector<std::unique_ptr<Session>> sessions;

  // One transfer is committed, and no branch hears of it.
  void leave_in_doubt() {
    bank.kill_coordinator();
    bank.start_coordinator({{"ASSENT_CRASH_POINTS", "engine.send.commit=error@1+"}});
    bank.await_ready();
    client::OneShot shot = transfer("bank_a", 1, "bank_b", 2, "10.00");
    shot.wait_for = client::WaitFor::decided;
    REQUIRE(bank.client().run(shot).has_value());
    REQUIRE(bank.prepared() == 2);
  }

  Session& wait_at(std::size_t i, const std::string& sql) {
    sessions.push_back(std::make_unique<Session>(bank.cluster(i), "shop", Deployment::name(i)));
    sessions.back()->send(sql);
    await_waiting(bank.cluster(i), {sessions.back()->pid()});
    return *sessions.back();
  }

  // Two at bank_a, one behind the other, and one at bank_b.
  void let_sessions_wait() {
    wait_at(0, "update account set balance = balance + 1 where id = 1");
    wait_at(0, "update account set balance = balance + 2 where id = 1");
    wait_at(1, "select from account where id = 2 for share");
  }

  json::value at_coordinator() const { return json::parse(bank.http("GET", "/v1/blocking").body); }

  json::value at_participant(std::size_t i, const std::string& path = "/v1/blocking") const {
    const auto answer = client::make_http_transport("http://" + bank.participant_admin(i))
                            ->call({.target = path, .headers = {}, .body = {}});
    REQUIRE(std::holds_alternative<HttpAnswer>(answer));
    return json::parse(std::get<HttpAnswer>(answer).body);
  }

  dev::Finished ask_cli(std::vector<std::string> options = {}) const {
    dev::ProcessOptions process;
    process.argv = {(dev::executable_folder() / "assent").string(), "--url", bank.url(),
                    "blocking"};
    for (std::size_t i = 0; i < bank.size(); ++i) {
      process.argv.push_back("--participant");
      process.argv.push_back(bank.participant_admin(i));
    }
    process.argv.insert(process.argv.end(), options.begin(), options.end());
    return dev::run(process);
  }
};

std::string sentence(const json::value& document) {
  return std::string(document.at("sentence").as_string());
}

bool matches(const std::string& text, const std::string& pattern) {
  UNSCOPED_INFO(text);
  return std::regex_match(text, std::regex(pattern));
}

std::int64_t number(const json::value& document, const char* name) {
  return document.at("summary").at(name).to_number<std::int64_t>();
}

void check_coordinators_tree(const Outage& outage) {
  json::value document;
  REQUIRE(dev::poll_until(
      [&] {
        document = outage.at_coordinator();
        return number(document, "sessions_held") == 3 && number(document, "oldest_ms") >= 1000;
      },
      30s));
  CHECK_FALSE(document.at("partial").as_bool());
  CHECK(matches(sentence(document),
                "1 transaction in doubt holds 3 sessions in 2 databases\\. Nothing is lost; the "
                "oldest has waited for \\d+ s\\."));
  const json::value& root = document.at("databases").at(0).at("roots").at(0);
  CHECK(root.at("frees").at("by") == "decision");
  CHECK(root.at("frees").at("what").as_string().starts_with("Nothing more: commit is decided"));
  CHECK(root.at("rows").at(0).at("key").at("id") == "1");
}

void check_participants_tree(const Outage& outage) {
  json::value document;
  REQUIRE(dev::poll_until(
      [&] {
        document = outage.at_participant(0);
        return document.at("summary").at("coordinator") == "away" &&
               outage.at_participant(1).at("summary").at("coordinator") == "away";
      },
      30s));
  CHECK(matches(sentence(document),
                "Coordinator away for .*: 1 transaction in doubt holds 2 sessions in 1 "
                "database\\. Nothing is lost; it finishes when it returns\\."));
  const json::array& waiters =
      document.at("databases").at(0).at("roots").at(0).at("waiters").as_array();
  REQUIRE(waiters.size() == 2);
  CHECK(waiters[0].at("pid") == outage.sessions[0]->pid());
  CHECK(waiters[0].at("level") == 1);
  CHECK(waiters[1].at("pid") == outage.sessions[1]->pid());
  CHECK(waiters[1].at("level") == 2);
  CHECK(waiters[1].at("blocked_by").at(0) == outage.sessions[0]->pid());
}

void check_command_line(const Outage& outage) {
  const dev::Finished told = outage.ask_cli();
  CHECK(told.status.ok());
  CHECK(matches(told.output.substr(0, told.output.find('\n')),
                "Coordinator away for .*: 1 transaction in doubt holds 3 sessions in 2 "
                "databases\\. Nothing is lost; it finishes when it returns\\."));
  CHECK(told.output.find("row id = 1 of public.account") != std::string::npos);
  CHECK(told.output.find("frees it: The coordinator's return.") != std::string::npos);
}

// Who comes later sees what was, also at the coordinator that was not there.
void check_history(const std::function<json::value()>& ask) {
  json::value past;
  REQUIRE(dev::poll_until(
      [&] {
        const json::value all = ask();
        for (const json::value& each : all.at("databases").as_array())
          if (each.at("participant") == "bank_a") past = each;
        return past.is_object() && !past.at("ended").as_array().empty();
      },
      30s));
  CHECK(past.at("ended").at(0).at("most_waiting") == 2);
  CHECK(past.at("ended").at(0).at("root").at("waiters").as_array().size() == 2);
  const auto& spans = past.at("spans").as_array();
  CHECK(std::ranges::any_of(spans, [](const json::value& span) {
    return !span.at("linked").as_bool() && span.at("waiting") == 2;
  }));
}

// The participants measured how long their locks were held: over the whole of the outage.
void check_locks_held(const Outage& outage) {
  const json::value list = json::parse(outage.bank.http("GET", "/v1/transactions").body);
  const std::string id(list.at("transactions").at(0).at("id").as_string());
  json::value timeline;
  std::size_t measured = 0;
  REQUIRE(dev::poll_until(
      [&] {
        timeline = json::parse(outage.bank.http("GET", "/v1/transactions/" + id + "/events").body);
        measured = 0;
        for (const json::value& event : timeline.at("events").as_array())
          if (event.as_object().contains("locks_held_us")) ++measured;
        return measured == 2;
      },
      30s));
  for (const json::value& event : timeline.at("events").as_array())
    if (const json::value* held = event.as_object().if_contains("locks_held_us"))
      CHECK(held->to_number<std::int64_t>() > 1'000'000);
}

}  // namespace

TEST_CASE("The coordinator dies while a transfer is in doubt: the tree from everywhere") {
  Outage outage;
  outage.leave_in_doubt();
  outage.let_sessions_wait();
  check_coordinators_tree(outage);
  outage.bank.kill_coordinator();
  check_participants_tree(outage);
  check_command_line(outage);

  outage.bank.start_coordinator();
  for (const auto& session : outage.sessions) {
    CHECK(session->finishes());
    CHECK(session->error().empty());
  }
  REQUIRE(outage.bank.settles());
  REQUIRE(dev::poll_until(
      [&] {
        return sentence(outage.at_coordinator()) == "Nothing is in doubt and no session waits.";
      },
      30s));
  check_history([&] { return outage.at_participant(0, "/v1/blocking/history"); });
  check_history([&] { return json::parse(outage.bank.http("GET", "/v1/blocking/history").body); });
  check_locks_held(outage);
}

TEST_CASE("A vote that waits behind a session in another database: the coordinator links the two") {
  Outage outage;
  Session batch(outage.bank.cluster(1), "batch-report", Deployment::name(1));
  batch.run("begin; select from account where id = 2 for update");
  client::OneShot shot = transfer("bank_a", 1, "bank_b", 2, "10.00");
  shot.timeout = 60s;
  std::optional<bool> committed;
  std::thread asking([&] { committed = outage.bank.client().run(shot).has_value(); });
  json::value root;
  const bool linked = dev::poll_until(
      [&] {
        const json::value document = outage.at_coordinator();
        for (const json::value& each : document.at("databases").as_array())
          for (const json::value& found : each.at("roots").as_array())
            if (found.as_object().contains("held_up_by")) root = found;
        return root.is_object();
      },
      30s);
  const dev::Finished told = outage.ask_cli();
  batch.run("rollback");
  asking.join();
  REQUIRE(linked);
  CHECK(committed == true);
  const json::value& held_up = root.at("held_up_by").at(0);
  CHECK(held_up.at("participant") == "bank_b");
  CHECK(held_up.at("behind").at("pid") == batch.pid());
  const std::string sentence =
      " Its work at bank_b waits for row id = 2 of public.account, behind "
      "pid " +
      std::to_string(batch.pid()) + " (batch-report).";
  CHECK(std::string(root.at("frees").at("what").as_string()).ends_with(sentence));
  CHECK(told.output.find(sentence) != std::string::npos);
  CHECK(told.output.find(", for transaction " + std::string(root.at("transaction").as_string())) !=
        std::string::npos);
  REQUIRE(outage.bank.settles());
}

TEST_CASE("What does not answer is named, and is not nothing") {
  Outage outage;
  outage.bank.kill_participant(1);
  json::value document;
  REQUIRE(dev::poll_until(
      [&] {
        document = outage.at_coordinator();
        return document.at("partial").as_bool() && number(document, "databases") == 0 &&
               document.at("databases").at(0).at("answers").as_bool();
      },
      30s));
  CHECK(sentence(document) ==
        "Nothing is in doubt and no session waits in the databases that answer. Not answering: "
        "bank_b; what waits there is not known.");
  CHECK(document.at("databases").at(1).at("not_answering_because") ==
        "it has no link to the coordinator");

  outage.bank.cluster(0).stop();
  REQUIRE(dev::poll_until(
      [&] {
        document = outage.at_participant(0);
        return !document.at("databases").at(0).at("answers").as_bool();
      },
      30s));
  CHECK(sentence(document) == "No database answers: nothing is known of what waits.");

  outage.bank.kill_coordinator();
  const dev::Finished told = outage.ask_cli();
  CHECK(told.status.ok());
  CHECK(told.output.find(outage.bank.participant_admin(1)) != std::string::npos);
  outage.bank.kill_participant(0);
  CHECK(outage.ask_cli().status.code == 3);
}
