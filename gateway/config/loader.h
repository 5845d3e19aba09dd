#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/config/environment.h"
#include "gateway/config/field.h"
#include "gateway/config/model.h"
#include "gateway/config/problem.h"

namespace gateway::config {

/// Where the parts of a model came from, by path: "listeners[0]", "upstreams[1]", "filters[0]",
/// "routes[2]", "routes[2].filters[1]". Kept beside the model, so that moving a line changes
/// nothing.
class Sources {
 public:
  Sources() = default;
  explicit Sources(std::string file) : file_(std::move(file)) {}
  void add(std::string path, Position position) { positions_.emplace(std::move(path), position); }
  std::optional<Place> find(const std::string& path) const;

 private:
  std::string file_;
  std::unordered_map<std::string, Position> positions_;
};

struct LoadedModel {
  Model model;
  Sources sources;
  std::vector<std::string> watched_files;    ///< the configuration itself first
  std::vector<std::string> watched_folders;  ///< of certificates
};

enum class NamedFiles : std::uint8_t { open, ignore };

/// Reads, validates as a whole and opens the files that are named. Blocks on the disk; any thread.
/// Problems come in the order of the file; a syntax error comes alone.
tl::expected<LoadedModel, Problems> load_file(const std::string& path, const PolicyTables& tables,
                                              const Environment& environment);

/// The same for a text; `name` stands for the file in problems.
tl::expected<LoadedModel, Problems> load_text(std::string name, std::string text,
                                              const PolicyTables& tables,
                                              const Environment& environment,
                                              NamedFiles files = NamedFiles::open);

}  // namespace gateway::config
