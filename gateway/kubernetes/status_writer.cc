#include "gateway/kubernetes/status_writer.h"

#include <utility>

#include "gateway/kubernetes/collection.h"
#include "gateway/kubernetes/status.h"

namespace gateway::kubernetes {

StatusWriter::StatusWriter(TimerWheel& timers, Random& random, Api& api,
                           std::function<bool()> may_write)
    : timers_(timers),
      random_(random),
      api_(api),
      may_write_(std::move(may_write)),
      retry_(Callback<>::bind<&StatusWriter::work>(this)) {}

StatusWriter::~StatusWriter() = default;

void StatusWriter::seen(std::string_view ingress_json) {
  LoadBalancerStatus status = LoadBalancerStatus::read(ingress_json);
  if (status.object.name.empty()) return;
  entries_[status.object].seen = std::move(status.addresses);
  work();
}

void StatusWriter::keep(const std::function<bool(const ObjectName&)>& exists) {
  std::erase_if(entries_, [&](const auto& each) {
    if (exists(each.first)) return false;
    if (each.second.call) --calls_;
    return true;
  });
}

void StatusWriter::set_ingresses(const std::set<ObjectName>& ours) {
  for (auto& [name, entry] : entries_) {
    const bool now = ours.contains(name);
    entry.was_ours = !now && (entry.ours || entry.was_ours);
    entry.ours = now;
  }
  work();
}

void StatusWriter::set_addresses(LoadBalancerAddresses addresses) {
  if (addresses_ == addresses) return;
  addresses_ = std::move(addresses);
  work();
}

void StatusWriter::reconsider() {
  if (may_write_()) return work();
  retry_.cancel();
  for (auto& [name, entry] : entries_) entry.call.reset();
  calls_ = 0;
}

const LoadBalancerAddresses& StatusWriter::wanted(const Entry& entry) const {
  static const LoadBalancerAddresses none;
  return entry.ours ? addresses_ : none;
}

bool StatusWriter::is_due(const Entry& entry) const {
  return (entry.ours || entry.was_ours) && !entry.call && entry.seen != wanted(entry);
}

void StatusWriter::work() {
  if (retry_.armed()) return;
  for (auto& [name, entry] : entries_) {
    if (calls_ >= kMostCalls) return;
    if (is_due(entry) && may_write_()) write(name, entry);
  }
}

void StatusWriter::write(const ObjectName& name, Entry& entry) {
  ApiRequest request;
  request.method = http::Method::patch;
  request.path_and_query = "/apis/networking.k8s.io/v1/namespaces/" +
                           percent_encode(name.namespace_) + "/ingresses/" +
                           percent_encode(name.name) + "/status";
  request.content_type = "application/merge-patch+json";
  request.body = load_balancer_patch(wanted(entry));
  ++calls_;
  entry.call = api_.send(std::move(request),
                         [this, name, written = wanted(entry)](const Result<ApiResponse>& result) {
                           on_written(name, written, result);
                         });
}

void StatusWriter::on_written(const ObjectName& name, const LoadBalancerAddresses& written,
                              const Result<ApiResponse>& result) {
  --calls_;
  Entry& entry = entries_.at(name);
  // The answer's closure is the call's own: it goes when nothing here is needed any more.
  const auto call = std::move(entry.call);
  if (result && (result->ok() || result->not_found())) {
    problem_.clear();
    backoff_.reset();
    // The watch will say so too; until then it is not written again.
    entry.seen = written;
    if (!entry.ours) entry.was_ours = false;
    return work();
  }
  problem_ = result ? error_of(*result, "write the status of " + name.to_string()).detail
                    : result.error().to_string();
  retry_.arm(timers_, backoff_.next(random_));
}

}  // namespace gateway::kubernetes
