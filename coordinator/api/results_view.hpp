// Results of statements as JSON.
#pragma once

#include <string>

#include "protocol/messages.hpp"

namespace assent {

// [{"command":"SELECT","rows_affected":1,"columns":[{"name":"n","type":"int4"}],"rows":[[1]]}]
//
// int2, int4, bool, float4 and float8 are JSON's own (NaN and the infinities strings); everything
// else is PostgreSQL's text; NULL is null. Appends null where the bytes are not results: an outcome
// must be told even where its results cannot be.
void append_results(std::string& out, const Results& results);

}  // namespace assent
