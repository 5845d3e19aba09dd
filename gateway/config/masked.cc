#include "gateway/config/masked.h"

#include <algorithm>
#include <string>

#include "gateway/config/tables.h"

namespace gateway::config {
namespace {

template <typename Each>
Value for_each_in(const Value& value, Each each) {
  if (value.holds<Value::List>()) {
    Value::List list;
    for (const Value& element : value.as<Value::List>()) list.push_back(each({}, element));
    return list;
  }
  Value::Map map;
  for (const auto& [key, member] : value.as<Value::Map>()) map.emplace(key, each(key, member));
  return map;
}

Value concealed(const Value& value) {
  if (!value.is_set()) return {};
  if (!value.holds<Value::List>() && !value.holds<Value::Map>()) return std::string(kMask);
  return for_each_in(value,
                     [](std::string_view, const Value& member) { return concealed(member); });
}

class Mask {
 public:
  explicit Mask(const PolicyTables& tables) : tables_(tables) {}

  Value members(const Value& value, std::span<const Field> fields) const {
    if (!value.holds<Value::Map>()) return concealed(value);
    return for_each_in(value, [&](std::string_view key, const Value& member) {
      const auto field = std::find_if(fields.begin(), fields.end(),
                                      [key](const Field& each) { return each.name == key; });
      return field == fields.end() ? concealed(member) : shown(member, *field, field->type);
    });
  }

 private:
  Value shown(const Value& value, const Field& field, FieldType type) const {
    if (field.secret) return concealed(value);
    switch (type) {
      case FieldType::list:
        if (!value.holds<Value::List>()) return value;
        return for_each_in(value, [&](std::string_view, const Value& element) {
          return shown(element, field, field.element);
        });
      case FieldType::map: return field.fields.empty() ? value : members(value, field.fields);
      case FieldType::filter: return policy(value, tables_.filters);
      case FieldType::balancer: return policy(value, tables_.balancers);
      default: return value;
    }
  }

  static Value policy(const Value& value, std::span<const Policy> table) {
    const Value& type = value["type"];
    if (!type.holds<std::string>()) return concealed(value);
    const auto known = std::find_if(table.begin(), table.end(), [&](const Policy& each) {
      return each.type == type.as<std::string>();
    });
    const Value& options = value["options"];
    return Value::Map{
        {"type", type},
        {"options", known == table.end() ? concealed(options) : masked(options, known->fields)}};
  }

  const PolicyTables tables_;
};

}  // namespace

Value masked(const Value& options, std::span<const Field> fields) {
  return options.is_set() ? Mask({}).members(options, fields) : Value();
}

Value extract_masked(const Model& model, const PolicyTables& tables) {
  return Mask(tables).members(extract_options(model), fields_of<Model>());
}

}  // namespace gateway::config
