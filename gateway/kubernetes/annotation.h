#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "gateway/config/field.h"
#include "gateway/config/value.h"

namespace gateway::kubernetes {

/// Every annotation is served under both. Where an object has both, ours counts.
inline constexpr std::string_view kOwnPrefix = "gateway.ingress/";
inline constexpr std::string_view kNginxPrefix = "nginx.ingress.kubernetes.io/";
inline constexpr std::string_view kClassAnnotation = "kubernetes.io/ingress.class";
inline constexpr std::string_view kDefaultClassAnnotation =
    "ingressclass.kubernetes.io/is-default-class";

/// What kind of text a value is, beyond what config::FieldType says.
enum class Form : std::uint8_t {
  plain,       ///< as the field's type
  seconds,     ///< a duration; a bare number is seconds, as ingress-nginx writes them
  size,        ///< as nginx writes them too: 8k, 1m, 1g are powers of 1024
  list,        ///< elements of the field's type with commas between them
  service,     ///< "name:port" of the same namespace, the port by number or name
  secret,      ///< "name" or "namespace/name"
  config_map,  ///< likewise
  url,         ///< http:// or https://
};

/// How an annotation of ingress-nginx fares with us.
enum class Standing : std::uint8_t {
  same,     ///< carries over
  differs,  ///< is heeded; `note` says how we differ
  passed,   ///< has no effect; `note` says why that is no loss
  refused,  ///< the object is refused; `note` names the alternative
};

/// One row of the table: how the value is read and what it means. The one source of parser,
/// reference page, admission policy and report.
struct Annotation {
  config::Field field;  ///< name without prefix, type, text, default, bounds, choices
  Form form = Form::plain;
  Standing standing = Standing::same;
  std::string_view note = {};
  bool security = false;  ///< who misspells it would be less protected than he thinks
  bool ours = false;      ///< ingress-nginx has none of that name
  /// The filter or balancer ("balancer cookie") that it cannot work without.
  std::string_view needs = {};
  /// Some values are refused, or differ, where others carry over: a sentence for these.
  std::string (*judge)(const config::Value& value) = nullptr;
};

/// "a duration from 1s to 1h": what may be written.
std::string describe_value(const Annotation& annotation);
/// Reads a text as the row says; the error is a sentence.
tl::expected<config::Value, std::string> parse_value(const Annotation& annotation,
                                                     std::string_view text);

}  // namespace gateway::kubernetes
