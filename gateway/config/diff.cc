#include "gateway/config/diff.h"

#include <algorithm>
#include <cstddef>
#include <unordered_map>

namespace gateway::config {
namespace {

constexpr std::size_t kShown = 5;

// Before the first and behind the last difference nothing need be sought by name.
template <typename List>
NameChanges changes_of(const List& before, const List& after) {
  using T = typename List::value_type;
  const auto same = [](const T& a, const T& b) { return &a == &b || a == b; };
  std::size_t head = 0;
  const std::size_t most = std::min(before.size(), after.size());
  while (head < most && same(before[head], after[head])) ++head;
  std::size_t tail = 0;
  while (tail < most - head &&
         same(before[before.size() - 1 - tail], after[after.size() - 1 - tail]))
    ++tail;
  const std::size_t before_end = before.size() - tail;
  const std::size_t after_end = after.size() - tail;
  std::unordered_map<std::string_view, const T*> known;
  for (std::size_t i = head; i < before_end; ++i) known.emplace(before[i].name, &before[i]);
  NameChanges changes;
  for (std::size_t i = head; i < after_end; ++i) {
    const T& item = after[i];
    const auto found = known.find(item.name);
    if (found == known.end()) {
      changes.added.push_back(item.name);
      continue;
    }
    if (!same(*found->second, item)) changes.changed.push_back(item.name);
    known.erase(found);
  }
  for (std::size_t i = head; i < before_end; ++i)
    if (known.contains(before[i].name)) changes.removed.push_back(before[i].name);
  return changes;
}

void append_part(std::string& out, std::string_view part) {
  if (!out.empty()) out += ", ";
  out += part;
}

void append_names(std::string& out, char sign, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) {
    out += ' ';
    out += sign;
    out += names[i];
  }
  if (names.size() > kShown) {
    out += ' ';
    out += sign;
    out += std::to_string(names.size() - kShown) + " more";
  }
}

void append_changes(std::string& out, std::string_view list, const NameChanges& changes) {
  if (changes.empty()) return;
  append_part(out, list);
  append_names(out, '+', changes.added);
  append_names(out, '-', changes.removed);
  append_names(out, '~', changes.changed);
}

}  // namespace

bool Changes::empty() const {
  return listeners.empty() && upstreams.empty() && routes.empty() && certificates.empty() &&
         files.empty() && !process && !admin && !access_log && !cluster && !filters && !order;
}

std::string Changes::to_string() const {
  std::string out;
  append_changes(out, "listeners", listeners);
  append_changes(out, "upstreams", upstreams);
  append_changes(out, "routes", routes);
  if (filters) append_part(out, "filters");
  if (process) append_part(out, "process");
  if (admin) append_part(out, "admin");
  if (access_log) append_part(out, "access_log");
  if (cluster) append_part(out, "cluster");
  if (order) append_part(out, "order of entries");
  append_changes(out, "certificates", certificates);
  append_changes(out, "files", files);
  return out.empty() ? "nothing changed" : out;
}

Changes diff(const Model& before, const Model& after) {
  Changes changes;
  changes.listeners = changes_of(before.listeners, after.listeners);
  changes.upstreams = changes_of(before.upstreams, after.upstreams);
  changes.routes = changes_of(before.routes, after.routes);
  changes.process = before.process != after.process;
  changes.admin = before.admin != after.admin;
  changes.access_log = before.access_log != after.access_log;
  changes.cluster = before.cluster != after.cluster;
  changes.filters = before.filters != after.filters;
  changes.order = changes.empty() && before != after;
  return changes;
}

}  // namespace gateway::config
