#pragma once

#include <string>

#include <tl/expected.hpp>

#include "gateway/config/document.h"

namespace gateway::config {

/// What a text may cost us at most. yaml-cpp guards against none of these.
inline constexpr std::size_t kMaxFileBytes = 16U << 20;
inline constexpr std::size_t kMaxNodes = 2'000'000;
inline constexpr std::size_t kMaxDepth = 64;
/// Nodes that aliases repeat, counted as if each were written out ("billion laughs"); a long text
/// counts as one for each 256 bytes.
inline constexpr std::size_t kMaxRepeatedNodes = 100'000;

/// Reads one YAML document. The first thing that is wrong with the syntax is the only problem.
tl::expected<Document, Problem> read_yaml(std::string file, std::string text);

}  // namespace gateway::config
