#pragma once

#include <span>
#include <string_view>

#include "gateway/config/field.h"
#include "gateway/config/model.h"
#include "gateway/config/value.h"

/// What may be shown of a configuration: on the admin page, to who asks what would be done with a
/// request, in a log.
namespace gateway::config {

/// Stands for a text that is not shown.
inline constexpr std::string_view kMask = "***";

/// Options of a policy as its fields declare them, without the texts of those that are secret; of
/// maps and lists their keys and their length remain. What no field declares is not shown either.
Value masked(const Value& options, std::span<const Field> fields);

/// The model as the reader's own tree (extract_options()), masked likewise; of a policy that the
/// tables do not know no option is shown.
Value extract_masked(const Model& model, const PolicyTables& tables);

}  // namespace gateway::config
