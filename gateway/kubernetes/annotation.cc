#include "gateway/kubernetes/annotation.h"

#include <fmt/format.h>

#include <cctype>

#include "gateway/base/duration.h"
#include "gateway/base/size.h"
#include "gateway/config/scalar.h"

namespace gateway::kubernetes {
namespace {

using config::FieldType;
using config::Value;
using Parsed = tl::expected<Value, std::string>;

tl::unexpected<std::string> wrong(std::string_view text, const Annotation& annotation) {
  return tl::make_unexpected(
      fmt::format("'{}' is not {}", text.substr(0, 80), describe_value(annotation)));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

Parsed parse_scalar(const Annotation& annotation, std::string_view text, FieldType type) {
  auto value = config::parse_scalar(text, annotation.field, type);
  if (!value) return wrong(text, annotation);
  return std::move(*value);
}

Parsed parse_seconds(const Annotation& annotation, std::string_view text) {
  return parse_scalar(annotation, is_number(text) ? std::string(text) + "s" : std::string(text),
                      FieldType::duration);
}

// nginx: k, m and g, in either case, are powers of 1024.
Parsed parse_bytes(const Annotation& annotation, std::string_view text) {
  std::string plain(text);
  if (plain.size() > 1 && std::isdigit(static_cast<unsigned char>(plain[plain.size() - 2])) != 0) {
    switch (plain.back()) {
      case 'k':
      case 'K': plain.replace(plain.size() - 1, 1, "KiB"); break;
      case 'm':
      case 'M': plain.replace(plain.size() - 1, 1, "MiB"); break;
      case 'g':
      case 'G': plain.replace(plain.size() - 1, 1, "GiB"); break;
      default: break;
    }
  }
  return parse_scalar(annotation, plain, FieldType::size);
}

Parsed parse_list(const Annotation& annotation, std::string_view text) {
  Value::List list;
  while (true) {
    const auto comma = text.find(',');
    const std::string_view item = trimmed(text.substr(0, comma));
    if (!item.empty()) {
      auto value = parse_scalar(annotation, item, annotation.field.type);
      if (!value) return value;
      list.push_back(std::move(*value));
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (list.empty()) return wrong("", annotation);
  return Value(std::move(list));
}

bool is_object_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string_view::npos;
}

Parsed parse_reference(const Annotation& annotation, std::string_view text) {
  const auto slash = text.find('/');
  const bool good = slash == std::string_view::npos ? is_object_name(text)
                                                    : is_object_name(text.substr(0, slash)) &&
                                                          is_object_name(text.substr(slash + 1));
  if (!good) return wrong(text, annotation);
  return Value(std::string(text));
}

Parsed parse_service(const Annotation& annotation, std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  const bool bare = annotation.field.name == "default-backend" && colon == std::string_view::npos;
  if (!is_object_name(text.substr(0, colon)) || (!bare && !is_object_name(port)))
    return wrong(text, annotation);
  return Value(std::string(text));
}

Parsed parse_url(const Annotation& annotation, std::string_view text) {
  const bool web = text.starts_with("http://") || text.starts_with("https://");
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '<')
      return wrong(text, annotation);
  if (!web || text.find("://") + 3 == text.size()) return wrong(text, annotation);
  return Value(std::string(text));
}

}  // namespace

std::string describe_value(const Annotation& annotation) {
  switch (annotation.form) {
    case Form::plain: return config::describe_type(annotation.field, annotation.field.type);
    case Form::seconds:
      return "a number of seconds, or " +
             config::describe_type(annotation.field, FieldType::duration);
    case Form::size: return "a size such as 8k, 1m or 10MB";
    case Form::list:
      return "a list with commas, each " +
             config::describe_type(annotation.field, annotation.field.type);
    case Form::service: return "a Service of the same namespace and its port, as name:port";
    case Form::secret: return "the name of a Secret of the same namespace";
    case Form::config_map: return "the name of a ConfigMap of the same namespace";
    case Form::url: return "an http:// or https:// URL";
  }
  return {};
}

Parsed parse_value(const Annotation& annotation, std::string_view text) {
  text = trimmed(text);
  switch (annotation.form) {
    case Form::plain: return parse_scalar(annotation, text, annotation.field.type);
    case Form::seconds: return parse_seconds(annotation, text);
    case Form::size: return parse_bytes(annotation, text);
    case Form::list: return parse_list(annotation, text);
    case Form::service: return parse_service(annotation, text);
    case Form::secret:
    case Form::config_map: return parse_reference(annotation, text);
    case Form::url: return parse_url(annotation, text);
  }
  return wrong(text, annotation);
}

}  // namespace gateway::kubernetes
