#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
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
  name,      ///< of a listener, route or upstream, where it is declared
  listener,  ///< name of a listener; the reader checks that it exists
  folder,    ///< path of a folder that must be readable
  address,   ///< to bind: "127.0.0.1:80", "[::1]:80", ":80"
  endpoint,  ///< "host:port", the host an address or a DNS name
  host,      ///< "a.example", "*.example" or an address; made lower case
  path,      ///< begins with '/'
  method,    ///< of a request, upper case
  header,    ///< name of a header field
  filter,    ///< {type: …} of PolicyTables::filters
  balancer,  ///< {type: …} of PolicyTables::balancers
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
  // Short forms and rules between fields.
  std::string_view singular = {};  ///< of a list: another key that holds one element
  bool lone = false;               ///< of a list: one element may stand for a list of one
  std::string_view plain = {};     ///< of a map: a plain value stands for {plain: value}
  /// Of a list of maps: may be written as a map, each entry {pair_key: key, pair_value: value}.
  std::string_view pair_key = {};
  std::string_view pair_value = {};
  std::string_view exclusive = {};  ///< of the fields of a map that share this word, one may be set
  bool one_needed = false;          ///< and one must be
  std::string_view pem = {};        ///< type file: the kind of PEM block that it must hold
  bool multiline = false;           ///< type string: line breaks may be in it
  /// What stands there may be a secret, or hold one: it is shown nowhere (see masked.h), nor quoted
  /// where it is wrong. Of a list or map, all that is in it.
  bool secret = false;
};

/// Another filter that must stand on the same route, or at the top.
struct PolicyNeed {
  std::string_view type;      ///< empty: none
  std::string_view message;   ///< what is wrong without it
  std::string_view expected;  ///< what would be right
};

/// A filter or balancer as configuration sees it: what its one table row hands to the reader.
struct Policy {
  std::string_view type;  ///< the word after `type:`
  std::string_view text;
  std::span<const Field> fields;
  /// Rules between the options, defaults filled: a sentence says what is wrong, empty says nothing
  /// is.
  std::string (*check)(const Value& options) = nullptr;
  /// Of a filter: what it needs beside it, as its options say.
  PolicyNeed (*needs)(const Value& options) = nullptr;
};

/// The tables that upper layers give to the reader, so that config/ need not know them.
struct PolicyTables {
  std::span<const Policy> filters;
  std::span<const Policy> balancers;
};

}  // namespace gateway::config
