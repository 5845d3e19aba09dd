#pragma once

#include <algorithm>
#include <cstddef>
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
  std::shared_ptr<void> find_slot(const std::string& key) override {
    const auto found = slots_.find(key);
    return found == slots_.end() ? nullptr : found->second.lock();
  }
  void keep_slot(const std::string& key, std::shared_ptr<void> slot) override {
    slots_[key] = slot;
    if (slots_.size() < sweep_at_) return;
    std::erase_if(slots_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max(kFirstSweep, slots_.size() * 2);
  }

 private:
  static constexpr std::size_t kFirstSweep = 64;

  std::map<std::string, std::weak_ptr<void>> slots_;
  /// What nobody holds any more goes when there are so many: each is looked at as often as one is
  /// kept, however many there are.
  std::size_t sweep_at_ = kFirstSweep;
};

}  // namespace gateway::server
