// Writes one endless response: takes the connection's stream over and keeps it until either side
// closes.
#pragma once

#include <memory>
#include <string>

#include "protocol/runtime/http_connection.hpp"
#include "protocol/runtime/http_stream.hpp"

namespace assent {

class HttpStreaming : public std::enable_shared_from_this<HttpStreaming> {
 public:
  // `response.stream` is set.
  HttpStreaming(Stream client, std::shared_ptr<HttpServerState> server, HttpResponse response,
                ResponseShape shape);
  void start();
  // Closes at once and lets the stream go.
  void close();

 private:
  void pump();
  void write(std::string chunk);
  void watch_client();
  void keep_alive();

  Stream client_;
  std::shared_ptr<HttpServerState> server_;
  std::shared_ptr<HttpStream> stream_;  // null: closed
  BeastResponse header_;
  http::response_serializer<http::string_body> serializer_{header_};
  Timer alive_;
  std::string chunk_;
  bool writing_ = false;
  bool wrote_ = false;  // since keep_alive() looked last
};

}  // namespace assent
