#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/config/checks.h"
#include "gateway/config/environment.h"
#include "gateway/config/field.h"
#include "gateway/config/model.h"
#include "gateway/config/problem.h"

namespace gateway::config {

class Document;

/// Where the parts of a model came from, by path ("routes[2].filters[1].options"): the text that
/// was read. Kept beside the model, so that moving a line changes nothing; as large as the file.
class Sources {
 public:
  Sources() = default;
  Sources(std::shared_ptr<const Document> document, std::set<std::uint32_t> secret_lines)
      : document_(std::move(document)), secret_lines_(std::move(secret_lines)) {}
  /// Nothing when the text has no such part.
  std::optional<Place> find(const std::string& path) const;
  /// What a layer above found in the model, each shown where it was written: at the nearest part
  /// that the text has. At most kMaxProblems.
  Problems problems(std::vector<Finding> findings) const;

 private:
  std::shared_ptr<const Document> document_;
  std::set<std::uint32_t> secret_lines_;  ///< see FieldReader
};

struct LoadedModel {
  Model model;
  Sources sources;
  std::vector<std::string> watched_files;    ///< the configuration itself first
  std::vector<std::string> watched_folders;  ///< of certificates
};

enum class NamedFiles : std::uint8_t { open, ignore };

/// Reads, validates as a whole and opens the files that are named. Blocks on the disk; any thread.
/// Problems come in the order of the file; a syntax error comes alone. `refused`, if given, gets
/// the files and folders that a refused text names: they may be the reason.
tl::expected<LoadedModel, Problems> load_file(const std::string& path, const PolicyTables& tables,
                                              const Environment& environment,
                                              std::vector<std::string>* refused = nullptr);

/// The same for a text; `name` stands for the file in problems.
tl::expected<LoadedModel, Problems> load_text(std::string name, std::string text,
                                              const PolicyTables& tables,
                                              const Environment& environment,
                                              NamedFiles files = NamedFiles::open,
                                              std::vector<std::string>* refused = nullptr);

}  // namespace gateway::config
