#include "gateway/kubernetes/ingress_plan.h"

namespace gateway::kubernetes {
namespace {

using config::Value;

/// Where an Ingress without a default backend of its own has its errors answered.
std::optional<ServiceRef> default_backend_of_class(const TranslatorSettings& settings) {
  const std::string& text = settings.default_backend;
  const auto slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  return service_ref(std::string_view(text).substr(slash + 1), text.substr(0, slash));
}

}  // namespace

void plan_error_pages(Planning& planning) {
  const AnnotationValues& values = planning.values;
  const bool errors = values.has("custom-http-errors");
  const bool own = values.has("default-backend");
  if (!errors && !own) return;
  const ObjectMeta& meta = planning.ingress.meta;
  const auto service = own ? service_ref(values.text("default-backend"), meta.namespace_)
                           : default_backend_of_class(planning.settings);
  if (!service)
    return planning.refuse("custom-http-errors",
                           "nobody answers instead: default-backend is missing");
  Value::Map options;
  // Alone, it answers for a Service without endpoints, and leaves answers of endpoints as they are.
  if (errors)
    options["codes"] = values["custom-http-errors"];
  else
    options["codes"] = Value::List{Value(std::int64_t{503})};
  options["answers"] = errors;
  options["upstream"] = service->key();
  options["headers"] = Value::Map{{"X-Namespace", meta.namespace_}, {"X-Ingress-Name", meta.name}};
  const std::size_t before = planning.outcome.refusals.size();
  planning.add_filter(errors ? "custom-http-errors" : "default-backend", "error_pages",
                      std::move(options));
  if (planning.outcome.refusals.size() == before)
    planning.plan().asked.push_back({*service, false, {}, "error_pages"});
}

}  // namespace gateway::kubernetes
