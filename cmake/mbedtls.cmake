# Mbed TLS, for usher-tls: the one version that it is built with, from the tarball that scripts/mbedtls puts
# into build/mbedtls (USHER_MBEDTLS: another place of the same file). scripts/mbedtls reads the pin here.
set(mbedtls_version 3.6.7)
set(mbedtls_sha256 a7e8bcbec0e6f761b4af24f25677626b35f762f68eef79c08677a363212d11f6)

set(USHER_MBEDTLS ${PROJECT_SOURCE_DIR}/build/mbedtls/mbedtls-${mbedtls_version}.tar.bz2
  CACHE FILEPATH "the source tarball of Mbed TLS ${mbedtls_version}")
if(NOT EXISTS ${USHER_MBEDTLS})
  message(FATAL_ERROR "Mbed TLS ${mbedtls_version} is missing: run scripts/mbedtls, or scripts/mbedtls FILE, or set "
    "USHER_MBEDTLS to its source tarball")
endif()
file(SHA256 ${USHER_MBEDTLS} sha256)
if(NOT sha256 STREQUAL mbedtls_sha256)
  message(FATAL_ERROR "${USHER_MBEDTLS} is not the source tarball of Mbed TLS ${mbedtls_version}: its SHA-256 is "
    "${sha256}, not ${mbedtls_sha256}")
endif()
set(mbedtls ${PROJECT_BINARY_DIR}/mbedtls-${mbedtls_version})
set(everest ${mbedtls}/3rdparty/everest)   # X25519, formally verified, and several times as fast
if(NOT EXISTS ${everest})
  set(mbedtls_parts LICENSE include/* library/* 3rdparty/everest/*)
  list(TRANSFORM mbedtls_parts PREPEND mbedtls-${mbedtls_version}/)
  file(ARCHIVE_EXTRACT INPUT ${USHER_MBEDTLS} DESTINATION ${PROJECT_BINARY_DIR} PATTERNS ${mbedtls_parts})
endif()

file(GLOB mbedtls_sources ${mbedtls}/library/*.c)
list(APPEND mbedtls_sources ${everest}/library/everest.c ${everest}/library/x25519.c
  ${everest}/library/Hacl_Curve25519_joined.c)
add_library(mbedtls OBJECT ${mbedtls_sources})
target_include_directories(mbedtls SYSTEM PUBLIC ${mbedtls}/include ${everest}/include
  PRIVATE ${mbedtls}/library ${everest}/include/everest ${everest}/include/everest/kremlib)
target_compile_definitions(mbedtls PUBLIC
  "MBEDTLS_CONFIG_FILE=\"${PROJECT_SOURCE_DIR}/cmake/mbedtls_config.h\"")
target_compile_options(mbedtls PRIVATE -w -ffile-prefix-map=${mbedtls}=mbedtls)
target_link_libraries(mbedtls PRIVATE usher_code)
# Where a handshake spends its time.
set_source_files_properties(${mbedtls}/library/bignum_core.c PROPERTIES COMPILE_OPTIONS -O2)
# Two calls go through src/sys/tls_stream.cpp, which says why.
set_source_files_properties(${mbedtls}/library/rsa.c PROPERTIES COMPILE_DEFINITIONS
  mbedtls_mpi_exp_mod_unsafe=usher_tls_public_power)
set_source_files_properties(${mbedtls}/library/psa_crypto_ecp.c PROPERTIES COMPILE_DEFINITIONS
  mbedtls_ecp_mul=usher_tls_multiply)
# How much the start writes, with the library's tables of functions (cmake/usher.ld).
target_link_options(usher_link INTERFACE -Wl,--defsym=relocated_size=2688)
