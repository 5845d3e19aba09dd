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

/// What a reload changes.
struct Changes {
  NameChanges listeners;
  NameChanges upstreams;
  NameChanges routes;
  // By path. A model does not hold what its files do: whoever read them fills these in.
  NameChanges certificates;
  NameChanges files;  ///< all others: secrets, ticket keys
  bool process = false;
  bool admin = false;
  bool access_log = false;
  bool cluster = false;
  bool filters = false;  ///< those of every route
  bool order = false;    ///< entries stand in another order, and nothing else
  bool empty() const;
  /// "routes +a -b ~c, upstreams ~d, access_log", a few names of each; "nothing changed".
  std::string to_string() const;
};

Changes diff(const Model& before, const Model& after);

}  // namespace gateway::config
