#include "protocol/ids.hpp"

#include <set>
#include <string>

#include "protocol/problem.hpp"
#include "tests/support/catch.hpp"

namespace assent {
namespace {

const std::string kUuid = "0190f5a1-7c3e-7abc-8def-0123456789ab";
const std::string kOther = "ffffffff-ffff-ffff-ffff-ffffffffffff";

std::string gid_text(const std::string& ledger, const std::string& epoch, const std::string& tx,
                     const std::string& participant) {
  return "assent1:" + ledger + ':' + epoch + ':' + tx + ':' + participant;
}

std::string replaced(std::string text, std::size_t at, char c) {
  text[at] = c;
  return text;
}

TEST_CASE("A uuid has one spelling") {
  const auto uuid = parse_uuid(kUuid);
  REQUIRE(uuid);
  CHECK(uuid->bytes[0] == 0x01);
  CHECK(uuid->bytes[15] == 0xab);
  CHECK(to_string(*uuid) == kUuid);
  CHECK(to_string(*parse_uuid(kOther)) == kOther);
  CHECK(to_string(Uuid{}) == "00000000-0000-0000-0000-000000000000");
  CHECK(Uuid{}.is_nil());
  CHECK_FALSE(uuid->is_nil());
}

TEST_CASE("Anything else is no uuid") {
  CHECK_FALSE(parse_uuid(""));
  CHECK_FALSE(parse_uuid(kUuid.substr(1)));
  CHECK_FALSE(parse_uuid(kUuid.substr(0, 35)));
  CHECK_FALSE(parse_uuid(kUuid + "0"));
  CHECK_FALSE(parse_uuid(" " + kUuid.substr(1)));
  CHECK_FALSE(parse_uuid("{" + kUuid + "}"));
  CHECK_FALSE(parse_uuid("0190f5a17c3e7abc8def0123456789ab"));
  CHECK_FALSE(parse_uuid("0190f5a17c3e7abc8def0123456789ab0000"));
  // Every place takes lower-case digits only, or the dash only.
  for (std::size_t i = 0; i < kUuid.size(); ++i) {
    const bool dash = kUuid[i] == '-';
    for (const char c : {'A', 'F', 'g', 'G', '/', ':', '`', '@', '+', ' ', '\0', '\xff'}) {
      INFO(i << " " << static_cast<int>(c));
      CHECK_FALSE(parse_uuid(replaced(kUuid, i, c)));
    }
    CHECK(parse_uuid(replaced(kUuid, i, '-')).has_value() == dash);
    CHECK(parse_uuid(replaced(kUuid, i, 'f')).has_value() == !dash);
  }
}

TEST_CASE("A UUIDv7 carries its time, its version and its variant") {
  std::array<std::uint8_t, 10> random{};
  random.fill(0xff);
  const Uuid uuid = make_uuid7(0x0190f5a17c3e, random);
  CHECK(to_string(uuid) == "0190f5a1-7c3e-7fff-bfff-ffffffffffff");
  CHECK(uuid7_unix_ms(uuid) == 0x0190f5a17c3e);
  random.fill(0);
  CHECK(to_string(make_uuid7(0xffffffffffff, random)) == "ffffffff-ffff-7000-8000-000000000000");
  CHECK(uuid7_unix_ms(make_uuid7(0xffffffffffff, random)) == 0xffffffffffff);
  CHECK(make_uuid7(1, random) < make_uuid7(2, random));
  CHECK_FALSE(uuid7_unix_ms(Uuid{}));
  CHECK_FALSE(uuid7_unix_ms(*parse_uuid("0190f5a1-7c3e-4abc-8def-0123456789ab")));
}

TEST_CASE("Uuids that differ in one byte have different hashes") {
  std::set<std::size_t> hashes{std::hash<Uuid>{}(Uuid{})};
  for (std::size_t i = 0; i < 16; ++i) {
    Uuid uuid;
    uuid.bytes[i] = 1;
    hashes.insert(std::hash<TxId>{}(TxId{uuid}));
  }
  CHECK(hashes.size() == 17);
}

TEST_CASE("Names of participants") {
  for (const char* name : {"a", "orders", "stock-2", "eu_west-1", "z9"}) {
    INFO(name);
    CHECK(is_participant_name(name));
  }
  CHECK(is_participant_name(std::string(63, 'a')));
  CHECK_FALSE(is_participant_name(std::string(64, 'a')));
  for (const char* name : {"", "Orders", "orderS", "1st", "_a", "-a", "a.b", "a:b", "a b", "a/b",
                           "a'", "é", "a\n", "a\""}) {
    INFO(name);
    CHECK_FALSE(is_participant_name(name));
  }
  CHECK_FALSE(is_participant_name(std::string_view("a\0b", 3)));
}

TEST_CASE("A gid survives its text") {
  const Gid gid{LedgerId{*parse_uuid(kUuid)}, 42, TxId{*parse_uuid(kOther)}, "stock-2"};
  CHECK(to_string(gid) == gid_text(kUuid, "42", kOther, "stock-2"));
  CHECK(parse_gid(to_string(gid)) == gid);
}

TEST_CASE("The longest gid fits into PostgreSQL's 200 bytes, the closing zero included") {
  const Gid gid{LedgerId{*parse_uuid(kOther)}, UINT64_MAX, TxId{*parse_uuid(kOther)},
                std::string(63, 'z')};
  CHECK(to_string(gid).size() <= 199);
  CHECK(parse_gid(to_string(gid)) == gid);
}

TEST_CASE("A gid that is not exactly ours is foreign") {
  REQUIRE(parse_gid(gid_text(kUuid, "1", kUuid, "a")));
  const std::string ours = gid_text(kUuid, "1", kUuid, "a");
  for (const std::string& text : {
           std::string(),
           std::string("assent1"),
           std::string("assent1:"),
           std::string("::::"),
           "assent2:" + ours.substr(8),
           "Assent1:" + ours.substr(8),
           " " + ours,
           ours + " ",
           ours + ":",
           ours + ":b",
           ours.substr(0, ours.size() - 1),
           ours.substr(0, ours.size() - 2),
           gid_text(kUuid, "0", kUuid, "a"),  // no epoch is 0
           gid_text(kUuid, "", kUuid, "a"),
           gid_text(kUuid, "01", kUuid, "a"),  // leading zero
           gid_text(kUuid, "+1", kUuid, "a"),
           gid_text(kUuid, "-1", kUuid, "a"),
           gid_text(kUuid, " 1", kUuid, "a"),
           gid_text(kUuid, "1x", kUuid, "a"),
           gid_text(kUuid, "0x1", kUuid, "a"),
           gid_text(kUuid, "18446744073709551616", kUuid, "a"),  // 2^64
           gid_text("0190F5A1-7c3e-7abc-8def-0123456789ab", "1", kUuid, "a"),
           gid_text(kUuid, "1", "0190f5a1-7c3e-7abc-8def-0123456789AB", "a"),
           gid_text(kUuid.substr(1), "1", kUuid, "a"),
           gid_text(kUuid, "1", kUuid + "0", "a"),
           gid_text("", "1", kUuid, "a"),
           gid_text(kUuid, "1", kUuid, "A"),
           gid_text(kUuid, "1", kUuid, ""),
           gid_text(kUuid, "1", kUuid, std::string(64, 'a')),
           std::string("131077_AAAAAAAAAAAAAP//fwAAAQ==_AAAAAAAAAAAAAP8="),  // an XA driver's
           std::string("orders_tx_17"),
       }) {
    INFO(text);
    CHECK_FALSE(parse_gid(text));
  }
  CHECK(parse_gid(gid_text(kUuid, "18446744073709551615", kUuid, "a")));
}

TEST_CASE("The catalogue of problems is complete and consistent") {
  std::set<std::string_view> codes;
  for (const ProblemInfo& row : all_problems()) {
    INFO(row.code);
    CHECK(row.problem != Problem::none);
    CHECK(codes.insert(row.code).second);
    CHECK(parse_problem(row.code) == row.problem);
    CHECK(to_string(row.problem) == row.code);
    CHECK(&info(row.problem) == &row);
    CHECK(row.status >= 400);
    CHECK(row.status < 600);
    CHECK_FALSE(row.title.empty());
    CHECK_FALSE(row.remedy.empty());
    CHECK(row.code.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos);
    // Only what did not commit may be run again under a new key.
    if (row.retry == Retry::new_key) CHECK(row.fate == Fate::aborted);
    if (row.fate == Fate::committed) CHECK(row.retry == Retry::never);
  }
  CHECK(parse_problem("none") == Problem::none);
  CHECK(parse_problem("no-such-code") == Problem::none);
  CHECK(parse_problem("") == Problem::none);
}

}  // namespace
}  // namespace assent
