#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/base/error.h"
#include "gateway/http/codec.h"
#include "gateway/http/message.h"

/// Reading the block of lines that begins every HTTP/1 message (and ends a chunked one). Private to
/// the HTTP/1 codecs.
namespace gateway::http {

/// Why a message is refused; ErrorCode::none: it is not. Cheaper than Result on the path that every
/// request takes.
struct Refusal {
  ErrorCode code = ErrorCode::none;
  const char* why = "";

  bool refused() const { return code != ErrorCode::none; }
};

inline constexpr std::size_t kVersionSize = 8;  ///< of "HTTP/1.1"

struct HeadLimits {
  std::size_t max_lines = 101;
  std::size_t max_first_line = 64 * 1024;
  std::size_t max_bytes = 64 * 1024;
};

/// Collects a head and finds its lines. A line's bytes are judged once the whole head is here, so
/// that the result cannot depend on how the network cut it; only control bytes, bare CR or LF and
/// the limits are judged at once, in the order of the bytes.
class HeadReader {
 public:
  enum class State : std::uint8_t { more, complete, malformed, first_line_too_long, too_large };

  /// For one head. Lines and stored bytes live in `arena`, and so should the reader: nearly no head
  /// needs one (read_plain_head), so that an idle connection is not to have it.
  HeadReader(Arena& arena, const HeadLimits& limits);

  /// Reads on; `used` tells how many of `bytes` belong to the head. A head that is complete in its
  /// first `bytes` stays where it is; else its bytes are kept in the arena.
  State read(std::string_view bytes, std::size_t& used);
  /// Moves the complete head into the arena, unless it is there already. A few bytes behind it may
  /// be read then.
  void keep();

  /// Of a complete head: all of it with the empty line, the number of lines, each without its end.
  std::string_view block() const { return {base_, size_}; }
  std::size_t lines() const { return lines_; }
  std::string_view line(std::size_t index) const {
    const std::size_t from = index == 0 ? 0 : ends_[index - 1] + 2;
    return {base_ + from, ends_[index] - from};
  }

 private:
  State scan(const char* base, std::size_t size);
  State judge(const char* at);
  void store(std::string_view bytes);

  Arena& arena_;
  HeadLimits limits_;
  const char* base_ = nullptr;
  char* stored_ = nullptr;
  std::size_t stored_size_ = 0;
  std::size_t stored_capacity_ = 0;
  std::size_t scanned_ = 0;
  std::size_t size_ = 0;
  std::uint32_t* ends_;  ///< where each line's CR stands
  std::size_t lines_ = 0;
  std::size_t line_begin_ = 0;
};

/// The way nearly every head takes: all there, short, and plain (one space behind each colon, no
/// tab, no white space at the ends, no name with an underscore). Copies the first bytes of `bytes`
/// into `arena`, splits them in one pass and returns the head's size; 0 when anything is out of the
/// ordinary, wrong or missing: HeadReader and read_fields must look at it then, and would say the
/// same of what this takes.
std::size_t read_plain_head(std::string_view bytes, const HeadLimits& limits, Arena& arena,
                            std::string_view& first_line, HeaderList& headers);

/// What the field lines of a head said while they were read.
struct FieldOptions {
  Underscores underscores = Underscores::allow;
  std::uint64_t* dropped = nullptr;  ///< counts names dropped for an underscore
};

/// Adds the field lines of `head` from line `first` on to `headers` and vouches for them.
Refusal read_fields(const HeadReader& head, std::size_t first, const FieldOptions& options,
                    Arena& arena, HeaderList& headers);

/// Content-Length as RFC 9112 §6.3 has it: digits only, at most 2^63-1.
bool parse_content_length(std::string_view text, std::uint64_t& length);

/// How the body of a message ends according to its fields; `until_close` when they do not say. The
/// same rules for both sides: nothing is guessed (RFC 9112 §6.1, §6.3).
Refusal read_framing(const HeaderList& headers, Version version, BodySize& body);

/// What Connection says; `keep_alive` begins as the version's default.
bool read_keep_alive(const HeaderList& headers, Version version);

}  // namespace gateway::http
