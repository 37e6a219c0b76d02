# What is installed, and the Debian packages: `cpack` in a release build makes assent-coordinator,
# assent-participant and assent-tools. scripts/release-check installs and tries them.
include(GNUInstallDirs)

set(ASSENT_MAINTAINER "The Assent authors <maintainers@assent.invalid>" CACHE STRING "Of the packages")
set(FILES ${CMAKE_SOURCE_DIR}/scripts/packages)
set(MADE ${CMAKE_BINARY_DIR}/packages)

# As Debian wants manual pages and changelogs: compressed, without a date of their own.
function(assent_install_gz source name folder component)
  get_filename_component(file ${name} NAME)
  file(MAKE_DIRECTORY ${MADE}/${component})
  execute_process(COMMAND gzip -9nc ${source} OUTPUT_FILE ${MADE}/${component}/${file}.gz COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  install(FILES ${MADE}/${component}/${file}.gz DESTINATION ${folder} COMPONENT ${component})
endfunction()

string(TIMESTAMP ASSENT_PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${FILES}/changelog.in ${MADE}/changelog @ONLY)

# assent_package(COMPONENT PROGRAMS … [MANUAL …]): what every package has.
function(assent_package component)
  cmake_parse_arguments(ARG "" "" "PROGRAMS;MANUAL" ${ARGN})
  install(TARGETS ${ARG_PROGRAMS} DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
  foreach(page ${ARG_MANUAL})
    get_filename_component(section ${page} LAST_EXT)
    string(SUBSTRING ${section} 1 -1 section)
    assent_install_gz(${CMAKE_SOURCE_DIR}/docs/man/${page} ${page} ${CMAKE_INSTALL_MANDIR}/man${section} ${component})
  endforeach()
  set(documents ${CMAKE_INSTALL_DATADIR}/doc/assent-${component})
  assent_install_gz(${MADE}/changelog changelog ${documents} ${component})
  install(FILES ${FILES}/copyright DESTINATION ${documents} COMPONENT ${component})
  foreach(program ${ARG_PROGRAMS})
    set(completion ${CMAKE_SOURCE_DIR}/docs/completion)
    if(EXISTS ${completion}/bash/${program})
      install(FILES ${completion}/bash/${program}
              DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT ${component})
      install(FILES ${completion}/zsh/_${program}
              DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT ${component})
      install(FILES ${completion}/fish/${program}.fish
              DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT ${component})
    endif()
  endforeach()
endfunction()

# A daemon has a unit, a configuration file, an account and scripts besides.
function(assent_daemon_package daemon)
  assent_package(${daemon} PROGRAMS assent-${daemon} MANUAL assent-${daemon}.8 assent-${daemon}.toml.5)
  install(FILES ${FILES}/assent-${daemon}.service DESTINATION /lib/systemd/system COMPONENT ${daemon})
  install(FILES ${FILES}/${daemon}.toml DESTINATION /etc/assent COMPONENT ${daemon}
          PERMISSIONS OWNER_READ OWNER_WRITE)
  file(WRITE ${MADE}/${daemon}/conffiles "/etc/assent/${daemon}.toml\n")
  set(NAME ${daemon})
  foreach(script postinst prerm postrm)
    configure_file(${FILES}/${script}.in ${MADE}/${daemon}/${script} @ONLY
                   FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  endforeach()
  string(TOUPPER ${daemon} DAEMON)
  set(CPACK_DEBIAN_${DAEMON}_PACKAGE_CONTROL_EXTRA
      "${MADE}/${daemon}/conffiles;${MADE}/${daemon}/postinst;${MADE}/${daemon}/prerm;${MADE}/${daemon}/postrm"
      PARENT_SCOPE)
  set(CPACK_DEBIAN_${DAEMON}_PACKAGE_DEPENDS "adduser" PARENT_SCOPE)
endfunction()

assent_daemon_package(coordinator)
assent_daemon_package(participant)
install(FILES ${CMAKE_SOURCE_DIR}/sql/participant.sql ${CMAKE_SOURCE_DIR}/sql/blocking.sql
        DESTINATION ${CMAKE_INSTALL_DATADIR}/assent/sql COMPONENT participant)
if(ASSENT_TESTS AND ASSENT_CAMPAIGNS)
  assent_package(tools PROGRAMS assent assent-lab assent-bench MANUAL assent.1)
  install(TARGETS assent-disk-faults assent-clock-faults DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/tests/lab/scenarios/ DESTINATION ${CMAKE_INSTALL_DATADIR}/assent/lab
          COMPONENT tools FILES_MATCHING PATTERN "*.lab")
else()
  assent_package(tools PROGRAMS assent MANUAL assent.1)
endif()
install(FILES ${CMAKE_SOURCE_DIR}/sql/demo_bank.sql DESTINATION ${CMAKE_INSTALL_DATADIR}/assent/sql COMPONENT tools)

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL coordinator participant tools)
set(CPACK_PACKAGE_NAME assent)
set(CPACK_PACKAGE_VENDOR Assent)
set(CPACK_PACKAGE_DIRECTORY ${MADE})
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${ASSENT_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
foreach(component coordinator participant tools)
  string(TOUPPER ${component} COMPONENT)
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_NAME assent-${component})
endforeach()
set(CPACK_COMPONENT_COORDINATOR_DESCRIPTION
    "The coordinator: commits transactions across databases, in all of them or in
none, and keeps its decisions in a ledger on disk. Exactly one runs for an
installation.")
set(CPACK_COMPONENT_PARTICIPANT_DESCRIPTION
    "The participant: runs beside a PostgreSQL database and carries out its part
of transactions that span several, as the coordinator decides.")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION
    "The tools: the command line assent, and assent-lab and assent-bench, which
break and measure installations of their own.")
set(CPACK_DEBIAN_TOOLS_PACKAGE_RECOMMENDS "assent-coordinator, assent-participant, postgresql")
include(CPack)
