#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/base/clock.h"
#include "gateway/filter/filter.h"
#include "gateway/filter/verdict_cache.h"
#include "gateway/metrics/registry.h"

namespace gateway::filter {

struct TokenSettings {
  std::string upstream;
  std::string path;
  std::string field;  ///< of the form that carries the token
  Duration allow_ttl{};
  Duration deny_ttl{};
  Duration stale_ttl{};
  Duration timeout{};  ///< of one question, both tries together, to the end of its answer
  std::size_t cache_size = 0;
  std::size_t deny_cache_size = 0;
  std::size_t max_lookups = 0;
};

/// Asks the token upstream and remembers what it said: one per worker and policy (that is: equal
/// settings), living on across reloads. Owns the look-ups, so that the exchange that asked first
/// may go without the others losing theirs. Verdicts: allow only on 200 with 1 to 128 visible
/// characters other than `fail`; 401, 403 or the body `fail` deny; anything else is no verdict, and
/// the caller must fail closed.
class TokenService {
 public:
  enum class Answer : std::uint8_t { allow, deny, none, wait };

  TokenService(WorkerServices& services, const TokenSettings& settings);
  ~TokenService();

  /// `wait`: the ticket is in the look-up's list and `resume` will be called with it, never from
  /// within this call. For `allow`, `user` is filled (valid until the next call).
  Answer check(const TokenHash& hash, std::string_view token, HoldTicket& ticket,
               std::string_view& user);

  /// What the filter does with an answer that came later.
  using Resume = void (*)(HoldTicket& ticket, Answer answer, std::string_view user);
  void on_answer(Resume resume) { resume_ = resume; }

  TokenCells& cells() { return *cells_; }

 private:
  class Lookup;
  bool start_lookup(const TokenHash& hash, std::string_view token, HoldTicket& ticket);
  Answer stale_or_none(const TokenHash& hash, std::string_view& user);
  void finish(Lookup& lookup, Answer answer, std::string_view user);
  void count_entries();

  WorkerServices& services_;
  const TokenSettings settings_;
  std::shared_ptr<TokenCells> cells_;  ///< shared by all policies that ask this upstream
  VerdictCache allowed_;
  VerdictCache denied_;
  std::int64_t entries_counted_ = 0;
  struct Hasher {
    std::size_t operator()(const TokenHash& hash) const {
      std::size_t value;
      std::memcpy(&value, hash.data(), sizeof value);
      return value;
    }
  };
  std::unordered_map<TokenHash, std::unique_ptr<Lookup>, Hasher> lookups_;
  Resume resume_ = nullptr;
};

}  // namespace gateway::filter
