// Groups: one name for several participants, from the request to the answer.
#include "coordinator/api/groups.hpp"

#include <boost/json.hpp>

#include "coordinator/api/transaction_request.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {
namespace {

const Groups kGroups = {{"replicas", {"a", "b", "c"}}, {"shards", {"c", "d"}}};
const std::string kStatements = R"("statements":[{"sql":"insert"}]})";

std::string branch(const std::string& kind, const std::string& name) {
  return R"({")" + kind + R"(":")" + name + R"(",)" + kStatements;
}

std::string request(const std::vector<std::string>& branches, const std::string& more = "") {
  std::string body = "{" + more + R"("branches":[)";
  for (const std::string& each : branches) body += (body.ends_with('[') ? "" : ",") + each;
  return body + "]}";
}

Begin begun(const std::string& body, const Groups& groups = kGroups) {
  auto parsed = parse_begin(body, groups);
  REQUIRE(std::holds_alternative<Begin>(parsed));
  return std::get<Begin>(std::move(parsed));
}

std::string refusal(const std::string& body, const Groups& groups = kGroups) {
  const Begin event = begun(body, groups);
  if (!event.refusal) return "taken";
  CHECK(event.branches.empty());
  CHECK(event.labels.find("assent.") == std::string::npos);
  return std::string(to_string(event.refusal->problem)) + " " + event.refusal->message;
}

std::string participants(const Begin& event) {
  std::string out;
  for (const BranchWork& each : event.branches) out += each.participant + " ";
  return out;
}

// "201 a/replicas=applied …" or "400 invalid-request …"
std::string summary(const HttpResponse& response) {
  const boost::json::object body = boost::json::parse(response.body).as_object();
  std::string out = std::to_string(response.status);
  if (const auto* code = body.if_contains("code"))
    return out + " " + std::string(code->as_string()) + " " +
           std::string(body.at("detail").as_string());
  for (const auto& each : body.at("branches").as_array()) {
    out += " " + std::string(each.at("participant").as_string());
    if (const auto* group = each.as_object().if_contains("group"))
      out += "/" + std::string(group->as_string());
    out += "=" + std::string(each.at("state").as_string());
  }
  return out;
}

struct Replicas : FakeCoordinator {
  explicit Replicas(const std::string& access_file = {}) : FakeCoordinator(access_file) {
    groups = {{"replicas", {"a", "b"}}};
    for (const char* name : {"a", "b", "c"}) connect(name);
  }
  void settle(std::initializer_list<const char*> names) {
    for (const char* name : names) vote_yes(name);
    for (const char* name : names) applied(name);
  }
};

const std::string kToReplicas = request({branch("group", "replicas")});
const FakeCoordinator::Headers kKey = {{"idempotency-key", "k"}};

}  // namespace

TEST_CASE("a group stands for its members, each with the same work") {
  const Begin event = begun(request({branch("participant", "x"), branch("group", "replicas")},
                                    R"("isolation":"serializable","labels":{"app":"shop"},)"));
  CHECK(participants(event) == "x a b c ");
  CHECK(event.branches[1].work.bytes == event.branches[0].work.bytes);
  CHECK(event.branches[3].work.bytes == event.branches[0].work.bytes);
  CHECK(event.labels == R"({"assent.group.replicas":"a,b,c","app":"shop"})");
  CHECK(begun(request({branch("participant", "x")})).labels.empty());
}

TEST_CASE("what a group cannot be is said, and left to the key") {
  CHECK(refusal(request({branch("group", "replica")})) ==
        "invalid-request branches[0].group: there is no group replica; did you mean replicas?");
  CHECK(refusal(request({branch("group", "replicas")}), {}) ==
        "invalid-request branches[0].group: there is no group replicas; the coordinator's "
        "configuration has none (groups)");
  CHECK(refusal(request({branch("participant", "b"), branch("group", "replicas")})) ==
        "invalid-request branches[1].group: b, a member of replicas, has a branch already");
  CHECK(refusal(request({branch("group", "replicas"), branch("participant", "b")})) ==
        "invalid-request branches[1].participant: b has a branch already, as a member of the group "
        "replicas");
  CHECK(refusal(request({branch("group", "replicas"), branch("group", "shards")})) ==
        "invalid-request branches[1].group: c, a member of shards, has a branch already, as a "
        "member of the group replicas");
  CHECK(refusal(request({branch("group", "replicas"), branch("group", "replicas")})) ==
        "invalid-request branches[1].group: a, a member of replicas, has a branch already, as a "
        "member of the group replicas");
}

TEST_CASE("a group makes neither too many branches nor a large request of a small one") {
  Groups groups;
  for (int i = 0; i < 64; ++i) groups["most"].push_back("m" + std::to_string(i));
  CHECK(refusal(request({branch("group", "most")}), groups) == "taken");
  CHECK(refusal(request({branch("group", "most"), branch("participant", "x")}), groups) ==
        "invalid-request branches[1]: with its group's members the transaction has 65 branches; "
        "at most 64 are taken");
  const std::string large(kMaxCopied / 63 + 1, 'x');
  const std::string body =
      request({R"({"group":"most","statements":[{"sql":")" + large + R"("}]})"});
  CHECK(refusal(body, groups)
            .starts_with("payload-too-large branches[0]: at the members of its "
                         "groups the statements amount to "));
  groups["most"].resize(1);
  CHECK(refusal(body, groups) == "taken");
}

TEST_CASE("no label that a client writes passes for a group") {
  const std::string own =
      R"({"assent.caller":"shop","assent.group.replicas":"a,b","assent.group.x":"c",)"
      R"("app":"\"assent.group.no\":\"d\""})";
  CHECK(group_of(own, "a") == "replicas");
  CHECK(group_of(own, "b") == "replicas");
  CHECK(group_of(own, "c") == "x");
  CHECK(group_of(own, "d").empty());
  CHECK(group_of(own, "a,b").empty());
  CHECK(group_of(R"({"app":"x","assent.group.replicas":"a"})", "a").empty());
  CHECK(group_of(R"({"assent.group.replicas":"a"})", "a") == "replicas");
  for (const char* broken : {"", "{", R"({"assent.group.x)", R"({"assent.group.x")",
                             R"({"assent.group.x":)", R"({"assent.group.x":"a)"})
    CHECK(group_of(broken, "b").empty());
}

TEST_CASE("the answer names the group of each branch") {
  Replicas replicas;
  const auto answer =
      replicas.ask("POST", "/v1/transactions",
                   request({branch("group", "replicas"), branch("participant", "c")}));
  CHECK(replicas.sent_to<Prepare>("a").peers == std::vector<std::string>{"a", "b", "c"});
  replicas.settle({"a", "b", "c"});
  REQUIRE(answer->has_value());
  CHECK(summary(**answer) == "201 a/replicas=applied b/replicas=applied c=applied");
  replicas.groups.clear();  // it stays what it was
  const std::string id(boost::json::parse((*answer)->body).at("id").as_string());
  CHECK(summary(replicas.get("GET", "/v1/transactions/" + id)) ==
        "200 a/replicas=applied b/replicas=applied c=applied");
}

TEST_CASE("a repeated request joins, whoever is in the group by then") {
  Replicas replicas;
  const auto first = replicas.ask("POST", "/v1/transactions", kToReplicas, kKey);
  // While it is in flight, the group changes, grows too large, and goes.
  std::vector<std::shared_ptr<std::optional<HttpResponse>>> again;
  std::vector<std::string> many(65, "m");
  for (const Groups& now : {Groups{{"replicas", {"b", "c"}}}, Groups{{"replicas", {"nobody"}}},
                            Groups{{"replicas", many}}, Groups{}}) {
    replicas.groups = now;
    again.push_back(replicas.ask("POST", "/v1/transactions", kToReplicas, kKey));
    CHECK_FALSE(again.back()->has_value());
  }
  replicas.settle({"a", "b"});
  CHECK(summary(first->value()) == "201 a/replicas=applied b/replicas=applied");
  for (const auto& each : again) CHECK(each->value().body == first->value().body);
  // And when it is committed.
  CHECK(replicas.get("POST", "/v1/transactions", kToReplicas, kKey).body == first->value().body);
  // Only a new transaction meets the group as it is.
  CHECK(summary(replicas.get("POST", "/v1/transactions", kToReplicas)) ==
        "400 invalid-request branches[0].group: there is no group replicas; the coordinator's "
        "configuration has none (groups)");
  replicas.groups = {{"replicas", {"c"}}};
  const auto other = replicas.ask("POST", "/v1/transactions", kToReplicas);
  replicas.settle({"c"});
  CHECK(summary(other->value()) == "201 c/replicas=applied");
}

TEST_CASE("after an abort the repeated request runs at the group's members of that time") {
  Replicas replicas;
  const auto first = replicas.ask("POST", "/v1/transactions", kToReplicas, kKey);
  Vote no;
  no.verdict = Verdict::no;
  replicas.vote("a", no);
  CHECK((*first)->status == 422);
  replicas.groups = {{"replicas", {"c"}}};
  const auto again = replicas.ask("POST", "/v1/transactions", kToReplicas, kKey);
  replicas.settle({"c"});
  CHECK(summary(again->value()) == "201 c/replicas=applied");
}

TEST_CASE("a member that has never connected refuses the transaction by its name") {
  Replicas replicas;
  replicas.groups = {{"replicas", {"a", "never"}}};
  CHECK(summary(replicas.get("POST", "/v1/transactions", kToReplicas)) ==
        "400 participant-unknown No participant of this name has ever connected: never");
}

TEST_CASE("groups and their members are shown, and so are a participant's groups") {
  Replicas replicas;
  replicas.groups = {{"replicas", {"a", "never"}}};
  CHECK(replicas.get("GET", "/v1/groups").body ==
        R"({"groups":[{"name":"replicas","members":[{"participant":"a","state":"ready"},)"
        R"({"participant":"never","state":"unknown"}]}]})");
  const auto a = boost::json::parse(replicas.get("GET", "/v1/participants/a").body).as_object();
  CHECK(boost::json::serialize(a.at("groups")) == R"(["replicas"])");
  const auto b = boost::json::parse(replicas.get("GET", "/v1/participants/b").body).as_object();
  CHECK_FALSE(b.contains("groups"));
}

TEST_CASE("an interactive transaction names each participant") {
  const auto parsed = parse_statements(R"({"seq":1,"group":"replicas",)" + kStatements);
  REQUIRE(std::holds_alternative<Failure>(parsed));
  CHECK(std::get<Failure>(parsed).message ==
        "group: a group can be given in a one_shot transaction only; send the statements to each "
        "participant, with a seq of its own");
}

}  // namespace assent
