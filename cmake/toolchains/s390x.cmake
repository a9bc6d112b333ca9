# SPDX-License-Identifier: MIT
# Debian: apt-get install g++-s390x-linux-gnu; musl by scripts/musl s390x.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(CMAKE_C_COMPILER s390x-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER s390x-linux-gnu-g++)
set(USHER_MUSL ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/s390x/lib CACHE PATH "musl's rcrt1.o, libc.a")
set(USHER_MUSL_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/../../build/musl/s390x/include CACHE PATH "its headers")
