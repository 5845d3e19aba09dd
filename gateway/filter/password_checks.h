#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "gateway/base/clock.h"
#include "gateway/filter/filter.h"
#include "gateway/filter/user_list.h"
#include "gateway/filter/verdict_cache.h"

namespace gateway::filter {

struct PasswordSettings {
  Duration allow_ttl{};
  Duration deny_ttl{};
  std::size_t cache_size = 0;
};

/// Checks passwords against one list of users, away from the loop, and remembers how that ended,
/// under the SHA-256 of name and password: one per worker and list, living on across reloads that
/// leave the list as it is. Requests with the same credentials wait for one check. Belongs to its
/// worker's thread.
class PasswordChecks {
 public:
  enum class Answer : std::uint8_t { allow, deny, full, wait };

  PasswordChecks(EventLoop& loop, BlockingPool& pool, std::shared_ptr<const UserList> users,
                 const PasswordSettings& settings);
  ~PasswordChecks();
  PasswordChecks(const PasswordChecks&) = delete;
  PasswordChecks& operator=(const PasswordChecks&) = delete;

  /// `wait`: `resume` will be called with the ticket and allow or deny, never from within this
  /// call. `full`: as many wait as may.
  Answer check(const std::string& name, const std::string& password, HoldTicket& ticket);

  /// What the filter does with an answer that came later.
  using Resume = void (*)(HoldTicket& ticket, Answer answer);
  void on_answer(Resume resume) { resume_ = resume; }

 private:
  /// Under way at a time, so that guesses at one list leave the pool's threads to others.
  static constexpr std::size_t kAtOnce = 2;
  static constexpr std::size_t kMostQueued = 64;

  struct Mailbox;
  struct Waiting {
    ~Waiting();
    IntrusiveList<HoldTicket, HoldTicket> tickets;
    std::string name;
    std::string password;
  };
  struct Hasher {
    std::size_t operator()(const TokenHash& hash) const {
      std::size_t value;
      std::memcpy(&value, hash.data(), sizeof value);
      return value;
    }
  };

  bool has_place();
  void start_next();
  bool start(const TokenHash& key, Waiting& waiting);
  void finish(const TokenHash& key, bool good);
  void settle(const TokenHash& key, Answer answer);

  EventLoop& loop_;
  BlockingPool& pool_;
  const std::shared_ptr<const UserList> users_;
  const PasswordSettings settings_;
  VerdictCache allowed_;
  VerdictCache denied_;  ///< guesses never push out good ones
  std::unordered_map<TokenHash, std::unique_ptr<Waiting>, Hasher> waiting_;
  std::deque<TokenHash> queue_;  ///< of `waiting_`, those that were not begun
  std::size_t under_way_ = 0;
  std::shared_ptr<Mailbox> mailbox_;  ///< how the pool's threads reach us, while we live
  Resume resume_ = nullptr;
};

}  // namespace gateway::filter
