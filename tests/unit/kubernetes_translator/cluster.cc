#include "tests/unit/kubernetes_translator/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "gateway/config/checks.h"
#include "gateway/config/scalar.h"
#include "gateway/filter/table.h"
#include "gateway/kubernetes/annotation.h"
#include "gateway/kubernetes/manifest.h"
#include "gateway/upstream/balancer.h"

namespace gateway::kubernetes {
namespace {

std::string_view kind_of(config::PathMatch kind) {
  constexpr std::string_view kKinds[] = {"prefix", "exact", "regex"};
  return kKinds[static_cast<std::size_t>(kind)];
}

std::string action_of(const config::Route& route) {
  if (route.respond) return fmt::format("{}", route.respond->status);
  if (route.redirect)
    return fmt::format("{} {}://{}{}", route.redirect->status, route.redirect->scheme,
                       route.redirect->host, route.redirect->path.value_or(""));
  std::string text;
  for (const auto& each : route.forward)
    text += fmt::format("{}{}{}", text.empty() ? "" : " ", each.upstream,
                        route.forward.size() > 1 ? fmt::format("*{}", each.weight) : "");
  return text;
}

// The reader of files would have taken the option: it is what the table says.
void expect_readable(const config::Field& field, const config::Value& value,
                     const std::string& at) {
  using config::FieldType;
  double size = 0;
  switch (field.type) {
    case FieldType::boolean: EXPECT_TRUE(value.holds<bool>()) << at; return;
    case FieldType::integer:
      ASSERT_TRUE(value.holds<std::int64_t>()) << at;
      size = static_cast<double>(value.as<std::int64_t>());
      break;
    case FieldType::number:
      ASSERT_TRUE(value.holds<double>()) << at;
      size = value.as<double>();
      break;
    case FieldType::duration:
      ASSERT_TRUE(value.holds<Duration>()) << at;
      size = std::chrono::duration<double>(value.as<Duration>()).count();
      break;
    case FieldType::size: EXPECT_TRUE(value.holds<config::Size>()) << at; return;
    case FieldType::map: EXPECT_TRUE(value.holds<config::Value::Map>()) << at; return;
    case FieldType::list:
      ASSERT_TRUE(value.holds<config::Value::List>()) << at;
      size = static_cast<double>(value.as<config::Value::List>().size());
      for (const config::Value& each : value.as<config::Value::List>())
        expect_readable({.name = field.name, .type = field.element}, each, at);
      break;
    default: {
      ASSERT_TRUE(value.holds<std::string>()) << at;
      const std::string& text = value.as<std::string>();
      const bool plain = field.type == FieldType::string || field.type == FieldType::upstream;
      EXPECT_TRUE(plain || config::parse_scalar(text, field, field.type)) << at << ": " << text;
      return;
    }
  }
  EXPECT_GE(size, field.least.value_or(size)) << at;
  EXPECT_LE(size, field.most.value_or(size)) << at;
}

void expect_readable(const config::PolicySettings& settings,
                     std::span<const config::Policy> policies) {
  const auto policy = std::find_if(policies.begin(), policies.end(),
                                   [&](const auto& each) { return each.type == settings.type; });
  ASSERT_NE(policy, policies.end()) << settings.type;
  if (!settings.options.is_set()) return;  // all as it is by default
  for (const auto& [name, value] : settings.options.as<config::Value::Map>()) {
    const std::string at = settings.type + "." + name;
    const auto& fields = policy->fields;
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const config::Field& each) { return each.name == name; });
    ASSERT_NE(field, fields.end()) << at;
    expect_readable(*field, value, at);
  }
  for (const config::Field& field : policy->fields)
    EXPECT_TRUE(!field.required || settings.options[field.name].is_set())
        << settings.type << "." << field.name;
}

}  // namespace

std::map<std::string, std::vector<upstream::SuppliedEndpoint>> plain(const EndpointLists& lists) {
  std::map<std::string, std::vector<upstream::SuppliedEndpoint>> values;
  for (const auto& [upstream, list] : lists) values.emplace(upstream, *list);
  return values;
}

Cluster::Cluster() {
  settings_.plain_listeners = {"http"};
  settings_.tls_listeners = {"https"};
  settings_.also_classes = {"nginx"};
  add_service("app", 80, {"10.0.0.1"});
}

Ingress Cluster::make(const IngressSpec& spec) const {
  Ingress ingress;
  ingress.meta.namespace_ = spec.ns;
  ingress.meta.name = spec.name;
  ingress.meta.uid = "uid-" + spec.ns + "-" + spec.name;
  ingress.meta.created = spec.created;
  for (const auto& [key, value] : spec.notes)
    ingress.meta.annotations.emplace(
        key.find('/') == std::string::npos ? std::string(kNginxPrefix) + key : key, value);
  ingress.class_name = "nginx";
  const auto colon = spec.service.find(':');
  const Backend backend{spec.service.substr(0, colon), spec.service.substr(colon + 1), {}};
  ingress.rules.push_back({spec.host, {{spec.path, spec.type, backend}}});
  return ingress;
}

void Cluster::apply(std::string_view yaml) {
  const auto objects = read_manifest("test.yaml", yaml);
  ASSERT_TRUE(objects) << objects.error();
  for (const std::string& json : *objects) {
    const auto added = add_manifest(json, store_);
    ASSERT_TRUE(added) << added.error();
  }
}

void Cluster::add_service(const std::string& name, std::uint16_t port,
                          const std::vector<std::string>& addresses, const std::string& ns) {
  Service service;
  service.meta.namespace_ = ns;
  service.meta.name = name;
  service.ports.push_back({"", port, "TCP", 0});
  store_.upsert(std::move(service));
  EndpointSlice slice;
  slice.meta.namespace_ = ns;
  slice.meta.name = name + "-slice";
  slice.service = name;
  slice.address_type = "IPv4";
  slice.ports.push_back({"", port});
  for (const std::string& address : addresses)
    slice.endpoints.push_back({{address}, true, true, false, "pod-" + address});
  store_.upsert(std::move(slice));
}

const Translation& Cluster::translate() {
  if (!translator_) translator_ = std::make_unique<Translator>(settings_);
  translation_ = translator_->translate(store_);
  EXPECT_EQ(translation_.origins.size(), translation_.routes.size());
  // Whatever was asked for, the whole must be a model that compiles: one bad object among
  // thousands would stop all changes.
  config::Model model;
  for (const auto* list : {&settings_.plain_listeners, &settings_.tls_listeners})
    for (const std::string& name : *list) {
      config::Listener& listener = model.listeners.emplace_back();
      listener.name = name;
      listener.addresses.emplace_back(IpAddress::v4(0x7f000001),
                                      static_cast<std::uint16_t>(8000 + model.listeners.size()));
      if (list == &settings_.tls_listeners) listener.tls.emplace();
      if (settings_.told_schemes) listener.trusted_proxies.push_back(*Cidr::parse("10.0.0.0/8"));
    }
  model.routes = translation_.routes;
  model.upstreams = translation_.upstreams;
  const auto report = [](const config::Finding& finding) {
    ADD_FAILURE() << finding.path << ": " << finding.message << " " << finding.found;
  };
  config::check_model(model, report);
  config::check_filters(model, filter::filter_policies(), report);
  std::set<std::string_view> names;
  for (const config::Route& each : model.routes)
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
  for (const config::Route& each : model.routes)
    for (const config::PolicySettings& settings : each.filters)
      expect_readable(settings, filter::filter_policies());
  for (const config::Upstream& each : model.upstreams)
    expect_readable(each.balancer, upstream::balancer_policies());
  listeners_ = model.listeners;
  compile(std::move(model));
  return translation_;
}

void Cluster::compile(config::Model model) {
  const auto made = snapshot::compile(std::make_shared<const config::Model>(std::move(model)), 1,
                                      nullptr, services_);
  table_ = made ? (*made)->routes : nullptr;
  authorities_ = made ? (*made)->client_authorities : nullptr;
  if (made) return;
  for (const config::Finding& finding : made.error())
    ADD_FAILURE() << finding.path << ": " << finding.message;
}

std::string Cluster::answer(std::string_view listener, std::string_view host,
                            std::string_view path) {
  translate();
  http::RequestHead head;
  head.host = host;
  head.target = head.path = path;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].name != listener) continue;
    const routing::Match* found = table_->find(i, head);
    if (found == nullptr) return "404";
    const config::Route& model = found->route->model;
    return model.https_only && !listeners_[i].tls ? "308 https://" : action_of(model);
  }
  return "no such listener";
}

std::vector<std::string> Cluster::routes() {
  translate();
  std::vector<std::string> lines;
  for (const config::Route& route : translation_.routes) {
    std::string text;
    for (const std::string& host : route.hosts) text += (text.empty() ? "" : ",") + host;
    if (text.empty()) text = "*";
    for (const config::Match& match : route.matches) {
      text += fmt::format(" {} {}", kind_of(match.path_kind), match.path);
      for (const auto& header : match.headers)
        text += fmt::format(" [{}{}{}]", header.name, header.regex ? "~" : "=", header.value);
    }
    if (route.listeners.size() == 1) text += " " + route.listeners[0];
    if (route.https_only) text += " https-only";
    lines.push_back(text + " -> " + action_of(route));
  }
  return lines;
}

const config::Route* Cluster::route(std::string_view name) {
  const auto& all = translation_.routes;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [name](const config::Route& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

RouteOrigin Cluster::origin(std::string_view name) {
  for (std::size_t i = 0; i < translation_.routes.size(); ++i)
    if (translation_.routes[i].name == name) return translation_.origins[i];
  return {};
}

const config::Route& Cluster::only_route() {
  translate();
  EXPECT_EQ(translation_.routes.size(), 1U);
  static const config::Route none;
  return translation_.routes.empty() ? none : translation_.routes.front();
}

const config::Upstream* Cluster::upstream(std::string_view name) {
  const auto& all = translation_.upstreams;
  const auto found = std::find_if(
      all.begin(), all.end(), [name](const config::Upstream& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

const config::Value* Cluster::filter(std::string_view type) {
  for (const config::PolicySettings& each : only_route().filters)
    if (each.type == type) return &each.options;
  return nullptr;
}

std::vector<std::string> Cluster::addresses(std::string_view upstream) {
  std::vector<std::string> texts;
  const auto found = translation_.endpoints.find(upstream);
  if (found != translation_.endpoints.end())
    for (const auto& each : *found->second) texts.push_back(each.address.to_string());
  return texts;
}

std::vector<std::string> Cluster::notices() {
  std::vector<std::string> lines;
  for (const Notice& notice : translation_.notices)
    lines.push_back(
        fmt::format("{} {}: {}", notice.object.to_string(), notice.reason, notice.message));
  return lines;
}

::testing::AssertionResult Cluster::refused(std::string_view words) {
  translate();
  for (const config::Route& route : translation_.routes)
    if (!route.respond || route.respond->status != 503)
      return ::testing::AssertionFailure() << route.name << " does not answer 503";
  for (const Notice& notice : translation_.notices)
    if (notice.refusal && notice.message.find(words) != std::string::npos)
      return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "no such notice, but: " << ::testing::PrintToString(notices());
}

}  // namespace gateway::kubernetes
