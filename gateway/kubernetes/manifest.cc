#include "gateway/kubernetes/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "gateway/config/yaml_reader.h"
#include "gateway/kubernetes/json_reader.h"

namespace gateway::kubernetes {
namespace {

using config::Node;
using Failure = tl::unexpected<std::string>;

void write_text(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (byte < 0x20)
      out += fmt::format("\\u{:04x}", byte);
    else
      out += c;
  }
  out += '"';
}

// Depth and size are bounded by the reader.
void write_json(const Node& node, std::string& out) {
  switch (node.kind) {
    case Node::Kind::null: out += "null"; return;
    case Node::Kind::scalar: return write_text(node.text, out);
    case Node::Kind::list:
      out += '[';
      for (std::size_t i = 0; i < node.children.size(); ++i) {
        if (i != 0) out += ',';
        write_json(*node.children[i], out);
      }
      out += ']';
      return;
    case Node::Kind::map:
      out += '{';
      for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
        if (i != 0) out += ',';
        write_text(node.children[i]->text, out);
        out += ':';
        write_json(*node.children[i + 1], out);
      }
      out += '}';
      return;
  }
}

const Node* member(const Node& map, std::string_view key) {
  if (map.kind != Node::Kind::map) return nullptr;
  for (std::size_t i = 0; i + 1 < map.children.size(); i += 2)
    if (map.children[i]->text == key) return map.children[i + 1];
  return nullptr;
}

void add_objects(const Node& root, std::vector<std::string>& objects) {
  if (root.kind != Node::Kind::map) return;
  const Node* kind = member(root, "kind");
  const Node* items = member(root, "items");
  if (kind != nullptr && kind->text.ends_with("List") && items != nullptr) {
    for (const Node* item : items->children) add_objects(*item, objects);
    return;
  }
  write_json(root, objects.emplace_back());
}

bool blank(std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto first = line.find_first_not_of(" \t\r");
    if (first != std::string_view::npos && line[first] != '#') return false;
  }
  return true;
}

// A line that begins with "---" begins another document (YAML 1.2 §9.1.2).
std::vector<std::string_view> documents(std::string_view text) {
  std::vector<std::string_view> found;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    const std::size_t next = end == std::string_view::npos ? text.size() : end + 1;
    const std::string_view line = text.substr(at, next - at);
    if (line.starts_with("---") && (line.size() == 3 || line.find_first_of(" \t\r\n", 3) == 3)) {
      found.push_back(text.substr(begin, at - begin));
      begin = next;
    }
    at = next;
  }
  found.push_back(text.substr(begin));
  return found;
}

template <typename T>
tl::expected<void, std::string> add(std::string_view json, Store& store) {
  auto object = T::parse(json);
  if (!object) return Failure(object.error().detail);
  if (object->meta.namespace_.empty() && !std::is_same_v<T, IngressClass>)
    object->meta.namespace_ = "default";
  store.upsert(std::move(*object));
  return {};
}

}  // namespace

tl::expected<std::vector<std::string>, std::string> read_manifest(const std::string& file,
                                                                  std::string_view text) {
  std::vector<std::string> objects;
  for (const std::string_view document : documents(text)) {
    if (blank(document)) continue;
    auto read = config::read_yaml(file, std::string(document));
    if (!read) {
      // Lines are counted in the document: the file has others before it.
      const auto before = std::count(text.data(), document.data(), '\n');
      return Failure(fmt::format("{}:{}: {}", file, before + read.error().place.position.line,
                                 read.error().message));
    }
    add_objects(read->root(), objects);
  }
  return objects;
}

tl::expected<void, std::string> add_manifest(std::string_view json, Store& store) {
  const auto kind = read_json<std::string>(
      json, "object", [](const JsonValue& root) { return root["kind"].text(); });
  if (!kind) return Failure(kind.error().detail);
  if (*kind == "Ingress") return add<Ingress>(json, store);
  if (*kind == "IngressClass") return add<IngressClass>(json, store);
  if (*kind == "Service") return add<Service>(json, store);
  if (*kind == "EndpointSlice") return add<EndpointSlice>(json, store);
  if (*kind == "Secret") return add<Secret>(json, store);
  if (*kind == "ConfigMap") return add<ConfigMap>(json, store);
  return {};
}

}  // namespace gateway::kubernetes
