include(GoogleTest)

# Umbrellas for `cmake --build --target`.
add_custom_target(programs)
add_custom_target(in_process_tests)
add_custom_target(fuzzers)

# gateway_precompiled(<name> HEADERS <header>... [LIBS <target>...]): headers that targets of the same
# flags take with gateway_use_precompiled(). Only of libraries that every file may include: a header of
# ours would hide an include that is missing or points upward. Files still name what they use: lint
# compiles them without.
function(gateway_precompiled name)
  if(NOT GATEWAY_PCH)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "HEADERS;LIBS" ${ARGN})
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc CONTENT "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
  target_link_libraries(${name} PRIVATE gateway_flags ${arg_LIBS})
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -fpch-preprocess)  # ccache wants it
  endif()
endfunction()

function(gateway_use_precompiled target name)
  if(TARGET ${name})
    target_precompile_headers(${target} REUSE_FROM ${name})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -fpch-preprocess)
    endif()
  endif()
endfunction()

# All builds but `debug` compile several files of a target as one unit, for reading headers is most of the
# work. gateway_compile_alone(<file>...) or ALONE in the functions below: files whose local names are
# those of a neighbour.
function(gateway_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# gateway_library(<folder> [DEPS <folder>...] [LIBS <external target>...] [ALONE <file>...])
# One static library of every .cc in the calling folder. DEPS name lower layers: one that has not been
# declared yet is an upward include and stops the configuration.
function(gateway_library name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS;ALONE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  if(sources)
    add_library(gateway_${name} STATIC ${sources})
    gateway_compile_alone(${arg_ALONE})
    set(scope PUBLIC)
  else()
    add_library(gateway_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  foreach(dep IN LISTS arg_DEPS)
    if(NOT EXISTS ${CMAKE_SOURCE_DIR}/gateway/${dep}/CMakeLists.txt)
      continue()
    elseif(NOT TARGET gateway_${dep})
      message(FATAL_ERROR "gateway/${name} may not depend on ${dep}: it is not a lower layer")
    endif()
    target_link_libraries(gateway_${name} ${scope} gateway_${dep})
  endforeach()
  target_link_libraries(gateway_${name} ${scope} gateway_flags ${arg_LIBS})
  if(sources)
    gateway_use_precompiled(gateway_${name} precompiled)
  endif()
  if(sources AND GATEWAY_SANITIZE AND name IN_LIST gateway_cold)
    target_compile_options(gateway_${name} PRIVATE -O0)
  endif()
  if(sources AND name IN_LIST gateway_trained)
    target_compile_options(gateway_${name} PRIVATE ${gateway_profile_options})
    if(GATEWAY_PGO STREQUAL "generate")
      set_target_properties(gateway_${name} PROPERTIES GATEWAY_NO_LTO ON)
    endif()
  endif()
endfunction()

# gateway_unit_test(<folder> [DEPS <library folder>...] [LIBS <external target>...]):
# tests/unit/<folder>/*_test.cc as one program.
function(gateway_unit_test name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_executable(unit_${name} ${sources})
  foreach(dep IN LISTS arg_DEPS)
    target_link_libraries(unit_${name} PRIVATE gateway_${dep})
  endforeach()
  target_link_libraries(unit_${name} PRIVATE gateway_flags GTest::gmock GTest::gtest_main ${arg_LIBS})
  gateway_use_precompiled(unit_${name} precompiled_tests)
  add_dependencies(in_process_tests unit_${name})
  add_test(NAME unit_${name} COMMAND unit_${name})
  set_tests_properties(unit_${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# gateway_program(<name> SOURCES ... DEPS ...): an executable in bin/.
function(gateway_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  foreach(dep IN LISTS arg_DEPS)
    target_link_libraries(${name} PRIVATE gateway_${dep})
  endforeach()
  target_link_libraries(${name} PRIVATE gateway_flags ${arg_LIBS})
  # An instrumented program is linked once and run for seconds.
  if(GATEWAY_LTO AND NOT GATEWAY_PGO STREQUAL "generate" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_link_options(${name} PRIVATE -flto=auto)
  endif()
  if(GATEWAY_JEMALLOC AND NOT GATEWAY_SANITIZE)
    target_link_libraries(${name} PRIVATE PkgConfig::jemalloc)
  endif()
  add_dependencies(programs ${name})
endfunction()

# gateway_fuzzer(<name> SOURCES ... DEPS ...): the libFuzzer program fuzz_<name>; its seeds are in
# corpus/<name>/ and its words in <name>.dict beside the caller, if there are any.
function(gateway_fuzzer name)
  if(NOT GATEWAY_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_executable(fuzz_${name} ${arg_SOURCES})
  foreach(dep IN LISTS arg_DEPS)
    target_link_libraries(fuzz_${name} PRIVATE gateway_${dep})
  endforeach()
  target_link_libraries(fuzz_${name} PRIVATE gateway_flags ${arg_LIBS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers fuzz_${name})
endfunction()
