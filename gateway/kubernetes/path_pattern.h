#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "gateway/config/model.h"
#include "gateway/kubernetes/ingress_plan.h"

namespace gateway::kubernetes {

/// How a path of an Ingress is matched, and what goes upstream in its stead.
struct PathPattern {
  config::PathMatch kind = config::PathMatch::prefix;
  std::string path;     ///< as the model has it
  std::string written;  ///< as the Ingress has it: among patterns the longer goes first
  config::Rare<config::Rewrite> rewrite;
};

/// The error is a sentence.
tl::expected<PathPattern, std::string> path_pattern(const IngressPath& path,
                                                    const IngressPlan& plan);

/// A pattern in place of a plain path, as ingress-nginx makes them of a whole host once one is:
/// what it holds stands for itself, in either case, and what follows is free.
PathPattern pattern_of_text(const PathPattern& plain);

/// Whether `path_pattern` makes a pattern of it on its own account.
bool is_pattern(const IngressPath& path, const IngressPlan& plan);

/// "/users/$1" as "/users/\1".
tl::expected<std::string, std::string> substitution_of(std::string_view target);

}  // namespace gateway::kubernetes
