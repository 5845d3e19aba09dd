#pragma once

#include <cstdint>

#include "gateway/kubernetes/json_reader.h"
#include "gateway/kubernetes/objects.h"

namespace gateway::kubernetes {

/// The metadata of any object.
ObjectMeta read_meta(const JsonValue& object);
std::uint16_t read_port(const JsonValue& value);

}  // namespace gateway::kubernetes
