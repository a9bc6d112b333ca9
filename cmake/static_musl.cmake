# The release binary: static-pie on musl, full RELRO, no executable stack, stack protector, no C++
# run-time library (it is linked as C), nothing in it that depends on where or when it was built.

execute_process(COMMAND ${CMAKE_CXX_COMPILER} -dumpmachine
  OUTPUT_VARIABLE machine OUTPUT_STRIP_TRAILING_WHITESPACE)

# Sections of their own let the linker leave out what nobody calls, and keep the loop apart.
target_compile_options(usher_code INTERFACE
  # Clang's -Oz leaves calls that need the C++ library (string_view's checks).
  $<IF:$<CXX_COMPILER_ID:GNU>,-Oz,-Os> -fPIE -fstack-protector-strong -ffunction-sections -fdata-sections
  -fno-asynchronous-unwind-tables -fno-unwind-tables  # nothing here throws
  # A switch in the loop is code; its table would lie with all other constants, apart from the loop.
  -fno-jump-tables)
if(machine MATCHES "powerpc64|ppc64")
  target_compile_options(usher_code INTERFACE -mlong-double-64)  # musl's
endif()
if(NOT machine MATCHES "aarch64|powerpc64|ppc64")  # their kernels may have pages of 64 KiB
  target_link_options(usher_link INTERFACE -Wl,-z,max-page-size=4096)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A seed of its own for every file would make two builds differ.
  target_compile_options(usher_code INTERFACE -flto -frandom-seed=usher)
  target_link_options(usher_link INTERFACE -flto -flto-partition=one -Oz -ffunction-sections -fno-jump-tables
    -frandom-seed=usher)
endif()
target_link_options(usher_link INTERFACE
  # The compiler's own -static-pie does not reach the linker on every architecture.
  -static-pie -Wl,-static,-pie,--no-dynamic-linker,-z,text
  -Wl,-z,relro,-z,now,-z,noexecstack,-z,noseparate-code
  -Wl,-T,${PROJECT_SOURCE_DIR}/cmake/usher.ld
  -Wl,--gc-sections,--build-id=none,-s
  -Wl,-Map=usher.map,--cref)  # which parts of which library are inside, and who uses them
set_target_properties(usher_link PROPERTIES
  INTERFACE_LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/usher.ld)
set(CMAKE_CXX_LINK_EXECUTABLE
  "<CMAKE_C_COMPILER> <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")

if(machine MATCHES "musl")
  # The compiler's own C library (Alpine), but not what it links into every program besides.
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=rcrt1.o
    OUTPUT_VARIABLE rcrt1 OUTPUT_STRIP_TRAILING_WHITESPACE)
  get_filename_component(USHER_MUSL "${rcrt1}" DIRECTORY)
  if(NOT EXISTS "${USHER_MUSL}/libc.a")
    message(FATAL_ERROR "the C library to link with is missing: on Alpine apk add musl-dev")
  endif()
else()
  include(${CMAKE_CURRENT_LIST_DIR}/musl_beside_glibc.cmake)
endif()

execute_process(COMMAND ${CMAKE_C_COMPILER} -print-libgcc-file-name
  OUTPUT_VARIABLE libgcc OUTPUT_STRIP_TRAILING_WHITESPACE)
target_link_options(usher_link INTERFACE
  -nostdlib -nostartfiles ${USHER_MUSL}/rcrt1.o ${USHER_MUSL}/crti.o)
target_link_libraries(usher_link INTERFACE
  -Wl,--start-group ${USHER_MUSL}/libc.a ${libgcc} -Wl,--end-group ${USHER_MUSL}/crtn.o)
