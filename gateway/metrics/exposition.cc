#include "gateway/metrics/exposition.h"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include "gateway/metrics/families.h"

namespace gateway {
namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;
using Families = std::vector<prometheus::MetricFamily>;

// Our cells as prometheus-cpp wants to see metrics; its own counters lock.
class Collector final : public prometheus::Collectable {
 public:
  explicit Collector(const Registry& registry)
      : registry_(registry),
        reading_{registry.now(), registry.known_seconds(), process_facts(), registry.facts.build} {}

  Families Collect() const override {
    Families families;
    ProcessCells process;
    registry_.read_process(process);
    fill(open(families, process_families()), process_families(), process, {});
    if (const auto& cluster = registry_.facts.cluster)
      fill(open(families, cluster_families()), cluster_families(), *cluster, {});
    collect_certificates(families);
    collect(families, route_families(), registry_.routes, "route", nullptr);
    collect(families, upstream_families(), registry_.upstreams, "upstream", nullptr);
    collect(families, endpoint_families(), registry_.endpoints, "upstream", "endpoint");
    collect(families, listener_families(), registry_.listeners, "listener", nullptr);
    collect(families, token_families(), registry_.tokens, "upstream", nullptr);
    std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
    return families;
  }

 private:
  template <typename Cells>
  std::span<prometheus::MetricFamily> open(Families& families,
                                           std::span<const Family<Cells>> rows) const {
    const std::size_t first = families.size();
    for (const Family<Cells>& row : rows) families.push_back({row.name, row.help, row.type, {}});
    return std::span(families).subspan(first);
  }

  template <typename Cells>
  void fill(std::span<prometheus::MetricFamily> families, std::span<const Family<Cells>> rows,
            const Cells& total, const Labels& labels) const {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Samples samples(families[i], labels);
      rows[i].fill(total, reading_, samples);
    }
  }

  template <typename Cells>
  void collect(Families& all, std::span<const Family<Cells>> rows, const SeriesSet<Cells>& series,
               const char* name_label, const char* part_label) const {
    const std::span<prometheus::MetricFamily> families = open(all, rows);
    series.for_each([&](std::string_view name, std::string_view part, const Cells& total) {
      Labels labels{{name_label, std::string(name)}};
      if (part_label != nullptr) labels.push_back({part_label, std::string(part)});
      fill(families, rows, total, labels);
    });
  }

  void collect_certificates(Families& all) const {
    const std::span<prometheus::MetricFamily> families = open(all, certificate_families());
    for (const CertificateFact& each : registry_.facts.certificates())
      fill(families, certificate_families(), each,
           {{"use", each.use},
            {"owner", each.owner},
            {"name", each.name},
            {"key", std::string(each.key)}});
  }

  const Registry& registry_;
  const Reading reading_;
};

}  // namespace

std::string exposition(Registry& registry) {
  registry.refresh();
  return prometheus::TextSerializer().Serialize(Collector(registry).Collect());
}

}  // namespace gateway
