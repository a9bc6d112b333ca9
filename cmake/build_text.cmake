# USHER_BUILD: what `usher --version` tells behind the version, such as
# "commit 0123456789ab, musl 1.2.3, x86_64". The same commit makes the same text; changes that no
# commit has make it "commit 0123456789ab-dirty".

set(USHER_COMMIT "" CACHE STRING "what usher --version names as the commit")
set(commit "${USHER_COMMIT}")
find_package(Git QUIET)
if(NOT commit AND Git_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --git-path logs/HEAD --short=12 HEAD
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE answer ERROR_QUIET RESULT_VARIABLE failed
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT failed AND answer MATCHES "^(.*)\n([0-9a-f]+)$")
    set(commit ${CMAKE_MATCH_2})
    file(REAL_PATH ${CMAKE_MATCH_1} reflog BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    if(EXISTS ${reflog})  # a new commit is a new text
      set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${reflog})
    endif()
    execute_process(COMMAND ${GIT_EXECUTABLE} --no-optional-locks status --porcelain
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE changes ERROR_QUIET)
    if(NOT changes STREQUAL "")
      string(APPEND commit -dirty)
    endif()
    if(USHER_STATIC)  # so is a change of what the binary is made from
      file(GLOB_RECURSE made_from ${PROJECT_SOURCE_DIR}/src/* ${PROJECT_SOURCE_DIR}/cmake/*)
      set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${made_from})
    endif()
  endif()
endif()

execute_process(COMMAND ${CMAKE_CXX_COMPILER} -dumpmachine
  OUTPUT_VARIABLE machine OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "-.*" "" USHER_BUILD ${machine})
if(USHER_STATIC)
  if(USHER_MUSL)
    set(libc ${USHER_MUSL}/libc.a)
  else()
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libc.a
      OUTPUT_VARIABLE libc OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  file(STRINGS ${libc} version REGEX "^[0-9]+\\.[0-9]+\\.[0-9]+$" LIMIT_COUNT 1)
  set(USHER_BUILD "musl ${version}, ${USHER_BUILD}")
endif()
if(USHER_TLS)
  set(USHER_BUILD "Mbed TLS ${mbedtls_version}, ${USHER_BUILD}")
endif()
if(commit)
  set(USHER_BUILD "commit ${commit}, ${USHER_BUILD}")
endif()
