#include "gateway/config/schema.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "gateway/config/tables.h"

namespace gateway::config {
namespace {

using Json = nlohmann::ordered_json;

Json reference_to(std::string_view definition) {
  return {{"$ref", "#/$defs/" + std::string(definition)}};
}

Json any_of(Json first, Json second) {
  return {{"anyOf", Json::array({std::move(first), std::move(second)})}};
}

// Whatever is no text for YAML may also be a text with a variable in it.
Json or_variable(Json schema) { return any_of(std::move(schema), reference_to("variable")); }

// A number where the word would be one when it is not quoted.
Json word_as_written(std::string_view word) {
  double number = 0;
  const auto [end, ec] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (ec != std::errc() || end != word.data() + word.size()) return std::string(word);
  return Json::parse(word);
}

Json words(std::span<const std::string_view> choices) {
  Json list = Json::array();
  for (const std::string_view word : choices) {
    const Json written = word_as_written(word);
    list.push_back(written);
    if (!written.is_string()) list.push_back(std::string(word));
  }
  return or_variable({{"enum", std::move(list)}});
}

Json number(const Field& field, std::string_view type) {
  Json schema = {{"type", std::string(type)}};
  const auto bound = [&](double value) {
    return type == "integer" ? Json(static_cast<std::int64_t>(value)) : Json(value);
  };
  if (field.least) schema["minimum"] = bound(*field.least);
  if (field.most) schema["maximum"] = bound(*field.most);
  return or_variable(std::move(schema));
}

Json object(std::span<const Field> fields);
Json typed(const Field& field, FieldType type);

Json list(const Field& field) {
  Field element = field;
  element.least = element.most = std::nullopt;
  Json schema = {{"type", "array"}, {"items", typed(element, field.element)}};
  if (field.least) schema["minItems"] = static_cast<std::int64_t>(*field.least);
  if (field.most) schema["maxItems"] = static_cast<std::int64_t>(*field.most);
  if (field.lone) schema = any_of(typed(element, field.element), std::move(schema));
  if (field.pair_key.empty()) return schema;
  std::vector<Field> others;
  for (const Field& member : field.fields)
    if (member.name != field.pair_key) others.push_back(member);
  Json value = any_of({{"type", Json::array({"string", "number", "boolean"})}}, object(others));
  return any_of(std::move(schema),
                {{"type", "object"}, {"additionalProperties", std::move(value)}});
}

Json map(const Field& field) {
  if (field.fields.empty())
    return {{"type", "object"},
            {"additionalProperties", {{"type", Json::array({"string", "number", "boolean"})}}}};
  Json schema = object(field.fields);
  if (field.plain.empty()) return schema;
  return any_of({{"type", "string"}}, std::move(schema));
}

Json typed(const Field& field, FieldType type) {
  switch (type) {
    case FieldType::boolean: return or_variable({{"type", "boolean"}});
    case FieldType::integer:
      return field.choices.empty() ? number(field, "integer") : words(field.choices);
    case FieldType::number: return number(field, "number");
    case FieldType::choice:
    case FieldType::method: return words(field.choices);
    case FieldType::duration: return reference_to("duration");
    case FieldType::size: return reference_to("size");
    case FieldType::list: return list(field);
    case FieldType::map: return map(field);
    case FieldType::secret: return reference_to("secret");
    case FieldType::filter: return reference_to("filter");
    case FieldType::balancer: return reference_to("balancer");
    default: return {{"type", "string"}};
  }
}

Json default_of(const Field& field) {
  switch (field.type) {
    case FieldType::boolean:
    case FieldType::integer:
    case FieldType::number: return Json::parse(field.default_text);
    default: return std::string(field.default_text);
  }
}

Json required(std::string_view name) { return {{"required", Json::array({std::string(name)})}}; }

// Of the fields that share a word at most one, or exactly one.
void add_exclusions(std::span<const Field> fields, Json& rules) {
  std::vector<std::string_view> done;
  for (const Field& field : fields) {
    if (field.exclusive.empty() ||
        std::find(done.begin(), done.end(), field.exclusive) != done.end())
      continue;
    done.push_back(field.exclusive);
    Json group = Json::array();
    for (const Field& other : fields)
      if (other.exclusive == field.exclusive) group.push_back(required(other.name));
    Json alternatives = {{"oneOf", group}};
    if (!field.one_needed) alternatives["oneOf"].push_back({{"not", {{"anyOf", group}}}});
    rules.push_back(std::move(alternatives));
  }
}

Json object(std::span<const Field> fields) {
  Json properties = Json::object();
  Json needed = Json::array();
  Json rules = Json::array();
  for (const Field& field : fields) {
    Json schema = typed(field, field.type);
    schema["description"] = std::string(field.text);
    if (!field.default_text.empty()) schema["default"] = default_of(field);
    properties[std::string(field.name)] = std::move(schema);
    if (!field.singular.empty()) {
      Field element = field;
      element.least = element.most = std::nullopt;
      Json one = typed(element, field.element);
      one["description"] = std::string(field.text);
      properties[std::string(field.singular)] = std::move(one);
      Json either = {{"oneOf", Json::array({required(field.name), required(field.singular)})}};
      if (!field.required)
        either = {
            {"not",
             {{"required", Json::array({std::string(field.name), std::string(field.singular)})}}}};
      rules.push_back(std::move(either));
    } else if (field.required) {
      needed.push_back(std::string(field.name));
    }
  }
  add_exclusions(fields, rules);
  Json schema = {{"type", "object"}, {"additionalProperties", false}};
  schema["properties"] = std::move(properties);
  if (!needed.empty()) schema["required"] = std::move(needed);
  if (!rules.empty()) schema["allOf"] = std::move(rules);
  return schema;
}

Json policies(std::span<const Policy> table) {
  Json names = Json::array();
  Json choices = Json::array();
  for (const Policy& policy : table) {
    names.push_back(std::string(policy.type));
    Json schema = object(policy.fields);
    Json properties = {{"type", {{"const", std::string(policy.type)}}}};
    properties.update(schema["properties"]);
    schema["properties"] = std::move(properties);
    schema["description"] = std::string(policy.text);
    Json needed = Json::array({"type"});
    for (const Json& name : schema.value("required", Json::array())) needed.push_back(name);
    schema["required"] = std::move(needed);
    choices.push_back(std::move(schema));
  }
  choices.push_back({{"enum", std::move(names)}});
  return {{"anyOf", std::move(choices)}};
}

}  // namespace

std::string json_schema(const PolicyTables& tables) {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "Configuration of the gateway"}};
  schema.update(object(fields_of<Model>()));
  schema["$defs"] = {
      {"variable", {{"type", "string"}, {"pattern", "\\$\\{"}}},
      {"duration",
       {{"type", Json::array({"string", "integer"})},
        {"pattern", "^(0|([0-9.]+(ns|us|ms|s|m|h))+)$|\\$\\{"},
        {"maximum", 0}}},
      {"size",
       {{"type", Json::array({"string", "integer"})},
        {"pattern", "^[0-9.]+(B|KB|MB|GB|KiB|MiB|GiB)?$|\\$\\{"},
        {"minimum", 0}}},
      {"secret",
       {{"type", "object"},
        {"additionalProperties", false},
        {"properties", {{"file", {{"type", "string"}}}, {"env", {{"type", "string"}}}}},
        {"minProperties", 1},
        {"maxProperties", 1}}},
      {"filter", policies(tables.filters)},
      {"balancer", policies(tables.balancers)}};
  return schema.dump(1) + "\n";
}

}  // namespace gateway::config
