#pragma once

#include <string>
#include <string_view>

#include "gateway/config/loader.h"
#include "tests/unit/config/sample_policies.h"

namespace gateway::config {

/// What a text is refused for; files that it names are not opened.
inline Problems problems_of(const std::string& text) {
  const auto unset = [](std::string_view) { return std::nullopt; };
  auto loaded = load_text("t.yaml", text, kSampleTables, unset, NamedFiles::ignore);
  return loaded ? Problems{} : std::move(loaded.error());
}

/// As a person would see them, one after the other.
inline std::string all(const Problems& problems) {
  std::string out;
  for (const Problem& problem : problems) out += format(problem);
  return out;
}

}  // namespace gateway::config
