// The description of the API: docs/openapi.yaml as JSON, compiled in.
#pragma once

#include <string_view>

namespace assent {

std::string_view openapi_document();

}  // namespace assent
