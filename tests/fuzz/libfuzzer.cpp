// libFuzzer's entry to the target this is compiled for.
#include <cstddef>
#include <cstdint>

#include <google/protobuf/stubs/logging.h>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it would tell of every text that is not UTF-8
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  assent::fuzz::ASSENT_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
