# The release binary: static-pie on musl, full RELRO, no executable stack, stack protector, no C++
# run-time library (it is linked as C), nothing in it that depends on where or when it was built.

execute_process(COMMAND ${CMAKE_CXX_COMPILER} -dumpmachine
  OUTPUT_VARIABLE machine OUTPUT_STRIP_TRAILING_WHITESPACE)

target_compile_options(usher_build INTERFACE
  -Oz -fPIE -fstack-protector -ffunction-sections -fdata-sections
  -fno-asynchronous-unwind-tables -fno-unwind-tables -fvisibility=hidden
  -fomit-frame-pointer -fmerge-all-constants)
if(machine MATCHES "powerpc64|ppc64")
  target_compile_options(usher_build INTERFACE -mlong-double-64)  # musl's
endif()
if(machine MATCHES "x86_64|i[3-6]86")
  # Clang takes -mgeneral-regs-only for a refusal of long double, which libstdc++ names.
  target_compile_options(usher_build INTERFACE -fcf-protection=none
    $<$<CXX_COMPILER_ID:GNU>:-mgeneral-regs-only;-malign-data=abi>)
endif()
if(NOT machine MATCHES "aarch64|powerpc64|ppc64")  # their kernels may have pages of 64 KiB
  target_link_options(usher_link INTERFACE -Wl,-z,max-page-size=4096)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A seed of its own for every file would make two builds differ.
  target_compile_options(usher_build INTERFACE -flto -frandom-seed=usher)
  # Each of these makes our code smaller (found by trying, GCC 12): together 2.4 KiB.
  target_compile_options(usher_build INTERFACE
    -fno-inline-functions-called-once -fno-tree-dominator-opts -fno-move-loop-invariants
    -fno-caller-saves -fno-optimize-sibling-calls -fno-if-conversion -fno-forward-propagate
    -fno-jump-tables -fno-shrink-wrap -fno-expensive-optimizations)
  target_link_options(usher_link INTERFACE -flto -flto-partition=one -Oz -ffunction-sections
    -frandom-seed=usher)
endif()
target_link_options(usher_link INTERFACE
  # The compiler's own -static-pie does not reach the linker on every architecture.
  -static-pie -Wl,-static,-pie,--no-dynamic-linker,-z,text
  -Wl,-z,relro,-z,now,-z,noexecstack,-z,noseparate-code
  -Wl,-T,${PROJECT_SOURCE_DIR}/cmake/usher.ld
  -Wl,--gc-sections,--build-id=none,--hash-style=gnu,-O1,--sort-common,-s
  -Wl,-Map=usher.map,--cref)  # which parts of which library are inside, and who uses them
set_target_properties(usher_link PROPERTIES
  INTERFACE_LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/usher.ld)
set(CMAKE_CXX_LINK_EXECUTABLE
  "<CMAKE_C_COMPILER> <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")

if(machine MATCHES "musl")
  return()  # the compiler's own C library is the one we want
endif()

# musl beside glibc: Debian's and Ubuntu's musl-tools has it in /usr/lib/ARCH-linux-musl, Fedora's
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
target_compile_options(usher_build INTERFACE
  -nostdinc -nostdinc++ "SHELL:${cxx_folders}" "SHELL:-isystem \"${USHER_MUSL_INCLUDE}\""
  "SHELL:${compiler_folders}"
  # libstdc++'s configuration was made for glibc and asks for its version.
  "-D__GLIBC_PREREQ(major,minor)=0")
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-libgcc-file-name
  OUTPUT_VARIABLE libgcc OUTPUT_STRIP_TRAILING_WHITESPACE)
target_link_options(usher_link INTERFACE
  -nostdlib -nostartfiles ${USHER_MUSL}/rcrt1.o ${USHER_MUSL}/crti.o)
target_link_libraries(usher_link INTERFACE
  -Wl,--start-group ${USHER_MUSL}/libc.a ${libgcc} -Wl,--end-group ${USHER_MUSL}/crtn.o)
