# Warnings are errors where the code is developed; a newer compiler's new ideas stop nobody's build.
set(werror OFF)
if("${CMAKE_CXX_COMPILER_ID}-${CMAKE_CXX_COMPILER_VERSION}" MATCHES "^(GNU-12|Clang-16)\\.")
  set(werror ON)
endif()
option(GATEWAY_WERROR "Treat warnings as errors" ${werror})
option(GATEWAY_LTO "Link-time optimisation" OFF)
option(GATEWAY_JEMALLOC "Link jemalloc into the programs" OFF)
set(GATEWAY_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize (address,undefined or thread)")
set(GATEWAY_PGO "" CACHE STRING "Profile-guided optimisation: generate or use")
set(GATEWAY_PGO_DIR "${CMAKE_SOURCE_DIR}/build/pgo-profile" CACHE PATH "Where profiles are kept")
option(GATEWAY_BENCH "Build what bench/ measures with" ON)
option(GATEWAY_FUZZ "Build the libFuzzer targets (clang only)" OFF)

option(GATEWAY_PCH "Precompile the headers of the libraries that most files use" ON)
if(GATEWAY_PGO)
  set(GATEWAY_PCH OFF)  # the layers of that build differ in their flags
endif()

# A precompiled header is cached too; what ccache asks for in return is that the key leaves out macros
# and times (it hashes what went into the header).
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

add_library(gateway_flags INTERFACE)
target_include_directories(gateway_flags INTERFACE ${CMAKE_SOURCE_DIR})
# -pthread in every file, for a precompiled header fits only files of the same flags.
target_compile_options(gateway_flags INTERFACE -Wall -Wextra -Wconversion -Wno-sign-conversion -pthread)
# Stacks that any profiler can walk, except in the build that is for speed alone.
if(NOT GATEWAY_PGO)
  target_compile_options(gateway_flags INTERFACE -fno-omit-frame-pointer)
endif()
if(GATEWAY_WERROR)
  target_compile_options(gateway_flags INTERFACE -Werror)
endif()
if(GATEWAY_SANITIZE)
  target_compile_options(gateway_flags INTERFACE -fsanitize=${GATEWAY_SANITIZE}
                                                 -fno-sanitize-recover=all)
  target_link_options(gateway_flags INTERFACE -fsanitize=${GATEWAY_SANITIZE})
  foreach(sanitizer IN ITEMS ADDRESS THREAD)
    string(TOLOWER ${sanitizer} word)
    if(GATEWAY_SANITIZE MATCHES "${word}")
      target_compile_definitions(gateway_flags INTERFACE GATEWAY_SANITIZES_${sanitizer})
    endif()
  endforeach()
endif()
if(GATEWAY_FUZZ)
  target_compile_options(gateway_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
# Objects carry machine code beside the intermediate form: only the programs pay for optimising across
# files at link time, the many test programs link in a moment.
if(GATEWAY_LTO AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  define_property(TARGET PROPERTY GATEWAY_NO_LTO INITIALIZE_FROM_VARIABLE GATEWAY_NO_LTO)
  target_compile_options(gateway_flags INTERFACE
    $<$<NOT:$<BOOL:$<TARGET_PROPERTY:GATEWAY_NO_LTO>>>:-flto=auto$<SEMICOLON>-ffat-lto-objects>)
  string(APPEND CMAKE_EXE_LINKER_FLAGS " -fno-lto")
endif()
# What a Debian package of a network daemon is built with.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(gateway_flags INTERFACE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
                                                 -fno-plt)
  target_link_options(gateway_flags INTERFACE -Wl,-z,relro,-z,now)
else()
  target_compile_definitions(gateway_flags INTERFACE _GLIBCXX_ASSERTIONS)
endif()
# Only the layers that a request passes learn from a profile: what reads configuration or draws pages
# is compiled once for both builds.
set(gateway_trained base runtime metrics http net downstream upstream routing filter proxy)
set(gateway_profile_options)
# What no request passes: sanitizers make its code so large that optimising it takes longer than any
# test does.
set(gateway_cold config snapshot admin kubernetes custom_metrics server)
if(GATEWAY_PGO STREQUAL "generate")
  set(gateway_profile_options -g0 -fprofile-generate=${GATEWAY_PGO_DIR} -fprofile-update=atomic)
  target_link_options(gateway_flags INTERFACE -fprofile-generate=${GATEWAY_PGO_DIR})
elseif(GATEWAY_PGO STREQUAL "use")
  # Partial: what the training did not reach is optimised as without a profile, not for size.
  set(gateway_profile_options -fprofile-use=${GATEWAY_PGO_DIR} -fprofile-partial-training
                              -Wno-missing-profile)
endif()
