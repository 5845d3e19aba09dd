#include "gateway/kubernetes/prepared_ingress.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/config/scalar.h"
#include "gateway/filter/table.h"
#include "gateway/kubernetes/annotation_values.h"

namespace gateway::kubernetes {
namespace {

// Lower case; nothing for what is no host.
std::optional<std::string> host_of(const std::string& written) {
  if (written.empty()) return written;
  auto value = config::parse_scalar(written, {}, config::FieldType::host);
  if (!value) return std::nullopt;
  return value->as<std::string>();
}

void read_rules(PreparedIngress& prepared) {
  auto& refusals = prepared.outcome.refusals;
  for (const IngressRule& rule : prepared.object->rules) {
    auto host = host_of(rule.host);
    if (!host) refusals.push_back(fmt::format("'{}' is not a host", rule.host));
    // A name that nobody can ask for (RFC 6761 §6.4): a refused host must not become every host.
    prepared.hosts.push_back(std::move(host).value_or("refused.invalid"));
    auto& patterns = prepared.patterns.emplace_back();
    for (const IngressPath& path : rule.paths) {
      auto pattern = path_pattern(path, prepared.plan());
      if (!pattern) refusals.push_back(pattern.error());
      patterns.push_back(std::move(pattern).value_or(PathPattern()));
    }
  }
}

void read_certificates(PreparedIngress& prepared, const TranslatorSettings& settings) {
  for (const IngressTls& tls : prepared.object->tls) {
    auto& name = prepared.certificates.emplace_back();
    if (tls.secret.empty()) continue;
    const std::string& own = prepared.meta().namespace_;
    const auto slash = tls.secret.find('/');
    ObjectName written{own, tls.secret};
    if (slash != std::string::npos)
      written = {tls.secret.substr(0, slash), tls.secret.substr(slash + 1)};
    if (written.namespace_ == own || settings.allow_foreign_secrets) name = std::move(written);
  }
}

void make_edits(PreparedIngress& prepared) {
  const IngressPlan& plan = prepared.plan();
  prepared.edits = header_edits(plan.request_headers, plan.response_headers);
  auto answers = plan.response_headers;
  if (!plan.hsts.empty()) answers["Strict-Transport-Security"] = plan.hsts;
  prepared.edits_with_hsts = header_edits(plan.request_headers, answers);
}

bool needs_login(const Annotation& row) {
  if (row.needs.empty()) return false;
  const filter::FilterType* type = filter::find_filter_type(row.needs);
  return type != nullptr && type->login;
}

// What would make the whole configuration refuse, or clients turn in circles.
void check_redirects(PreparedIngress& prepared) {
  const IngressPlan& plan = prepared.plan();
  auto& refusals = prepared.outcome.refusals;
  if (plan.app_root == "/") refusals.emplace_back("app-root: '/' leads back to itself");
  if (!plan.redirect || !plan.redirect_keeps_path) return;
  for (const std::string& host : prepared.hosts)
    if (host == plan.redirect->host)
      refusals.push_back(fmt::format(
          "redirect: {} leads back to itself; force-ssl-redirect leads from http to https", host));
}

}  // namespace

std::shared_ptr<PreparedIngress> prepare(std::shared_ptr<const Ingress> object, const Store& store,
                                         const TranslatorSettings& settings) {
  auto prepared = std::make_shared<PreparedIngress>();
  prepared->object = std::move(object);
  prepared->outcome = plan_ingress(*prepared->object, store, settings);
  read_rules(*prepared);
  read_certificates(*prepared, settings);
  make_edits(*prepared);
  check_redirects(*prepared);
  return prepared;
}

bool adds_login(const Ingress& now, const Ingress& before) {
  if (asks_for_certificates(now) && !asks_for_certificates(before)) return true;
  const auto families = annotation_families();
  return std::any_of(families.begin(), families.end(), [&](const AnnotationFamily& family) {
    return std::any_of(family.rows.begin(), family.rows.end(), [&](const Annotation& row) {
      return needs_login(row) && is_written(now.meta.annotations, row.field.name) &&
             !is_written(before.meta.annotations, row.field.name);
    });
  });
}

void claim_what_is_readable(PreparedIngress& prepared) {
  prepared.refused = true;
  IngressPlan plan = prepared.plan();
  plan.redirect.reset();
  plan.app_root.clear();
  plan.www_redirect = false;
  prepared.outcome.plan = std::make_shared<const IngressPlan>(plan);
  const auto& rules = prepared.object->rules;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t j = 0; j < rules[i].paths.size(); ++j) {
      if (!prepared.patterns[i][j].path.empty()) continue;
      // A target that cannot be understood does not make the path itself unreadable.
      IngressPlan bare;
      bare.use_regex = is_pattern(rules[i].paths[j], plan);
      auto pattern = path_pattern(rules[i].paths[j], bare);
      if (!pattern) continue;
      prepared.patterns[i][j] = std::move(*pattern);
    }
  }
}

}  // namespace gateway::kubernetes
