// The one text form of ids, messages, events, actions, records and states. Log lines, golden
// scenarios, simulator traces, the console's timeline and the diagrams in the documentation all
// show it.
//
//   Prepare gid=assent1:…:orders work=37B peers=[orders stock] time_left=500ms
//   Send participant=orders: Commit gid=… sequence=4 xid=771 server=7423…/1/shop
//   Vote gid=… verdict=no failure={problem=lock-timeout participant=stock sqlstate=55P03}
//
// The grammar, the same for every type:
//   record    Name field …             a message, event, action or log record; one line
//   field     name=value               in the order of the declaration
//             name                     a flag that is set
//             : record                 the message or log record carried by what stands before it
//   value     number, word, "text"     a text is quoted when it is more than one plain word
//             500ms                    a duration;  @1500ms an instant;  37B work or results
//             system/timeline/database a server identity
//             {field …}                a part;  Name{field …}  where there are several kinds
//             [value …]                a list or set;  [key:value …]  a map
// What is absent, empty, zero, not set or left at its default is left out; a duration and the size
// of work never are.
// A machine is a line of its own name followed by one indented line for each field or entry.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "protocol/coordinator_machine.hpp"
#include "protocol/messages.hpp"
#include "protocol/participant_machine.hpp"
#include "protocol/records.hpp"

namespace assent {

struct TextOptions {
  // Short names for transactions, ledgers and lives (T1, L1 …), for people and golden files. It is
  // asked for each id; where it answers nothing, the id is written in full. With a namer, a gid
  // loses its prefix and reads L1:3:T1:orders. Without one, every id is in its full, parsable form.
  std::function<std::string(const Uuid&)> namer;
};

// Defined for Uuid, TxId, LedgerId, Gid, ServerIdentity, Work, Results, Failure and every struct
// and variant of messages.hpp, records.hpp, participant_machine.hpp and coordinator_machine.hpp;
// for any other type it does not link. Equal values have equal texts.
template <typename T>
std::string to_text(const T& value, const TextOptions& options = {});

std::string_view to_string(FinishDone::Result result);
std::string_view to_string(StatusRead::Status status);
std::string_view to_string(ParticipantMachine::LinkState state);
std::string_view to_string(WaitFor wait_for);
std::string_view to_string(Member::State state);
std::string_view to_string(Tail tail);

}  // namespace assent
