#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "gateway/config/value.h"

namespace gateway::config {

enum class FieldType : std::uint8_t {
  boolean,
  integer,
  number,
  string,
  choice,    ///< one of `choices`
  duration,  ///< "250ms", "1.5s", "2m", "1h"
  size,      ///< "512", "64KiB", "10MB"
  list,      ///< of `element`; with `fields` a list of maps
  map,       ///< with `fields`, or string → string without
  upstream,  ///< name of an upstream; the reader checks that it exists
  file,      ///< path of a file that must be readable
  cidr,      ///< address or range
  regex,     ///< RE2
  secret,    ///< {file: PATH} or {env: NAME}; never inline; holds the reference, not the secret
};

/// One option: the single source of parser, validation, JSON Schema and reference page. All strings
/// are literals.
struct Field {
  std::string_view name;
  FieldType type = FieldType::string;
  std::string_view text;  ///< one or two sentences for the reference
  bool required = false;
  std::string_view default_text = {};  ///< as one would write it in YAML; empty: none
  std::optional<double> least = {};    ///< bounds: number, seconds, bytes or length of a list
  std::optional<double> most = {};
  std::span<const std::string_view> choices = {};
  FieldType element = FieldType::string;
  std::span<const Field> fields = {};  ///< of a map, or of each map in a list
  bool private_upstream = false;       ///< type upstream: a private upstream may be named here
};

/// A filter or balancer as configuration sees it: what its one table row hands to the reader.
struct Policy {
  std::string_view type;  ///< the word after `type:`
  std::string_view text;
  std::span<const Field> fields;
};

/// The tables that upper layers give to the reader, so that config/ need not know them.
struct PolicyTables {
  std::span<const Policy> filters;
  std::span<const Policy> balancers;
};

}  // namespace gateway::config
