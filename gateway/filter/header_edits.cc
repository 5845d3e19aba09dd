#include <algorithm>
#include <string>
#include <vector>

#include "gateway/filter/filter.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace header_edits {
namespace {

using config::FieldType;
using http::HeaderId;

constexpr config::Field kEdits[] = {
    {.name = "set",
     .type = FieldType::map,
     .text = "Fields that replace all of their name.",
     .secret = true},
    {.name = "add",
     .type = FieldType::map,
     .text = "Fields that join those of their name.",
     .secret = true},
    {.name = "remove",
     .type = FieldType::list,
     .text = "Names of fields to take out.",
     .lone = true},
};
constexpr config::Field kFields[] = {
    {.name = "request",
     .type = FieldType::map,
     .text = "Edits of what goes upstream: first `remove`, then `set`, then `add`.",
     .fields = kEdits},
    {.name = "response",
     .type = FieldType::map,
     .text = "Edits of what goes to the client. `set` holds for the gateway's own answers on this "
             "route too.",
     .fields = kEdits},
};

struct Edit {
  HeaderId id;
  std::string name;
  std::string value;
};

/// Edits of one direction.
struct Edits {
  std::vector<Edit> set;
  std::vector<Edit> add;
  std::vector<Edit> remove;

  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
};

// Framing, hop-by-hop and routing fields are the gateway's; Host changes by `rewrite`, and who the
// client is by what was seen of it.
bool is_ours(HeaderId id) {
  if (http::is_hop_by_hop(id)) return true;
  switch (id) {
    case HeaderId::content_length:
    case HeaderId::host:
    case HeaderId::expect:
    case HeaderId::date:
    case HeaderId::forwarded:
    case HeaderId::x_forwarded_for:
    case HeaderId::x_forwarded_proto:
    case HeaderId::x_real_ip: return true;
    default: return false;
  }
}

Result<Edit> edit_of(const std::string& name, const std::string& value) {
  const HeaderId id = http::header_id(name);
  const auto refuse = [&](const char* why) {
    return failure(ErrorCode::invalid_argument, Side::internal, "'" + name + "' " + why);
  };
  if (!http::is_token(name)) return refuse("is not a field name");
  if (is_ours(id)) return refuse("is set by the gateway alone");
  if (!http::is_field_value(value)) return refuse("has a value that no field may have");
  return Edit{id, name, value};
}

Result<void> read(const config::Value& from, std::vector<Edit>& to) {
  if (!from.is_set()) return {};
  if (from.holds<config::Value::List>()) {
    for (const config::Value& name : from.as<config::Value::List>()) {
      auto edit = edit_of(name.as<std::string>(), {});
      if (!edit) return tl::make_unexpected(edit.error());
      to.push_back(std::move(*edit));
    }
    return {};
  }
  for (const auto& [name, value] : from.as<config::Value::Map>()) {
    auto edit = edit_of(name, value.as<std::string>());
    if (!edit) return tl::make_unexpected(edit.error());
    to.push_back(std::move(*edit));
  }
  return {};
}

Result<Edits> read(const config::Value& from) {
  Edits edits;
  for (auto [name, list] :
       {std::pair{"set", &edits.set}, {"add", &edits.add}, {"remove", &edits.remove}}) {
    if (auto done = read(from[name], *list); !done) return tl::make_unexpected(done.error());
  }
  return edits;
}

void remove_all(const std::vector<Edit>& edits, http::HeaderList& headers) {
  for (const Edit& edit : edits) {
    if (edit.id == HeaderId::other) {
      headers.remove(std::string_view(edit.name));
    } else {
      headers.remove(edit.id);
    }
  }
}

void add_all(const std::vector<Edit>& edits, http::HeaderList& headers, Arena& arena) {
  for (const Edit& edit : edits) headers.add(arena, {edit.id, edit.name, edit.value});
}

class HeaderEdits final : public Filter {
 public:
  HeaderEdits(const Edits& request, const Edits& response)
      : request_(request), response_(response) {}

  Verdict on_request(RequestContext& context) override {
    http::HeaderList& headers = context.request.headers;
    remove_all(request_.remove, headers);
    remove_all(request_.set, headers);
    add_all(request_.set, headers, context.arena);
    add_all(request_.add, headers, context.arena);
    add_all(response_.set, context.response_headers, context.arena);
    return Verdict::proceed;
  }

  void on_response(RequestContext& context, http::ResponseHead& head) override {
    remove_all(response_.remove, head.headers);
    add_all(response_.add, head.headers, context.arena);
  }

 private:
  const Edits& request_;
  const Edits& response_;
};

class HeaderEditsPlan final : public Plan {
 public:
  HeaderEditsPlan(Edits request, Edits response)
      : request_(std::move(request)), response_(std::move(response)) {
    for (const auto* list : {&request_.set, &request_.add, &request_.remove}) {
      for (const Edit& edit : *list) edited_.push_back(edit.name);
    }
  }

  unsigned hooks() const override { return kOnRequest | kOnResponse; }
  std::span<const std::string> edited_headers() const override { return edited_; }
  std::unique_ptr<Filter> bind(WorkerServices& /*services*/) const override {
    return std::make_unique<HeaderEdits>(request_, response_);
  }

 private:
  Edits request_;
  Edits response_;
  std::vector<std::string> edited_;
};

std::string check(const config::Value& options) {
  for (const char* direction : {"request", "response"}) {
    const auto edits = read(options[direction]);
    if (!edits) return edits.error().detail;
  }
  return {};
}

Result<std::shared_ptr<const Plan>> compile(const config::Value& options,
                                            CompileServices& /*services*/) {
  auto request = read(options["request"]);
  if (!request) return tl::make_unexpected(request.error());
  auto response = read(options["response"]);
  if (!response) return tl::make_unexpected(response.error());
  return std::make_shared<const HeaderEditsPlan>(std::move(*request), std::move(*response));
}

}  // namespace
}  // namespace header_edits

extern const FilterType kHeaderEdits = {
    {"header_edits", "Sets, adds and removes fields of requests and answers.",
     header_edits::kFields, header_edits::check},
    header_edits::compile};

}  // namespace gateway::filter
