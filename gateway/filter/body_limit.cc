#include "gateway/filter/filter.h"

namespace gateway::filter {
namespace body_limit {
namespace {

constexpr config::Field kFields[] = {
    {.name = "size",
     .type = config::FieldType::size,
     .text = "The most bytes that a request's body may have.",
     .required = true},
};

/// Counts a body whose length nobody announced.
class Counter final : public BodyStage {
 public:
  explicit Counter(std::uint64_t limit) : left_(limit) {}

  Result<void> on_body(std::string_view& bytes) override {
    if (bytes.size() > left_) return failure(ErrorCode::body_too_large, Side::downstream);
    left_ -= bytes.size();
    return {};
  }

 private:
  std::uint64_t left_;
};

class BodyLimit final : public Filter {
 public:
  explicit BodyLimit(std::uint64_t limit) : limit_(limit) {}

  Verdict on_request(RequestContext& context) override {
    const http::BodySize& body = context.request.body;
    if (!body.has_body()) return Verdict::proceed;
    if (body.framing == http::Framing::length) {
      // The codec sees to it that no more bytes come than were announced.
      return body.length <= limit_ ? Verdict::proceed : refuse(context, ErrorCode::body_too_large);
    }
    Counter* const counter = context.arena.make<Counter>(limit_);
    return context.add_request_stage(*counter) ? Verdict::proceed
                                               : refuse(context, ErrorCode::internal);
  }

 private:
  static Verdict refuse(RequestContext& context, ErrorCode code) {
    context.reply.code = code;
    return Verdict::reply;
  }

  std::uint64_t limit_;
};

class BodyLimitPlan final : public Plan {
 public:
  explicit BodyLimitPlan(std::uint64_t limit) : limit_(limit) {}
  unsigned hooks() const override { return kOnRequest; }
  std::unique_ptr<Filter> bind(WorkerServices& /*services*/) const override {
    return std::make_unique<BodyLimit>(limit_);
  }

 private:
  std::uint64_t limit_;
};

Result<std::shared_ptr<const Plan>> compile(const config::Value& options,
                                            CompileServices& /*services*/) {
  return std::make_shared<const BodyLimitPlan>(options["size"].as<config::Size>().bytes);
}

}  // namespace
}  // namespace body_limit

extern const FilterType kBodyLimit = {
    {"body_limit", "Answers 413 when a request's body is too large, counting streamed bytes too.",
     body_limit::kFields},
    body_limit::compile};

}  // namespace gateway::filter
