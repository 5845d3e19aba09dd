#include <array>
#include <string>
#include <vector>

#include "gateway/http/fields.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/hash.h"

namespace gateway::upstream {
namespace {

/// Equal keys meet equal endpoints, on every worker and replica; when an endpoint goes, its keys
/// spread over the rest and hardly any other moves. Maglev hashing (Eisenbud et al., NSDI 2016,
/// §3.4): one table look-up a pick, and shares more even than those of a ring.
class ConsistentHash final : public Balancer {
 public:
  ConsistentHash(const config::Value& options, const EndpointSet& set, Random& random)
      : header_(options["header"].is_set() ? options["header"].as<std::string>() : ""),
        cookie_(options["cookie"].is_set() ? options["cookie"].as<std::string>() : ""),
        random_(random),
        table_(maglev_table(set)) {}

  std::uint32_t pick(const PickContext& context, std::uint32_t round) override {
    const std::uint64_t hash = context.hash ? *context.hash : random_.next();
    return table_[mix_hash(hash + round) % table_.size()];
  }

  std::optional<std::uint64_t> hash_of(const http::RequestHead& request,
                                       const IpAddress& client) const override {
    if (!header_.empty())
      if (const http::Header* field = request.headers.find(header_)) return hash_text(field->value);
    if (!cookie_.empty()) {
      const auto value = cookie_value(request.headers.value(http::HeaderId::cookie), cookie_);
      if (!value.empty()) return hash_text(value);
    }
    return hash_text(client.bytes());
  }

 private:
  std::string header_;
  std::string cookie_;
  Random& random_;
  std::vector<std::uint16_t> table_;
};

constexpr std::array kFields = {
    config::Field{.name = "header",
                  .text = "Requests with the same value of this header go to the same endpoint."},
    config::Field{.name = "cookie",
                  .text = "Likewise by the value of this cookie, where the header is missing."},
};

}  // namespace

extern const BalancerRow kConsistentHash = {
    {"consistent_hash",
     "Requests with the same key go to the same endpoint while it works. The key is a header, a "
     "cookie, or, without these, the client's address.",
     kFields},
    [](const config::Value& options, const EndpointSet& set,
       Random& random) -> std::unique_ptr<Balancer> {
      return std::make_unique<ConsistentHash>(options, set, random);
    },
};

}  // namespace gateway::upstream
