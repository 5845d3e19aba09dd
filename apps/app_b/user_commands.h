#pragma once

#include <string>

#include "apps/common/app.h"
#include "apps/database/database_flags.h"

namespace gateway::apps {

/// `app_b user add|list|rotate|disable NAME`. A new token is printed once, alone on standard
/// output; what is to be said about it goes to standard error.
class UserCommands {
 public:
  /// Both outlive it, and it outlives the app's run().
  UserCommands(App& app, const DatabaseFlags& database);

 private:
  int give_token(bool rotate) const;
  int disable() const;
  int list() const;

  const DatabaseFlags& database_;
  std::string name_;
};

}  // namespace gateway::apps
