# How every target of ours is compiled: warnings as errors, sanitizers, one precompiled header a target.

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache can reuse objects made with precompiled headers only when told that these may differ.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE}
      CACHE STRING "" FORCE)
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(assent_flags INTERFACE)
target_include_directories(assent_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(assent_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror
                                              -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(assent_flags INTERFACE -fpch-preprocess)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(assent_flags INTERFACE -Xclang -fno-pch-timestamp)
endif()
if(ASSENT_SANITIZE)
  add_compile_options(-fsanitize=${ASSENT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ASSENT_SANITIZE})
  # With sanitizers g++ 12 takes objects of <regex>, of std::optional and of Asio's futures for
  # uninitialized, and Asio's allocation of coroutine frames for a mismatch; they are not. Every
  # build without sanitizers looks.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-maybe-uninitialized -Wno-mismatched-new-delete)
  endif()
endif()

# assent_library(NAME SOURCES … [DEPENDS …] [PRIVATE …] [PCH header …])
#   DEPENDS  libraries that users of this one need too
#   PRIVATE  libraries that only its sources need; their headers must stay out of ours
#   PCH      heavy headers, precompiled once for this target
function(assent_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE;PCH" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE assent_flags ${ARG_PRIVATE})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  if(ARG_PCH)
    target_precompile_headers(${name} PRIVATE ${ARG_PCH})
  endif()
endfunction()

# assent_program(NAME SOURCES … DEPENDS … [PCH …])
function(assent_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PCH" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE assent_flags ${ARG_DEPENDS})
  if(ARG_PCH)
    target_precompile_headers(${name} PRIVATE ${ARG_PCH})
  endif()
endfunction()

# assent_daemon(NAME): what is best for a process that allocates small things all the time. See
# docs/decisions/0014-an-allocator-of-its-own.md. Sanitizers bring an allocator of their own.
find_package(mimalloc 2 QUIET)
function(assent_daemon name)
  if(mimalloc_FOUND AND NOT ASSENT_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,--no-as-needed)  # nothing asks for it by name
    target_link_libraries(${name} PRIVATE mimalloc)
  endif()
endfunction()

# Boost as we use it: headers from the system folder (so that its warnings are not ours).
# Asio and Beast are declared everywhere and compiled once, in assent_asio (protocol/runtime).
add_library(assent_boost_headers INTERFACE)
target_link_libraries(assent_boost_headers INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(assent_boost_headers INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_CONCEPTS
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)
add_library(assent_boost INTERFACE)
target_link_libraries(assent_boost INTERFACE assent_boost_headers assent_asio)
