#include "protocol/runtime/access.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

#include <sys/stat.h>

#include "protocol/runtime/http_server.hpp"

namespace assent {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;

std::string content(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0)
    throw std::runtime_error(path + ": everybody on this machine may write it; chmod o-w");
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  if (!file || !S_ISREG(status.st_mode))
    throw std::runtime_error(path +
                             ": the file cannot be read; check the path, and that this "
                             "process's user may");
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) throw std::runtime_error(path + ": the file cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) throw std::runtime_error(path + ": larger than 1 MiB");
  return text;
}

// The token of an Authorization header; empty: not one of ours.
std::string_view bearer(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return {};
  }
  header.remove_prefix(std::min(header.find_first_not_of(' ', kScheme.size()), header.size()));
  return header;
}

}  // namespace

Access::Access(std::string file) : file_(std::move(file)) {
  if (is_open())
    callers_.push_back(std::make_shared<const Caller>());
  else
    reload();
}

void Access::reload() {
  if (!is_open()) callers_ = parse_callers(content(file_), file_);
}

CallerPtr Access::by_token(std::string_view token) const {
  const TokenDigest digest = digest_of(token);
  CallerPtr found;
  for (const CallerPtr& caller : callers_)  // all of them, however early one fits
    if (caller->token && same(*caller->token, digest)) found = caller;
  return found;
}

Access::Identity Access::identify(const HttpRequest& request) const {
  if (is_open()) return {callers_.front(), {}};
  const auto given =
      std::count_if(request.headers.begin(), request.headers.end(),
                    [](const auto& field) { return field.first == "authorization"; });
  if (given > 1) return {nullptr, "The request carries more than one Authorization header."};
  if (given == 1) {
    const std::string_view token = bearer(*request.header("authorization"));
    if (token.empty()) return {nullptr, "Authorization takes a Bearer token."};
    if (auto caller = by_token(token)) return {std::move(caller), {}};
    return {nullptr, "The token is not one of those that are known here."};
  }
  if (!request.certificate) return {nullptr, "The request carries no token."};
  for (const CallerPtr& caller : callers_) {
    const auto& names = request.certificate->names;
    if (!caller->certificate.empty() &&
        std::find(names.begin(), names.end(), caller->certificate) != names.end())
      return {caller, {}};
  }
  return {nullptr, "The certificate is about nobody who is known here."};
}

bool Access::knows(const Caller& caller) const {
  return std::any_of(callers_.begin(), callers_.end(),
                     [&caller](const CallerPtr& known) { return *known == caller; });
}

}  // namespace assent
