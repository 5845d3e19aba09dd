#include <llhttp.h>

#include <algorithm>
#include <vector>

#include "gateway/http/fields.h"
#include "tests/fuzz/property.h"
#include "tests/support/http_trace.h"

namespace {

using gateway::Arena;
using gateway::Buffer;
using gateway::fuzz::expect;
using gateway::fuzz::expect_same;
using namespace gateway::http;

std::string read_whole(std::string_view wire, const RequestOptions& options) {
  RequestTrace trace(options);
  trace.feed(wire);
  return trace.text();
}

std::string read_in_pieces(std::string_view wire, const RequestOptions& options,
                           std::uint8_t seed) {
  RequestTrace trace(options);
  gateway::fuzz::Cuts(seed).feed(wire, [&](std::string_view piece) { trace.feed(piece); });
  return trace.text();
}

std::string essence(const RequestHead& head) {
  RequestHead copy = head;
  Arena arena;
  copy.headers = {};
  for (const Header& field : head.headers)
    if (field.id != HeaderId::host && field.id != HeaderId::content_length &&
        field.id != HeaderId::expect)
      copy.headers.add(arena, field);
  strip_hop_by_hop(copy.headers);
  copy.keep_alive = true;
  copy.version = Version::http11;
  copy.expect_continue = false;
  // A body without bytes has several spellings.
  if (!copy.body.has_body()) copy.body = {};
  return describe_head(copy);
}

// What is forwarded is read by the next server as the same request.
void check_forwarding(const RequestHead& head) {
  if (head.host.empty()) return;
  Arena arena;
  RequestHead forwarded = head;
  forwarded.headers = head.headers.clone(arena);
  strip_hop_by_hop(forwarded.headers);
  ResponseTrace client;
  Buffer out;
  expect(client.codec().encode_head(kOnlyStream, forwarded, {}, out).has_value(),
         "a request that was read can be written");
  RequestOptions options;
  options.underscores = Underscores::allow;
  options.merge_slashes = false;
  // Forwarding adds lines of its own, such as the Content-Length of a POST without a body.
  options.limits.max_head_bytes *= 2;
  options.limits.max_fields *= 2;
  RequestTrace next(options);
  next.feed(out.to_string());
  expect(next.head() != nullptr, "a request that was written can be read");
  expect_same(essence(*next.head()), essence(head), "forwarding keeps the request");
}

struct Fields {
  std::vector<std::pair<std::string, std::string>> lines;
  bool complete = false;
};

// The fields as llhttp reads them.
Fields read_with_llhttp(std::string_view wire) {
  static const llhttp_settings_t settings = [] {
    llhttp_settings_t table;
    llhttp_settings_init(&table);
    table.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
      static_cast<Fields*>(parser->data)->lines.emplace_back(std::string(at, size), "");
      return 0;
    };
    table.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) {
      static_cast<Fields*>(parser->data)->lines.back().second.append(at, size);
      return 0;
    };
    table.on_headers_complete = [](llhttp_t* parser) {
      static_cast<Fields*>(parser->data)->complete = true;
      return static_cast<int>(HPE_PAUSED);
    };
    return table;
  }();
  Fields fields;
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &fields;
  llhttp_execute(&parser, wire.data(), wire.size());
  return fields;
}

// Whatever we take llhttp takes, and reads the same fields. It sees spaces for tabs: around
// Content-Length and Transfer-Encoding it refuses the tabs that RFC 9110 §5.6.3 counts as white
// space.
void check_against_llhttp(std::string_view wire, const RequestHead& head) {
  const auto with_spaces = [](std::string_view text) {
    std::string result(text);
    std::replace(result.begin(), result.end(), '\t', ' ');
    return result;
  };
  Fields theirs = read_with_llhttp(with_spaces(wire));
  expect(theirs.complete, "llhttp takes what we take");
  Arena arena;
  HeaderList list;
  for (auto& [name, value] : theirs.lines) {
    while (!value.empty() && value.back() == ' ') value.pop_back();
    list.add(arena, name, value);
  }
  const auto comparable = [](const HeaderList& headers) {
    std::string text;
    for (const Header& field : headers)
      if (field.id != HeaderId::host && field.id != HeaderId::upgrade)
        text.append(field.name).append(":").append(field.value).append("\n");
    return text;
  };
  expect_same(with_spaces(comparable(head.headers)), comparable(list),
              "llhttp reads the same fields");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  RequestOptions options;
  options.underscores = static_cast<Underscores>(data[1] % 3);
  options.merge_slashes = (data[1] & 4) != 0;
  // Small limits are reached by short inputs.
  if ((data[1] & 8) != 0) options.limits = {4, 100, 30, 20};
  const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);
  expect_same(read_whole(wire, options), read_in_pieces(wire, options, data[0]),
              "the result does not depend on the cuts");

  options.limits = {};
  options.underscores = Underscores::allow;
  RequestTrace trace(options, AfterEnd::wait);
  trace.feed(wire);
  if (trace.head() == nullptr) return 0;
  check_forwarding(*trace.head());
  check_against_llhttp(wire, *trace.head());
  return 0;
}
