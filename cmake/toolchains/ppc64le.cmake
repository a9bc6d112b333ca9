# SPDX-License-Identifier: MIT
# Debian: apt-get install g++-powerpc64le-linux-gnu; musl by scripts/musl ppc64le.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ppc64le)
set(CMAKE_C_COMPILER powerpc64le-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER powerpc64le-linux-gnu-g++)
set(USHER_MUSL ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/ppc64le/lib CACHE PATH "musl's rcrt1.o, libc.a")
set(USHER_MUSL_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/ppc64le/include CACHE PATH "its headers")
