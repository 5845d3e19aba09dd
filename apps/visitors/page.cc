#include "apps/visitors/page.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <initializer_list>
#include <utility>

#include "gateway/base/base64.h"

namespace gateway::apps {
namespace {

constexpr std::string_view kPage =
#include "visitors_page_text.inc"
    ;
constexpr std::string_view kStyle =
#include "visitors_page_style.inc"
    ;

using Marks = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// One pass: what a value holds is never taken for a mark.
std::string fill(std::string_view text, Marks marks) {
  std::string out;
  for (std::size_t at; (at = text.find("{{")) != std::string_view::npos;) {
    const std::size_t end = text.find("}}", at);
    const std::string_view name = text.substr(at + 2, end - at - 2);
    out.append(text.substr(0, at));
    for (const auto& [mark, value] : marks)
      if (mark == name) out.append(value);
    text.remove_prefix(end + 2);
  }
  return out.append(text);
}

// 1234567 as 1,234,567.
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string owner_part(const PageFacts& facts) {
  if (facts.owner_name.empty() && facts.owner_url.empty()) return {};
  const std::string name =
      escape_html(facts.owner_name.empty() ? facts.owner_url : facts.owner_name);
  if (facts.owner_url.empty()) return fmt::format(R"(<p class="owner">kept by {}</p>)", name);
  return fmt::format(R"(<p class="owner">kept by <a id="owner" href="{}">{}</a></p>)",
                     escape_html(facts.owner_url), name);
}

std::string counted_part(const Visits& visits) {
  const bool again = visits.own > 1;
  return fmt::format(R"(  <p class="lead">{}</p>
  <p class="under">{}</p>
  <dl class="numbers">
    <div><dt>Your visits</dt><dd id="own">{}</dd></div>
    <div><dt>Different visitors</dt><dd id="visitors">{}</dd></div>
  </dl>)",
                     again ? "Welcome back." : "Welcome.",
                     again ? "Good to see you again: each time you load this page counts."
                           : "This is your first visit; load the page again and it counts.",
                     grouped(visits.own), grouped(visits.visitors));
}

constexpr std::string_view kAwayPart =
    R"(  <p class="lead">The counter is taking a break.</p>
  <p class="under">Its database does not answer. What was counted is kept.</p>
  <p class="away" id="away" role="status">This page looks again by itself, every five seconds.</p>)";
constexpr std::string_view kRefresh = "<meta http-equiv=\"refresh\" content=\"5\">\n";

std::string policy_text() {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(kStyle.data(), kStyle.size(), hash, &size, EVP_sha256(), nullptr);
  return fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'",
      encode_base64({reinterpret_cast<const char*>(hash), size}));
}

}  // namespace

std::string render_page(const PageFacts& facts) {
  const std::string content = facts.visits ? counted_part(*facts.visits) : std::string(kAwayPart);
  return fill(kPage, {{"refresh", facts.visits ? std::string_view() : kRefresh},
                      {"title", facts.visits ? "Visitors" : "Visitors (away)"},
                      {"owner", owner_part(facts)},
                      {"content", content},
                      {"client", escape_html(facts.client)},
                      {"version", escape_html(facts.version)},
                      {"database", facts.database.empty() ? std::string("not reached yet")
                                                          : escape_html(facts.database)}});
}

const std::string& page_policy() {
  static const std::string kPolicy = policy_text();
  return kPolicy;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out.append("&amp;"); break;
      case '<': out.append("&lt;"); break;
      case '>': out.append("&gt;"); break;
      case '"': out.append("&quot;"); break;
      case '\'': out.append("&#39;"); break;
      default: out.push_back(c);
    }
  }
  return out;
}

bool is_web_address(std::string_view url) {
  return (url.starts_with("https://") || url.starts_with("http://")) &&
         url.find_first_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace gateway::apps
