#include "gateway/kubernetes/ingress_report.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "gateway/kubernetes/annotation_table.h"
#include "gateway/kubernetes/translator.h"

namespace gateway::kubernetes {
namespace {

using Findings = std::map<ObjectName, std::vector<std::string>>;

// What the translator refuses it says itself, with the reason.
void add_annotations(const Ingress& ingress, std::vector<std::string>& findings) {
  for (const auto& [name, text] : ingress.meta.annotations) {
    if (!std::string_view(name).starts_with(kNginxPrefix)) continue;
    const Annotation* row = find_annotation(std::string_view(name).substr(kNginxPrefix.size()));
    if (row == nullptr) continue;
    if (row->standing == Standing::differs)
      findings.push_back(fmt::format("differs    {}: {}", row->field.name, row->note));
    if (row->standing == Standing::passed)
      findings.push_back(fmt::format("no effect  {}: {}", row->field.name, row->note));
  }
}

void add_notices(const Translation& translation, Findings& findings) {
  for (const Notice& notice : translation.notices) {
    if (notice.kind != "Ingress") continue;
    const std::string_view word = notice.refusal ? "refused  " : "warning  ";
    findings[notice.object].push_back(fmt::format("{}  {}", word, notice.message));
  }
}

}  // namespace

std::string ingress_report(const Store& store, const TranslatorSettings& settings) {
  Findings findings;
  Translator translator(settings);
  const Translation translation = translator.translate(store);
  add_notices(translation, findings);
  std::size_t others = 0;
  for (const auto& [name, ingress] : store.table<Ingress>().all()) {
    if (translation.ours->contains(name))
      add_annotations(*ingress, findings[name]);
    else
      ++others;
  }
  std::string report;
  std::size_t changed = 0;
  for (const auto& [name, lines] : findings) {
    if (lines.empty()) continue;
    ++changed;
    report += fmt::format("Ingress {}\n", name.to_string());
    for (const std::string& line : lines) report += fmt::format("  {}\n", line);
  }
  report += fmt::format("{} of {} Ingresses would change; {} are of other classes\n", changed,
                        translation.ours->size(), others);
  return report;
}

}  // namespace gateway::kubernetes
