#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/kubernetes/objects.h"

namespace gateway::kubernetes {

/// The longest note of an Event.
inline constexpr std::size_t kLongestMessage = 1024;

enum class Severity : std::uint8_t { normal, warning };

/// Something that the owner of an object should know; becomes an Event.
struct Notice {
  std::string kind;  ///< "Ingress", "Secret"
  ObjectName object;
  std::string uid;
  Severity severity = Severity::warning;
  std::string_view reason;  ///< one word in upper camel case; a literal
  std::string message;
  bool refusal = false;  ///< the object, or a part of it, does not serve as it is written
  auto operator<=>(const Notice&) const = default;
};

// Reasons.
inline constexpr std::string_view kRefused = "Refused";
inline constexpr std::string_view kConflict = "Conflict";
inline constexpr std::string_view kUnknownAnnotation = "UnknownAnnotation";
inline constexpr std::string_view kDiffers = "Differs";
inline constexpr std::string_view kBackendMissing = "BackendMissing";
inline constexpr std::string_view kPrivateBackend = "PrivateBackend";
inline constexpr std::string_view kCertificate = "CertificateUnusable";
inline constexpr std::string_view kAuthUnusable = "AuthUnusable";

}  // namespace gateway::kubernetes
