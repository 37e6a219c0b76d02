#include "protocol/runtime/http_streaming.hpp"

#include <utility>

namespace assent {

HttpStreaming::HttpStreaming(Stream client, std::shared_ptr<HttpServerState> server,
                             HttpResponse response, ResponseShape shape)
    : client_(std::move(client)),
      server_(std::move(server)),
      stream_(std::move(response.stream)),
      alive_(client_.get_executor()) {
  shape.keep_alive = false;  // the end of the connection is the end of the response
  header_ = translate(std::move(response), shape);
  header_.erase(http::field::content_length);
}

void HttpStreaming::start() {
  stream_->on_more([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
  writing_ = true;
  http::async_write_header(client_, serializer_,
                           [self = shared_from_this()](Error error, std::size_t) {
                             self->writing_ = false;
                             if (error) return self->close();
                             self->pump();
                           });
  watch_client();
  keep_alive();
}

void HttpStreaming::pump() {
  if (!stream_ || writing_) return;
  if (std::string chunk = stream_->next(); !chunk.empty()) write(std::move(chunk));
}

void HttpStreaming::write(std::string chunk) {
  chunk_ = std::move(chunk);
  writing_ = wrote_ = true;
  net::async_write(client_, net::buffer(chunk_),
                   [self = shared_from_this()](Error error, std::size_t) {
                     self->writing_ = false;
                     if (error) return self->close();
                     self->pump();
                   });
}

// A client has nothing to say any more; what it says is thrown away. That it goes is noticed here.
void HttpStreaming::watch_client() {
  client_.async_read_some(net::buffer(server_->discarded),
                          [self = shared_from_this()](Error error, std::size_t) {
                            if (error) return self->close();
                            if (self->stream_) self->watch_client();
                          });
}

void HttpStreaming::keep_alive() {
  alive_.expires_after(server_->limits.stream_heartbeat);
  alive_.async_wait([self = shared_from_this()](Error error) {
    if (error || !self->stream_) return;
    // A write that was under way for the whole period: nobody reads.
    if (self->writing_ && !self->wrote_) return self->close();
    if (!self->writing_ && !self->wrote_) self->write(self->stream_->heartbeat());
    self->wrote_ = false;
    self->keep_alive();
  });
}

void HttpStreaming::close() {
  if (!stream_) return;
  stream_.reset();
  alive_.cancel();
  Error ignored;
  client_.socket().close(ignored);
  server_->streams.erase(shared_from_this());
}

}  // namespace assent
