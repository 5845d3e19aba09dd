#include "gateway/kubernetes/client_certificates.h"

#include <fmt/format.h>

#include <algorithm>

namespace gateway::kubernetes {
namespace {

using config::PolicySettings;

// One that is refused is refused alone, but what it kept closed stays so: a start, which knows no
// last good version, opens nothing that was shut, whether its authorities can be had or not.
bool has_a_say(const PreparedIngress& ingress) {
  return ingress.plan().client_certificate && !ingress.plan().canary;
}

bool same_authorities(const PolicySettings& a, const PolicySettings& b) {
  const auto same = [&](std::string_view option) { return a.options[option] == b.options[option]; };
  return same("ca") && same("crl") && same("depth");
}

void shut(Location& location, const std::string& why, Notices& notices) {
  location.shut = true;
  notices.add(location.owner->meta(), Severity::warning, kAuthUnusable,
              fmt::format("{}; the paths answer 503", why), true);
}

void settle(const std::string& host, const PreparedIngress& first, Location& location,
            Notices& notices) {
  const PreparedIngress& owner = *location.owner;
  const auto& theirs = first.plan().client_certificate->filter;
  const auto& own = owner.plan().client_certificate;
  const std::string shown = host.empty() ? "every host" : host;
  const std::string name = first.meta().object_name().to_string();
  if (!theirs && &owner == &first) {
    location.shut = true;  // its owner was told why
    return;
  }
  if (!theirs)
    return shut(location,
                fmt::format("clients of {} must show a certificate, as Ingress {} says, and its "
                            "authorities cannot be had",
                            shown, name),
                notices);
  location.client_certificate = *theirs;
  if (!own || &owner == &first) return;
  if (!own->filter || !same_authorities(*own->filter, *theirs))
    return shut(
        location,
        fmt::format("auth-tls-secret: clients of {} are asked as the older Ingress {} says, "
                    "and cannot be asked by others as well",
                    shown, name),
        notices);
  // The stricter of both.
  auto options = own->filter->options.as<config::Value::Map>();
  options["required"] = options["required"].as<bool>() || theirs->options["required"].as<bool>();
  location.client_certificate->options = std::move(options);
}

}  // namespace

void settle_client_certificates(const std::string& host, const std::vector<PreparedPtr>& ingresses,
                                HostPlan& plan, Notices& notices) {
  const auto first = std::find_if(ingresses.begin(), ingresses.end(),
                                  [](const PreparedPtr& each) { return has_a_say(*each); });
  if (first == ingresses.end()) return;
  plan.client_certificate = first->get();
  for (Location& location : plan.locations) settle(host, **first, location, notices);
}

}  // namespace gateway::kubernetes
