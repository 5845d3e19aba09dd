#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/config/field.h"
#include "gateway/config/model.h"
#include "gateway/config/scalar.h"
#include "gateway/config/value.h"

/// One row of a table binds an option's declaration to a member of a model struct: parser,
/// validation, defaults, schema and reference all follow from it.
namespace gateway::config {

template <typename T>
struct Option {
  Field field;
  void (*set)(T& object, const Value& value);
  Value (*extract)(const T& object);  ///< unset: nothing worth writing
};

/// How a member's type is described, set and extracted. Specialised below for every type that the
/// model uses; structs go by their own table, `options(std::type_identity<T>)`.
template <typename M>
struct Codec;

/// Names of an enum's values, in their order.
template <typename E>
inline constexpr std::span<const std::string_view> kNames{};

template <typename T>
concept Tabled = requires { options(std::type_identity<T>{}); };

/// The declarations of a struct's options; defaults are those of a struct made by default.
template <typename T>
std::span<const Field> fields_of();

template <Tabled T>
void set_options(T& object, const Value& map) {
  for (const auto& row : options(std::type_identity<T>{}))
    if (const Value& value = map[row.field.name]; value.is_set()) row.set(object, value);
}

template <Tabled T>
Value extract_options(const T& object) {
  Value::Map map;
  for (const auto& row : options(std::type_identity<T>{})) {
    Value value = row.extract(object);
    if (value.is_set()) map.emplace(row.field.name, std::move(value));
  }
  return map;
}

template <>
struct Codec<bool> {
  static void describe(Field& field) { field.type = FieldType::boolean; }
  static void set(bool& member, const Value& value) { member = value.as<bool>(); }
  static Value extract(bool member) { return member; }
};

template <std::unsigned_integral M>
  requires(!std::same_as<M, bool>)
struct Codec<M> {
  static void describe(Field& field) {
    field.type = FieldType::integer;
    if (!field.least) field.least = 0;
    if (!field.most) field.most = std::numeric_limits<M>::max();
  }
  static void set(M& member, const Value& value) {
    member = static_cast<M>(value.as<std::int64_t>());
  }
  static Value extract(M member) { return static_cast<std::int64_t>(member); }
};

template <>
struct Codec<double> {
  static void describe(Field& field) { field.type = FieldType::number; }
  static void set(double& member, const Value& value) { member = value.as<double>(); }
  static Value extract(double member) { return member; }
};

/// Which kind of string is the row's to say.
template <>
struct Codec<std::string> {
  static void describe(Field&) {}
  static void set(std::string& member, const Value& value) { member = value.as<std::string>(); }
  static Value extract(const std::string& member) {
    return member.empty() ? Value() : Value(member);
  }
};

template <>
struct Codec<Duration> {
  static void describe(Field& field) { field.type = FieldType::duration; }
  static void set(Duration& member, const Value& value) { member = value.as<Duration>(); }
  static Value extract(Duration member) { return member; }
};

template <>
struct Codec<Size> {
  static void describe(Field& field) { field.type = FieldType::size; }
  static void set(Size& member, const Value& value) { member = value.as<Size>(); }
  static Value extract(Size member) { return member; }
};

template <>
struct Codec<SocketAddress> {
  static void describe(Field& field) { field.type = FieldType::address; }
  static void set(SocketAddress& member, const Value& value) {
    member = SocketAddress::parse(value.as<std::string>()).value_or(SocketAddress());
  }
  static Value extract(const SocketAddress& member) { return member.to_string(); }
};

template <>
struct Codec<Cidr> {
  static void describe(Field& field) { field.type = FieldType::cidr; }
  static void set(Cidr& member, const Value& value) {
    member = Cidr::parse(value.as<std::string>()).value_or(Cidr());
  }
  static Value extract(const Cidr& member) { return member.to_string(); }
};

template <typename M>
  requires std::is_enum_v<M>
struct Codec<M> {
  static void describe(Field& field) {
    field.type = FieldType::choice;
    field.choices = kNames<M>;
  }
  static void set(M& member, const Value& value) {
    for (std::size_t i = 0; i < kNames<M>.size(); ++i)
      if (kNames<M>[i] == value.as<std::string>()) member = static_cast<M>(i);
  }
  static Value extract(M member) {
    return std::string(kNames<M>[static_cast<std::size_t>(member)]);
  }
};

template <>
struct Codec<SecretSource> {
  static void describe(Field& field) { field.type = FieldType::secret; }
  static void set(SecretSource& member, const Value& value) {
    if (value["file"].is_set()) member.file = value["file"].as<std::string>();
    if (value["env"].is_set()) member.env = value["env"].as<std::string>();
  }
  static Value extract(const SecretSource& member) {
    if (!member.file.empty()) return Value::Map{{"file", member.file}};
    if (!member.env.empty()) return Value::Map{{"env", member.env}};
    return {};
  }
};

/// Filter or balancer is the row's to say.
template <>
struct Codec<PolicySettings> {
  static void describe(Field&) {}
  static void set(PolicySettings& member, const Value& value) {
    member = {value["type"].as<std::string>(), value["options"]};
  }
  static Value extract(const PolicySettings& member) {
    return Value::Map{{"type", member.type}, {"options", member.options}};
  }
};

template <Tabled M>
struct Codec<M> {
  static void describe(Field& field) {
    field.type = FieldType::map;
    field.fields = fields_of<M>();
  }
  static void set(M& member, const Value& value) { set_options(member, value); }
  static Value extract(const M& member) { return extract_options(member); }
};

template <typename Optional, typename M>
struct OptionalCodec {
  static void describe(Field& field) { Codec<M>::describe(field); }
  static void set(Optional& member, const Value& value) { Codec<M>::set(member.emplace(), value); }
  static Value extract(const Optional& member) {
    return member ? Codec<M>::extract(*member) : Value();
  }
};

template <typename M>
struct Codec<std::optional<M>> : OptionalCodec<std::optional<M>, M> {};
template <typename M>
struct Codec<Rare<M>> : OptionalCodec<Rare<M>, M> {};

template <typename M>
struct Codec<std::vector<M>> {
  static void describe(Field& field) {
    // Bounds of the row are those of the length; the element's own are its type's.
    Field element = field;
    element.least = element.most = std::nullopt;
    Codec<M>::describe(element);
    field.element = element.type;
    field.fields = element.fields;
    field.choices = element.choices;
    field.type = FieldType::list;
  }
  // An element that could not be read keeps its place, so that indices are those of the file.
  static void set(std::vector<M>& member, const Value& value) {
    member.clear();
    for (const Value& element : value.as<Value::List>())
      if (M& made = member.emplace_back(); element.is_set()) Codec<M>::set(made, element);
  }
  static Value extract(const std::vector<M>& member) {
    Value::List list;
    for (const M& element : member) list.push_back(Codec<M>::extract(element));
    return list.empty() ? Value() : Value(std::move(list));
  }
};

template <typename M>
struct Codec<SharedList<M>> {
  static void describe(Field& field) { Codec<std::vector<M>>::describe(field); }
  static void set(SharedList<M>& member, const Value& value) {
    std::vector<M> list;
    Codec<std::vector<M>>::set(list, value);
    member.clear();
    for (M& each : list) member.push_back(std::move(each));
  }
  static Value extract(const SharedList<M>& member) {
    Value::List list;
    for (const M& element : member) list.push_back(Codec<M>::extract(element));
    return list.empty() ? Value() : Value(std::move(list));
  }
};

template <typename>
struct MemberOf;
template <typename T, typename M>
struct MemberOf<M T::*> {
  using Owner = T;
  using Type = M;
};

/// A row for a member: its type gives the option's type, bounds and choices unless the row does.
template <auto kMember>
auto option(Field field) {
  using Owner = typename MemberOf<decltype(kMember)>::Owner;
  using Type = typename MemberOf<decltype(kMember)>::Type;
  Codec<Type>::describe(field);
  return Option<Owner>{
      field, [](Owner& object, const Value& value) { Codec<Type>::set(object.*kMember, value); },
      [](const Owner& object) { return Codec<Type>::extract(object.*kMember); }};
}

template <typename T>
std::span<const Field> fields_of() {
  struct Declared {
    std::vector<Field> fields;
    std::deque<std::string> defaults;  // what Field::default_text views
    Declared() {
      const T made{};
      for (const auto& row : options(std::type_identity<T>{})) {
        Field& field = fields.emplace_back(row.field);
        const Value value = row.extract(made);
        const bool plain =
            value.is_set() && !value.holds<Value::Map>() && !value.holds<Value::List>();
        if (plain && !field.required)
          field.default_text = defaults.emplace_back(format_scalar(value));
      }
    }
  };
  static const Declared declared;
  return declared.fields;
}

}  // namespace gateway::config
