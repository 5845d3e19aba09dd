#pragma once

#include <string>
#include <vector>

#include "gateway/config/model.h"

namespace gateway::config {

/// Names of what differs in one list, each in the order of the model that has it.
struct NameChanges {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> changed;
  bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};

/// What a reload changes. Moving an entry within its list changes nothing.
struct Changes {
  NameChanges listeners;
  NameChanges upstreams;
  NameChanges routes;
  bool process = false;
  bool admin = false;
  bool access_log = false;
  bool filters = false;  ///< those of every route
  bool empty() const;
  /// "routes +a -b ~c, upstreams ~d, access_log", a few names of each; "nothing changed".
  std::string to_string() const;
};

Changes diff(const Model& before, const Model& after);

}  // namespace gateway::config
