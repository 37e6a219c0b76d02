// When a request was first sent, as clients say it.
#include "coordinator/api/request_key.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {

TEST_CASE("an HTTP date is read, and nothing else") {
  CHECK(parse_http_date("Thu, 01 Jan 1970 00:00:01 GMT") == 1000);
  CHECK(parse_http_date("Mon, 30 Nov 2026 16:04:05 GMT") == 1'796'054'645'000);
  CHECK(parse_http_date("Thu, 29 Feb 2024 23:59:59 GMT") == 1'709'251'199'000);
  for (const char* wrong :
       {"", "now", "Mon, 30 Nov 2026 16:04:05 UTC", "Tue, 30 Nov 2026 16:04:05 GMT",
        "Mon, 31 Nov 2026 16:04:05 GMT", "Mon, 30 Nov 2026 24:04:05 GMT",
        "Mon, 30 ovD 2026 16:04:05 GMT", "Mon,  3 Nov 2026 16:04:05 GMT ",
        "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 30 Nov 2026 16:04:-5 GMT", "2026-11-30T16:04:05Z",
        "Monday, 30-Nov-26 16:04:05 GMT"}) {
    INFO(wrong);
    CHECK_FALSE(parse_http_date(wrong).has_value());
  }
}

TEST_CASE("the time of a key comes with it, or the request is refused") {
  FakeCoordinator shop;
  shop.connect("orders");
  const std::string body =
      R"({"branches":[{"participant":"orders","statements":[{"sql":"insert"}]}]})";
  const auto asked = [&](FakeCoordinator::Headers headers) {
    return shop.get("POST", "/v1/transactions", body, std::move(headers));
  };
  const std::string start = "Wed, 01 Jul 2026 12:00:00 GMT";
  CHECK(asked({{"repeatability-first-sent", start}}).status == 400);
  CHECK(asked({{"idempotency-key", "k"}, {"repeatability-first-sent", "yesterday"}}).status == 400);
  CHECK(asked({{"idempotency-key", "k"},
               {"repeatability-first-sent", "Wed, 01 Jul 2026 12:01:01 GMT"}})
            .body.find("clock") != std::string::npos);

  const FakeCoordinator::Headers dated = {{"idempotency-key", "k"},
                                          {"repeatability-first-sent", start}};
  const auto first = shop.ask("POST", "/v1/transactions", body, dated);
  shop.vote_yes("orders");
  shop.applied("orders");
  CHECK((*first)->status == 201);
  CHECK(asked(dated).body == (*first)->body);
  shop.advance(Duration(3'600'000));
  const HttpResponse late = asked(dated);
  CHECK(late.status == 410);
  CHECK(late.body.find(R"("code":"history-expired")") != std::string::npos);
  CHECK(late.body.find(R"("outcome":"unknown")") != std::string::npos);
}

}  // namespace assent
