#include "gateway/runtime/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "gateway/base/file.h"

namespace gateway {
namespace {

void tighten(std::optional<double>& quota, std::optional<double> other) {
  if (other && (!quota || *other < *quota)) quota = other;
}

std::optional<double> version2_quota(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double limit = 0;
  double period = 0;
  if (!(file >> limit >> period) || period <= 0) return {};  // "max" is no number
  return limit / period;
}

std::optional<double> version1_quota(const std::string& folder) {
  std::ifstream limit_file(folder + "/cpu.cfs_quota_us");
  std::ifstream period_file(folder + "/cpu.cfs_period_us");
  double limit = 0;
  double period = 0;
  if (!(limit_file >> limit) || !(period_file >> period) || limit <= 0 || period <= 0) return {};
  return limit / period;
}

/// The tightest quota from `path` up to the root; in a container the path may not exist below the
/// mount, whose root then is the container's own group.
std::optional<double> walk_up(const std::string& root, std::string path,
                              std::optional<double> (*read)(const std::string&)) {
  std::optional<double> quota;
  for (;;) {
    tighten(quota, read(root + path));
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return quota;
    path.resize(slash);
  }
}

bool names_cpu(std::string_view controllers) {
  std::istringstream list{std::string(controllers)};
  for (std::string name; std::getline(list, name, ',');)
    if (name == "cpu") return true;
  return false;
}

}  // namespace

std::optional<double> processor_quota(std::string_view membership, const std::string& root) {
  std::optional<double> quota;
  std::istringstream lines{std::string(membership)};
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers.empty()) tighten(quota, walk_up(root, path, version2_quota));
    if (!names_cpu(controllers)) continue;
    for (const std::string& mount : {root + '/' + controllers, root + "/cpu"})
      tighten(quota, walk_up(mount, path, version1_quota));
  }
  return quota;
}

std::vector<int> allowed_processors() {
  std::vector<int> processors;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) processors.push_back(cpu);
  if (processors.empty()) processors.push_back(0);
  return processors;
}

std::size_t usable_processors() {
  const std::size_t allowed = allowed_processors().size();
  const std::string membership = read_file("/proc/self/cgroup").value_or("");
  const auto quota = processor_quota(membership, "/sys/fs/cgroup");
  if (!quota) return allowed;
  const auto whole = static_cast<std::size_t>(std::max(1.0, std::ceil(*quota)));
  return std::min(allowed, whole);
}

}  // namespace gateway
