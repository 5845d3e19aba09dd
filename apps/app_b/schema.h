#pragma once

#include <span>
#include <string_view>

namespace gateway::apps {

/// One step of the schema, in the words of both databases. Steps are only ever added: a step that
/// has been delivered never changes.
struct Migration {
  int version;
  std::string_view sqlite;
  std::string_view postgres;
};

std::span<const Migration> migrations();

}  // namespace gateway::apps
