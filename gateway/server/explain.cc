#include "gateway/server/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "gateway/base/duration.h"
#include "gateway/base/size.h"
#include "gateway/base/uri.h"
#include "gateway/config/masked.h"
#include "gateway/filter/table.h"
#include "gateway/http/fields.h"
#include "gateway/routing/explanation.h"
#include "gateway/routing/redirect.h"
#include "gateway/routing/rewrite.h"
#include "gateway/server/text.h"

namespace gateway::server {
namespace {

config::Value shown_options(const config::PolicySettings& settings) {
  const filter::FilterType* type = filter::find_filter_type(settings.type);
  return type == nullptr ? config::Value() : config::masked(settings.options, type->policy.fields);
}

/// The request of the command line, as a connection would hand it over.
struct Asked {
  Arena arena;
  http::RequestHead head;
  bool tls = false;
  std::uint16_t port = 0;  ///< 0: not said
};

Result<http::Method> method_of(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(http::Method::patch); ++i) {
    const auto method = static_cast<http::Method>(i);
    if (http::to_string(method) == name) return method;
  }
  return invalid_argument(fmt::format("'{}' is no method that is served", name));
}

Result<void> read_port(std::string_view text, Asked& asked) {
  if (text.empty()) return {};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), asked.port);
  if (end.ec != std::errc()) return invalid_argument(fmt::format("'{}' is no port", text));
  return {};
}

Result<void> read_request(std::string_view text, Asked& asked) {
  if (const auto space = text.find(' '); space != std::string_view::npos) {
    auto method = method_of(text.substr(0, space));
    if (!method) return tl::make_unexpected(method.error());
    asked.head.method = *method;
    text.remove_prefix(space + 1);
  }
  asked.tls = text.starts_with("https://");
  if (!asked.tls && !text.starts_with("http://"))
    return invalid_argument("write the request as 'POST https://host/path'");
  text.remove_prefix(asked.tls ? 8 : 7);
  const auto slash = std::min(text.find_first_of("/?"), text.size());
  asked.head.host = text.substr(0, slash);
  const auto authority = parse_authority(asked.head.host);
  if (!authority) return invalid_argument(fmt::format("'{}' is no host", asked.head.host));
  if (auto done = read_port(authority->port, asked); !done) return done;
  const std::string_view target = text.substr(slash);
  const auto mark = std::min(target.find('?'), target.size());
  asked.head.target = target;
  asked.head.path = mark == 0 ? std::string_view("/") : target.substr(0, mark);
  asked.head.has_query = mark < target.size();
  if (asked.head.has_query) asked.head.query = target.substr(mark + 1);
  return {};
}

Result<void> read_headers(const std::vector<std::string>& lines, Asked& asked) {
  for (const std::string_view line : lines) {
    const auto colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || !http::is_token(name))
      return invalid_argument(fmt::format("write the header '{}' as 'name: value'", line));
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (!http::is_field_value(value))
      return invalid_argument(fmt::format("no header may have the value '{}'", value));
    if (http::header_id(name) == http::HeaderId::host)
      asked.head.host = value;
    else
      asked.head.headers.add(asked.arena, name, value);
  }
  return {};
}

bool listens_on(const config::Listener& listener, std::uint16_t port) {
  return std::any_of(listener.addresses.begin(), listener.addresses.end(),
                     [&](const SocketAddress& address) { return address.port() == port; });
}

// The listener of that scheme and port; where no port was said and none has the usual one, the
// first of that scheme.
Result<std::size_t> listener_for(const config::Model& model, const Asked& asked) {
  const std::string_view scheme = asked.tls ? "https" : "http";
  const std::uint16_t usual = asked.tls ? 443 : 80;
  std::size_t first = model.listeners.size();
  for (std::size_t i = model.listeners.size(); i-- > 0;) {
    const config::Listener& listener = model.listeners[i];
    if (listener.tls.has_value() != asked.tls) continue;
    if (listens_on(listener, asked.port == 0 ? usual : asked.port)) return i;
    first = i;
  }
  if (first == model.listeners.size())
    return invalid_argument(fmt::format("there is no listener for {}", scheme));
  if (asked.port != 0)
    return invalid_argument(fmt::format("no listener for {} has port {}", scheme, asked.port));
  return first;
}

/// Writes the answer, one line for each fact.
class Report {
 public:
  Report(const config::Model& model, Asked& asked) : model_(model), asked_(asked) {}

  void listener(const config::Listener& listener) {
    std::vector<std::string> addresses;
    for (const SocketAddress& address : listener.addresses)
      addresses.push_back(address.to_string());
    line("listener", fmt::format("{} ({})", listener.name, fmt::join(addresses, ", ")));
    line("", fmt::format("at most {} header fields, {} in a head, {} in a target, {} in a body",
                         listener.http.max_fields, format_size(listener.http.max_head.bytes),
                         format_size(listener.http.max_target.bytes),
                         listener.http.max_body.bytes == 0
                             ? "any number"
                             : format_size(listener.http.max_body.bytes)));
  }

  void choice(const routing::Explanation& explanation) {
    if (explanation.winner == nullptr) {
      line("route",
           explanation.host.empty()
               ? "none: no route has this host, the answer is 404"
               : fmt::format("none of host {} matches: the answer is 404", explanation.host));
    } else {
      line("route", fmt::format("{}, by {}, host {}", explanation.winner->route->name(),
                                describe(*explanation.winner), explanation.host));
    }
    for (const auto& other : explanation.runners_up) rival("before", other);
    for (const auto& other : explanation.missed) rival("not", other);
  }

  bool sent_to_https(const routing::Match& match) const {
    return match.route->model.https_only && !asked_.tls;
  }

  void filters(const config::Route& route) {
    const auto chain = filter::run_order(model_.filters, route.filters);
    if (chain.empty()) line("filters", "none");
    const char* label = "filters";
    for (const config::PolicySettings& settings : chain) {
      line(std::exchange(label, ""),
           fmt::format("{} {}", settings.type, text_of(shown_options(settings))));
    }
  }

  void action(const routing::Match& match) {
    const config::Route& route = match.route->model;
    if (sent_to_https(match))
      return redirect(308, routing::https_location(match, asked_.head, asked_.arena));
    if (route.redirect)
      return redirect(route.redirect->status,
                      routing::redirect_location(match, asked_.head, asked_.tls, asked_.arena));
    if (route.respond) {
      line("answer", fmt::format("{}, {} bytes of {}", route.respond->status,
                                 route.respond->body.size(), route.respond->content_type));
      return;
    }
    rewrite(match);
    if (route.timeout) line("timeout", format_duration(*route.timeout) + " to the answer's head");
    if (route.idle_timeout) line("", format_duration(*route.idle_timeout) + " of silence");
    if (route.upgrade == config::Upgrade::off) line("upgrade", "off");
    for (const config::WeightedUpstream& target : route.forward) forward(target);
  }

  std::string text() && { return std::move(text_); }

 private:
  void line(std::string_view label, const std::string& value) {
    text_ += fmt::format("{:<10}{}\n", label, value);
  }

  void rival(std::string_view label, const routing::Explanation::RunnerUp& other) {
    line(label, fmt::format("{} ({}): {}", other.match->route->name(), describe(*other.match),
                            other.reason));
  }

  void redirect(int status, const Result<std::string_view>& location) {
    line("redirect",
         fmt::format("{} to {}", status, location ? *location : "nowhere: the answer is 400"));
  }

  void rewrite(const routing::Match& match) {
    if (!match.route->model.rewrite) return;
    const auto done = routing::rewrite(match, asked_.head, asked_.arena);
    line("rewrite", done ? fmt::format("to {}, host {}", asked_.head.path, asked_.head.host)
                         : "to no path that may go on: the answer is 400");
  }

  void forward(const config::WeightedUpstream& target) {
    const auto found =
        std::find_if(model_.upstreams.begin(), model_.upstreams.end(),
                     [&](const config::Upstream& other) { return other.name == target.upstream; });
    if (found == model_.upstreams.end()) return;
    const config::Upstream& upstream = *found;
    line("upstream", fmt::format("{}, weight {}, balancer {}{}", upstream.name, target.weight,
                                 upstream.balancer.type, upstream.tls ? ", TLS" : ""));
    for (const config::Endpoint& endpoint : upstream.endpoints) {
      line("", fmt::format("{}:{}, weight {}", endpoint.host, endpoint.port, endpoint.weight));
    }
    line("", fmt::format("at most {} connections, {} requests, {} waiting",
                         bound(upstream.limits.connections), bound(upstream.limits.requests),
                         bound(upstream.limits.waiting)));
    line("",
         fmt::format("timeouts: connect {}, request {}, per try {}, idle {}, of a tunnel {}",
                     format_duration(upstream.timeouts.connect), bound(upstream.timeouts.request),
                     bound(upstream.timeouts.per_try), format_duration(upstream.timeouts.idle),
                     bound(upstream.timeouts.tunnel_idle)));
    line("", fmt::format("{} retries, at most {} of all requests", upstream.retries.attempts,
                         upstream.retries.budget));
  }

  static std::string bound(std::uint32_t number) {
    return number == 0 ? "any number of" : std::to_string(number);
  }
  static std::string bound(Duration duration) {
    return duration == Duration(0) ? "none" : format_duration(duration);
  }

  const config::Model& model_;
  Asked& asked_;
  std::string text_;
};

}  // namespace

Result<std::string> explain(const config::Model& model, std::string_view request,
                            const std::vector<std::string>& headers) {
  Asked asked;
  if (auto done = read_request(request, asked); !done) return tl::make_unexpected(done.error());
  if (auto done = read_headers(headers, asked); !done) return tl::make_unexpected(done.error());
  const auto listener = listener_for(model, asked);
  if (!listener) return tl::make_unexpected(listener.error());
  const config::Listener& settings = model.listeners[*listener];
  const auto path = canonical_path(asked.head.path, settings.http.merge_slashes, asked.arena);
  Report report(model, asked);
  report.listener(settings);
  if (!path) return std::move(report).text() + "route     none: the path is refused with 400\n";
  asked.head.path = *path;
  const auto table = routing::RouteTable::compile(model.routes, model.listeners);
  if (!table) return tl::make_unexpected(table.error());
  const routing::Explanation explanation = routing::explain(**table, *listener, asked.head);
  report.choice(explanation);
  if (explanation.winner != nullptr) {
    const routing::Match& match = *explanation.winner;
    if (!report.sent_to_https(match)) report.filters(match.route->model);
    report.action(match);
  }
  return std::move(report).text();
}

}  // namespace gateway::server
