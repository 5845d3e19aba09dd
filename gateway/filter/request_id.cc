#include <algorithm>

#include "gateway/filter/filter.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace request_id {
namespace {

using config::FieldType;

constexpr std::size_t kLongestAccepted = 128;
constexpr std::size_t kLength = 32;

constexpr std::string_view kAccept[] = {"trusted", "always", "never"};
constexpr config::Field kFields[] = {
    {.name = "header",
     .type = FieldType::string,
     .text = "The field that carries the id, both ways.",
     .default_text = "X-Request-Id"},
    {.name = "accept",
     .type = FieldType::choice,
     .text = "Whose id is kept: that of peers in the listener's `trusted_proxies`, everybody's or "
             "nobody's. Only 1 to 128 letters, digits and `-._~:/+=@` make an id.",
     .default_text = "trusted",
     .choices = kAccept},
    {.name = "respond",
     .type = FieldType::boolean,
     .text = "Tell the client too.",
     .default_text = "true"},
};

bool is_id(std::string_view text) {
  constexpr std::string_view kMarks = "-._~:/+=@";
  return !text.empty() && text.size() <= kLongestAccepted &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kMarks.find(c) != std::string_view::npos;
         });
}

// 128 random bits; unguessable is not asked of it.
std::string_view fresh_id(Random& random, Arena& arena) {
  char* const text = arena.make_array<char>(kLength);
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t bits = random.next();
    for (std::size_t i = 0; i < kLength / 2; ++i, bits >>= 4) {
      text[half * kLength / 2 + i] = "0123456789abcdef"[bits & 15];
    }
  }
  return {text, kLength};
}

class RequestIdPlan final : public Plan {
 public:
  explicit RequestIdPlan(const config::Value& options)
      : name_(options["header"].as<std::string>()),
        id_(http::header_id(name_)),
        always_(options["accept"].as<std::string>() == "always"),
        never_(options["accept"].as<std::string>() == "never"),
        respond_(options["respond"].as<bool>()) {}

  unsigned hooks() const override { return kOnRequest; }
  std::span<const std::string> edited_headers() const override { return {&name_, 1}; }
  std::unique_ptr<Filter> bind(WorkerServices& services) const override;

  void name_request(RequestContext& context, Random& random) const {
    http::HeaderList& headers = context.request.headers;
    const http::Header* given = headers.find(std::string_view(name_));
    const bool believed = always_ || (context.peer_trusted && !never_);
    if (given != nullptr && believed && is_id(given->value)) {
      context.request_id = given->value;
    } else {
      context.request_id = fresh_id(random, context.arena);
    }
    headers.set(context.arena, name_, context.request_id);
    if (respond_) {
      context.response_headers.add(context.arena, {id_, name_, context.request_id});
    }
  }

 private:
  std::string name_;
  http::HeaderId id_;
  bool always_;
  bool never_;
  bool respond_;
};

class RequestId final : public Filter {
 public:
  RequestId(const RequestIdPlan& plan, Random& random) : plan_(plan), random_(random) {}

  Verdict on_request(RequestContext& context) override {
    plan_.name_request(context, random_);
    return Verdict::proceed;
  }

 private:
  const RequestIdPlan& plan_;
  Random& random_;
};

std::unique_ptr<Filter> RequestIdPlan::bind(WorkerServices& services) const {
  return std::make_unique<RequestId>(*this, services.loop().random());
}

std::string check(const config::Value& options) {
  const std::string name = options["header"].as<std::string>();
  if (!http::is_token(name)) return "header is not a field name";
  const http::HeaderId id = http::header_id(name);
  const bool free = id == http::HeaderId::other || id == http::HeaderId::x_request_id;
  return free ? "" : "header is a field with another meaning";
}

Result<std::shared_ptr<const Plan>> compile(const config::Value& options,
                                            CompileServices& /*services*/) {
  return std::make_shared<const RequestIdPlan>(options);
}

}  // namespace
}  // namespace request_id

extern const FilterType kRequestId = {
    {"request_id", "Gives each request an id for logs, upstream and client.", request_id::kFields,
     request_id::check},
    request_id::compile};

}  // namespace gateway::filter
