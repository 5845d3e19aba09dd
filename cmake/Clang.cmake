# Clang as the compiler, whichever version the release carries (Debian 13: 19, Debian 12: 16).
find_program(gateway_clang NAMES clang-19 clang-16 clang REQUIRED)
find_program(gateway_clangxx NAMES clang++-19 clang++-16 clang++ REQUIRED)
set(CMAKE_C_COMPILER ${gateway_clang})
set(CMAKE_CXX_COMPILER ${gateway_clangxx})
