#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gateway/config/reference.h"
#include "gateway/config/schema.h"
#include "gateway/config/tables.h"
#include "gateway/server/policy_tables.h"

namespace gateway::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string document(const char* name) {
  std::ifstream file(std::filesystem::path(GATEWAY_SOURCE_DIR) / "docs" / name);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Documents, AreThoseOfTheTables) {
  EXPECT_EQ(document("configuration.md"), config::reference_page(policy_tables()))
      << "run make docs";
  EXPECT_EQ(document("configuration.schema.json"), config::json_schema(policy_tables()))
      << "run make docs";
}

/// What stands under a heading, up to the next; empty when there is no such heading.
std::string section_of(const std::string& page, const std::string& heading) {
  const auto start = page.find("# " + heading + "\n");
  if (start == std::string::npos) return {};
  const auto body = page.find('\n', start) + 1;
  return page.substr(body, page.find("\n#", body) - body);
}

/// Every field is a row of the section, and those with members have one of their own. `mark` says
/// in the headings that members are those of each element.
void expect_in_reference(const std::string& page, const std::string& path, std::string_view mark,
                         std::span<const config::Field> fields) {
  const std::string section =
      section_of(page, path.empty() ? "The whole" : fmt::format("`{}`", path));
  for (const config::Field& field : fields) {
    const std::string name = field.singular.empty()
                                 ? fmt::format("`{}`", field.name)
                                 : fmt::format("`{}` or `{}`", field.name, field.singular);
    EXPECT_THAT(section, HasSubstr(fmt::format("| {} | ", name))) << path;
    EXPECT_THAT(section, HasSubstr(fmt::format(" | {} |\n", field.text))) << path << field.name;
    if (field.fields.empty()) continue;
    const bool list = field.type == config::FieldType::list;
    expect_in_reference(
        page, fmt::format("{}{}{}{}", path, path.empty() ? "" : ".", field.name, list ? mark : ""),
        mark, field.fields);
  }
}

TEST(Documents, ReferenceHasARowForEveryOption) {
  const std::string page = config::reference_page(policy_tables());
  expect_in_reference(page, "", "[]", config::fields_of<config::Model>());
  for (const auto table : {policy_tables().filters, policy_tables().balancers})
    for (const config::Policy& policy : table) {
      EXPECT_THAT(section_of(page, fmt::format("`{}`", policy.type)),
                  HasSubstr(std::string(policy.text)));
      expect_in_reference(page, std::string(policy.type), "", policy.fields);
    }
}

/// The properties of the object that a schema allows, alone or among other forms; null without.
json properties_of(const json& schema) {
  if (schema.contains("properties")) return schema["properties"];
  if (schema.contains("items")) return properties_of(schema["items"]);
  for (const json& form : schema.value("anyOf", json::array()))
    if (json found = properties_of(form); !found.is_null()) return found;
  return nullptr;
}

void expect_in_schema(const json& properties, const std::string& path,
                      std::span<const config::Field> fields) {
  for (const config::Field& field : fields) {
    const std::string here = fmt::format("{}.{}", path, field.name);
    for (const std::string_view word : {field.name, field.singular}) {
      if (word.empty()) continue;
      ASSERT_TRUE(properties.contains(word)) << here;
      EXPECT_EQ(properties[std::string(word)].value("description", ""), field.text) << here;
    }
    if (!field.fields.empty())
      expect_in_schema(properties_of(properties[std::string(field.name)]), here, field.fields);
  }
}

void expect_in_schema(const json& definition, std::span<const config::Policy> table) {
  for (const config::Policy& policy : table) {
    json found;
    for (const json& form : definition["anyOf"])
      if (form.contains("properties") && form["properties"]["type"]["const"] == policy.type)
        found = form["properties"];
    ASSERT_FALSE(found.is_null()) << policy.type;
    expect_in_schema(found, std::string(policy.type), policy.fields);
  }
}

TEST(Documents, SchemaHasAPropertyForEveryOption) {
  const json schema = json::parse(config::json_schema(policy_tables()));
  expect_in_schema(properties_of(schema), "", config::fields_of<config::Model>());
  expect_in_schema(schema["$defs"]["filter"], policy_tables().filters);
  expect_in_schema(schema["$defs"]["balancer"], policy_tables().balancers);
}

}  // namespace
}  // namespace gateway::server
