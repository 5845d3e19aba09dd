# cmake -D SOURCE=... -D VERSION=... -D OUTPUT=... -P Version.cmake: writes GATEWAY_VERSION ("1.2.3+45")
# and GATEWAY_COMMIT, touching the file only when it says something new, so that a build's number
# costs one small compilation and no more.
set(number "$ENV{CI_PIPELINE_IID}")  # of GitLab: counts the project's pipelines, so no two share one
string(SUBSTRING "$ENV{CI_COMMIT_SHA}" 0 12 commit)  # where there is no repository, as in an image's build
# Only our own repository: a tarball may lie below somebody else's.
if(EXISTS ${SOURCE}/.git)
  execute_process(
    COMMAND git -C ${SOURCE} describe --always --dirty --exclude=* --abbrev=12
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(number STREQUAL "")
    execute_process(
      COMMAND git -C ${SOURCE} rev-list --count HEAD
      OUTPUT_VARIABLE number OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
if(number MATCHES "^[0-9]+$")
  string(APPEND VERSION "+${number}")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
  "#define GATEWAY_VERSION \"${VERSION}\"\n#define GATEWAY_COMMIT \"${commit}\"\n")
