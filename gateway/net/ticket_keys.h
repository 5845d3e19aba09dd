#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gateway::net {

/// Keys that seal session tickets: state of the process, shared by workers and listeners, outliving
/// reloads. The first encrypts, all decrypt. They rotate at least every 12 hours (RFC 9325 §4.3),
/// either here or by whoever writes the watched file that all replicas share. Any thread.
class TicketKeys {
 public:
  struct Key {
    std::array<std::uint8_t, 16> name;
    std::array<std::uint8_t, 32> mac;
    std::array<std::uint8_t, 32> cipher;
  };
  static constexpr std::size_t kKeySize = sizeof(Key);
  static_assert(kKeySize == 80);
  /// One that encrypts and those whose tickets may still be about.
  static constexpr std::size_t kMostKeys = 3;
  using Keys = std::vector<Key>;

  TicketKeys();  ///< one random key
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// A new random key encrypts from now on; the oldest beyond kMostKeys is forgotten.
  void rotate();
  /// Takes the content of a key file: one or more keys of 80 bytes (name, MAC key, cipher key).
  Result<void> load(std::string_view bytes);

  /// Rises with each change: readers keep what they have until it does.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  std::shared_ptr<const Keys> current() const;

 private:
  void publish(Keys keys);

  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;  // guarded by mutex_
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace gateway::net
