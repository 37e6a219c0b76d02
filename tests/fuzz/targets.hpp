// What is fuzzed: functions that take any bytes from outside and must come back, keeping what they
// promise. Each is driven by libFuzzer (one program each) and, over the corpus, by ctest.
#pragma once

#include <string_view>

namespace assent::fuzz {

void wire(std::string_view bytes);           // frames between coordinator and participant
void records(std::string_view bytes);        // payloads of the ledger's records
void ledger(std::string_view bytes);         // a folder of segments
void request(std::string_view bytes);        // JSON bodies of the API
void http(std::string_view bytes);           // what a client sends to the HTTP server
void sql_guard(std::string_view bytes);      // statements for a branch
void configuration(std::string_view bytes);  // files, environment and options of both daemons

// Ends the process when a promise is broken; a fuzzer keeps the input then.
void demand(bool holds, const char* promise);

}  // namespace assent::fuzz
