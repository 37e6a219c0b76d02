#include "tests/bench/http_load.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>

#include "protocol/runtime/asio.hpp"
#include "tests/bench/request_text.hpp"

namespace assent::bench {
namespace {

class Clients;

class HttpClientLoop {
 public:
  HttpClientLoop(net::io_context& io, Clients& clients) : socket_(io), clients_(clients) {}

  void begin(Clock::time_point wanted);

 private:
  void connect();
  void ask();
  void read();
  void on_answer();
  void hang_up();
  void fail(const std::string& what);
  void finish();

  Socket socket_;
  Clients& clients_;
  Clock::time_point wanted_;
  Moves moves_;
  std::size_t step_ = 0;
  std::size_t carried_ = 0;  // transfers over this connection
  std::string tx_;
  std::string request_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> answer_;
};

class Clients {
 public:
  Clients(const HttpLoad& wanted, const Pace& its_pace, Book& its_book, Recorder& its_recorder)
      : load(wanted),
        book(its_book),
        recorder(its_recorder),
        pace_(its_pace),
        arrival_(io_, Clock::time_point()) {
    for (std::size_t i = 0; i < pace_.clients; ++i) {
      idle_.push_back(&all_.emplace_back(io_, *this));
    }
  }

  HttpCounts run() {
    if (pace_.rate > 0) {
      next_ = Clock::now();
      arrive();
    } else {
      while (!idle_.empty()) begin_one(Clock::now());
    }
    io_.run();
    return counts;
  }

  void ended(HttpClientLoop& client, Clock::time_point wanted) {
    const auto now = Clock::now();
    recorder.done(wanted, now);
    idle_.push_back(&client);
    if (pace_.rate > 0) {
      start_waiting();
    } else if (recorder.goes_on(now)) {
      begin_one(now);
    }
  }

  const HttpLoad& load;
  Book& book;
  Recorder& recorder;
  HttpCounts counts;

 private:
  void begin_one(Clock::time_point wanted) {
    // Who has waited longest: a connection that is never used is closed by the server.
    HttpClientLoop& client = *idle_.front();
    idle_.pop_front();
    client.begin(wanted);
  }

  void start_waiting() {
    while (!idle_.empty() && !wanted_.empty()) {
      begin_one(wanted_.front());
      wanted_.pop_front();
    }
  }

  // Open loop: the next one comes when it comes, whatever became of the one before.
  void arrive() {
    arrival_.expires_at(next_);
    arrival_.async_wait([this](Error error) {
      if (error) return;
      const auto now = Clock::now();
      if (!recorder.goes_on(now)) return wanted_.clear();
      std::exponential_distribution<double> pause(pace_.rate);
      for (; next_ <= now; next_ += std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(pause(random_))))
        wanted_.push_back(next_);
      start_waiting();
      arrive();
    });
  }

  const Pace& pace_;
  net::io_context io_{1};
  std::deque<HttpClientLoop> all_;
  std::deque<HttpClientLoop*> idle_;
  Timer arrival_;
  std::mt19937_64 random_{7};
  Clock::time_point next_;
  std::deque<Clock::time_point> wanted_;
};

void HttpClientLoop::begin(Clock::time_point wanted) {
  wanted_ = wanted;
  clients_.book.pick(moves_);
  step_ = 0;
  if (clients_.load.fresh_every > 0 && carried_ == clients_.load.fresh_every) hang_up();
  ++carried_;
  if (socket_.is_open()) return ask();
  connect();
}

void HttpClientLoop::hang_up() {
  Error ignored;
  socket_.close(ignored);
  buffer_.clear();
  carried_ = 0;
}

void HttpClientLoop::connect() {
  socket_.async_connect({net::ip::address_v4::loopback(), clients_.load.port}, [this](Error error) {
    if (error) return fail("cannot connect: " + error.message());
    socket_.set_option(Tcp::no_delay(true));
    ask();
  });
}

void HttpClientLoop::ask() {
  if (clients_.load.mode == HttpLoad::Mode::one_shot)
    write_one_shot(request_, clients_.load, moves_);
  else
    request_ = interactive_request(clients_.load, moves_, step_, tx_);
  ++clients_.counts.requests;
  clients_.counts.bytes_out += request_.size();
  // The answer cannot come before the request has left: read when it has.
  net::async_write(socket_, net::buffer(request_), [this](Error error, std::size_t) {
    if (error) return fail("a request could not be sent: " + error.message());
    read();
  });
}

void HttpClientLoop::read() {
  answer_.emplace();
  answer_->body_limit(64 * 1024 * 1024);
  http::async_read(socket_, buffer_, *answer_, [this](Error error, std::size_t bytes) {
    if (error) return fail("no answer: " + error.message());
    clients_.counts.bytes_in += bytes;
    on_answer();
  });
}

void HttpClientLoop::on_answer() {
  const unsigned status = answer_->get().result_int();
  const std::string& body = answer_->get().body();
  const bool good = status == 200 || status == 201 || status == 202;
  if (!good) {
    if (body.find(R"("outcome":"aborted")") == std::string::npos)
      return fail("answered " + std::to_string(status) + ": " + body);
    if (++clients_.counts.aborted == 1) clients_.counts.first_refusal = body;
    return finish();
  }
  if (clients_.load.mode == HttpLoad::Mode::interactive && step_ <= moves_.size()) {
    if (step_ == 0) tx_ = body.substr(body.find("\"id\":\"") + 6, 36);
    ++step_;
    return ask();
  }
  if (body.find(R"("outcome":"committed")") == std::string::npos)
    throw std::runtime_error("neither committed nor aborted: " + body);
  if (status == 202) ++clients_.counts.pending;
  if (!clients_.load.read_only) clients_.book.committed(moves_);
  finish();
}

void HttpClientLoop::fail(const std::string& what) {
  if (!clients_.load.tolerant) throw std::runtime_error(what);
  ++clients_.counts.refused;
  hang_up();
  finish();
}

void HttpClientLoop::finish() {
  clients_.ended(*this, wanted_);
}

}  // namespace

HttpCounts run(const HttpLoad& load, const Pace& pace, Book& book, Recorder& recorder) {
  return Clients(load, pace, book, recorder).run();
}

}  // namespace assent::bench
