#include "participant/postgres/database.hpp"

#include <limits>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/blocking_reader.hpp"
#include "participant/postgres/branches.hpp"
#include "participant/postgres/control.hpp"
#include "participant/postgres/finish.hpp"
#include "participant/postgres/pool.hpp"
#include "participant/postgres/session.hpp"

namespace assent {

namespace asio = boost::asio;
using asio::awaitable;

struct Database::Impl : std::enable_shared_from_this<Database::Impl> {
  Impl(asio::io_context& io, DatabaseOptions options, std::function<void(ParticipantEvent)> report)
      : receiver(std::move(report)),
        context{io,
                std::move(options),
                [this](ParticipantEvent event) { deliver(std::move(event)); },
                [this](awaitable<void> task) { spawn(std::move(task)); },
                false,
                {},
                {},
                {}},
        control(context, {[this] { open_pools(); },
                          [this](const std::string& reason) { close_pools(reason); }}),
        lanes(make_pool({context.options.lanes, context.options.waiting, true}, &Impl::make_lane)),
        sessions(make_pool({context.options.sessions, context.options.waiting, false},
                           &Impl::make_session)),
        finishers(
            make_pool({context.options.finishers, std::numeric_limits<std::size_t>::max(), true},
                      &Impl::make_finisher)),
        observers(make_pool({1, 4, true}, &Impl::make_observer)),
        branches(context, control, lanes, sessions),
        finishing(context, finishers),
        reader(context, observers) {}

  using Make = awaitable<bool> (Impl::*)(Connection& connection);

  Pool make_pool(Pool::Options pool_options, Make make) {
    return Pool(
        context.io, pool_options,
        [this, make](std::string& failure) { return connect(make, failure); },
        [this](awaitable<void> task) { spawn(std::move(task)); });
  }

  void open_pools() {
    lanes.open();
    sessions.open();
    finishers.open();
    observers.open();
  }

  void close_pools(const std::string& reason) {
    lanes.close(reason);
    sessions.close(reason);
    finishers.close(reason);
    observers.close(reason);
  }

  awaitable<ConnectionPtr> connect(Make make, std::string& failure) {
    auto connection = std::make_shared<Connection>(context.io);
    if (co_await (this->*make)(*connection)) co_return connection;
    failure = connection->failure();
    co_return nullptr;
  }

  awaitable<bool> make_lane(Connection& connection) { return make_for_clients(connection, "lane"); }
  awaitable<bool> make_session(Connection& connection) {
    return make_for_clients(connection, "session");
  }
  awaitable<bool> make_for_clients(Connection& connection, std::string use) {
    const std::string& own = context.options.statements_conninfo;
    const std::string& conninfo = own.empty() ? context.options.conninfo : own;
    bool ready = co_await reach(connection, conninfo, std::move(use));
    if (ready) ready = co_await prepare_lane(connection, control.backend_pid());
    co_return ready;
  }

  awaitable<bool> make_finisher(Connection& connection) {
    bool ready = co_await reach(connection, context.options.conninfo, "finisher");
    if (ready) ready = co_await trust_catalog_only(connection);
    if (ready) ready = co_await prepare_lane(connection, control.backend_pid());
    co_return ready;
  }

  awaitable<bool> make_observer(Connection& connection) {
    bool ready = co_await reach(connection, context.options.conninfo, "observer");
    if (ready) ready = co_await prepare_observer(connection);
    co_return ready;
  }

  // Of the same server as the control connection: with several hosts, or a failover under way, the
  // next one dialled may be another.
  awaitable<bool> reach(Connection& connection, const std::string& conninfo, std::string use) {
    ServerIdentity server;
    ConnectionTarget target{conninfo, control.application_name(use),
                            context.options.connect_timeout};
    const bool open = co_await open_session(connection, std::move(target), server);
    if (open && server != context.server)
      connection.close("another server answered than the one that is up");
    co_return connection.is_open();
  }

  void spawn(awaitable<void> task) {
    asio::co_spawn(context.io, std::move(task),
                   [self = shared_from_this()](std::exception_ptr bug) {
                     if (bug) std::rethrow_exception(bug);
                   });
  }

  void deliver(ParticipantEvent event) {
    if (context.stopped) return;
    if (!performing) {
      receiver(std::move(event));
      return;
    }
    asio::post(context.io, [self = shared_from_this(), event = std::move(event)]() mutable {
      self->deliver(std::move(event));
    });
  }

  // A verb may be done before its coroutine first waits: its completion comes later all the same.
  void perform(awaitable<void> verb) {
    const bool outer = std::exchange(performing, true);
    spawn(std::move(verb));
    performing = outer;
  }

  std::function<void(ParticipantEvent)> receiver;
  bool performing = false;
  bool started = false;
  Context context;
  Control control;
  Pool lanes;
  Pool sessions;
  Pool finishers;
  Pool observers;
  Branches branches;
  Finishing finishing;
  BlockingReader reader;
};

Database::Database(asio::io_context& io, DatabaseOptions options,
                   std::function<void(ParticipantEvent)> report)
    : impl_(std::make_shared<Impl>(io, std::move(options), std::move(report))) {}

Database::~Database() {
  stop();
}

void Database::start() {
  if (std::exchange(impl_->started, true)) return;
  impl_->perform(impl_->control.run());
}

void Database::stop() {
  if (std::exchange(impl_->context.stopped, true)) return;
  impl_->control.stop();
  impl_->close_pools("the participant is stopping");
}

void Database::perform(RunWork verb) {
  impl_->perform(impl_->branches.run(std::move(verb)));
}
void Database::perform(PrepareBranch verb) {
  impl_->perform(impl_->branches.prepare(std::move(verb)));
}
void Database::perform(SettleLost verb) {
  impl_->perform(impl_->control.settle(std::move(verb)));
}
void Database::perform(DropOpen verb) {
  impl_->perform(impl_->branches.drop(std::move(verb)));
}
void Database::perform(CancelPrepare verb) {
  impl_->branches.cancel(verb);
}
void Database::perform(FinishPrepared verb) {
  impl_->perform(impl_->finishing.finish(std::move(verb)));
}
void Database::perform(ReadStatus verb) {
  impl_->perform(impl_->control.read_status(std::move(verb)));
}
void Database::perform(ListPrepared verb) {
  impl_->perform(impl_->control.list(verb));
}
void Database::perform(RaiseMark verb) {
  impl_->perform(impl_->control.raise_mark(std::move(verb)));
}
void Database::perform(WriteJournal verb) {
  impl_->perform(impl_->control.write_journal(std::move(verb)));
}
void Database::perform(ReadJournal verb) {
  impl_->perform(impl_->control.read_journal(std::move(verb)));
}
void Database::perform(VerifyPrepared verb) {
  impl_->perform(impl_->control.verify(std::move(verb)));
}

void Database::read_text(std::string sql,
                         std::function<void(std::optional<std::string>, std::string)> answer) {
  impl_->perform(impl_->control.read_text(std::move(sql), std::move(answer)));
}

void Database::glance(std::function<void(Glance)> answer) {
  impl_->perform(impl_->reader.glance(std::move(answer)));
}

void Database::observe(std::function<void(Observation)> answer) {
  // A session that began or ended with a branch meanwhile is nobody's: better that than another's.
  impl_->perform(impl_->reader.observe([impl = impl_.get(), before = impl_->branches.sessions(),
                                        answer = std::move(answer)](Observation seen) {
    seen.working = impl->branches.sessions();
    std::erase_if(seen.working, [&before](const auto& each) {
      const auto same = before.find(each.first);
      return same == before.end() || same->second != each.second;
    });
    answer(std::move(seen));
  }));
}

std::optional<std::chrono::milliseconds> Database::prepared_for(const Gid& gid) const {
  const auto found = impl_->context.found.find(gid);
  if (found == impl_->context.found.end() || found->second.since == SteadyTime{})
    return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               found->second.since);
}

DatabaseStatistics Database::statistics() const {
  return {impl_->control.is_up(), impl_->lanes.statistics(), impl_->sessions.statistics(),
          impl_->finishers.statistics()};
}

}  // namespace assent
