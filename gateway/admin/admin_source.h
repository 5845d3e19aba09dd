#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "gateway/config/field.h"
#include "gateway/config/model.h"
#include "gateway/metrics/registry.h"
#include "gateway/upstream/endpoint_directory.h"

namespace gateway::admin {

/// What the admin pages show and may ask for. The control thread implements it; all calls come on
/// its loop.
class AdminSource {
 public:
  struct State {
    bool ready = false;
    std::string_view word;  ///< "starting", "ready", "draining"
    std::uint64_t generation = 0;
    std::uint32_t workers = 0;
    std::string_view version;
  };
  struct Reloaded {
    bool ok = false;
    std::uint64_t generation = 0;
    /// What changed, in a line; of a refused configuration every problem, as --check prints them.
    std::string message;
    bool changed = false;  ///< false and ok: the configuration was in use already
  };

  virtual ~AdminSource() = default;

  virtual State state() = 0;
  virtual Registry& registry() = 0;
  /// Null until the first configuration is in use.
  virtual const config::Model* model() = 0;
  /// What the filters and balancers of the model declare.
  virtual config::PolicyTables policies() = 0;
  virtual const upstream::EndpointDirectory& endpoints() = 0;
  /// The bearer token that POST needs; empty: nothing may be posted. Read anew at each call, so
  /// that a rotated file counts at once.
  virtual std::string token() = 0;

  /// `done` is called once, later or from within.
  virtual void reload(std::function<void(const Reloaded&)> done) = 0;
  virtual void drain() = 0;
};

}  // namespace gateway::admin
