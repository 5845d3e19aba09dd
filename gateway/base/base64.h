#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gateway {

/// The bytes of a text in base64 (RFC 4648 §4), line ends in it ignored; nothing when it is none.
std::optional<std::string> decode_base64(std::string_view text);
/// In one line, padded.
std::string encode_base64(std::string_view bytes);

}  // namespace gateway
