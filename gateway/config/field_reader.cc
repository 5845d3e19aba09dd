#include "gateway/config/field_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "gateway/base/check.h"
#include "gateway/config/suggestion.h"

namespace gateway::config {
namespace {

bool is_unset(const Value& value) { return !value.is_set(); }

// What stands there may be the secret itself: it is neither quoted nor shown.
void conceal(Problem& problem) {
  problem.found.clear();
  problem.source_line.clear();
}

// Of what is not known it is not known either whether it is secret: what follows is not shown.
void cut_after(const Node& shown, Problem& problem) {
  const std::size_t end = shown.at.column - 1 + shown.text.size();
  if (problem.source_line.size() > end) problem.source_line.resize(end);
}

std::string_view kind_text(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::scalar: return node.text;
    case Node::Kind::list: return "a list";
    case Node::Kind::map: return "a map";
  }
  return {};
}

std::vector<std::string_view> names_of(std::span<const Field> fields) {
  std::vector<std::string_view> names;
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

std::vector<std::string_view> names_of(std::span<const Policy> policies) {
  std::vector<std::string_view> names;
  for (const Policy& policy : policies) names.push_back(policy.type);
  return names;
}

}  // namespace

/// Which fields of a map have been met, by index.
struct FieldReader::Seen {
  std::vector<const Node*> key;
  std::vector<bool> meant;  ///< an unknown key was taken for it: it is misspelt, not missing
  bool policy = false;
};

Value FieldReader::read(const Node& root, std::span<const Field> fields) {
  Field field;
  field.type = FieldType::map;
  field.fields = fields;
  return read_value(root, field, FieldType::map);
}

std::string FieldReader::path() const {
  std::string out;
  for (const Segment& segment : path_) {
    if (segment.key.empty()) {
      out += fmt::format("[{}]", segment.index);
    } else {
      if (!out.empty()) out += '.';
      out += segment.key.substr(0, kWidestText);
    }
  }
  return out;
}

Problem& FieldReader::add(const Node& node, std::string path, std::string message) {
  const std::size_t length = node.kind == Node::Kind::scalar ? node.text.size() : 1;
  Problem& problem = full() ? one_too_many_ : problems_.emplace_back();
  problem = document_.problem_at(node.at, length);
  problem.path = std::move(path);
  problem.message = std::move(message);
  return problem;
}

void FieldReader::keep_secret(const Node& node) {
  secret_lines_.insert(node.at.line);
  for (const Node* child : node.children) keep_secret(*child);
}

Problem& FieldReader::report(const Node& node, std::string message) {
  return add(node, path(), std::move(message));
}

void FieldReader::report_kind(const Node& node, const Field& field, FieldType type) {
  Problem& problem = report(
      node, node.kind == Node::Kind::null ? "no value" : "not the kind of value that it takes");
  problem.expected = describe_type(field, type);
  problem.found = kind_text(node);
  if (field.secret) conceal(problem);
}

void FieldReader::report_unknown(const Node& key, std::span<const Field> fields, Seen& seen) {
  std::vector<std::string_view> names = names_of(fields);
  Problem& problem = report(key, "unknown key");
  cut_after(key, problem);
  problem.found = key.text;
  problem.expected = names.empty() ? "no options" : one_of(names);
  for (const Field& field : fields)
    if (!field.singular.empty()) names.push_back(field.singular);
  problem.suggestion = closest(key.text, names);
  if (problem.suggestion.empty()) return;
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i].name == problem.suggestion || fields[i].singular == problem.suggestion)
      seen.meant[i] = true;
}

Value FieldReader::read_value(const Node& node, const Field& field, FieldType type) {
  if (full()) return {};
  if (node.tagged) {
    report(node, "explicit YAML tags are not used here");
    return {};
  }
  switch (type) {
    case FieldType::list: return read_list(node, field);
    case FieldType::map: return read_map(node, field);
    case FieldType::filter:
    case FieldType::balancer: return read_policy(node, type);
    case FieldType::secret: return read_secret(node);
    default: return read_scalar(node, field, type);
  }
}

Value FieldReader::read_list(const Node& node, const Field& field) {
  if (node.kind == Node::Kind::map && !field.pair_key.empty()) return read_pairs(node, field);
  // Bounds of a list are its length; they say nothing of an element.
  Field element = field;
  element.least = element.most = std::nullopt;
  if (node.kind != Node::Kind::list) {
    if (field.lone && node.kind != Node::Kind::null)
      return Value::List{read_value(node, element, field.element)};
    report_kind(node, field, FieldType::list);
    return {};
  }
  const auto length = static_cast<double>(node.children.size());
  if ((field.least && length < *field.least) || (field.most && length > *field.most)) {
    Problem& problem = report(node, field.most && length > *field.most ? "too long" : "too short");
    problem.expected = describe_type(field, FieldType::list);
    problem.found = fmt::format("{} elements", node.children.size());
    return {};
  }
  Value::List list;
  list.reserve(node.children.size());
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const Step step(*this, i);
    list.push_back(read_value(*node.children[i], element, field.element));
  }
  return list;
}

Value FieldReader::read_pairs(const Node& node, const Field& field) {
  Value::List list;
  std::unordered_set<std::string_view> keys;
  std::vector<Field> others;
  for (const Field& member : field.fields)
    if (member.name != field.pair_key) others.push_back(member);
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const Node& key = *node.children[i];
    if (full() || !check_key(key)) continue;
    const Step step(*this, key.text);
    if (!keys.insert(key.text).second) {
      report(key, "set twice");
      continue;
    }
    const Node& value = *node.children[i + 1];
    Value::Map map;
    if (value.kind == Node::Kind::map) map = read_fields(value, others, false).as<Value::Map>();
    for (const Field& member : field.fields) {
      if (member.name == field.pair_key)
        map[std::string(member.name)] = read_scalar(key, member, member.type);
      if (member.name == field.pair_value && value.kind != Node::Kind::map)
        map[std::string(member.name)] = read_value(value, member, member.type);
    }
    list.emplace_back(std::move(map));
  }
  return list;
}

Value FieldReader::read_map(const Node& node, const Field& field) {
  if (field.fields.empty()) return read_texts(node, field);
  if (node.kind == Node::Kind::map) return read_fields(node, field.fields, false);
  if (node.kind == Node::Kind::scalar && !field.plain.empty()) {
    for (const Field& member : field.fields) {
      if (member.name != field.plain) continue;
      Value value = read_value(node, member, member.type);
      if (is_unset(value)) return {};
      return Value::Map{{std::string(member.name), std::move(value)}};
    }
  }
  report_kind(node, field, FieldType::map);
  return {};
}

Value FieldReader::read_texts(const Node& node, const Field& field) {
  if (node.kind != Node::Kind::map) {
    report_kind(node, field, FieldType::map);
    return {};
  }
  Field text;
  text.secret = field.secret;
  Value::Map map;
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const Node& key = *node.children[i];
    if (full() || !check_key(key)) continue;
    const Step step(*this, key.text);
    Value value = read_scalar(*node.children[i + 1], text, FieldType::string);
    if (!map.emplace(key.text, std::move(value)).second) report(key, "set twice");
  }
  return map;
}

bool FieldReader::check_key(const Node& key) {
  if (key.kind != Node::Kind::scalar || key.tagged) {
    report(key, "a key must be a plain word");
    return false;
  }
  if (key.text == "<<") {
    report(key, "merge keys are not supported").expected =
        "the keys themselves, or an alias as value";
    return false;
  }
  return true;
}

Value FieldReader::read_fields(const Node& node, std::span<const Field> fields, bool policy) {
  Seen seen;
  seen.key.resize(fields.size());
  seen.meant.resize(fields.size());
  seen.policy = policy;
  Value::Map out;
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2)
    if (check_key(*node.children[i]))
      read_member(*node.children[i], *node.children[i + 1], fields, seen, out);
  require_missing(node, fields, seen);
  return out;
}

void FieldReader::read_member(const Node& key, const Node& value, std::span<const Field> fields,
                              Seen& seen, Value::Map& out) {
  if (full()) return;
  if (seen.policy && key.text == "type") return;
  const Step step(*this, key.text);
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) {
    return field.name == key.text || (!field.singular.empty() && field.singular == key.text);
  });
  if (found == fields.end()) return report_unknown(key, fields, seen);
  const Field& field = *found;
  const bool inlined = field.type == FieldType::secret && value.kind == Node::Kind::scalar;
  if (field.secret || inlined) keep_secret(value);
  const auto index = static_cast<std::size_t>(found - fields.begin());
  if (seen.key[index] != nullptr) {
    report(key, seen.key[index]->text == key.text
                    ? "set twice"
                    : fmt::format("set beside {}", seen.key[index]->text))
        .expected = "one of them";
    return;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (seen.key[i] == nullptr || field.exclusive.empty()) continue;
    if (fields[i].exclusive == field.exclusive)
      report(key, fmt::format("set beside {}", fields[i].name)).expected = "one of them";
  }
  seen.key[index] = &key;
  if (value.kind == Node::Kind::null) {
    report(key, "no value").expected = describe_type(field, field.type);
    return;
  }
  Value read;
  if (field.name == key.text) {
    read = read_value(value, field, field.type);
  } else {
    Field element = field;
    element.least = element.most = std::nullopt;
    Value one = read_value(value, element, field.element);
    if (one.is_set()) read = Value::List{std::move(one)};
  }
  if (read.is_set()) out.emplace(field.name, std::move(read));
}

void FieldReader::require_missing(const Node& node, std::span<const Field> fields,
                                  const Seen& seen) {
  std::string_view group_done;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    if (field.required && seen.key[i] == nullptr && !seen.meant[i]) {
      Problem& problem = report(node, fmt::format("{} is missing", field.name));
      problem.expected = fmt::format("{}: {}", field.name, describe_type(field, field.type));
    }
    if (!field.one_needed || field.exclusive == group_done) continue;
    group_done = field.exclusive;
    std::vector<std::string_view> group;
    bool met = false;
    for (std::size_t j = 0; j < fields.size(); ++j) {
      if (fields[j].exclusive != field.exclusive) continue;
      group.push_back(fields[j].name);
      met = met || seen.key[j] != nullptr || seen.meant[j];
    }
    if (!met) report(node, fmt::format("no {}", field.exclusive)).expected = one_of(group);
  }
}

Value FieldReader::read_policy(const Node& node, FieldType type) {
  const auto table = type == FieldType::filter ? tables_.filters : tables_.balancers;
  const Node* name = node.kind == Node::Kind::scalar ? &node : nullptr;
  if (node.kind == Node::Kind::map) {
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      if (node.children[i]->text != "type") continue;
      if (name != nullptr) report(*node.children[i], "type is set twice");
      name = node.children[i + 1];
    }
  } else if (name == nullptr) {
    report_kind(node, {}, type);
    return {};
  }
  if (name == nullptr || name->kind != Node::Kind::scalar) {
    report(node, "type is missing").expected = one_of(names_of(table));
    return {};
  }
  std::string word;
  if (!expand(*name, false, word)) return {};
  const auto policy = std::find_if(table.begin(), table.end(),
                                   [&](const Policy& known) { return known.type == word; });
  if (policy == table.end()) {
    Problem& problem = report(
        *name, type == FieldType::filter ? "unknown type of filter" : "unknown type of balancer");
    cut_after(*name, problem);
    const auto names = names_of(table);
    problem.expected = one_of(names);
    problem.found = name->text;
    problem.suggestion = closest(word, names);
    return {};
  }
  static const Node no_options{Node::Kind::map, false, {}, {}, {}};
  const std::size_t problems = problems_.size();
  Node bare = no_options;
  bare.at = node.at;
  Value options = read_fields(node.kind == Node::Kind::map ? node : bare, policy->fields, true);
  if (problems_.size() > problems) return {};
  Value::Map map = options.as<Value::Map>();
  fill_defaults(map, policy->fields);
  options = Value(std::move(map));
  if (policy->check != nullptr) {
    std::string wrong = policy->check(options);
    if (!wrong.empty()) {
      report(*name, std::move(wrong));
      return {};
    }
  }
  return Value::Map{{"type", Value(std::move(word))}, {"options", std::move(options)}};
}

Value FieldReader::read_secret(const Node& node) {
  static const Field kMembers[] = {{.name = "file",
                                    .type = FieldType::file,
                                    .text = {},
                                    .exclusive = "source",
                                    .one_needed = true},
                                   {.name = "env",
                                    .type = FieldType::string,
                                    .text = {},
                                    .least = 1,
                                    .exclusive = "source",
                                    .one_needed = true}};
  if (node.kind != Node::Kind::map) {
    Problem& problem = report(node, "a secret is never written into the configuration");
    problem.expected = describe_type({}, FieldType::secret);
    conceal(problem);
    return {};
  }
  Value value = read_fields(node, kMembers, false);
  const Value& env = value["env"];
  if (env.holds<std::string>())
    references_.push_back({FieldType::secret, false, {}, env.as<std::string>(), path(), &node});
  return value;
}

bool FieldReader::expand(const Node& node, bool secret, std::string& out) {
  if (node.text.find("${") == std::string::npos) {
    out = node.text;
    return true;
  }
  auto expanded = expand_variables(node.text, environment_);
  if (!expanded) {
    Problem& problem = report(node, std::move(expanded.error()));
    problem.found = node.text;
    if (secret) conceal(problem);
    return false;
  }
  out = *std::move(expanded);
  return true;
}

Value FieldReader::read_scalar(const Node& node, const Field& field, FieldType type) {
  if (node.kind != Node::Kind::scalar || node.tagged) {
    report_kind(node, field, type);
    return {};
  }
  std::string text;
  if (!expand(node, field.secret, text)) return {};
  auto value = parse_scalar(text, field, type);
  if (!value) {
    Mismatch& mismatch = value.error();
    Problem& problem = report(node, std::move(mismatch.message));
    problem.expected = std::move(mismatch.expected);
    problem.found = node.text.empty() ? "nothing" : node.text;
    problem.suggestion = std::move(mismatch.suggestion);
    if (field.secret) conceal(problem);
    return {};
  }
  refer(node, field, type, text);
  return *std::move(value);
}

void FieldReader::refer(const Node& node, const Field& field, FieldType type,
                        const std::string& text) {
  const bool names_other = type == FieldType::upstream || type == FieldType::listener ||
                           type == FieldType::file || type == FieldType::folder;
  if (!names_other) return;
  references_.push_back({type, field.private_upstream, field.pem, text, path(), &node});
}

void fill_defaults(Value::Map& options, std::span<const Field> fields) {
  for (const Field& field : fields) {
    if (field.default_text.empty() || options.contains(field.name)) continue;
    const bool list = field.type == FieldType::list;
    std::string_view text = field.default_text;
    if (!list) {
      auto value = parse_scalar(text, field, field.type);
      GATEWAY_CHECK(value.has_value());
      options.emplace(field.name, *std::move(value));
      continue;
    }
    // "[a, b]", as it would be written.
    Field element = field;
    element.least = element.most = std::nullopt;
    Value::List values;
    for (std::size_t at = text.find_first_not_of("[], "); at != std::string_view::npos;
         at = text.find_first_not_of("[], ")) {
      text.remove_prefix(at);
      const auto end = std::min(text.find_first_of(",]"), text.size());
      auto value = parse_scalar(text.substr(0, end), element, field.element);
      GATEWAY_CHECK(value.has_value());
      values.push_back(*std::move(value));
      text.remove_prefix(end);
    }
    options.emplace(field.name, Value(std::move(values)));
  }
}

}  // namespace gateway::config
