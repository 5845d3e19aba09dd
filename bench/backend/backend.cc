// The backend behind every proxy: HTTP/1.1 keep-alive, as cheap as it can be.
//   GET  /bytes/N            N bytes
//   any  /auth...            "density" if the request carries "mytoken", else 401 "fail"
//   any  anything else       41 bytes; a body (Content-Length or chunked) is read and dropped
// --sink PORT also takes connections whose bytes are read and dropped: a collector of logs.
#include <strings.h>
#include <unistd.h>

#include <algorithm>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "bench/common/event_loop.h"
#include "bench/common/flags.h"
#include "bench/common/socket.h"

namespace {

constexpr size_t kBuffer = 256 * 1024;
constexpr size_t kLongestHead = 64 * 1024;
constexpr std::string_view kBody = "Jobs:\nTitle: Devops\nDescription: Awesome\n";
static_assert(kBody.size() == 41);

std::string answer(const char* status, std::string_view body, const char* extra = "") {
  std::string head = "HTTP/1.1 ";
  head.append(status).append("\r\nServer: backend\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n");
  head.append(extra);
  head.append("Content-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()));
  return head.append("\r\n\r\n").append(body);
}

// Follows chunked framing far enough to find its end.
class ChunkedEnd {
 public:
  // Bytes of `input` that belong to the body; `done()` once the last chunk was seen.
  size_t take(std::string_view input) {
    size_t at = 0;
    while (at < input.size() && !done_) {
      if (skip_ != 0) {
        const size_t n = std::min(skip_, input.size() - at);
        skip_ -= n;
        at += n;
      } else {
        on_line_byte(input[at++]);
      }
    }
    return at;
  }
  bool done() const { return done_; }

 private:
  void on_line_byte(char c) {
    if (c != '\n') {
      line_.push_back(c);
      return;
    }
    const size_t size = std::strtoul(line_.c_str(), nullptr, 16);
    const bool empty = line_ == "\r";
    line_.clear();
    if (last_) {
      done_ = empty;
    } else if (size == 0) {
      last_ = true;
    } else {
      skip_ = size + 2;
    }
  }

  std::string line_;
  size_t skip_ = 0;
  bool last_ = false;
  bool done_ = false;
};

// The value of a header in a head that ends with its last line's CRLF; empty when absent.
std::string_view header(std::string_view head, std::string_view name) {
  for (size_t line = head.find("\r\n"); line != std::string_view::npos;
       line = head.find("\r\n", line + 2)) {
    const std::string_view rest = head.substr(line + 2);
    if (rest.size() > name.size() && rest[name.size()] == ':' &&
        strncasecmp(rest.data(), name.data(), name.size()) == 0) {
      const std::string_view value = rest.substr(name.size() + 1);
      return value.substr(0, value.find("\r\n"));
    }
  }
  return {};
}

class Connection : public bench::Watched {
 public:
  Connection(bench::EventLoop& loop, int fd, char* buffer) : loop_(loop), fd_(fd), buffer_(buffer) {
    loop_.add(fd_, this);
  }

  void on_ready(uint32_t) override {
    if (fd_ < 0) return;
    if (!flush()) return finish();
    while (true) {
      const bench::Transfer got = bench::read_some(fd_, buffer_, kBuffer);
      if (got.io == bench::Io::kClosed) return finish();
      if (!consume({buffer_, got.bytes}) || !flush()) return finish();
      if (got.bytes < kBuffer) return;
    }
  }

 private:
  bool consume(std::string_view input) {
    while (!input.empty()) {
      if (in_body_) {
        input.remove_prefix(take_body(input));
        continue;
      }
      std::string_view head = input;
      if (!partial_.empty()) head = partial_.append(input);
      const size_t end = head.find("\r\n\r\n");
      if (end == std::string_view::npos) {
        if (partial_.empty()) partial_ = input;
        return partial_.size() < kLongestHead;
      }
      const size_t rest = head.size() - (end + 4);
      on_head(head.substr(0, end + 2));
      partial_.clear();
      input = input.substr(input.size() - rest);
    }
    return true;
  }

  void on_head(std::string_view head) {
    const size_t space = head.find(' ');
    const std::string_view path = head.substr(std::min(space + 1, head.size()));
    bytes_wanted_ = path.starts_with("/bytes/")
                        ? std::strtoull(std::string(path.substr(7, 20)).c_str(), nullptr, 10)
                        : 0;
    auth_ = path.starts_with("/auth");
    token_seen_ = auth_ && head.find("mytoken") != std::string_view::npos;
    if (strncasecmp(head.data(), "GET ", 4) != 0) {
      chunked_ = !header(head, "transfer-encoding").empty();
      const std::string length(header(head, "content-length"));
      body_left_ = std::strtoull(length.c_str(), nullptr, 10);
      in_body_ = chunked_ || body_left_ != 0;
      chunks_ = ChunkedEnd();
      if (!header(head, "expect").empty()) unsent_ += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    if (!in_body_) respond();
  }

  size_t take_body(std::string_view input) {
    size_t n = 0;
    if (chunked_) {
      n = chunks_.take(input);
      in_body_ = !chunks_.done();
    } else {
      n = static_cast<size_t>(std::min<uint64_t>(body_left_, input.size()));
      body_left_ -= n;
      in_body_ = body_left_ != 0;
    }
    if (auth_ && input.substr(0, n).find("mytoken") != std::string_view::npos) token_seen_ = true;
    if (!in_body_) respond();
    return n;
  }

  void respond() {
    static const std::string small = answer("200 OK", kBody);
    static const std::string user = answer("200 OK", "density", "X-User: density\r\n");
    static const std::string denied = answer("401 Unauthorized", "fail");
    if (bytes_wanted_ != 0) {
      unsent_ +=
          "HTTP/1.1 200 OK\r\nServer: backend\r\nContent-Type: application/octet-stream\r\n"
          "Content-Length: " +
          std::to_string(bytes_wanted_) + "\r\n\r\n";
      bulk_left_ = bytes_wanted_;
    } else if (auth_) {
      unsent_ += token_seen_ ? user : denied;
    } else {
      unsent_ += small;
    }
  }

  bool flush() {
    static const std::string zeros(256 * 1024, '0');
    while (!unsent_.empty() || bulk_left_ != 0) {
      const bool head = !unsent_.empty();
      const std::string& from = head ? unsent_ : zeros;
      const auto size = head ? from.size() : std::min<uint64_t>(bulk_left_, from.size());
      const bench::Transfer sent = bench::write_all(fd_, from.data(), size);
      if (head) {
        unsent_.erase(0, sent.bytes);
      } else {
        bulk_left_ -= sent.bytes;
      }
      if (sent.io != bench::Io::kDone) return sent.io == bench::Io::kAgain;
    }
    return true;
  }

  void finish() {
    ::close(fd_);
    fd_ = -1;
    loop_.doom(std::unique_ptr<Watched>(this));
  }

  bench::EventLoop& loop_;
  int fd_;
  char* buffer_;
  std::string partial_;
  std::string unsent_;
  ChunkedEnd chunks_;
  uint64_t body_left_ = 0;
  uint64_t bytes_wanted_ = 0;
  uint64_t bulk_left_ = 0;
  bool in_body_ = false;
  bool chunked_ = false;
  bool auth_ = false;
  bool token_seen_ = false;
};

class Drain : public bench::Watched {
 public:
  Drain(bench::EventLoop& loop, int fd, char* buffer) : loop_(loop), fd_(fd), buffer_(buffer) {
    loop_.add(fd_, this);
  }

  void on_ready(uint32_t) override {
    if (fd_ < 0) return;
    bench::Transfer got{bench::Io::kDone, 0};
    while (got.io == bench::Io::kDone) got = bench::read_some(fd_, buffer_, kBuffer);
    if (got.io == bench::Io::kAgain) return;
    ::close(fd_);
    fd_ = -1;
    loop_.doom(std::unique_ptr<Watched>(this));
  }

 private:
  bench::EventLoop& loop_;
  int fd_;
  char* buffer_;
};

// Every accepted connection owns itself until its socket closes.
template <class Accepted>
class Acceptor : public bench::Watched {
 public:
  Acceptor(bench::EventLoop& loop, long port)
      : loop_(loop), fd_(bench::listen_tcp(static_cast<uint16_t>(port), false)) {
    loop_.add(fd_, this);
  }

  void on_ready(uint32_t) override {
    for (int fd = bench::accept_tcp(fd_); fd >= 0; fd = bench::accept_tcp(fd_)) {
      new Accepted(loop_, fd, buffer_.get());
    }
  }

 private:
  bench::EventLoop& loop_;
  int fd_;
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(kBuffer);
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  bench::EventLoop loop;
  Acceptor<Connection> http(loop, flags.number("port", 9000));
  std::optional<Acceptor<Drain>> sink;
  if (flags.given("sink")) sink.emplace(loop, flags.number("sink", 0));
  while (true) loop.turn(-1);
}
