# The explorer: every state of one transaction.
assent_library(assent_explorer
  SOURCES explore.cpp explore_command.cpp explore_database.cpp explore_draft.cpp explore_model.cpp
          explore_numbers.cpp explore_parties.cpp explore_text.cpp
  DEPENDS assent_simulation CLI11::CLI11)

assent_test(simulation_explore_self
  SOURCES explore_test.cpp DEPENDS assent_explorer LABELS simulation TIMEOUT 300)

# Exits with 1 when an invariant breaks, 2 when something cannot come to rest, 4 when it gives up.
add_test(NAME simulation_explore COMMAND assent-sim --explore --crashes 1 --json)
set_tests_properties(simulation_explore PROPERTIES LABELS simulation TIMEOUT 600)
