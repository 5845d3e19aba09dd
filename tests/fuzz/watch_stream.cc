#include "gateway/kubernetes/json_lines.h"
#include "gateway/kubernetes/watch_event.h"
#include "tests/fuzz/property.h"

namespace {

using gateway::fuzz::expect;
using gateway::fuzz::expect_same;
using namespace gateway::kubernetes;

constexpr std::size_t kMostLine = 600;

std::string described(const WatchEvent& event) {
  return std::to_string(static_cast<int>(event.type)) + "|" + event.key + "|" + event.version +
         "|" + std::to_string(event.code) + (event.initial_events_end ? "|end|" : "||") +
         std::string(event.object);
}

/// All that a stream says, by a reader of its own.
class Reading {
 public:
  bool feed(std::string_view bytes) {
    const bool fits = lines_.feed(bytes, [this](std::string_view line) {
      const auto event = reader_.read_event(line);
      text_ += event ? described(*event) + "\n" : "no event\n";
      if (event) check(line, *event);
      return event.has_value();
    });
    expect(lines_.held() <= kMostLine, "what is held has a bound");
    return fits;
  }
  const std::string& text() const { return text_; }

 private:
  static void check(std::string_view line, const WatchEvent& event) {
    expect(line.find(event.object) != std::string_view::npos, "an object is a part of its line");
    expect(event.object.starts_with('{') && event.object.ends_with('}'), "an object has its ends");
    if (event.type == WatchEvent::Type::error) return;
    expect(!event.version.empty(), "an event has a version");
    if (event.type == WatchEvent::Type::bookmark) return;
    // A list of that object alone names it alike.
    WatchReader other;
    const auto page = other.read_page(R"({"metadata":{"resourceVersion":"1"},"items":[)" +
                                      std::string(event.object) + "]}");
    if (!page) return;  // what is skipped over is not looked into
    expect(page->objects.size() == 1, "one object");
    expect_same(page->objects[0].first, event.key, "its name");
    expect_same(page->objects[0].second, event.object, "its text");
  }

  JsonLines lines_{kMostLine};
  WatchReader reader_;
  std::string text_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  WatchReader lists;
  if (const auto page = lists.read_page(bytes))
    for (const auto& [key, object] : page->objects)
      expect(!key.empty() && bytes.find(object) != std::string_view::npos, "parts of the list");

  Reading whole;
  Reading pieces;
  const bool whole_fits = whole.feed(bytes);
  bool pieces_fit = true;
  gateway::fuzz::Cuts(data[0]).feed(
      bytes, [&](std::string_view piece) { pieces_fit = pieces_fit && pieces.feed(piece); });
  // A stream ends at its first nonsense, after which a reader would not go on.
  if (whole.text().ends_with("no event\n")) return 0;
  expect(whole_fits == pieces_fit, "the bound does not depend on how bytes come");
  if (whole_fits) expect_same(whole.text(), pieces.text(), "nor do the events");
  return 0;
}
