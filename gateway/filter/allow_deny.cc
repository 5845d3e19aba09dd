#include <vector>

#include "gateway/filter/client_address.h"
#include "gateway/filter/filter.h"

namespace gateway::filter {
namespace allow_deny {
namespace {

using config::FieldType;

constexpr config::Field kFields[] = {
    {.name = "allow",
     .type = FieldType::list,
     .text = "Addresses and ranges that may pass; when left out, all that are not denied.",
     .element = FieldType::cidr,
     .lone = true},
    {.name = "deny",
     .type = FieldType::list,
     .text = "Addresses and ranges that may not, even where `allow` names them.",
     .element = FieldType::cidr,
     .lone = true},
};

/// Immutable, so one object serves as the plan's data on every worker.
struct Ranges {
  std::vector<Cidr> allow;
  std::vector<Cidr> deny;

  bool pass(const IpAddress& client) const {
    return !contains(deny, client) && (allow.empty() || contains(allow, client));
  }
};

class AllowDeny final : public Filter {
 public:
  explicit AllowDeny(const Ranges& ranges) : ranges_(ranges) {}

  Verdict on_request(RequestContext& context) override {
    if (ranges_.pass(context.client)) return Verdict::proceed;
    context.reply.code = ErrorCode::forbidden;
    return Verdict::reply;
  }

 private:
  const Ranges& ranges_;
};

class AllowDenyPlan final : public Plan {
 public:
  explicit AllowDenyPlan(Ranges ranges) : ranges_(std::move(ranges)) {}
  unsigned hooks() const override { return kOnRequest; }
  std::unique_ptr<Filter> bind(WorkerServices& /*services*/) const override {
    return std::make_unique<AllowDeny>(ranges_);
  }

 private:
  Ranges ranges_;
};

std::string check(const config::Value& options) {
  const auto empty = [](const config::Value& list) {
    return !list.is_set() || list.as<config::Value::List>().empty();
  };
  return empty(options["allow"]) && empty(options["deny"]) ? "needs allow or deny" : "";
}

Result<std::shared_ptr<const Plan>> compile(const config::Value& options,
                                            CompileServices& /*services*/) {
  auto allow = read_ranges(options["allow"]);
  if (!allow) return tl::make_unexpected(allow.error());
  auto deny = read_ranges(options["deny"]);
  if (!deny) return tl::make_unexpected(deny.error());
  return std::make_shared<const AllowDenyPlan>(Ranges{*allow, *deny});
}

}  // namespace
}  // namespace allow_deny

extern const FilterType kAllowDeny = {
    {"allow_deny", "Lets clients pass or answers 403, by address.", allow_deny::kFields,
     allow_deny::check},
    allow_deny::compile};

}  // namespace gateway::filter
