#include "gateway/kubernetes/watch_event.h"

#include <simdjson.h>

#include <optional>

namespace gateway::kubernetes {
namespace {

namespace ondemand = simdjson::ondemand;
using simdjson::SUCCESS;

constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";

/// Bytes of text whose buffers stay; the parsers need about six times as much.
constexpr std::size_t kMostKept = std::size_t{256} << 10;

tl::unexpected<Error> malformed(std::string_view what) {
  return failure(ErrorCode::upstream_protocol, Side::upstream,
                 std::string(what) + " that is not as the API says");
}

std::optional<WatchEvent::Type> type_of(std::string_view text) {
  if (text == "ADDED") return WatchEvent::Type::added;
  if (text == "MODIFIED") return WatchEvent::Type::modified;
  if (text == "DELETED") return WatchEvent::Type::deleted;
  if (text == "BOOKMARK") return WatchEvent::Type::bookmark;
  if (text == "ERROR") return WatchEvent::Type::error;
  return std::nullopt;
}

/// A member's text; unchanged where it is none.
void read_text(ondemand::value value, std::string& into) {
  std::string_view text;
  if (value.get_string().get(text) == SUCCESS) into = text;
}

/// Calls `visit(key, value)` for each member; false when the text is malformed.
template <typename Visit>
bool each_member(ondemand::object object, Visit visit) {
  for (auto field : object) {
    std::string_view key;
    ondemand::value value;
    if (field.unescaped_key().get(key) != SUCCESS) return false;
    if (field.value().get(value) != SUCCESS) return false;
    if (!visit(key, value)) return false;
  }
  return true;
}

bool read_annotations(ondemand::value value, WatchEvent& event) {
  ondemand::object annotations;
  if (value.get_object().get(annotations) != SUCCESS) return true;  // null: there are none
  return each_member(annotations, [&](std::string_view key, ondemand::value each) {
    std::string text;
    if (key == kInitialEventsEnd) read_text(each, text);
    event.initial_events_end = event.initial_events_end || text == "true";
    return true;
  });
}

bool read_metadata(ondemand::value value, WatchEvent& event) {
  ondemand::object metadata;
  if (value.get_object().get(metadata) != SUCCESS) return false;
  std::string name;
  std::string space;
  const bool whole = each_member(metadata, [&](std::string_view key, ondemand::value each) {
    if (key == "annotations") return read_annotations(each, event);
    if (key == "name") read_text(each, name);
    if (key == "namespace") read_text(each, space);
    if (key == "resourceVersion") read_text(each, event.version);
    return true;
  });
  // Only bookmarks and errors are about no object.
  event.key = name.empty() ? std::string() : space + "/" + name;
  return whole;
}

std::string_view without_white_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

bool raw_object(ondemand::value value, std::string_view& text) {
  ondemand::object object;
  if (value.get_object().get(object) != SUCCESS) return false;
  if (object.raw_json().get(text) != SUCCESS) return false;
  text = without_white_end(text);
  return true;
}

}  // namespace

struct WatchReader::Parsers {
  ondemand::parser outer;
  ondemand::parser inner;  ///< while the outer one stands in the middle of an event
  std::string text;        ///< with room behind it, which simdjson reads into

  /// The text, copied to where there is room behind it.
  simdjson::padded_string_view padded(std::string_view from) {
    const std::size_t needed = from.size() + simdjson::SIMDJSON_PADDING;
    if (text.capacity() < needed) text.reserve(needed + needed / 2);
    text.assign(from);
    return simdjson::padded_string_view(text.data(), text.size(), text.capacity());
  }
  /// Of a part of `text`: what follows it there is its padding.
  simdjson::padded_string_view part(std::string_view from) const {
    const auto offset = static_cast<std::size_t>(from.data() - text.data());
    return simdjson::padded_string_view(from.data(), from.size(), text.capacity() - offset);
  }
  /// What a watch must know of `event.object`, which is a part of `text`.
  bool read_object(WatchEvent& event);
};

bool WatchReader::Parsers::read_object(WatchEvent& event) {
  ondemand::document document;
  ondemand::object object;
  if (inner.iterate(part(event.object)).get(document) != SUCCESS) return false;
  if (document.get_object().get(object) != SUCCESS) return false;
  return each_member(object, [&](std::string_view key, ondemand::value value) {
    std::int64_t code = 0;
    if (key == "metadata") return read_metadata(value, event);
    if (key == "code" && value.get_int64().get(code) == SUCCESS)
      event.code = static_cast<int>(code);
    return true;
  });
}

WatchReader::WatchReader() : parsers_(std::make_unique<Parsers>()) {}
WatchReader::~WatchReader() = default;

void WatchReader::forget_giants() {
  if (parsers_->text.capacity() > kMostKept) parsers_ = std::make_unique<Parsers>();
}

Result<WatchEvent> WatchReader::read_event(std::string_view line) {
  forget_giants();  // not behind the reading: the event looks into them
  ondemand::document document;
  ondemand::object event_object;
  if (parsers_->outer.iterate(parsers_->padded(line)).get(document) != SUCCESS ||
      document.get_object().get(event_object) != SUCCESS)
    return malformed("an event");
  WatchEvent event;
  std::optional<WatchEvent::Type> type;
  const bool whole = each_member(event_object, [&](std::string_view key, ondemand::value value) {
    std::string text;
    if (key == "object") return raw_object(value, event.object);
    if (key == "type") read_text(value, text);
    if (key == "type") type = type_of(text);
    return true;
  });
  if (!whole || !type || event.object.empty() || !parsers_->read_object(event))
    return malformed("an event");
  event.type = *type;
  if (event.type == WatchEvent::Type::error) return event;
  // Without a version there is nothing to go on from.
  const bool nameless = event.key.empty() && event.type != WatchEvent::Type::bookmark;
  if (event.version.empty() || nameless) return malformed("an event");
  return event;
}

Result<ListPage> WatchReader::read_page(std::string_view body) {
  ondemand::document document;
  ondemand::object list;
  if (parsers_->outer.iterate(parsers_->padded(body)).get(document) != SUCCESS ||
      document.get_object().get(list) != SUCCESS)
    return malformed("a list");
  ListPage page;
  const auto read_item = [&](ondemand::value value) {
    WatchEvent item;
    if (!raw_object(value, item.object) || !parsers_->read_object(item)) return false;
    page.objects.emplace_back(std::move(item.key), item.object);
    return !page.objects.back().first.empty();
  };
  const auto read_items = [&](ondemand::value value) {
    ondemand::array items;
    if (value.get_array().get(items) != SUCCESS) return true;  // null: there are none
    for (auto item : items) {
      ondemand::value each;
      if (item.get(each) != SUCCESS || !read_item(each)) return false;
    }
    return true;
  };
  const auto read_list_metadata = [&](ondemand::value value) {
    ondemand::object metadata;
    if (value.get_object().get(metadata) != SUCCESS) return false;
    return each_member(metadata, [&](std::string_view key, ondemand::value each) {
      if (key == "resourceVersion") read_text(each, page.version);
      if (key == "continue") read_text(each, page.continue_token);
      return true;
    });
  };
  const bool whole = each_member(list, [&](std::string_view key, ondemand::value value) {
    if (key == "items") return read_items(value);
    if (key == "metadata") return read_list_metadata(value);
    return true;
  });
  forget_giants();
  if (!whole || page.version.empty()) return malformed("a list");
  return page;
}

}  // namespace gateway::kubernetes
