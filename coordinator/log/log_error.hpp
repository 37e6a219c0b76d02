// Why the log cannot do what it was asked.
#pragma once

#include <string>
#include <system_error>

#include <boost/system/result.hpp>

namespace assent {

// Why a log cannot be opened, made or written: one line for people, saying what, where and what to
// do.
struct LogError {
  std::string message;
};

template <typename T>
using LogResult = boost::system::result<T, LogError>;

// "cannot <do> <path>: <why>"
inline LogError log_error(const std::string& what, const std::string& path, std::error_code why) {
  return {"cannot " + what + " " + path + ": " + why.message()};
}

}  // namespace assent
