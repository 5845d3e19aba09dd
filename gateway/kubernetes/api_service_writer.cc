#include "gateway/kubernetes/api_service_writer.h"

#include <fmt/format.h>

#include <utility>

#include <nlohmann/json.hpp>

#include "gateway/base/base64.h"
#include "gateway/kubernetes/json_reader.h"
#include "gateway/kubernetes/status.h"
#include "gateway/kubernetes/table_watch.h"

namespace gateway::kubernetes {
namespace {

constexpr std::string_view kGroup = "/apis/apiregistration.k8s.io/v1";

struct Seen {
  ObjectName service;
  std::string authorities;
};

Result<Seen> read(std::string_view json) {
  return read_json<Seen>(json, "APIService", [](const JsonValue& root) {
    const JsonValue spec = root["spec"];
    return Seen{{spec["service"]["namespace"].text(), spec["service"]["name"].text()},
                spec["caBundle"].text()};
  });
}

}  // namespace

ApiServiceWriter::ApiServiceWriter(TimerWheel& timers, Random& random, Api& api, std::string name,
                                   ObjectName service, std::function<bool()> may_write,
                                   std::function<void(const std::string&)> remark)
    : timers_(timers),
      random_(random),
      api_(api),
      name_(std::move(name)),
      service_(std::move(service)),
      may_write_(std::move(may_write)),
      remark_(std::move(remark)),
      retry_(Callback<>::bind<&ApiServiceWriter::work>(this)),
      watch_(timers, random, api, collection_of(kGroup, "apiservices", {{}, name_}),
             [this](std::string_view object) { on_object(object); }) {}

void ApiServiceWriter::set_authorities(std::string pem) {
  wanted_ = encode_base64(pem);
  work();
}

void ApiServiceWriter::on_object(std::string_view json) {
  Owner owner = Owner::nobody;
  if (!json.empty()) {
    const auto seen = read(json);
    if (!seen) return remark_(seen.error().detail);
    owner = seen->service == service_ ? Owner::us : Owner::somebody_else;
    seen_ = seen->authorities;
    if (owner == Owner::somebody_else && owner_ != owner)
      remark_(
          fmt::format("APIService {} is served by Service {}, not by {}: it is left alone, and "
                      "metrics are not read from here through it",
                      name_, seen->service.to_string(), service_.to_string()));
  }
  owner_ = owner;
  work();
}

void ApiServiceWriter::work() {
  if (owner_ != Owner::us || call_ || retry_.armed() || wanted_.empty() || seen_ == wanted_) return;
  if (!may_write_()) return;
  ApiRequest request;
  request.method = http::Method::patch;
  request.path_and_query = fmt::format("{}/apiservices/{}", kGroup, percent_encode(name_));
  request.content_type = "application/merge-patch+json";
  request.body = nlohmann::json{{"spec", {{"caBundle", wanted_}}}}.dump();
  call_ = api_.send(std::move(request),
                    [this](const Result<ApiResponse>& result) { on_written(result); });
}

void ApiServiceWriter::on_written(const Result<ApiResponse>& result) {
  const auto call = std::move(call_);
  if (result && (result->ok() || result->not_found())) {
    // What it has now comes by the watch.
    problem_.clear();
    backoff_.reset();
    if (result->ok())
      if (const auto seen = read(result->body)) seen_ = seen->authorities;
    return work();
  }
  problem_ = result ? error_of(*result, "write the caBundle of APIService " + name_).detail
                    : result.error().to_string();
  retry_.arm(timers_, backoff_.next(random_));
}

}  // namespace gateway::kubernetes
