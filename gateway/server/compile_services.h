#pragma once

#include <map>
#include <memory>
#include <string>

#include "gateway/filter/filter.h"

namespace gateway::server {

/// What filter plans get at compile time: secrets, and state shared by all workers that lives on
/// while any plan holds it. Control thread only.
class ProcessCompileServices final : public filter::CompileServices {
 public:
  Result<std::string> read_secret(const config::Value& reference) override;
  /// Also for the admin token.
  static Result<std::string> read_secret(const config::SecretSource& source);

 protected:
  std::shared_ptr<void> find_slot(const std::string& key) override { return slots_[key].lock(); }
  void keep_slot(const std::string& key, std::shared_ptr<void> slot) override {
    slots_[key] = slot;
    std::erase_if(slots_, [](const auto& entry) { return entry.second.expired(); });
  }

 private:
  std::map<std::string, std::weak_ptr<void>> slots_;
};

}  // namespace gateway::server
