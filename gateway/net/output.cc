#include "gateway/net/output.h"

namespace gateway::net {
namespace {

// Pieces from here on are written without being copied first.
constexpr std::size_t kDirectWrite = 8 * 1024;
constexpr std::size_t kGatherLimit = 64 * 1024;
constexpr int kMaxPieces = 16;

}  // namespace

void Output::append(std::string_view bytes) {
  if (bytes.size() < kDirectWrite) {
    buffer_.append(bytes);
    if (buffer_.size() > kGatherLimit) flush();
    return later();
  }
  iovec pieces[kMaxPieces];
  int count = buffer_.pieces(pieces, kMaxPieces - 1);
  if (count == kMaxPieces - 1) {
    flush();
    count = 0;
  }
  pieces[count] = iovec{const_cast<char*>(bytes.data()), bytes.size()};
  transport_->write(std::span<const iovec>(pieces, static_cast<std::size_t>(count) + 1));
  if (count > 0) buffer_.clear();
  later();  // the chunk's end may follow, and whoever watches for stalls wants to know
}

void Output::flush() {
  // Nearly always one chunk holds it all.
  if (buffer_.front().size() == buffer_.size()) {
    if (buffer_.empty() || transport_->closed()) return;
    transport_->write(buffer_.front());
    return buffer_.clear();
  }
  while (!buffer_.empty() && !transport_->closed()) {
    iovec pieces[kMaxPieces];
    const int count = buffer_.pieces(pieces, kMaxPieces);
    std::size_t size = 0;
    for (int i = 0; i < count; ++i) size += pieces[i].iov_len;
    transport_->write(std::span<const iovec>(pieces, static_cast<std::size_t>(count)));
    buffer_.consume(size);
  }
}

}  // namespace gateway::net
