#include <filesystem>
#include <set>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/runtime/address.hpp"
#include "protocol/runtime/admin.hpp"
#include "protocol/runtime/clock.hpp"
#include "protocol/runtime/config.hpp"
#include "protocol/runtime/crash_points.hpp"
#include "protocol/runtime/http_client.hpp"
#include "protocol/runtime/log.hpp"
#include "protocol/runtime/metrics.hpp"
#include "protocol/runtime/random.hpp"
#include "protocol/runtime/sd_notify.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/runtime/loop.hpp"

using namespace assent;
using namespace std::chrono_literals;

TEST_CASE("address: host and port") {
  CHECK(parse_address("db.example:5432") == Address{"db.example", 5432});
  CHECK(parse_address("[::1]:80") == Address{"::1", 80});
  CHECK(to_string(Address{"::1", 80}) == "[::1]:80");
  CHECK(to_string(Address{"h", 1}) == "h:1");
  for (const char* wrong : {"", "h", "h:", ":80", "h:65536", "h:-1", "h:8x", "::1:80", "[]:80",
                            "http://h:80", "h 1:80", "u@h:80"}) {
    INFO(wrong);
    CHECK_FALSE(parse_address(wrong));
  }
}

TEST_CASE("config: durations and sizes") {
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("2s") == 2s);
  CHECK(parse_duration("10m") == 10min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("0") == 0ms);
  CHECK(parse_size("16MiB") == 16u * 1024 * 1024);
  CHECK(parse_size("64KiB") == 65536u);
  CHECK(parse_size("12") == 12u);
  for (const char* wrong : {"", "s", "5", "-1s", "1.5s", "5 s", "5S", "9223372036854775807h"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
  for (const char* wrong : {"", "MiB", "-1", "1MB", "1 KiB", "99999999999TiB"}) {
    INFO(wrong);
    CHECK_FALSE(parse_size(wrong));
  }
}

TEST_CASE("config: asking for what is not there is a mistake in the program") {
  const Config config({{"a", KeyType::integer, "1", ""}}, {});
  CHECK(config.integer("a") == 1);
  CHECK_THROWS_AS(config.integer("b"), std::logic_error);
  CHECK_THROWS_AS(config.text("a"), std::logic_error);
}

TEST_CASE("config: a secret is not repeated in a refusal") {
  ConfigKey key{"pin", KeyType::integer, "1", ""};
  key.secret = true;
  try {
    Config({key}, {{"pin", {"hush", "ASSENT_PIN"}}});
    FAIL("taken");
  } catch (const ConfigError& error) {
    CHECK(std::string(error.what()).find("hush") == std::string::npos);
  }
}

TEST_CASE("log: text and JSON") {
  const std::string id = "0199";
  const std::initializer_list<log::Field> fields = {
      {"tx", id}, {"n", -3}, {"u", 7u}, {"ms", 1.5}, {"ok", true}, {"what", "a \"b\"\nc"}};
  CHECK(
      log::render(log::Format::text, log::Level::warning, 1'700'000'000'042, "it is so", fields) ==
      R"(2023-11-14T22:13:20.042Z WARNING it is so tx=0199 n=-3 u=7 ms=1.5 ok=true )"
      R"(what="a \"b\"\nc")");
  CHECK(
      log::render(log::Format::json, log::Level::info, 1'700'000'000'042, "a\x01 \"b\"", fields) ==
      R"({"time":"2023-11-14T22:13:20.042Z","level":"info","message":"a\u0001 \"b\"",)"
      R"("tx":"0199","n":-3,"u":7,"ms":1.5,"ok":true,"what":"a \"b\"\nc"})");
}

TEST_CASE("log: below its level nothing is done") {
  log::set_up(log::Format::text, log::Level::error);
  CHECK_FALSE(log::enabled(log::Level::warning));
  CHECK(log::enabled(log::Level::error));
  log::set_up(log::Format::text, log::Level::info);
  CHECK(log::enabled(log::Level::info));
  CHECK_FALSE(log::enabled(log::Level::debug));
}

TEST_CASE("metrics: text") {
  Metrics metrics;
  auto& committed = metrics.counter("assent_things_total", "Things", {{"outcome", "committed"}});
  committed.Increment();
  CHECK(&metrics.counter("assent_things_total", "Things", {{"outcome", "committed"}}) ==
        &committed);
  metrics.histogram("assent_wait_seconds", "Waits", {0.1, 1}).Observe(0.5);
  auto& open = metrics.gauge("assent_open", "Open");
  metrics.before_scrape([&] { open.Set(4); });
  const auto text = metrics.text();
  for (const char* line :
       {"# HELP assent_things_total Things\n", "# TYPE assent_things_total counter\n",
        "assent_things_total{outcome=\"committed\"} 1\n", "assent_open 4\n",
        "assent_wait_seconds_bucket{le=\"0.1\"} 0\n", "assent_wait_seconds_bucket{le=\"1\"} 1\n",
        "# TYPE process_cpu_seconds_total counter\n"}) {
    INFO(line);
    CHECK(text.find(line) != std::string::npos);
  }
  const auto value = [&text](const std::string& name) {
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  };
  CHECK(value("process_resident_memory_bytes") > 1e6);
  CHECK(value("process_open_fds") >= 3);
  CHECK(value("process_max_fds") >= 3);
  const double age =
      static_cast<double>(read_clock().wall_ms) / 1000 - value("process_start_time_seconds");
  CHECK(age > -2);
  CHECK(age < 3600);
}

TEST_CASE("metrics: ids are no labels, and names are checked") {
  Metrics metrics;
  CHECK_THROWS_AS(metrics.counter("assent_x_total", "x", {{"tx", to_string(new_uuid7())}}),
                  std::logic_error);
  CHECK_THROWS_AS(metrics.counter("assent x", "x"), std::logic_error);
}

TEST_CASE("crash points: unarmed, nothing happens; declared names only") {
  const std::vector<std::string> declared = {"a.b", "a.c"};
  arm_crash_points("", declared);
  CHECK_FALSE(crash_point("not.declared"));
  arm_crash_points("a.b=error,a.c=error@2", declared);
  CHECK(crash_point("a.", "b"));
  CHECK_FALSE(crash_point("a.b"));
  CHECK_FALSE(crash_point("a.c"));
  CHECK(crash_point("a.c"));
  arm_crash_points("", declared);
  CHECK_FALSE(crash_point("a.b"));
}

TEST_CASE("random: ids rise strictly and do not repeat") {
  Uuid last;
  for (int i = 0; i < 100'000; ++i) {
    const Uuid next = new_uuid7();
    REQUIRE(last < next);
    last = next;
  }
  const auto now = read_clock().wall_ms;
  CHECK(uuid7_unix_ms(last).value_or(0) >= now - 1000);
  CHECK(uuid7_unix_ms(last).value_or(0) <= now + 1000);
  CHECK((last.bytes[8] & 0xc0) == 0x80);
}

TEST_CASE("random: bytes differ, and all of a large range is filled") {
  std::array<std::uint8_t, 10'000> bytes{};
  random_bytes(bytes);
  CHECK(std::set<std::uint8_t>(bytes.begin(), bytes.end()).size() == 256);
  CHECK(std::set<std::uint8_t>(bytes.end() - 2000, bytes.end()).size() > 200);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_below(3));
  CHECK(seen == std::set<std::uint64_t>{0, 1, 2});
}

TEST_CASE("clock: two clocks, both running") {
  const Now first = read_clock();
  while (read_clock().steady == first.steady) {
  }
  CHECK(read_clock().steady > first.steady);
  CHECK(first.wall_ms > 1'700'000'000'000);
}

TEST_CASE("sd_notify: the manager is told") {
  const auto path =
      std::filesystem::temp_directory_path() / ("assent-notify-" + std::to_string(::getpid()));
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify_service_manager("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  char text[32] = {};
  CHECK(::recv(fd, text, sizeof text, MSG_DONTWAIT) == 7);
  CHECK(std::string(text) == "READY=1");
  notify_service_manager("READY=1");
  CHECK(::recv(fd, text, sizeof text, MSG_DONTWAIT) == -1);
  ::close(fd);
  std::filesystem::remove(path);
}

TEST_CASE("admin: alive, ready or why not, metrics") {
  test::Loop loop;
  Metrics metrics;
  std::vector<std::string> reasons = {"the \"log\" is being read"};
  std::unique_ptr<AdminServer> admin;
  const auto port = loop.run([&] {
    admin = std::make_unique<AdminServer>(loop.io, metrics, [&] { return reasons; });
    return admin->listen("127.0.0.1", 0);
  });
  HttpClient client("127.0.0.1:" + std::to_string(port));
  const auto get = [&](const std::string& target, const std::string& method = "GET") {
    return std::get<HttpAnswer>(client.call({method, target, {}, "", 5s}));
  };
  CHECK(get("/livez").status == 200);
  CHECK(get("/readyz").status == 503);
  CHECK(get("/readyz").body == R"({"ready":false,"reasons":["the \"log\" is being read"]})");
  loop.run([&] { reasons.clear(); });
  CHECK(get("/readyz").status == 200);
  CHECK(get("/readyz").body == R"({"ready":true,"reasons":[]})");
  CHECK(get("/metrics").header("content-type") == "text/plain; version=0.0.4");
  CHECK(get("/metrics").body.find("process_open_fds ") != std::string::npos);
  CHECK(get("/other").status == 404);
  loop.run([&] {
    admin->pages([](const HttpRequest& request) -> std::optional<HttpResponse> {
      if (request.path != "/") return std::nullopt;
      return HttpResponse{200, "text/html", {}, "a page"};
    });
  });
  CHECK(get("/").body == "a page");
  CHECK(get("/").header("content-type") == "text/html");
  CHECK(get("/livez").body == R"({"alive":true})");
  CHECK(get("/other").status == 404);
  CHECK(get("/livez", "PUT").status == 405);
  loop.run([&] { admin.reset(); });
}

TEST_CASE("admin: faults are ordered only where that was enabled at the start") {
  const std::vector<std::string> declared = {"a.b", "a.c"};
  arm_crash_points("a.c=error@9", declared);
  test::Loop loop;
  Metrics metrics;
  std::unique_ptr<AdminServer> admin;
  const auto serve = [&] {
    return loop.run([&] {
      admin = std::make_unique<AdminServer>(loop.io, metrics,
                                            [] { return std::vector<std::string>{}; });
      return admin->listen("127.0.0.1", 0);
    });
  };
  const auto call = [](std::uint16_t port, const std::string& method, const std::string& target,
                       const std::string& body = "") {
    HttpClient client("127.0.0.1:" + std::to_string(port));
    return std::get<HttpAnswer>(client.call({method, target, {}, body, 5s}));
  };
  auto port = serve();
  CHECK(call(port, "GET", "/v1/faults").status == 404);
  CHECK(call(port, "PUT", "/v1/faults/a.b", "kill").status >= 400);
  CHECK_FALSE(crash_point("a.b"));
  loop.run([&] { admin.reset(); });

  enable_fault_injection();
  port = serve();
  CHECK(call(port, "PUT", "/v1/faults/a.b", "error@2").status == 200);
  CHECK_FALSE(crash_point("a.b"));
  CHECK(crash_point("a.b"));
  CHECK(call(port, "GET", "/v1/faults").body ==
        R"({"points":[{"point":"a.b","orders":"error@2","passages":2,"obeyed":1},)"
        R"({"point":"a.c","orders":"error@9","passages":0,"obeyed":0}]})");
  CHECK(call(port, "DELETE", "/v1/faults/a.c").body ==
        R"({"point":"a.c","orders":"","passages":0,"obeyed":0})");
  CHECK(call(port, "PUT", "/v1/faults/a.d", "kill").body.find("a.") != std::string::npos);
  CHECK(call(port, "PUT", "/v1/faults/a.b", "explode").status == 400);
  CHECK(call(port, "GET", "/v1/faults/a.x").status == 404);
  CHECK(call(port, "POST", "/v1/faults").status == 405);
  loop.run([&] { admin.reset(); });
  arm_crash_points("", declared);
}
