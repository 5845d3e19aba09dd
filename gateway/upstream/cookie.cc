#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "gateway/http/fields.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/hash.h"

namespace gateway::upstream {

extern const BalancerRow kRoundRobin;

namespace {

constexpr std::size_t kIdDigits = 16;

/// Stands for the endpoint in cookies: the same on every worker and replica and after a restart,
/// another one for another owner of the address, and not the address itself. No secret: who guesses
/// an address can tell, and comes to an endpoint to which the gateway might have sent it anyway.
std::uint64_t id_of(const Endpoint& endpoint) {
  return mix_hash(hash_text(endpoint.upstream()) ^
                  mix_hash(hash_text(endpoint.label()) + mix_hash(hash_text(endpoint.uid()))));
}

std::string_view text_of(std::uint64_t id, Arena& arena) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<char, kIdDigits> text;
  for (std::size_t i = kIdDigits; i-- > 0; id >>= 4) text[i] = kDigits[id & 0xF];
  return arena.copy({text.data(), text.size()});
}

std::optional<std::uint64_t> read_id(std::string_view text) {
  std::uint64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, id, 16);
  if (text.size() != kIdDigits || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return id;
}

/// A client stays with the endpoint that answered it first, which a cookie names, while that one
/// works. All others come by round robin.
class Cookie final : public Balancer {
 public:
  Cookie(const config::Value& options, const EndpointSet& set, Random& random)
      : name_(options["name"].as<std::string>()),
        secure_(options["secure"].as<std::string>()),
        same_site_(options["same_site"].as<std::string>()),
        attributes_("; Path=" + options["path"].as<std::string>() + "; HttpOnly"),
        others_(kRoundRobin.make({}, set, random)) {
    if (const config::Value& age = options["max_age"]; age.is_set())
      attributes_ +=
          "; Max-Age=" +
          std::to_string(
              std::chrono::duration_cast<std::chrono::seconds>(age.as<Duration>()).count());
    if (const config::Value& domain = options["domain"]; domain.is_set())
      attributes_ += "; Domain=" + domain.as<std::string>();
    if (same_site_ != "none")
      attributes_ += same_site_ == "lax" ? "; SameSite=Lax" : "; SameSite=Strict";
    for (std::uint32_t i = 0; i < set.entries.size(); ++i)
      by_id_.emplace_back(id_of(*set.entries[i].endpoint), i);
    std::ranges::sort(by_id_);
  }

  // In any but the first round the client's own endpoint has been found to be of no use now.
  std::uint32_t pick(const PickContext& context, std::uint32_t round) override {
    if (!context.hash || round > 0) return others_->pick(context, round);
    const auto* const found = find(*context.hash);
    return found != nullptr ? found->second : others_->pick(context, round);
  }

  // Who is bound to an endpoint that has gone is bound to none.
  std::optional<std::uint64_t> hash_of(const http::RequestHead& request,
                                       const IpAddress& /*client*/) const override {
    const auto id = read_id(cookie_value(request.headers.value(http::HeaderId::cookie), name_));
    return id && find(*id) != nullptr ? id : std::nullopt;
  }

  std::string_view cookie_for(const http::RequestHead& request, const Endpoint& endpoint,
                              Arena& arena) const override {
    const std::uint64_t id = id_of(endpoint);
    if (hash_of(request, {}) == id) return {};
    const bool secure = secure_ == "on" || (secure_ == "auto" && came_by_tls(request));
    // Browsers throw away what may go everywhere unless it goes by TLS alone.
    const std::string_view more = !secure                ? ""
                                  : same_site_ == "none" ? "; Secure; SameSite=None"
                                                         : "; Secure";
    return arena.concat(arena.concat(name_, "=", text_of(id, arena)), attributes_, more);
  }

 private:
  using Known = std::pair<std::uint64_t, std::uint32_t>;  ///< id and index in the set

  const Known* find(std::uint64_t id) const {
    const auto found = std::ranges::lower_bound(by_id_, Known(id, 0));
    return found != by_id_.end() && found->first == id ? &*found : nullptr;
  }

  // What goes to the endpoint says it, also for a client whose TLS ended before the gateway.
  static bool came_by_tls(const http::RequestHead& request) {
    return http::equals_ignoring_case(request.headers.value(http::HeaderId::x_forwarded_proto),
                                      "https");
  }

  const std::string name_;
  const std::string secure_;
  const std::string same_site_;
  std::string attributes_;
  std::unique_ptr<Balancer> others_;
  std::vector<Known> by_id_;
};

constexpr std::string_view kSecure[] = {"auto", "on", "off"};
constexpr std::string_view kSameSite[] = {"lax", "strict", "none"};

constexpr config::Field kCookieFields[] = {
    {.name = "name", .text = "Of the cookie.", .default_text = "INGRESSCOOKIE", .least = 1},
    {.name = "path",
     .type = config::FieldType::path,
     .text = "Under which the client sends it back.",
     .default_text = "/"},
    {.name = "domain",
     .type = config::FieldType::host,
     .text = "To which the client sends it, with all names below. Left out: to the host alone that "
             "set it."},
    {.name = "max_age",
     .type = config::FieldType::duration,
     .text = "How long the client keeps it. Left out: until it is closed.",
     .least = 1},
    {.name = "same_site",
     .type = config::FieldType::choice,
     .text = "Whether it is sent along with requests from other sites. `none` needs TLS.",
     .default_text = "lax",
     .choices = kSameSite},
    {.name = "secure",
     .type = config::FieldType::choice,
     .text = "Whether it is sent back by TLS alone. `auto`: if the request came by TLS.",
     .default_text = "auto",
     .choices = kSecure},
};

std::string check(const config::Value& options) {
  if (!http::is_token(options["name"].as<std::string>())) return "name: no name of a cookie";
  if (options["path"].as<std::string>().find(';') != std::string::npos)
    return "path: would end at the semicolon";
  if (const config::Value& domain = options["domain"];
      domain.is_set() && domain.as<std::string>().starts_with("*"))
    return "domain: holds for names below without a wildcard";
  if (options["same_site"].as<std::string>() == "none" &&
      options["secure"].as<std::string>() == "off")
    return "same_site: none is thrown away by browsers without secure";
  return {};
}

}  // namespace

extern const BalancerRow kCookie = {
    {"cookie",
     "A client stays with one endpoint while that one works: the answer sets a cookie that stands "
     "for the endpoint. Clients without one, and those whose endpoint is gone or of no use, go by "
     "round robin.",
     kCookieFields, check},
    [](const config::Value& options, const EndpointSet& set, Random& random)
        -> std::unique_ptr<Balancer> { return std::make_unique<Cookie>(options, set, random); },
    true,
};

}  // namespace gateway::upstream
