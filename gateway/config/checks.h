#pragma once

#include <functional>
#include <span>
#include <string>

#include "gateway/config/field.h"
#include "gateway/config/model.h"

namespace gateway::config {

/// What one check found, at a path such as "routes[2].matches[0].path". Whoever made the model
/// knows which file and line, or which object, that is.
struct Finding {
  std::string path;
  std::string message;
  std::string expected = {};
  std::string found = {};
  std::string suggestion = {};
};
using Report = std::function<void(Finding)>;

/// Rules between options, and between parts of a model, that no single option's type can hold.
/// Names, hosts and paths have their form already. Linear in the model.
void check_model(const Model& model, const Report& report);
/// Rules between filters, of which the model knows no more than names and values.
void check_filters(const Model& model, std::span<const Policy> filters, const Report& report);

// The parts of check_model().
void check_listeners(const Model& model, const Report& report);
void check_upstreams(const Model& model, const Report& report);
void check_routes(const Model& model, const Report& report);

}  // namespace gateway::config
