# SPDX-License-Identifier: MIT
# Debian: apt-get install g++-arm-linux-gnueabi; musl by scripts/musl armv6.
# With the compiler of armel, whose libgcc and musl are ARMv5TE's: those of armhf are ARMv7's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv6l)
set(CMAKE_C_COMPILER arm-linux-gnueabi-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabi-g++)
set(armv6 "-march=armv6 -mfloat-abi=soft -mthumb")   # Thumb, for size: 139 KiB, in ARM code 191
set(CMAKE_C_FLAGS_INIT ${armv6})
set(CMAKE_CXX_FLAGS_INIT ${armv6})
set(CMAKE_EXE_LINKER_FLAGS_INIT ${armv6})
set(USHER_MUSL ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/armv6/lib CACHE PATH "musl's rcrt1.o, libc.a")
set(USHER_MUSL_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/armv6/include CACHE PATH "its headers")
