// Looking at a ledger that a coordinator may be using: what it holds, a copy of it, whose it is.
// Nothing here changes the ledger, or takes its lock, which could keep a coordinator from starting.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "coordinator/log/ledger_reader.hpp"

namespace assent {

// Reads as read_ledger does. While somebody writes, one reading may find a segment gone that is not
// needed any more, or a record that was written while an earlier part was being read, which looks
// like damage. So what is wrong is believed when two readings in a row say the same. `begin` is
// called before each reading.
LogResult<LedgerContents> inspect_ledger(Files& files, const std::function<void()>& begin = {},
                                         const RecordSeen& seen = {});
// The same, of a folder on this machine.
LogResult<LedgerContents> verify_log(const std::string& folder,
                                     const std::function<void()>& begin = {},
                                     const RecordSeen& seen = {});

// Copies the log into `to`, which is empty. Every record is in the copy that was on disk when this
// began: its bytes stood before anything torn. Bytes before the end of the last whole record never
// change; what follows is left out, so that the copy has no torn tail, whatever was being written.
// The copy is synced and read back. What it holds.
LogResult<LedgerContents> copy_ledger(Files& from, Files& to);
// The same for folders of this machine. `to` must not exist, and does so only when the copy is
// whole: until then it is `to`.unfinished.
LogResult<LedgerContents> backup_log(const std::string& folder, const std::string& to);

// The id of the process that has the ledger in this folder; nullopt: nobody.
std::optional<std::string> user_of_ledger(const std::string& folder);

}  // namespace assent
