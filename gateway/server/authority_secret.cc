#include "gateway/server/authority_secret.h"

#include <ctime>
#include <utility>

#include <nlohmann/json.hpp>

#include "gateway/base/base64.h"
#include "gateway/kubernetes/status.h"
#include "gateway/kubernetes/table_watch.h"

namespace gateway::server {
namespace {

using custom_metrics::SecretData;
using custom_metrics::ServingAuthority;
using nlohmann::json;

constexpr int kNotFound = 404;
constexpr int kConflict = 409;

SecretData decoded(const json& secret) {
  SecretData data;
  const auto found = secret.find("data");
  if (found == secret.end() || !found->is_object()) return data;
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) continue;
    if (auto text = decode_base64(value.get_ref<const std::string&>()))
      data[key] = std::move(*text);
  }
  return data;
}

std::string text_at(const json& object, std::string_view key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

AuthoritySecret::AuthoritySecret(TimerWheel& timers, Random& random, kubernetes::Api& api,
                                 kubernetes::ObjectName secret, std::vector<std::string> names,
                                 Hooks hooks)
    : timers_(timers),
      random_(random),
      api_(api),
      secret_(std::move(secret)),
      names_(std::move(names)),
      hooks_(std::move(hooks)),
      timer_(Callback<>::bind<&AuthoritySecret::look>(this)),
      watch_(timers, random, api,
             kubernetes::collection_of("/api/v1", "secrets", {secret_.namespace_, secret_.name}),
             [this](std::string_view object) { on_object(object); }) {}

std::string AuthoritySecret::collection_path() const {
  return "/api/v1/namespaces/" + kubernetes::percent_encode(secret_.namespace_) + "/secrets";
}

void AuthoritySecret::on_object(std::string_view text) {
  known_ = true;
  version_.clear();
  data_.clear();
  if (!text.empty()) {
    const json secret = json::parse(text, nullptr, false);
    if (!secret.is_object() || !secret.contains("metadata"))
      return remark_once("the Secret " + secret_.to_string() + " cannot be read");
    version_ = text_at(secret["metadata"], "resourceVersion");
    type_ = text_at(secret, "type");
    data_ = decoded(secret);
  }
  look();
}

void AuthoritySecret::reconsider() {
  if (known_) look();
}

void AuthoritySecret::look() {
  timer_.arm(timers_, kLookEvery);
  renew();
  issue_if_due();
}

void AuthoritySecret::renew() {
  if (!known_ || call_) return;
  auto wanted = ServingAuthority::renewed(data_, std::time(nullptr));
  if (!wanted)
    return remark_once("the Secret " + secret_.to_string() + ": " + wanted.error().detail +
                       "; delete it if it is nobody else's, and another is made");
  if (*wanted && hooks_.may_write()) write(**wanted);
}

// With the version that was read: of two who write, one fails and reads again.
void AuthoritySecret::write(const SecretData& wanted) {
  json data = json::object();
  for (const auto& [key, value] : wanted) data[key] = encode_base64(value);
  json metadata = {{"name", secret_.name}, {"namespace", secret_.namespace_}};
  const bool create = version_.empty();
  if (!create) metadata["resourceVersion"] = version_;
  const json secret = {{"apiVersion", "v1"},
                       {"kind", "Secret"},
                       {"metadata", std::move(metadata)},
                       {"type", create ? "Opaque" : type_},
                       {"data", std::move(data)}};
  kubernetes::ApiRequest request;
  request.method = create ? http::Method::post : http::Method::put;
  request.path_and_query = create
                               ? collection_path()
                               : collection_path() + "/" + kubernetes::percent_encode(secret_.name);
  request.body = secret.dump();
  call_ = api_.send(std::move(request),
                    [this](const Result<kubernetes::ApiResponse>& result) { on_written(result); });
}

void AuthoritySecret::on_written(const Result<kubernetes::ApiResponse>& result) {
  const auto call = std::move(call_);
  if (result && (result->ok() || result->status == kConflict || result->status == kNotFound)) {
    // What is there now comes by the watch.
    known_ = false;
    backoff_.reset();
    return;
  }
  remark_once(result
                  ? kubernetes::error_of(*result, "write the Secret " + secret_.to_string()).detail
                  : result.error().to_string());
  timer_.arm(timers_, backoff_.next(random_));
}

void AuthoritySecret::issue_if_due() {
  if (!known_ || data_.empty()) return;
  const auto authority = ServingAuthority::read(data_);
  if (!authority) return;  // renew() has said so
  const std::time_t now = std::time(nullptr);
  if (material_.trusted == authority->trusted() && now < material_.renew_at) return;
  auto issued = authority->issue(names_, now);
  if (!issued) return remark_once("no certificate can be made: " + issued.error().detail);
  material_ = std::move(*issued);
  remark_.clear();
  hooks_.changed(material_);
}

void AuthoritySecret::remark_once(const std::string& remark) {
  if (std::exchange(remark_, remark) != remark) hooks_.remark(remark);
}

}  // namespace gateway::server
