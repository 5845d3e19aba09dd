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
  Entry& entry = entries_[status.object];
  entry.seen = std::move(status.addresses);
  if (is_due(entry)) work();
}

// Both are sorted by name; so are those that are ours.
void StatusWriter::keep(const ObjectTable<Ingress>::Map& existing) {
  auto object = existing.begin();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    while (object != existing.end() && object->first < entry->first) ++object;
    if (object != existing.end() && object->first == entry->first) {
      ++entry;
      continue;
    }
    if (entry->second.call) --calls_;
    entry = entries_.erase(entry);
  }
}

void StatusWriter::set_ingresses(const std::set<ObjectName>& ours) {
  auto name = ours.begin();
  for (auto& [object, entry] : entries_) {
    while (name != ours.end() && *name < object) ++name;
    const bool now = name != ours.end() && *name == object;
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
  return entry.ours ? *addresses_ : none;
}

bool StatusWriter::is_due(const Entry& entry) const {
  const bool known = entry.ours ? addresses_.has_value() : entry.was_ours;
  return known && !entry.call && entry.seen != wanted(entry);
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
