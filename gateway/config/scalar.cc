#include "gateway/config/scalar.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "gateway/base/address.h"
#include "gateway/base/duration.h"
#include "gateway/base/size.h"
#include "gateway/config/suggestion.h"

namespace gateway::config {
namespace {

using Parsed = tl::expected<Value, Mismatch>;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool consists_of(std::string_view text, std::string_view others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
  });
}

template <typename T>
bool parse_whole(std::string_view text, T& number) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size();
}

tl::unexpected<Mismatch> wrong(std::string message, const Field& field, FieldType type) {
  return tl::make_unexpected(Mismatch{std::move(message), describe_type(field, type), {}});
}

Parsed within_bounds(Value value, double number, const Field& field, FieldType type) {
  if (field.least && number < *field.least) return wrong("too small", field, type);
  if (field.most && number > *field.most) return wrong("too large", field, type);
  return value;
}

Parsed parse_boolean(std::string_view text, const Field& field) {
  if (text == "true") return Value(true);
  if (text == "false" && field.choices.empty()) return Value(false);
  if (text == "false") return wrong("false says nothing here", field, FieldType::boolean);
  Mismatch mismatch{"neither true nor false", describe_type(field, FieldType::boolean), {}};
  if (text == "yes" || text == "on" || text == "True" || text == "TRUE")
    mismatch.suggestion = "true";
  if (text == "no" || text == "off" || text == "False" || text == "FALSE")
    mismatch.suggestion = "false";
  return tl::make_unexpected(std::move(mismatch));
}

Parsed parse_integer(std::string_view text, const Field& field) {
  std::int64_t number = 0;
  if (!parse_whole(text, number)) return wrong("not a whole number", field, FieldType::integer);
  const bool listed = field.choices.empty() || std::find(field.choices.begin(), field.choices.end(),
                                                         text) != field.choices.end();
  if (!listed) return wrong("not one of the numbers possible here", field, FieldType::integer);
  return within_bounds(Value(number), static_cast<double>(number), field, FieldType::integer);
}

Parsed parse_number(std::string_view text, const Field& field) {
  double number = 0;
  if (!parse_whole(text, number) || !std::isfinite(number))
    return wrong("not a number", field, FieldType::number);
  return within_bounds(Value(number), number, field, FieldType::number);
}

Parsed parse_choice(std::string_view text, const Field& field, FieldType type) {
  if (std::find(field.choices.begin(), field.choices.end(), text) != field.choices.end())
    return Value(std::string(text));
  auto mismatch = wrong("not a word that is known here", field, type);
  mismatch.value().suggestion = closest(text, field.choices);
  return mismatch;
}

Parsed parse_text(std::string_view text, const Field& field, FieldType type) {
  const auto is_control = [&](char c) {
    if (field.multiline && (c == '\n' || c == '\t')) return false;
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  };
  if (std::any_of(text.begin(), text.end(), is_control))
    return wrong("holds a control character or a line break", field, type);
  return within_bounds(Value(std::string(text)), static_cast<double>(text.size()), field, type);
}

// RFC 1123 §2.1, RFC 1034 §3.5, and the underscore that people use.
bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const auto dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.size() > 63 || !consists_of(label, "-_")) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    // A last label of digits alone is an IPv4 address that was mistyped.
    if (dot == std::string_view::npos)
      return label.find_first_not_of("0123456789") != std::string_view::npos;
    name.remove_prefix(dot + 1);
  }
}

bool is_host_pattern(std::string_view text) {
  if (IpAddress::parse(text)) return true;
  if (text.substr(0, 2) == "*.") text.remove_prefix(2);
  return is_dns_name(text);
}

bool is_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::uint16_t port = 0;
  if (!parse_whole(text.substr(colon + 1), port) || port == 0) return false;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return IpAddress::parse(host.substr(1, host.size() - 2)).has_value();
  if (host.find(':') != std::string_view::npos) return false;
  if (IpAddress::parse(host)) return true;
  // A final dot keeps a resolver from trying its search domains first (RFC 1034 §3.1).
  if (host.ends_with('.')) host.remove_suffix(1);
  return is_dns_name(host);
}

bool is_regex(std::string_view text, std::string& why) {
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 regex(re2::StringPiece(text.data(), text.size()), options);
  if (!regex.ok()) why = regex.error();
  return regex.ok();
}

Parsed accept(bool good, std::string_view text, std::string_view otherwise, const Field& field,
              FieldType type) {
  if (good) return Value(std::string(text));
  return wrong(std::string(otherwise), field, type);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

Parsed parse_word(std::string_view text, const Field& field, FieldType type) {
  switch (type) {
    case FieldType::cidr:
      return accept(Cidr::parse(text).has_value(), text, "not an address range", field, type);
    case FieldType::address:
      return accept(SocketAddress::parse(text).has_value(), text, "not an address with a port",
                    field, type);
    case FieldType::endpoint:
      return accept(is_endpoint(text), text, "not a host with a port", field, type);
    case FieldType::host:
      return accept(is_host_pattern(text), lower(text), "not a host name", field, type);
    case FieldType::path:
      return accept(text.substr(0, 1) == "/", text, "does not begin with '/'", field, type);
    case FieldType::header:
      return accept(consists_of(text, "!#$%&'*+-.^_`|~"), text, "not a header name", field, type);
    case FieldType::name:
      return accept(text.size() <= 128 && consists_of(text, "._-/:") && is_alphanumeric(text[0]),
                    text, "not usable as a name", field, type);
    case FieldType::regex: {
      std::string why;
      if (is_regex(text, why)) return Value(std::string(text));
      return wrong(fmt::format("not a regular expression: {}", why), field, type);
    }
    default: return accept(!text.empty(), text, "empty", field, type);
  }
}

std::string bounds_text(const Field& field, std::string (*write)(double)) {
  if (field.least && field.most)
    return fmt::format(" from {} to {}", write(*field.least), write(*field.most));
  if (field.least) return fmt::format(" of at least {}", write(*field.least));
  if (field.most) return fmt::format(" of at most {}", write(*field.most));
  return {};
}

std::string write_number(double number) { return fmt::format("{}", number); }
std::string write_integer(double number) {
  return fmt::format("{}", static_cast<std::int64_t>(number));
}
std::string write_seconds(double seconds) {
  return format_duration(Duration(std::llround(seconds * 1e9)));
}
std::string write_bytes(double bytes) { return format_size(static_cast<std::uint64_t>(bytes)); }

}  // namespace

tl::expected<Value, Mismatch> parse_scalar(std::string_view text, const Field& field,
                                           FieldType type) {
  switch (type) {
    case FieldType::boolean: return parse_boolean(text, field);
    case FieldType::integer: return parse_integer(text, field);
    case FieldType::number: return parse_number(text, field);
    case FieldType::choice:
    case FieldType::method: return parse_choice(text, field, type);
    case FieldType::duration: {
      const auto duration = parse_duration(text);
      if (!duration) return wrong("not a duration", field, type);
      return within_bounds(Value(*duration), std::chrono::duration<double>(*duration).count(),
                           field, type);
    }
    case FieldType::size: {
      const auto bytes = parse_size(text);
      if (!bytes) return wrong("not a size", field, type);
      return within_bounds(Value(Size{*bytes}), static_cast<double>(*bytes), field, type);
    }
    case FieldType::string: return parse_text(text, field, type);
    default: {
      auto clean = parse_text(text, {}, type);
      if (!clean) return wrong(std::move(clean.error().message), field, type);
      return parse_word(text, field, type);
    }
  }
}

std::string format_scalar(const Value& value) {
  struct Writer {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(std::int64_t n) const { return fmt::format("{}", n); }
    std::string operator()(double n) const { return fmt::format("{}", n); }
    std::string operator()(const std::string& s) const { return s; }
    std::string operator()(Duration d) const { return format_duration(d); }
    std::string operator()(Size s) const { return format_size(s.bytes); }
    std::string operator()(const Value::List& list) const {
      std::string out;
      for (const Value& element : list)
        out += fmt::format("{}{}", out.empty() ? "" : ", ", format_scalar(element));
      return fmt::format("[{}]", out);
    }
    std::string operator()(const Value::Map&) const { return "{…}"; }
  };
  return value.visit(Writer{});
}

std::string describe_type(const Field& field, FieldType type) {
  switch (type) {
    case FieldType::boolean:
      return field.choices.empty() ? "true or false" : "true, or leave it out";
    case FieldType::integer:
      if (!field.choices.empty()) return one_of(field.choices);
      return "a whole number" + bounds_text(field, write_integer);
    case FieldType::number: return "a number" + bounds_text(field, write_number);
    case FieldType::choice:
    case FieldType::method: return one_of(field.choices);
    case FieldType::duration:
      return "a duration such as 250ms, 1.5s or 2m" + bounds_text(field, write_seconds);
    case FieldType::size:
      return "a size such as 512, 64KiB or 10MB" + bounds_text(field, write_bytes);
    case FieldType::string: return field.multiline ? "text" : "text on one line";
    case FieldType::list: return "a list" + bounds_text(field, write_integer);
    case FieldType::map: return field.fields.empty() ? "a map of texts" : "a map";
    case FieldType::upstream: return "the name of an upstream";
    case FieldType::file: return "the path of a file";
    case FieldType::cidr: return "an address or a range such as 10.0.0.0/8 or fd00::/8";
    case FieldType::regex: return "a regular expression (RE2)";
    case FieldType::secret: return "{file: PATH} or {env: NAME}";
    case FieldType::name:
      return "letters, digits and . _ - / :, at most 128, a letter or digit first";
    case FieldType::listener: return "the name of a listener";
    case FieldType::folder: return "the path of a folder";
    case FieldType::address:
      return "an address and port such as 127.0.0.1:8443, [::1]:8443 or :443";
    case FieldType::endpoint:
      return "a host and port such as 10.0.0.1:5000, [fd00::1]:5000 or app.internal:5000";
    case FieldType::host:
      return "a host such as a.example, *.example or 10.0.0.1, without port; other scripts as xn--";
    case FieldType::path: return "a path that begins with '/'";
    case FieldType::header: return "the name of a header field";
    case FieldType::filter: return "a filter such as {type: request_id}";
    case FieldType::balancer: return "a balancer such as {type: round_robin}";
  }
  return {};
}

}  // namespace gateway::config
