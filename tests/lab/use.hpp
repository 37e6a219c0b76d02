// What the daemons of a deployment use, and what they have left in their databases.
#pragma once

#include "tests/integration/system/deployment.hpp"

namespace assent::lab {

struct Use {
  // Of the daemons, their own: what they have asked the system for and touched, resident or swapped
  // out. Pages of their programs' files come and go as the machine pleases, and are not counted.
  double memory_kib = 0;
  double descriptors = 0;
  double connections = 0;  // of participants to their databases
  double slots = 0;        // prepared transactions
  double journal_rows = 0;
  double overdue_rows = 0;  // of these, to be deleted since more than two minutes
};

Use read_use(test::Deployment& deployment);

// Makes every line of the journal as old as participants keep them, so that they delete them. What
// an hour brings, and what has to go after thirty days, is then seen within the hour.
void age_journal(test::Deployment& deployment);

}  // namespace assent::lab
