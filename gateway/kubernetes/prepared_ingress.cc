#include "gateway/kubernetes/prepared_ingress.h"

#include <fmt/format.h>

#include "gateway/config/scalar.h"

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
      auto pattern = path_pattern(path, prepared.plan(), false);
      if (!pattern) refusals.push_back(pattern.error());
      patterns.push_back(std::move(pattern).value_or(PathPattern()));
    }
  }
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
  check_redirects(*prepared);
  return prepared;
}

void claim_what_is_readable(PreparedIngress& prepared) {
  prepared.refused = true;
  IngressPlan& plan = prepared.outcome.plan;
  plan.redirect.reset();
  plan.app_root.clear();
  plan.www_redirect = false;
  const auto& rules = prepared.object->rules;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t j = 0; j < rules[i].paths.size(); ++j) {
      if (!prepared.patterns[i][j].path.empty()) continue;
      // A target that cannot be understood does not make the path itself unreadable.
      IngressPlan bare;
      bare.use_regex = is_pattern(rules[i].paths[j], plan);
      auto pattern = path_pattern(rules[i].paths[j], bare, false);
      if (!pattern) continue;
      prepared.patterns[i][j] = std::move(*pattern);
    }
  }
}

}  // namespace gateway::kubernetes
