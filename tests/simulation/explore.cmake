# The explorer: every state of one transaction.
assent_library(assent_explorer
  SOURCES explore.cpp explore_command.cpp explore_database.cpp explore_draft.cpp explore_model.cpp
          explore_network.cpp explore_numbers.cpp explore_parties.cpp explore_text.cpp
  DEPENDS assent_simulation CLI11::CLI11)

assent_test(simulation_explore_self
  SOURCES explore_test.cpp DEPENDS assent_explorer LABELS simulation TIMEOUT 300)

# Exits with 1 when an invariant breaks, 2 when something cannot come to rest, 4 when it gives up.
# Losses and duplicates that are not counted are any number. With two crashes and with more breaks
# it takes minutes: see .ci/run and the README.
add_test(NAME simulation_explore COMMAND assent-sim --explore --crashes 1 --json)
add_test(NAME simulation_explore_three
  COMMAND assent-sim --explore --participants 3 --crashes 0 --json)
add_test(NAME simulation_explore_breaks
  COMMAND assent-sim --explore --crashes 0 --breaks 1 --json)
# With losses that are counted: what was lost is sent again.
add_test(NAME simulation_explore_counted
  COMMAND assent-sim --explore --crashes 0 --losses 1 --json)
set_tests_properties(simulation_explore simulation_explore_three simulation_explore_breaks
  simulation_explore_counted PROPERTIES LABELS simulation TIMEOUT 600)
