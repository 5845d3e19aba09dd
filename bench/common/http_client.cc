#include "bench/common/http_client.h"

#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "bench/common/socket.h"

namespace bench {

bool ResponseReader::take(std::string_view bytes) {
  if (!in_body_) {
    const size_t scan_from = head_.size() < 3 ? 0 : head_.size() - 3;
    head_.append(bytes);
    const size_t end = head_.find("\r\n\r\n", scan_from);
    if (end == std::string::npos) return false;
    bytes = bytes.substr(bytes.size() - (head_.size() - (end + 4)));
    head_.resize(end + 2);
    if (!read_head()) return false;
  }
  if (bytes.size() > left_) failed_ = true;
  left_ -= std::min<uint64_t>(left_, bytes.size());
  if (left_ != 0 || failed_) return false;
  head_.clear();
  in_body_ = false;
  return true;
}

bool ResponseReader::read_head() {
  static constexpr std::string_view kLength = "content-length:";
  in_body_ = true;
  failed_ = head_.size() < 12;
  if (failed_) return false;
  status_ = std::atoi(head_.c_str() + 9);
  for (size_t line = head_.find("\r\n"); line != std::string::npos;
       line = head_.find("\r\n", line + 2)) {
    const char* text = head_.c_str() + line + 2;
    if (strncasecmp(text, kLength.data(), kLength.size()) != 0) continue;
    left_ = std::strtoull(text + kLength.size(), nullptr, 10);
    body_bytes_ = left_;
    return true;
  }
  failed_ = true;
  return false;
}

HttpsClient::HttpsClient(ClientThread& thread, ClientEvents& events)
    : thread_(thread),
      events_(events),
      tls_(thread.tls, thread.context.get(), false),
      fd_(connect_tcp(thread.port)) {
  thread_.loop.add(fd_, this);
}

HttpsClient::~HttpsClient() {
  if (fd_ >= 0) ::close(fd_);
}

void HttpsClient::send(std::string_view head, uint64_t body_bytes) {
  body_left_ = body_bytes;
  if (!tls_.write(head) || !flush() || !send_body()) lose();
}

void HttpsClient::close(std::unique_ptr<HttpsClient> client) {
  ClientThread& thread = client->thread_;
  if (!client->dead_) {
    client->tls_.shut_down();
    client->flush();
    client->dead_ = true;
  }
  ::close(client->fd_);
  client->fd_ = -1;
  thread.loop.doom(std::move(client));
}

void HttpsClient::on_ready(uint32_t) {
  if (dead_) return;
  if (!flush()) return lose();
  if (!receive()) return dead_ ? void() : lose();
  if (!dead_ && body_left_ != 0 && !send_body()) lose();
}

bool HttpsClient::receive() {
  while (!dead_) {
    const Transfer got = read_some(fd_, thread_.received.get(), ClientThread::kBuffer);
    if (got.io == Io::kClosed) return false;
    tls_.feed({thread_.received.get(), got.bytes});
    while (const size_t n = tls_.read(thread_.plain.get(), ClientThread::kBuffer)) {
      const bool complete = reader_.take({thread_.plain.get(), n});
      if (reader_.failed()) return false;
      if (complete) events_.on_response(*this, reader_);
      if (dead_) return true;
    }
    if (tls_.failed() || tls_.ended() || !flush()) return false;
    if (!announced_ && tls_.ready()) {
      announced_ = true;
      events_.on_connected(*this);
    }
    if (got.bytes < ClientThread::kBuffer) return true;
  }
  return true;
}

bool HttpsClient::flush() {
  std::string& output = thread_.tls.output();
  if (!unsent_.empty()) {
    unsent_.append(output);
    output.clear();
    const Transfer sent = write_all(fd_, unsent_.data(), unsent_.size());
    unsent_.erase(0, sent.bytes);
    return sent.io != Io::kClosed;
  }
  if (output.empty()) return true;
  const Transfer sent = write_all(fd_, output.data(), output.size());
  if (sent.io == Io::kAgain) unsent_.assign(output, sent.bytes);
  output.clear();
  return sent.io != Io::kClosed;
}

bool HttpsClient::send_body() {
  static const std::string zeros(64 * 1024, '0');
  while (body_left_ != 0 && unsent_.empty()) {
    const size_t n = static_cast<size_t>(std::min<uint64_t>(body_left_, zeros.size()));
    if (!tls_.write({zeros.data(), n}) || !flush()) return false;
    body_left_ -= n;
  }
  return true;
}

void HttpsClient::lose() {
  dead_ = true;
  events_.on_lost(*this);
}

}  // namespace bench
