# cmake -D SOURCE=... -D VERSION=... -D OUTPUT=... -P Version.cmake: writes GATEWAY_VERSION, touching
# the file only when it says something new, so that a commit costs one small compilation and no more.
# Only our own repository: a tarball may lie below somebody else's.
set(status 1)
if(EXISTS ${SOURCE}/.git)
  execute_process(
    COMMAND git -C ${SOURCE} describe --always --dirty --exclude=* --abbrev=12
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
endif()
if(status EQUAL 0)
  string(APPEND VERSION "+${commit}")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define GATEWAY_VERSION \"${VERSION}\"\n")
