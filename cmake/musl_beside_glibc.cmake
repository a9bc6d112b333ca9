# Included by static_musl.cmake, with `machine`: where the compiler's own C library is glibc.
#
# musl is beside it: Debian's and Ubuntu's musl-tools has it in /usr/lib/ARCH-linux-musl, Fedora's
# musl-devel and musl-libc-static in /usr/ARCH-linux-musl. Their musl-gcc makes a dynamic executable of
# -static-pie and knows no C++, so we name the pieces ourselves.
if(machine MATCHES "^([^-]+)-")
  set(arch ${CMAKE_MATCH_1})
endif()
find_path(USHER_MUSL rcrt1.o
  HINTS /usr/lib/${arch}-linux-musl /usr/${arch}-linux-musl/lib64 /usr/${arch}-linux-musl/lib
    /usr/local/musl/lib
  NO_CMAKE_FIND_ROOT_PATH)
find_path(USHER_MUSL_INCLUDE features.h
  HINTS /usr/include/${arch}-linux-musl /usr/${arch}-linux-musl/include ${USHER_MUSL}/../include
  NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
if(NOT EXISTS "${USHER_MUSL}/rcrt1.o" OR NOT EXISTS "${USHER_MUSL}/libc.a"
   OR NOT EXISTS "${USHER_MUSL_INCLUDE}/features.h")
  message(FATAL_ERROR "musl for ${arch} is missing: on Debian or Ubuntu apt-get install musl-tools, "
    "on Fedora dnf install musl-gcc musl-libc-static, to cross-compile scripts/musl, elsewhere set USHER_MUSL and USHER_MUSL_INCLUDE")
endif()

# g++'s own folders, less the C library's: first the C++ headers, then musl's, then the compiler's.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -x c++ -E -Wp,-v /dev/null
  ERROR_VARIABLE search OUTPUT_QUIET)
string(REGEX MATCHALL "\n (/[^\n]*)" folders "${search}")
set(cxx_folders "")
set(compiler_folders "")
foreach(folder IN LISTS folders)
  string(REGEX REPLACE "^\n " "" folder "${folder}")
  if(folder MATCHES "c\\+\\+")
    string(APPEND cxx_folders " -isystem ${folder}")
  elseif(folder MATCHES "/(gcc|gcc-cross|clang)/" AND NOT folder MATCHES "/\\.\\./")
    string(APPEND compiler_folders " -isystem ${folder}")
  endif()
endforeach()
target_compile_options(usher_code INTERFACE
  -nostdinc "SHELL:$<$<COMPILE_LANGUAGE:CXX>:-nostdinc++ ${cxx_folders}>" "SHELL:-isystem \"${USHER_MUSL_INCLUDE}\""
  "SHELL:${compiler_folders}"
  # libstdc++'s configuration was made for glibc and asks for its version.
  "-D__GLIBC_PREREQ(major,minor)=0")
