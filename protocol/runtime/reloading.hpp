// What SIGHUP reads again: tokens, certificates, the log level, and what else is added. Each part
// alone: one that cannot be used stays as it was, is named in the log, and hinders no other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocol/runtime/config.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

class Reloading {
 public:
  // `read` reads the configuration again and throws ConfigError where it cannot be used; `config`
  // is the one in force, and outlives this. While this lives SIGHUP does not end the process.
  Reloading(boost::asio::io_context& io, const Config& config, std::function<Config()> read);
  ~Reloading();
  // `apply` is called on the I/O thread, for each SIGHUP, after those added before. It throws a
  // std::runtime_error, and has changed nothing then, where the new content cannot be used.
  void add(std::string what, std::function<void()> apply);
  // The same for these keys of the configuration, which it is given as it reads now.
  void add(std::string what, std::vector<std::string> keys,
           std::function<void(const Config&)> apply);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
