# npm's part of the build:
#   cmake -DNODE=… -DNPM=… -DSOURCE=… -DBINARY=… -DOUTPUT=… -DABSENT=… -DREQUIRED=… -P build.cmake
# Where it cannot be done, OUTPUT becomes ABSENT, unless REQUIRED is ON.
function(give_up why)
  if(REQUIRED STREQUAL ON)
    message(FATAL_ERROR "The console could not be built (ASSENT_CONSOLE=ON).\n${why}")
  endif()
  message(WARNING "The console is left out of the daemons, for it could not be built. Everything else is "
                  "as it should be. To try again: rm ${OUTPUT}\n${why}")
  configure_file(${ABSENT} ${OUTPUT} COPYONLY)
endfunction()

file(MAKE_DIRECTORY ${BINARY}/npm)
file(SHA256 ${SOURCE}/package-lock.json lock)
set(installed "")
if(EXISTS ${BINARY}/npm/installed)
  file(READ ${BINARY}/npm/installed installed)
endif()
if(NOT installed STREQUAL lock)
  configure_file(${SOURCE}/package.json ${BINARY}/npm/package.json COPYONLY)
  configure_file(${SOURCE}/package-lock.json ${BINARY}/npm/package-lock.json COPYONLY)
  execute_process(
    COMMAND ${NPM} ci --omit=dev --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=1
    WORKING_DIRECTORY ${BINARY}/npm TIMEOUT 120
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    give_up("npm ci: ${result}\n${output}")
    return()
  endif()
  file(WRITE ${BINARY}/npm/installed ${lock})
endif()

execute_process(
  COMMAND ${NODE} ${SOURCE}/build.mjs --modules ${BINARY}/npm/node_modules --out ${OUTPUT}
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  give_up("${output}")
  return()
endif()
message(STATUS "${output}")
