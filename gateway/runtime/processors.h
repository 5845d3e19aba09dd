#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

/// The processors this process may run on (its affinity mask), in order.
std::vector<int> allowed_processors();

/// How many threads can run at once: the affinity mask, cut to the cgroup's CPU quota rounded up.
std::size_t usable_processors();

/// The CPU quota in processors that holds for the cgroups in `membership` (the text of
/// /proc/self/cgroup), the tightest on the way to the root; version 2 and 1. Nothing: no limit.
/// `root` is where the hierarchies are mounted (/sys/fs/cgroup).
std::optional<double> processor_quota(std::string_view membership, const std::string& root);

}  // namespace gateway
