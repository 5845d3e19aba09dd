#include "gateway/config/diff.h"
#include "gateway/config/loader.h"
#include "gateway/config/tables.h"
#include "gateway/filter/table.h"
#include "gateway/upstream/balancer.h"
#include "tests/fuzz/property.h"

namespace {

using gateway::fuzz::expect;
using gateway::fuzz::expect_same;
namespace config = gateway::config;

std::optional<std::string> variable(std::string_view name) {
  if (name == "SET") return "value";
  if (name == "EMPTY") return "";
  if (name == "NESTED") return "${SET}";
  return std::nullopt;
}

void check_problems(const config::Problems& problems) {
  expect(!problems.empty(), "a refusal says why");
  for (const config::Problem& problem : problems) {
    expect(!problem.message.empty(), "a problem is a sentence");
    const std::string shown = config::format(problem);
    for (const char c : shown)
      expect(static_cast<unsigned char>(c) >= 0x20 || c == '\n', "a terminal is not driven");
    expect_same(shown, config::format(problem), "a problem is always shown the same");
  }
}

void check_model(const config::Model& model) {
  expect(config::diff(model, model).empty(), "a model equals itself");
  config::Model again;
  config::set_options(again, config::extract_options(model));
  const config::Changes changes = config::diff(model, again);
  expect_same(changes.to_string(), config::Changes().to_string(), "what is written reads the same");
  expect(model == again, "what is written reads the same");
}

}  // namespace

// Names of files are read and never opened.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const config::PolicyTables tables{gateway::filter::filter_policies(),
                                           gateway::upstream::balancer_policies()};
  static const config::Environment environment = variable;
  std::string text(reinterpret_cast<const char*>(data), size);
  const auto loaded = config::load_text("fuzz.yaml", std::move(text), tables, environment,
                                        config::NamedFiles::ignore);
  if (loaded)
    check_model(loaded->model);
  else
    check_problems(loaded.error());
  return 0;
}
