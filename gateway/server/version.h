#pragma once

#include <string>
#include <string_view>

namespace gateway::server {

/// "0.1.0+1234": version.txt, and the build's number: the pipeline's counter (CI_PIPELINE_IID),
/// else how many commits there are; without a number where there is neither.
extern const std::string_view kVersion;

/// "1a2b3c4d5e6f": what it was built from, "-dirty" with changes on top; empty where there is no
/// repository.
extern const std::string_view kCommit;

/// What `PROGRAM --version` prints: "gateway 0.1.0+1234 (1a2b3c4d5e6f)".
std::string version_line(std::string_view program);

}  // namespace gateway::server
