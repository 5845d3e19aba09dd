#pragma once

#include <cstdint>
#include <string>

#include "gateway/config/field.h"

/// Policies of the kinds that upper layers declare, for tests of what reads them.
namespace gateway::config {

inline constexpr std::string_view kLimitKeys[] = {"address", "token"};
inline constexpr Field kRateLimitFields[] = {
    {.name = "by",
     .type = FieldType::choice,
     .text = "Whose.",
     .default_text = "address",
     .choices = kLimitKeys},
    {.name = "rate",
     .type = FieldType::number,
     .text = "Requests a second.",
     .required = true,
     .least = 0.001,
     .most = 1e9},
    {.name = "burst",
     .type = FieldType::integer,
     .text = "At once.",
     .default_text = "1",
     .least = 1,
     .most = 1e9},
};
inline constexpr Field kTokenFields[] = {
    {.name = "upstream",
     .type = FieldType::upstream,
     .text = "Who knows.",
     .required = true,
     .private_upstream = true},
    {.name = "allow_ttl",
     .type = FieldType::duration,
     .text = "Allow.",
     .default_text = "60s",
     .least = 0,
     .most = 86400},
    {.name = "deny_ttl", .type = FieldType::duration, .text = "Deny.", .default_text = "10s"},
    {.name = "stale_ttl", .type = FieldType::duration, .text = "Stale.", .default_text = "0s"},
    {.name = "signing", .type = FieldType::secret, .text = "Key."},
    {.name = "schemes",
     .type = FieldType::list,
     .text = "Schemes.",
     .default_text = "[Bearer, raw]",
     .element = FieldType::string},
};
inline constexpr Field kBodyLimitFields[] = {
    {.name = "size", .type = FieldType::size, .text = "Bytes.", .required = true},
};
inline constexpr Field kEditFields[] = {
    {.name = "set", .type = FieldType::map, .text = "Fields.", .secret = true},
};

inline std::string check_burst(const Value& options) {
  const double burst = static_cast<double>(options["burst"].as<std::int64_t>());
  return burst * 1000 < options["rate"].as<double>() ? "burst is far below rate" : "";
}

inline constexpr Policy kFilterPolicies[] = {
    {"request_id", "Gives each request an id.", {}},
    {"rate_limit", "So many and no more.", kRateLimitFields, check_burst},
    {"body_limit", "So large and no larger.", kBodyLimitFields},
    {"token", "Who is it.", kTokenFields},
    {"header_edits", "Changes header fields.", kEditFields},
};

inline constexpr std::string_view kHashKeys[] = {"header", "cookie", "address"};
inline constexpr Field kHashFields[] = {
    {.name = "by",
     .type = FieldType::choice,
     .text = "Of what.",
     .default_text = "address",
     .choices = kHashKeys},
    {.name = "name", .text = "Of the header or cookie."},
};
inline constexpr Policy kBalancerPolicies[] = {
    {"least_request", "The less busy of two.", {}},
    {"round_robin", "One after the other.", {}},
    {"consistent_hash", "The same for the same.", kHashFields},
};

inline constexpr PolicyTables kSampleTables{kFilterPolicies, kBalancerPolicies};

}  // namespace gateway::config
