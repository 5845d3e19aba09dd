#include "gateway/http/h1_writer.h"

#include <charconv>

#include "gateway/http/bytes.h"
#include "gateway/http/fields.h"

namespace gateway::http {
namespace {

bool inside(std::string_view block, std::string_view view) {
  const auto offset = static_cast<std::size_t>(view.data() - block.data());
  return offset <= block.size() && view.size() <= block.size() - offset;
}

// The size of the field's own line with its end, when it lies untouched in a head that was read:
// the name, ": ", the value and CR LF right behind each other. 0 otherwise.
std::size_t raw_line(std::string_view vouched, const Header& field) {
  const char* const begin = field.name.data();
  const std::size_t size = field.name.size() + field.value.size() + 4;
  if (field.value.data() != begin + field.name.size() + 2 || !inside(vouched, {begin, size}))
    return 0;
  const bool untouched =
      field.value.data()[-1] == ' ' && begin[size - 2] == '\r' && begin[size - 1] == '\n';
  return untouched ? size : 0;
}

bool is_safe(std::string_view vouched, const Header& field) {
  const bool known_name =
      field.id != HeaderId::other && field.name.data() == name_of(field.id).data();
  if (!known_name && !inside(vouched, field.name) && !is_token(field.name)) return false;
  return inside(vouched, field.value) || is_field_value(field.value);
}

}  // namespace

const std::uint64_t kRewrittenFields = HeaderList::bits(
    {HeaderId::connection, HeaderId::keep_alive, HeaderId::proxy_connection, HeaderId::te,
     HeaderId::trailer, HeaderId::transfer_encoding, HeaderId::upgrade,
     HeaderId::proxy_authorization, HeaderId::proxy_authenticate, HeaderId::content_length});

HeadWriter::HeadWriter(Buffer& out, std::size_t room) : out_(out) {
  // Buffer::prepare serves at most one large chunk.
  if (room <= Buffer::kLarge) [[likely]] {
    begin_ = out.prepare(room).data();
  } else {
    large_ = std::make_unique<char[]>(room);
    begin_ = large_.get();
  }
  at_ = begin_;
}

void HeadWriter::commit() {
  const auto size = static_cast<std::size_t>(at_ - begin_);
  if (large_ == nullptr)
    out_.commit(size);
  else
    out_.append(std::string_view(begin_, size));
}

void HeadWriter::put_number(std::uint64_t number) {
  at_ = std::to_chars(at_, at_ + 20, number).ptr;
}

bool HeadWriter::put_fields(const HeaderList& headers, std::uint64_t skip) {
  const std::string_view vouched = headers.vouched();
  // Lines that stand behind each other in the head that was read are copied as one piece.
  const char* run = nullptr;
  const char* run_end = nullptr;
  const auto flush = [&] {
    if (run != run_end) put(std::string_view(run, static_cast<std::size_t>(run_end - run)));
    run = run_end = nullptr;
  };
  for (const Header& field : headers) {
    if ((HeaderList::bit(field.id) & skip) != 0) continue;
    const std::size_t raw = raw_line(vouched, field);
    if (raw != 0) {
      if (field.name.data() != run_end) {
        flush();
        run = field.name.data();
      }
      run_end = field.name.data() + raw;
      continue;
    }
    flush();
    if (!is_safe(vouched, field)) return false;
    put(field.name);
    put(": ");
    put(field.value);
    put("\r\n");
  }
  flush();
  return true;
}

std::size_t fields_size(const HeaderList& headers) {
  std::size_t size = 0;
  for (const Header& field : headers) size += field.name.size() + field.value.size() + 4;
  return size;
}

bool is_safe_target(std::string_view vouched, std::string_view text) {
  if (inside(vouched, text)) return true;
  for (const char c : text)
    if (is_control(c) || c == ' ') return false;
  return true;
}

void write_chunk_prefix(std::size_t size, Buffer& out) {
  if (size == 0) return;  // an empty chunk would end the body
  char line[20];
  char* end = std::to_chars(line, line + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(std::string_view(line, static_cast<std::size_t>(end - line)));
}

void write_chunk_suffix(std::size_t size, Buffer& out) {
  if (size > 0) out.append("\r\n");
}

void write_chunked_end(const HeaderList* trailers, Buffer& out) {
  out.append("0\r\n");
  if (trailers != nullptr) {
    for (const Header& field : *trailers) {
      if (is_forbidden_trailer(field) || !is_token(field.name) || !is_field_value(field.value))
        continue;
      for (const std::string_view part :
           {field.name, std::string_view(": "), field.value, std::string_view("\r\n")})
        out.append(part);
    }
  }
  out.append("\r\n");
}

}  // namespace gateway::http
