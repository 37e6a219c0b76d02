# The two machines, without I/O: state tables, decisions, recovery.
assent_test(unit_machines
  SOURCES coordinator_states_test.cpp coordinator_keys_test.cpp coordinator_requests_test.cpp coordinator_members_test.cpp
          coordinator_recovery_test.cpp coordinator_doubt_test.cpp coordinator_resolution_test.cpp doubt_states_test.cpp
          participant_states_test.cpp participant_branches_test.cpp participant_decision_test.cpp
          participant_database_test.cpp external_states_test.cpp external_test.cpp
  DEPENDS assent_protocol
  LABELS unit)
target_compile_definitions(unit_machines PRIVATE
  ASSENT_PROTOCOL_README="${CMAKE_SOURCE_DIR}/protocol/README.md")
