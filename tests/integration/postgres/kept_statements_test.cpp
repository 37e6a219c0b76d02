// Statements that come again are kept prepared, and nobody can tell but by the time it takes.
#include "protocol/assent.pb.h"
#include "tests/integration/postgres/harness.hpp"

using namespace assent;

namespace {

struct OneLane {
  OneLane() {
    shared_cluster().query("drop table if exists changing", "stock");
    shared_cluster().query(
        "create table changing (id integer, n double precision);"
        "insert into changing values (1, 0.5);"
        "grant all on changing to assent_participant",
        "stock");
  }

  PrepareDone read(const std::string& sql, const std::string& param) {
    WorkOptions options;
    options.read_only = true;
    return host.prepare(new_gid(), work_of({{sql, {param}}}, options));
  }
  int columns_of(const PrepareDone& done) {
    return decode(as<PrepareDone::ReadOnly>(done).results).statements(0).columns_size();
  }
  std::string kept() {
    const PrepareDone done =
        read("select count(*) from pg_prepared_statements where statement like $1", "%changing%");
    return decode(as<PrepareDone::ReadOnly>(done).results).statements(0).cells(0).text();
  }

  Host host{shared_cluster(), [](DatabaseOptions& options) { options.lanes = 1; }};
};

const std::string by_id = "select * from changing where id = $1";

}  // namespace

TEST_CASE("a text that comes again is kept prepared, one that comes once is not") {
  OneLane lane;
  as<PrepareDone::ReadOnly>(lane.read(by_id, "1"));
  CHECK(lane.kept() == "0");
  for (int i = 0; i < 3; ++i) CHECK(lane.columns_of(lane.read(by_id, "1")) == 2);
  CHECK(lane.kept() == "1");
}

TEST_CASE("a kept statement outlives a change of its table") {
  OneLane lane;
  for (int i = 0; i < 3; ++i) as<PrepareDone::ReadOnly>(lane.read(by_id, "1"));
  SECTION("another column: its plan is of no use any more") {
    shared_cluster().query("alter table changing add column more text", "stock");
    CHECK(lane.columns_of(lane.read(by_id, "1")) == 3);
  }
  SECTION("another type: its parameter takes what it did not take before") {
    shared_cluster().query("alter table changing alter column id type bigint", "stock");
    as<PrepareDone::ReadOnly>(lane.read(by_id, "5000000000"));
  }
  SECTION("deallocated by somebody") {
    const Gid gid = new_gid();
    lane.host.prepare(gid, work_of({{"do $$ begin execute 'deallocate assent_kept_3'; end $$"}}));
    lane.host.finish(gid, Outcome::aborted);
    as<PrepareDone::ReadOnly>(lane.read(by_id, "1"));
  }
  CHECK(lane.columns_of(lane.read(by_id, "1")) >= 2);
}

TEST_CASE("a kept statement that is wrong is refused with its own error") {
  OneLane lane;
  const std::string cast = "select $1::text::integer from changing";
  for (int i = 0; i < 3; ++i) as<PrepareDone::ReadOnly>(lane.read(cast, "1"));
  const PrepareDone done = lane.read(cast, "one");
  const auto& no = as<PrepareDone::No>(done);
  CHECK(no.failure.sqlstate == "22P02");
  CHECK(no.failure.statement == 0);
  as<PrepareDone::ReadOnly>(lane.read(cast, "1"));
}
