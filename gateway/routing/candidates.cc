#include "gateway/routing/candidates.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "gateway/base/hash.h"
#include "gateway/routing/query.h"

namespace gateway::routing {
namespace {

// Up to here walking the list is cheaper than hashing the request's fields.
constexpr std::size_t kShortList = 8;

constexpr std::uint64_t kHeaderSeed = 1;
constexpr std::uint64_t kQuerySeed = 2;

std::uint64_t header_key(std::string_view name, std::string_view value) {
  return hash_bytes(value, hash_folded(name, kHeaderSeed));
}

std::uint64_t query_key(std::string_view name, std::string_view value) {
  return hash_bytes(value, hash_bytes(name, kQuerySeed));
}

// One bit of 64 for each name: most fields of a request are turned away here.
std::uint64_t name_bit(std::uint64_t name_hash) { return std::uint64_t{1} << (name_hash >> 58); }

template <typename Visit>
void for_each_key(const Match& match, Visit visit) {
  for (const Condition& condition : match.headers) {
    if (condition.kind == Condition::Kind::equal) {
      visit(header_key(condition.name, condition.value), condition, true);
    }
  }
  for (const Condition& condition : match.query) {
    if (condition.kind == Condition::Kind::equal) {
      visit(query_key(condition.name, condition.value), condition, false);
    }
  }
}

}  // namespace

/// Files each match under the rarest of its exact conditions. A request can only meet a match whose
/// key is among its own fields, or one that has no exact condition at all.
class Candidates::Index {
 public:
  explicit Index(std::span<const Entry> entries) : entries_(entries) {
    std::unordered_map<std::uint64_t, std::uint32_t> frequency;
    for (const Entry& entry : entries) {
      for_each_key(*entry.match,
                   [&](std::uint64_t key, const Condition&, bool) { ++frequency[key]; });
    }
    for (std::uint32_t i = 0; i < entries.size(); ++i) file(i, frequency);
  }

  template <typename Fits>
  const Match* find(const http::RequestHead& request, Fits fits) const {
    std::size_t best = entries_.size();
    const auto visit = [&](const std::vector<std::uint32_t>& positions) {
      for (const std::uint32_t position : positions) {
        if (position >= best) break;
        if (fits(entries_[position])) best = position;
      }
    };
    visit(rest_);
    visit_headers(request, visit);
    visit_query(request, visit);
    return best == entries_.size() ? nullptr : entries_[best].match;
  }

 private:
  void file(std::uint32_t position,
            const std::unordered_map<std::uint64_t, std::uint32_t>& frequency) {
    std::optional<std::uint64_t> rarest;
    std::uint64_t* names = nullptr;
    std::uint64_t bit = 0;
    for_each_key(*entries_[position].match,
                 [&](std::uint64_t key, const Condition& condition, bool header) {
                   if (rarest && frequency.at(key) >= frequency.at(*rarest)) return;
                   rarest = key;
                   names = header ? &header_names_ : &query_names_;
                   bit = name_bit(header ? hash_folded(condition.name, kHeaderSeed)
                                         : hash_bytes(condition.name, kQuerySeed));
                 });
    if (!rarest) {
      rest_.push_back(position);
      return;
    }
    *names |= bit;
    filed_[*rarest].push_back(position);
  }

  template <typename Visit>
  void visit_headers(const http::RequestHead& request, Visit visit) const {
    if (header_names_ == 0) return;
    for (const http::Header& field : request.headers) {
      const std::uint64_t name = hash_folded(field.name, kHeaderSeed);
      if ((header_names_ & name_bit(name)) == 0) continue;
      const auto found = filed_.find(hash_bytes(field.value, name));
      if (found != filed_.end()) visit(found->second);
    }
  }

  template <typename Visit>
  void visit_query(const http::RequestHead& request, Visit visit) const {
    if (query_names_ == 0) return;
    char buffer[kLongestParameter];
    any_parameter(request.query, [&](std::string_view raw_name, std::string_view raw_value) {
      const auto name = decode_parameter(raw_name, buffer);
      if (!name) return false;
      const std::uint64_t name_hash = hash_bytes(*name, kQuerySeed);
      if ((query_names_ & name_bit(name_hash)) == 0) return false;
      const auto value = decode_parameter(raw_value, buffer);
      const auto found = value ? filed_.find(hash_bytes(*value, name_hash)) : filed_.end();
      if (found != filed_.end()) visit(found->second);
      return false;
    });
  }

  std::span<const Entry> entries_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> filed_;
  std::vector<std::uint32_t> rest_;
  std::uint64_t header_names_ = 0;
  std::uint64_t query_names_ = 0;
};

Candidates::Candidates(std::span<const Match* const> matches) {
  entries_.reserve(matches.size());
  for (const Match* match : matches) {
    entries_.push_back({match, match->methods, match->conditional()});
  }
  if (entries_.size() > kShortList) index_ = std::make_unique<const Index>(entries_);
}

Candidates::Candidates(Candidates&&) noexcept = default;
Candidates::~Candidates() = default;

const Match* Candidates::find(const http::RequestHead& request, std::uint16_t method) const {
  if (index_ == nullptr) [[likely]]
    return scan(request, method);
  return index_->find(request, [&](const Entry& entry) { return fits(entry, request, method); });
}

const Match* Candidates::scan(const http::RequestHead& request, std::uint16_t method) const {
  for (const Entry& entry : entries_) {
    if (fits(entry, request, method)) return entry.match;
  }
  return nullptr;
}

}  // namespace gateway::routing
