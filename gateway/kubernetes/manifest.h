#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/kubernetes/store.h"

namespace gateway::kubernetes {

/// The objects of one manifest as JSON texts: YAML (of which JSON is a part), any number of
/// documents with `---` between them, Lists taken apart. All scalars are texts, which the parsers
/// of objects.h take for numbers where they want some. The error is a sentence with file and line.
tl::expected<std::vector<std::string>, std::string> read_manifest(const std::string& file,
                                                                  std::string_view text);

/// Puts the object into the store if it is of a kind that the store has; into the namespace
/// `default` if it names none. The error is a sentence.
tl::expected<void, std::string> add_manifest(std::string_view json, Store& store);

}  // namespace gateway::kubernetes
