#include "gateway/kubernetes/ingress_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/config/field_reader.h"
#include "gateway/filter/table.h"
#include "gateway/upstream/balancer.h"

namespace gateway::kubernetes {
namespace {

using config::Value;
using Made = tl::expected<config::PolicySettings, std::string>;

constexpr std::string_view kNotYet = "not supported yet";

Made complete(const config::Policy& policy, Value::Map options) {
  for (const auto& [name, value] : options) {
    const bool known =
        std::any_of(policy.fields.begin(), policy.fields.end(),
                    [&name = name](const config::Field& field) { return field.name == name; });
    if (!known) return tl::make_unexpected(std::string(kNotYet));
  }
  config::fill_defaults(options, policy.fields);
  Value filled(std::move(options));
  if (policy.check != nullptr)
    if (std::string why = policy.check(filled); !why.empty()) return tl::make_unexpected(why);
  return config::PolicySettings{std::string(policy.type), std::move(filled)};
}

template <typename T>
bool says_the_same(const Store& store, const std::map<ObjectName, std::shared_ptr<const T>>& read) {
  return std::all_of(read.begin(), read.end(),
                     [&](const auto& each) { return store.share<T>(each.first) == each.second; });
}

Value texts(const std::map<std::string, std::string>& from) {
  Value::Map map;
  for (const auto& [name, value] : from) map.emplace(name, value);
  return map;
}

}  // namespace

Made make_filter(std::string_view type, Value::Map options) {
  const filter::FilterType* found = filter::find_filter_type(type);
  if (found == nullptr) return tl::make_unexpected(std::string(kNotYet));
  return complete(found->policy, std::move(options));
}

Made make_balancer(std::string_view type, Value::Map options) {
  const upstream::BalancerRow* found = upstream::find_balancer(type);
  if (found == nullptr) return tl::make_unexpected(std::string(kNotYet));
  return complete(found->policy, std::move(options));
}

std::shared_ptr<const config::PolicySettings> header_edits(
    const std::map<std::string, std::string>& request,
    const std::map<std::string, std::string>& response) {
  Value::Map options;
  if (!request.empty()) options.emplace("request", Value::Map{{"set", texts(request)}});
  if (!response.empty()) options.emplace("response", Value::Map{{"set", texts(response)}});
  if (options.empty()) return nullptr;
  auto made = make_filter("header_edits", std::move(options));
  if (!made) return nullptr;
  return std::make_shared<const config::PolicySettings>(std::move(*made));
}

void Planning::refuse(std::string_view key, std::string_view why) {
  outcome.refusals.push_back(fmt::format("{}: {}", key, why));
}

void Planning::add_filter(std::string_view key, std::string_view type, Value::Map options) {
  auto made = make_filter(type, std::move(options));
  if (!made) return refuse(key, made.error());
  plan().filters.push_back(std::move(*made));
}

void Planning::add_protection(std::string_view key, std::string_view type, Value::Map options) {
  if (filter::find_filter_type(type) == nullptr) return refuse(key, kNotYet);
  if (!plan().unusable.empty()) return;
  auto made = make_filter(type, std::move(options));
  if (made)
    plan().filters.push_back(std::move(*made));
  else if (made.error() == kNotYet)
    refuse(key, kNotYet);
  else
    plan().unusable = fmt::format("{}: {}", key, made.error());
}

std::shared_ptr<const Secret> Planning::secret(const ObjectName& name) {
  return outcome.own_read().secrets[name] = store.share<Secret>(name);
}

std::shared_ptr<const Secret> Planning::needed_secret(std::string_view annotation) {
  if (!values.has(annotation)) {
    plan().unusable = fmt::format("{}: is missing", annotation);
    return nullptr;
  }
  const auto name = reference(annotation);
  if (!name) return nullptr;
  auto found = secret(*name);
  if (found == nullptr)
    plan().unusable = fmt::format("{}: there is no Secret {}", annotation, name->to_string());
  return found;
}

const ConfigMap* Planning::config_map(const ObjectName& name) {
  return (outcome.own_read().config_maps[name] = store.share<ConfigMap>(name)).get();
}

bool is_current(const PlanOutcome& outcome, const Store& store) {
  const ReadBeside& read = outcome.beside();
  return says_the_same(store, read.secrets) && says_the_same(store, read.config_maps);
}

std::optional<ObjectName> Planning::reference(std::string_view key) {
  const std::string text = values.text(key);
  const auto slash = text.find('/');
  ObjectName name{ingress.meta.namespace_, text};
  if (slash != std::string::npos) name = {text.substr(0, slash), text.substr(slash + 1)};
  if (name.namespace_ == ingress.meta.namespace_ || settings.allow_foreign_secrets) return name;
  refuse(key, fmt::format("{} is in another namespace, of which nothing is read; copy it to {}",
                          name.to_string(), ingress.meta.namespace_));
  return std::nullopt;
}

config::SharedText secret_text(const std::shared_ptr<const Secret>& secret, std::string_view key) {
  return config::SharedText({secret, &secret->value(key)});
}

ServiceRef service_ref(std::string_view text, const std::string& namespace_) {
  const auto colon = text.find(':');
  ServiceRef ref{{namespace_, std::string(text.substr(0, colon))}, {}};
  if (colon != std::string_view::npos) ref.port = text.substr(colon + 1);
  return ref;
}

PlanOutcome plan_ingress(const Ingress& ingress, const Store& store,
                         const TranslatorSettings& settings) {
  PlanOutcome outcome;
  const AnnotationValues values = AnnotationValues::read(ingress.meta.annotations);
  outcome.refusals = values.refusals();
  outcome.warnings = values.warnings();
  const auto plan = std::make_shared<IngressPlan>();
  Planning planning{ingress, values, store, settings, *plan, outcome};
  plan_routing(planning);
  plan_error_pages(planning);
  plan_redirects(planning);
  plan_canary(planning);
  plan_access(planning);
  plan_external_auth(planning);
  plan_cors(planning);
  plan_limits(planning);
  plan_upstream(planning);
  outcome.plan = plan;
  return outcome;
}

}  // namespace gateway::kubernetes
