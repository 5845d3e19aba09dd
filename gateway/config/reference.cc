#include "gateway/config/reference.h"

#include <fmt/format.h>

#include "gateway/config/scalar.h"
#include "gateway/config/tables.h"
#include "gateway/config/yaml_reader.h"

namespace gateway::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Generated from the option tables by `make docs`; change those instead. -->

One YAML file says everything: `gateway --config FILE`. `gateway --config FILE --check` names everything
that is wrong with it, each with line, column and what was probably meant. Saving the file is a reload: all
of it takes effect or, if anything is wrong, nothing does. [`dev.yaml`](../config/dev.yaml),
[`acc.yaml`](../config/acc.yaml) and [`prod.yaml`](../config/prod.yaml) are whole examples, and
[configuration.schema.json](configuration.schema.json) makes an editor complete and check keys.

How values are written:

- **Durations** need a unit: `250ms`, `1.5s`, `2m`, `1h30m`. Only `0` needs none.
- **Sizes** are bytes: `512`, `64KiB`, `10MB`; `KiB MiB GiB` are powers of 1024, `KB MB GB` of 1000.
- **Variables**: `${{NAME}}` in any value is the environment variable, `${{NAME:-default}}` has a default
  for one that is unset or empty, `$${{` is a literal `${{`. An unset variable without default is an error.
- **Secrets** are never written here: `{{file: PATH}}` or `{{env: NAME}}` says where they are.
- **Paths of files** are relative to the directory that the gateway was started in. What they hold is read
  again when it changes.
- Unknown keys, keys set twice, and merge keys (`<<`) are errors. Anchors and aliases work within bounds.
  A file has at most {} MiB and {} levels.

)";

constexpr std::string_view kTableHead =
    "| option | value | default | what it does |\n|---|---|---|---|\n";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

bool has_members(const Field& field) { return !field.fields.empty(); }

// "a list of …, or one alone".
std::string value_text(const Field& field) {
  if (field.type == FieldType::method) return "a method such as GET";
  if (field.type != FieldType::list) return describe_type(field, field.type);
  if (field.element == FieldType::map) {
    std::string text = "a list of maps";
    if (!field.plain.empty()) text += " or plain values";
    if (!field.pair_key.empty()) text += ", or a map";
    return text;
  }
  Field element = field;
  element.least = element.most = std::nullopt;
  return "a list, each " + (field.element == FieldType::method
                                ? "a method such as GET"
                                : describe_type(element, field.element));
}

std::string name_text(const Field& field) {
  std::string text = fmt::format("`{}`", field.name);
  if (!field.singular.empty()) text += fmt::format(" or `{}`", field.singular);
  return text;
}

std::string default_text(const Field& field) {
  if (field.required) return "**required**";
  if (field.one_needed) return fmt::format("one {} is required", field.exclusive);
  if (field.default_text.empty()) return {};
  return fmt::format("`{}`", escaped(field.default_text));
}

void append_table(std::string& out, std::span<const Field> fields) {
  if (fields.empty()) {
    out += "No options.\n\n";
    return;
  }
  out += kTableHead;
  for (const Field& field : fields)
    out += fmt::format("| {} | {} | {} | {} |\n", name_text(field), escaped(value_text(field)),
                       default_text(field), escaped(field.text));
  out += "\n";
}

// A section for each option that has members, named by the way there.
void append_sections(std::string& out, std::span<const Field> fields, const std::string& before) {
  for (const Field& field : fields) {
    if (!has_members(field)) continue;
    const bool list = field.type == FieldType::list;
    const std::string path = fmt::format("{}{}{}", before, field.name, list ? "[]" : "");
    out += fmt::format("{} `{}`\n\n{}\n\n", before.empty() ? "##" : "###", path, field.text);
    append_table(out, field.fields);
    append_sections(out, field.fields, path + ".");
  }
}

void append_policies(std::string& out, std::span<const Policy> policies) {
  for (const Policy& policy : policies) {
    out += fmt::format("### `{}`\n\n{}\n\n", policy.type, policy.text);
    append_table(out, policy.fields);
    for (const Field& field : policy.fields) {
      if (!has_members(field)) continue;
      out += fmt::format("#### `{}.{}`\n\n{}\n\n", policy.type, field.name, field.text);
      append_table(out, field.fields);
    }
  }
}

}  // namespace

std::string reference_page(const PolicyTables& tables) {
  std::string out = fmt::format(fmt::runtime(kIntroduction), kMaxFileBytes >> 20, kMaxDepth);
  out += "## The whole\n\n";
  append_table(out, fields_of<Model>());
  append_sections(out, fields_of<Model>(), "");
  out +=
      "## Filters\n\nEach is `{type: NAME, …}` in `filters` or `routes[].filters`; the type alone "
      "will do where no option is needed. They run in the order of this list, those that need the "
      "token's verdict after `token`.\n\n";
  append_policies(out, tables.filters);
  out += "## Balancers\n\nOf an upstream: `balancer: {type: NAME, …}`, or the type alone.\n\n";
  append_policies(out, tables.balancers);
  out.pop_back();
  return out;
}

}  // namespace gateway::config
