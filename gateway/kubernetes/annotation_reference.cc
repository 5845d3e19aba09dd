#include "gateway/kubernetes/annotation_reference.h"

#include <fmt/format.h>

#include "gateway/filter/table.h"
#include "gateway/kubernetes/annotation_table.h"
#include "gateway/upstream/balancer.h"

namespace gateway::kubernetes {
namespace {

// "token", "balancer cookie", "rate_limit exempt": a filter, a balancer, an option of a filter.
bool available(std::string_view needs) {
  if (needs.empty()) return true;
  if (needs.starts_with("balancer ")) return upstream::find_balancer(needs.substr(9)) != nullptr;
  const auto space = needs.find(' ');
  const filter::FilterType* type = filter::find_filter_type(needs.substr(0, space));
  if (type == nullptr) return false;
  if (space == std::string_view::npos) return true;
  for (const config::Field& field : type->policy.fields)
    if (field.name == needs.substr(space + 1)) return true;
  return false;
}

std::string_view standing(const Annotation& row) {
  if (!available(row.needs)) return "refused, not supported yet";
  switch (row.standing) {
    case Standing::same: return row.ours ? "ours" : "carries over";
    case Standing::differs: return "differs";
    case Standing::passed: return "no effect";
    case Standing::refused: return "refused";
  }
  return {};
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

void write_family(const AnnotationFamily& family, std::string& out) {
  out += fmt::format("\n## {}\n\n| annotation | value | default | what it does | moving over |\n",
                     family.title);
  out += "|---|---|---|---|---|\n";
  for (const Annotation& row : family.rows) {
    const bool heeded = row.standing == Standing::same || row.standing == Standing::differs;
    out += fmt::format("| `{}` | {} | {} | {} | {}{}{} |\n", row.field.name,
                       heeded ? cell(describe_value(row)) : "",
                       row.field.default_text.empty() || !heeded
                           ? ""
                           : fmt::format("`{}`", cell(row.field.default_text)),
                       cell(row.field.text), standing(row), row.note.empty() ? "" : ": ",
                       cell(row.note));
  }
}

// CEL, in a single-quoted YAML text: a quote is doubled, which is why there are none in it.
std::string with_prefix(std::string_view expression) {
  return fmt::format("[\"{}\", \"{}\"].all(p, {})", kOwnPrefix, kNginxPrefix, expression);
}

void write_rule(std::string_view expression, std::string_view message, std::string& out) {
  out += fmt::format(
      "    - expression: 'variables.ours == false || {}'\n      message: >-\n        {}\n",
      expression, message);
}

std::string choices_of(const Annotation& row) {
  std::string list;
  for (const std::string_view choice : row.field.choices) {
    const bool judged = row.judge != nullptr && row.field.type == config::FieldType::choice &&
                        !row.judge(config::Value(std::string(choice))).empty();
    if (!judged) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", choice);
  }
  return list;
}

/// What a value must look like, as a condition on `v`; empty: whatever it likes.
std::string condition_of(const Annotation& row) {
  using config::FieldType;
  if (row.form == Form::list || row.standing == Standing::passed) return {};
  if (row.form == Form::url) return "v.startsWith(\"http://\") || v.startsWith(\"https://\")";
  if (row.form != Form::plain) return {};
  switch (row.field.type) {
    case FieldType::boolean: return "v in [\"true\", \"false\"]";
    case FieldType::choice: return fmt::format("v in [{}]", choices_of(row));
    case FieldType::integer:
      if (!row.field.choices.empty()) return fmt::format("v in [{}]", choices_of(row));
      return "v.matches(\"^[0-9]+$\")";
    case FieldType::path: return "v.startsWith(\"/\")";
    default: return {};
  }
}

void write_row(const Annotation& row, std::string& out) {
  const std::string_view key = row.field.name;
  if (row.standing == Standing::refused && row.judge == nullptr)
    return write_rule(with_prefix(fmt::format("!((p + \"{}\") in variables.notes)", key)),
                      fmt::format("{}: {}", key, row.note), out);
  std::string condition = condition_of(row);
  const bool off_only = row.judge != nullptr && row.field.type == config::FieldType::boolean;
  if (off_only) condition = "v == \"false\"";
  if (condition.empty()) return;
  const std::string expression =
      with_prefix(fmt::format("!((p + \"{0}\") in variables.notes) || "
                              "[variables.notes[p + \"{0}\"].trim()].all(v, {1})",
                              key, condition));
  write_rule(expression,
             off_only ? fmt::format("{}: {}", key, row.note)
                      : fmt::format("{} must be {}", key, describe_value(row)),
             out);
}

// Keys that look protective and are not known: as looks_protective() has it.
void write_unknown(std::string& out) {
  std::string known;
  for (const AnnotationFamily& family : annotation_families())
    for (const Annotation& row : family.rows)
      if (looks_protective(row.field.name))
        known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", row.field.name);
  write_rule(
      with_prefix(fmt::format(
          "variables.notes.all(k, !k.startsWith(p) || "
          "!k.substring(p.size()).matches(\"^(auth-|token-auth-|limit-)|-source-range$\") || "
          "k.substring(p.size()) in [{}])",
          known)),
      "an unknown auth-, limit- or -source-range annotation would leave the Ingress open", out);
  write_rule("variables.notes.all(k, !k.endsWith(\"-snippet\"))",
             "snippets are refused: text is never spliced into a configuration", out);
}

}  // namespace

std::string annotation_reference() {
  std::string out = fmt::format(
      "# Annotations of an Ingress\n\n"
      "<!-- Generated from the annotation table by `make docs`; change that instead. -->\n\n"
      "Each is read under `{}` and under `{}`; where an object has both, the first counts. Values "
      "are read by type and never spliced into anything. An object with a value that cannot be "
      "read, or with an unknown `auth-*`, `token-auth-*`, `limit-*` or `*-source-range`, is "
      "refused "
      "alone: its last good version goes on serving, or its paths answer 503. Other unknown keys "
      "give a warning.\n\n"
      "An Ingress that asks for a login, and cannot have it, answers 503 on its paths; so does one "
      "that begins to ask for one in a version that is refused, since the version before is open. "
      "Paths below `/.well-known/acme-challenge` ask for no login, not even for one that the "
      "gateway's own configuration asks for on every route, and are not redirected to "
      "HTTPS.\n\n"
      "`Prefix` matches whole elements of a path, and `ImplementationSpecific` means the same "
      "(ingress-nginx: any beginning). A host that an Ingress names is never answered by a "
      "wildcard "
      "or by an Ingress for every host: where it has no path for a request, its default backend "
      "answers, then that of the class, then 404. Requests go to the addresses of pods; hints for "
      "zones are not heeded.\n\n"
      "A Service that `token-auth-upstream` names is private: no path leads to it, neither by its "
      "name nor by anything that has one of its addresses: another Service on the same pods, an "
      "EndpointSlice made by hand, an ExternalName, a canary, a default backend, `auth-url`. The "
      "addresses of nodes play no part in it, so the numbers of its node ports are refused on "
      "every address. A `hostPort` of its pods is not seen: give them none.\n",
      kOwnPrefix, kNginxPrefix);
  for (const AnnotationFamily& family : annotation_families()) write_family(family, out);
  return out;
}

std::string admission_policy() {
  std::string out =
      "# Generated from the annotation table by `make docs`; change that instead.\n"
      "apiVersion: admissionregistration.k8s.io/v1\n"
      "kind: ValidatingAdmissionPolicy\n"
      "metadata:\n"
      "  name: gateway-annotations\n"
      "spec:\n"
      "  failurePolicy: Fail\n"
      "  matchConstraints:\n"
      "    resourceRules:\n"
      "      - apiGroups: [networking.k8s.io]\n"
      "        apiVersions: [v1]\n"
      "        operations: [CREATE, UPDATE]\n"
      "        resources: [ingresses]\n"
      "  paramKind:\n"
      "    apiVersion: v1\n"
      "    kind: ConfigMap\n"
      "  variables:\n"
      "    - name: notes\n"
      "      expression: 'has(object.metadata.annotations) ? object.metadata.annotations : {}'\n"
      "    - name: name\n"
      "      expression: '\"kubernetes.io/ingress.class\" in variables.notes ? "
      "variables.notes[\"kubernetes.io/ingress.class\"] : "
      "has(object.spec.ingressClassName) ? object.spec.ingressClassName : \"\"'\n"
      "    - name: ours\n"
      "      expression: 'variables.name in params.data.classes.split(\",\")'\n"
      "  validations:\n";
  for (const AnnotationFamily& family : annotation_families())
    for (const Annotation& row : family.rows) write_row(row, out);
  write_unknown(out);
  out +=
      "---\n"
      "# The classes that are ours, with commas between them.\n"
      "apiVersion: v1\n"
      "kind: ConfigMap\n"
      "metadata:\n"
      "  name: gateway-annotations\n"
      "  namespace: gateway\n"
      "data:\n"
      "  classes: gateway\n"
      "---\n"
      "apiVersion: admissionregistration.k8s.io/v1\n"
      "kind: ValidatingAdmissionPolicyBinding\n"
      "metadata:\n"
      "  name: gateway-annotations\n"
      "spec:\n"
      "  policyName: gateway-annotations\n"
      "  validationActions: [Deny]\n"
      "  paramRef:\n"
      "    name: gateway-annotations\n"
      "    namespace: gateway\n"
      "    parameterNotFoundAction: Allow\n";
  return out;
}

}  // namespace gateway::kubernetes
