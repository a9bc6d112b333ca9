# SPDX-License-Identifier: MIT
# Debian: apt-get install g++-arm-linux-gnueabihf; musl by scripts/musl armv7.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
set(USHER_MUSL ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/armv7/lib CACHE PATH "musl's rcrt1.o, libc.a")
set(USHER_MUSL_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/armv7/include CACHE PATH "its headers")
