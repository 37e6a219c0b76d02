// assent-sim --explore: the command line of the explorer.
#pragma once

namespace assent::explore {

// `--explore` is among the arguments: the others are the explorer's then.
bool is_asked_for(int argc, char** argv);
// Explores, prints what was found and a summary in JSON. Returns the exit code: 0, 1 (an invariant
// breaks), 2 (something cannot come to rest), 4 (not everything was explored), 64 (usage).
int run_command(int argc, char** argv);

}  // namespace assent::explore
