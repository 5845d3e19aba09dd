#include "gateway/config/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_map>

#include "gateway/config/checks.h"
#include "gateway/config/field_reader.h"
#include "gateway/config/named_files.h"
#include "gateway/config/suggestion.h"
#include "gateway/config/tables.h"
#include "gateway/config/yaml_reader.h"

namespace gateway::config {
namespace {

/// A node by its path in the model, and the path as the file has it: short forms leave out an index
/// or use another key.
struct Located {
  const Node* node;
  const Node* key = nullptr;  ///< of the last step, when that was a key
  std::string path;
};

const Field* find_field(std::span<const Field> fields, std::string_view name) {
  for (const Field& field : fields)
    if (field.name == name) return &field;
  return nullptr;
}

const Node* member(const Node& map, std::string_view key, const Node*& key_node) {
  for (std::size_t i = 0; i + 1 < map.children.size(); i += 2)
    if (map.children[i]->text == key) {
      key_node = map.children[i];
      return map.children[i + 1];
    }
  return nullptr;
}

// One step by key; false when the file has no such node, which ends the way.
bool step_key(Located& at, std::span<const Field>& fields, std::string_view name) {
  if (at.node->kind != Node::Kind::map) return false;
  const Field* field = find_field(fields, name);
  std::string_view written = name;
  const Node* next = member(*at.node, name, at.key);
  if (next == nullptr && field != nullptr && !field->singular.empty()) {
    written = field->singular;
    next = member(*at.node, written, at.key);
  }
  if (next == nullptr) return false;
  at.node = next;
  at.path += fmt::format("{}{}", at.path.empty() ? "" : ".", written);
  fields = field == nullptr ? std::span<const Field>{} : field->fields;
  return true;
}

void step_index(Located& at, std::string_view digits) {
  std::size_t index = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (at.node->kind != Node::Kind::list || index >= at.node->children.size()) return;
  at.node = at.node->children[index];
  at.key = nullptr;
  at.path += fmt::format("[{}]", index);
}

Located locate(const Node& root, std::string_view path) {
  Located at{&root, nullptr, {}};
  std::span<const Field> fields = fields_of<Model>();
  while (!path.empty()) {
    const bool index = path.front() == '[';
    const auto end = std::min(path.find_first_of(index ? "]" : ".[", 1), path.size());
    const std::string_view word = path.substr(index ? 1 : 0, index ? end - 1 : end);
    path.remove_prefix(std::min(path.size(), index ? end + 1 : end));
    if (!path.empty() && path.front() == '.') path.remove_prefix(1);
    if (index)
      step_index(at, word);
    else if (!step_key(at, fields, word))
      break;
  }
  return at;
}

Problem problem_of(const Document& document, Finding finding) {
  Located at = locate(document.root(), finding.path);
  // What is wrong with a whole map is best shown at its key.
  const bool whole = at.node->kind != Node::Kind::scalar && at.key != nullptr;
  const Node& shown = whole ? *at.key : *at.node;
  const std::size_t length = shown.kind == Node::Kind::scalar ? shown.text.size() : 1;
  Problem problem = document.problem_at(shown.at, length);
  problem.path = std::move(at.path);
  problem.message = std::move(finding.message);
  problem.expected = std::move(finding.expected);
  problem.found = std::move(finding.found);
  problem.suggestion = std::move(finding.suggestion);
  return problem;
}

void hide(const std::set<std::uint32_t>& lines, Problem& problem) {
  if (lines.contains(problem.place.position.line)) problem.source_line.clear();
}

/// Reads one document; used once.
class Loading {
 public:
  Loading(const Document& document, const PolicyTables& tables, const Environment& environment,
          NamedFiles files)
      : document_(document),
        filters_(tables.filters),
        environment_(environment),
        files_(files),
        reader_(document, tables, environment) {}

  tl::expected<LoadedModel, Problems> run() {
    const Value value = reader_.read(document_.root(), fields_of<Model>());
    if (value.is_set()) {
      set_options(loaded_.model, value);
      check_references();
      const Report found = [this](Finding finding) { report(std::move(finding)); };
      check_model(loaded_.model, found);
      check_filters(loaded_.model, filters_, found);
    }
    if (!reader_.problems().empty()) return tl::make_unexpected(sorted());
    return std::move(loaded_);
  }

  const std::set<std::uint32_t>& secret_lines() const { return reader_.secret_lines(); }
  /// Files and folders, after a refusal.
  std::vector<std::string> named() const {
    std::vector<std::string> paths = loaded_.watched_files;
    paths.insert(paths.end(), loaded_.watched_folders.begin(), loaded_.watched_folders.end());
    return paths;
  }

 private:
  // Sought by distance among all names, so only for so many problems.
  static constexpr int kMostSuggestions = 100;

  Problems sorted() {
    Problems& problems = reader_.problems();
    for (Problem& each : problems) hide(secret_lines(), each);
    std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
      return a.place.position < b.place.position;
    });
    if (reader_.full()) {
      Problem& last = problems.emplace_back();
      last.place.file = document_.file();
      last.message = fmt::format("not read further after {} problems", kMaxProblems);
    }
    return std::move(problems);
  }

  void report(Finding finding) {
    if (!reader_.full()) reader_.problems().push_back(problem_of(document_, std::move(finding)));
  }

  void check_references() {
    std::unordered_map<std::string_view, bool> upstreams;
    for (const Upstream& upstream : loaded_.model.upstreams)
      upstreams.emplace(upstream.name, upstream.private_);
    std::unordered_map<std::string_view, bool> listeners;
    for (const Listener& listener : loaded_.model.listeners)
      listeners.emplace(listener.name, false);
    for (const Reference& reference : reader_.references()) {
      if (reader_.full()) return;
      if (reference.type == FieldType::upstream)
        check_name(reference, upstreams, "upstream");
      else if (reference.type == FieldType::listener)
        check_name(reference, listeners, "listener");
      else
        check_file(reference);
    }
  }

  void check_name(const Reference& reference,
                  const std::unordered_map<std::string_view, bool>& known, std::string_view kind) {
    const auto found = known.find(reference.text);
    if (found == known.end()) {
      Problem& problem =
          reader_.add(*reference.node, reference.path, fmt::format("there is no such {}", kind));
      problem.found = reference.node->text;
      if (++suggestions_ > kMostSuggestions) return;
      std::vector<std::string_view> names;
      for (const auto& [name, hidden] : known)
        if (!name.empty()) names.push_back(name);
      std::sort(names.begin(), names.end());
      if (names.size() <= 12) problem.expected = one_of(names);
      problem.suggestion = closest(reference.text, names);
      return;
    }
    if (found->second && !reference.private_upstream) {
      Problem& problem = reader_.add(*reference.node, reference.path,
                                     fmt::format("upstream {} is private", reference.text));
      problem.expected = "an upstream that is not private: only filters reach a private one";
      problem.found = reference.node->text;
    }
  }

  void check_file(const Reference& reference) {
    std::string wrong;
    if (reference.type == FieldType::folder) {
      loaded_.watched_folders.push_back(reference.text);
      if (files_ == NamedFiles::open) wrong = check_certificate_folder(reference.text);
    } else if (reference.type == FieldType::file) {
      loaded_.watched_files.push_back(reference.text);
      if (files_ == NamedFiles::open && opened_.emplace(reference.text, reference.pem).second)
        wrong = check_named_file(reference.text, reference.pem);
    } else if (files_ == NamedFiles::open && environment_(reference.text).value_or("").empty()) {
      wrong = fmt::format("environment variable {} is not set", reference.text);
    }
    if (!wrong.empty()) reader_.add(*reference.node, reference.path, std::move(wrong));
  }

  const Document& document_;
  const std::span<const Policy> filters_;
  const Environment& environment_;
  const NamedFiles files_;
  FieldReader reader_;
  LoadedModel loaded_;
  // A file is read once for each kind of block that it is to hold.
  std::set<std::pair<std::string_view, std::string_view>> opened_;
  int suggestions_ = 0;
};

}  // namespace

std::optional<Place> Sources::find(const std::string& path) const {
  if (!document_) return std::nullopt;
  const Located at = locate(document_->root(), path);
  if (at.path != path) return std::nullopt;
  return Place{document_->file(), at.node->at};
}

Problems Sources::problems(std::vector<Finding> findings) const {
  Problems problems;
  for (Finding& finding : findings) {
    if (problems.size() == kMaxProblems) break;
    if (!document_) continue;
    problems.push_back(problem_of(*document_, std::move(finding)));
    hide(secret_lines_, problems.back());
  }
  return problems;
}

tl::expected<LoadedModel, Problems> load_text(std::string name, std::string text,
                                              const PolicyTables& tables,
                                              const Environment& environment, NamedFiles files,
                                              std::vector<std::string>* refused) {
  auto read = read_yaml(std::move(name), std::move(text));
  if (!read) return tl::make_unexpected(Problems{std::move(read.error())});
  const auto document = std::make_shared<const Document>(std::move(*read));
  Loading loading(*document, tables, environment, files);
  auto loaded = loading.run();
  if (loaded)
    loaded->sources = Sources(document, loading.secret_lines());
  else if (refused != nullptr)
    *refused = loading.named();
  return loaded;
}

tl::expected<LoadedModel, Problems> load_file(const std::string& path, const PolicyTables& tables,
                                              const Environment& environment,
                                              std::vector<std::string>* refused) {
  auto text = read_file(path, kMaxFileBytes);
  if (!text) {
    Problem problem;
    problem.place.file = path;
    problem.message = std::move(text.error());
    return tl::make_unexpected(Problems{std::move(problem)});
  }
  auto loaded = load_text(path, *std::move(text), tables, environment, NamedFiles::open, refused);
  if (loaded) loaded->watched_files.insert(loaded->watched_files.begin(), path);
  return loaded;
}

}  // namespace gateway::config
