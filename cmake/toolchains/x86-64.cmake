# SPDX-License-Identifier: MIT
# Debian: apt-get install g++-x86-64-linux-gnu; musl by scripts/musl x86-64.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER x86_64-linux-gnu-g++)
set(USHER_MUSL ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/x86-64/lib CACHE PATH "musl's rcrt1.o, libc.a")
set(USHER_MUSL_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/x86-64/include CACHE PATH "its headers")
