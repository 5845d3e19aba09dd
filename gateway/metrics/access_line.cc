#include "gateway/metrics/access_line.h"

#include "gateway/metrics/line_writer.h"
#include "gateway/metrics/redact.h"

namespace gateway {
namespace {

// Bounds of single fields in bytes before escaping; six times their sum stays below the longest
// line.
constexpr std::size_t kName = 128;
constexpr std::size_t kHost = 253;
constexpr std::size_t kPath = 768;
constexpr std::size_t kQuery = 512;
constexpr std::size_t kShort = 32;
static_assert(6 * (5 * kName + kHost + kPath + kQuery + 4 * kShort) + 1024 < kLongestAccessLine);

std::uint64_t microseconds(Duration duration) {
  return duration.count() <= 0 ? 0 : static_cast<std::uint64_t>(duration.count()) / 1000;
}

void address(LineWriter& line, const IpAddress& ip) {
  if (!ip.is_v4()) {
    char text[46];
    return line.raw({text, ip.write(text)});
  }
  const std::string_view bytes = ip.bytes();
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) line.raw('.');
    line.number(static_cast<std::uint8_t>(bytes[i]));
  }
}

void target(LineWriter& line, const AccessRecord& record) {
  line.escaped(record.path, kPath);
  if (record.query.empty()) return;
  line.raw('?');
  split_query(record.query.substr(0, kQuery), [&line](std::string_view piece, bool secret) {
    if (secret) {
      line.raw("[redacted]");
    } else {
      line.escaped(piece, kQuery);
    }
  });
}

void json_text(LineWriter& line, std::string_view key, std::string_view value, std::size_t most) {
  if (value.empty()) return;
  line.raw(key);
  line.escaped(value, most);
  line.raw('"');
}

void json_line(LineWriter& line, const AccessRecord& record) {
  json_text(line, "\"request_id\":\"", record.request_id, kName);
  if (!record.request_id.empty()) line.raw(',');
  line.raw("\"client\":\"");
  address(line, record.client);
  line.raw("\",\"method\":\"");
  line.escaped(record.method, kShort);
  line.raw("\",\"host\":\"");
  line.escaped(record.host, kHost);
  line.raw("\",\"path\":\"");
  target(line, record);
  line.raw("\",\"status\":");
  line.number(static_cast<std::uint64_t>(record.status));
  json_text(line, ",\"flag\":\"", record.flag, kShort);
  line.raw(",\"bytes_in\":");
  line.number(record.bytes_in);
  line.raw(",\"bytes_out\":");
  line.number(record.bytes_out);
  line.raw(",\"duration_us\":");
  line.number(microseconds(record.took));
  if (record.upstream_took.count() >= 0) {
    line.raw(",\"upstream_us\":");
    line.number(microseconds(record.upstream_took));
  }
  json_text(line, ",\"route\":\"", record.route, kName);
  json_text(line, ",\"upstream\":\"", record.upstream, kName);
  json_text(line, ",\"endpoint\":\"", record.endpoint, kName);
  if (record.attempts > 0) {
    line.raw(",\"attempts\":");
    line.number(static_cast<std::uint64_t>(record.attempts));
  }
  json_text(line, ",\"user\":\"", record.user, kName);
  json_text(line, ",\"tls\":\"", record.tls_version, kShort);
  line.raw("}\n");
}

// A word of the text format: quotes keep words with spaces together, "-" stands for nothing.
void word(LineWriter& line, std::string_view value, std::size_t most) {
  line.raw(' ');
  if (value.empty()) return line.raw('-');
  const bool quoted = value.find(' ') != std::string_view::npos;
  if (quoted) line.raw('"');
  line.escaped(value, most);
  if (quoted) line.raw('"');
}

void text_line(LineWriter& line, const AccessRecord& record) {
  address(line, record.client);
  line.raw(" \"");
  line.escaped(record.method, kShort);
  line.raw(' ');
  line.escaped(record.host, kHost);
  target(line, record);
  line.raw("\" ");
  line.number(static_cast<std::uint64_t>(record.status));
  word(line, record.flag, kShort);
  line.raw(' ');
  line.number(record.bytes_in);
  line.raw(' ');
  line.number(record.bytes_out);
  line.raw(' ');
  line.number(microseconds(record.took));
  line.raw("us ");
  if (record.upstream_took.count() < 0) {
    line.raw('-');
  } else {
    line.number(microseconds(record.upstream_took));
    line.raw("us");
  }
  word(line, record.route, kName);
  word(line, record.upstream, kName);
  word(line, record.endpoint, kName);
  line.raw(' ');
  line.number(static_cast<std::uint64_t>(record.attempts));
  word(line, record.user, kName);
  word(line, record.tls_version, kShort);
  word(line, record.request_id, kName);
  line.raw('\n');
}

}  // namespace

std::size_t format_access_line(AccessLogFormat format, const AccessRecord& record,
                               std::string_view second, unsigned milliseconds, char* out) {
  LineWriter line(out);
  if (format == AccessLogFormat::json) line.raw("{\"time\":\"");
  line.raw(second);
  line.raw('.');
  line.three_digits(milliseconds);
  if (format == AccessLogFormat::json) {
    line.raw("Z\",");
    json_line(line, record);
  } else {
    line.raw("Z ");
    text_line(line, record);
  }
  return static_cast<std::size_t>(line.at() - out);
}

}  // namespace gateway
