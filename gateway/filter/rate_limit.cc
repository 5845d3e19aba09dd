#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "gateway/filter/client_address.h"
#include "gateway/filter/filter.h"
#include "gateway/filter/rate_table.h"

namespace gateway::filter {
namespace rate_limit {
namespace {

using config::FieldType;
using namespace std::chrono_literals;

constexpr std::string_view kBy[] = {"address", "token"};
constexpr config::Field kFields[] = {
    {.name = "by",
     .type = FieldType::choice,
     .text = "Whom to count: the client's address, or the token (which the token filter has let "
             "pass; a request without one counts by address).",
     .default_text = "address",
     .choices = kBy},
    {.name = "rate",
     .type = FieldType::number,
     .text = "Requests a second.",
     .required = true,
     .least = 0.001,
     .most = 1e6},
    {.name = "burst",
     .type = FieldType::integer,
     .text = "Requests at once after a time of quiet; when left out, those of one second.",
     .least = 1,
     .most = 1e6},
    {.name = "ipv6_prefix",
     .type = FieldType::integer,
     .text = "Bits of an IPv6 address that make one client: who has an address usually has its "
             "whole network.",
     .default_text = "64",
     .least = 32,
     .most = 128},
    {.name = "clients",
     .type = FieldType::integer,
     .text = "How many clients are remembered, at 16 bytes each; beyond that the quietest are "
             "forgotten.",
     .default_text = "65536",
     .least = 1024,
     .most = 4194304},
    {.name = "name",
     .type = FieldType::string,
     .text = "Filters with equal settings count together, over routes and reloads; a name keeps "
             "one apart."},
    {.name = "exempt",
     .type = FieldType::list,
     .text = "Addresses and ranges that are not counted and never limited.",
     .element = FieldType::cidr,
     .lone = true},
};

struct Settings {
  bool by_token = false;
  Rate rate{};
  int ipv6_bits = 64;
  std::vector<Cidr> exempt;
};

/// What one client is known by; the text's bytes live in `storage`.
std::string_view client_key(const RequestContext& context, const Settings& settings,
                            NetworkBytes& storage) {
  if (settings.by_token && !context.token_hash.empty()) return context.token_hash;
  return client_network(context.client, settings.ipv6_bits, storage);
}

std::string_view seconds_text(Duration wait, Arena& arena) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  char text[20];
  const auto end = std::to_chars(text, text + sizeof text, seconds).ptr;
  return arena.copy({text, static_cast<std::size_t>(end - text)});
}

class RateLimit final : public Filter {
 public:
  RateLimit(const Settings& settings, RateTable& table) : settings_(settings), table_(table) {}

  Verdict on_request(RequestContext& context) override {
    if (!settings_.exempt.empty() && contains(settings_.exempt, context.client))
      return Verdict::proceed;
    NetworkBytes storage;
    const Duration wait =
        table_.take(client_key(context, settings_, storage), context.loop.now(), settings_.rate);
    if (wait == Duration(0)) return Verdict::proceed;
    context.reply.code = ErrorCode::rate_limited;
    context.reply.headers.add(context.arena, http::HeaderId::retry_after,
                              seconds_text(wait, context.arena));
    return Verdict::reply;
  }

 private:
  const Settings& settings_;
  RateTable& table_;
};

class RateLimitPlan final : public Plan {
 public:
  RateLimitPlan(Settings settings, std::shared_ptr<RateTable> table)
      : settings_(std::move(settings)), table_(std::move(table)) {}
  unsigned hooks() const override { return kOnRequest; }
  std::unique_ptr<Filter> bind(WorkerServices& /*services*/) const override {
    return std::make_unique<RateLimit>(settings_, *table_);
  }

 private:
  Settings settings_;
  std::shared_ptr<RateTable> table_;
};

Result<std::shared_ptr<const Plan>> compile(const config::Value& options,
                                            CompileServices& services) {
  Settings settings;
  const std::string& by = options["by"].as<std::string>();
  settings.by_token = by == "token";
  settings.ipv6_bits = static_cast<int>(options["ipv6_prefix"].as<std::int64_t>());
  const double rate = options["rate"].as<double>();
  const std::int64_t burst = options["burst"].is_set()
                                 ? options["burst"].as<std::int64_t>()
                                 : std::max(static_cast<std::int64_t>(rate), std::int64_t{1});
  settings.rate.interval = Duration(static_cast<std::int64_t>(1e9 / rate));
  settings.rate.tolerance = settings.rate.interval * (burst - 1);
  auto exempt = read_ranges(options["exempt"]);
  if (!exempt) return tl::make_unexpected(exempt.error());
  settings.exempt = std::move(*exempt);
  const std::int64_t clients = options["clients"].as<std::int64_t>();
  const std::string name = options["name"].is_set() ? options["name"].as<std::string>() : "";
  const std::string key = fmt::format("rate_limit/{}/{}/{}/{}/{}/{}", by, rate, burst,
                                      settings.ipv6_bits, clients, name);
  return std::make_shared<const RateLimitPlan>(
      std::move(settings),
      services.shared_state<RateTable>(key, static_cast<std::size_t>(clients)));
}

config::PolicyNeed needs(const config::Value& options) {
  const config::Value& by = options["by"];
  if (!by.is_set() || by.as<std::string>() != "token") return {};
  return {"token", "counts by token, but no token filter checks one here",
          "a filter of type token beside it, or by: address"};
}

}  // namespace
}  // namespace rate_limit

extern const FilterType kRateLimit = {
    {"rate_limit",
     "Answers 429 with Retry-After to clients that ask too often. Counts in the whole process.",
     rate_limit::kFields, nullptr, rate_limit::needs},
    rate_limit::compile};

}  // namespace gateway::filter
