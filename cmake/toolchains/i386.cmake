# SPDX-License-Identifier: MIT
# Debian: apt-get install g++-i686-linux-gnu; musl by scripts/musl i386.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER i686-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER i686-linux-gnu-g++)
set(USHER_MUSL ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/i386/lib CACHE PATH "musl's rcrt1.o, libc.a")
set(USHER_MUSL_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/i386/include CACHE PATH "its headers")
