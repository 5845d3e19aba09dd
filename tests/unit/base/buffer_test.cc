#include "gateway/base/buffer.h"

#include <gtest/gtest.h>

#include "gateway/base/random.h"

namespace gateway {
namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

TEST(BufferTest, BytesComeOutInOrder) {
  Buffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.front(), "");
  buffer.append("hello, ");
  buffer.append('w');
  buffer.append("orld");
  EXPECT_EQ(buffer.size(), 12U);
  EXPECT_EQ(buffer.to_string(), "hello, world");
  buffer.consume(7);
  EXPECT_EQ(buffer.to_string(), "world");
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
}

TEST(BufferTest, HoldsMoreThanOneChunk) {
  const std::string text = pattern(300'000);
  Buffer buffer;
  buffer.append(text);
  EXPECT_EQ(buffer.to_string(), text);
  buffer.consume(123'456);
  EXPECT_EQ(buffer.to_string(), text.substr(123'456));
}

TEST(BufferTest, PreparedRoomIsOnePieceAndCountsWhenCommitted) {
  Buffer buffer;
  buffer.append(pattern(4000));
  const auto room = buffer.prepare(Buffer::kLarge);
  ASSERT_GE(room.size(), Buffer::kLarge);
  EXPECT_EQ(buffer.size(), 4000U);
  std::memcpy(room.data(), "abc", 3);
  buffer.commit(3);
  EXPECT_EQ(buffer.to_string(), pattern(4000) + "abc");
}

// An open chunk that is left unused must not come out as bytes.
TEST(BufferTest, PreparedRoomMayStayUnused) {
  Buffer buffer;
  buffer.prepare(100);
  buffer.commit(0);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.front(), "");
  buffer.append("abc");
  EXPECT_EQ(buffer.to_string(), "abc");
}

TEST(BufferTest, MovesChainsWithoutCopying) {
  Buffer from;
  from.append(pattern(200'000));
  const char* const bytes = from.front().data();
  Buffer to;
  to.append(std::move(from));
  EXPECT_EQ(to.front().data(), bytes);
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): moved from means empty
  from.append("x");
  Buffer more;
  more.append(pattern(100'000));
  to.append(std::move(more));
  EXPECT_EQ(to.to_string(), pattern(200'000) + pattern(100'000));
}

TEST(BufferTest, PiecesCoverEveryByte) {
  Buffer buffer;
  const std::string text = pattern(150'000);
  buffer.append(text);
  buffer.consume(10);
  iovec pieces[16];
  const int count = buffer.pieces(pieces, 16);
  std::string joined;
  for (int i = 0; i < count; ++i)
    joined.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  EXPECT_EQ(joined, text.substr(10));
  EXPECT_EQ(buffer.pieces(pieces, 1), 1);
}

TEST(BufferTest, RandomUseKeepsTheBytes) {
  Random random(7);
  Buffer buffer;
  std::string model;
  for (int step = 0; step < 3000; ++step) {
    const std::string text = pattern(random.below(step % 50 == 0 ? 100'000 : 500));
    switch (random.below(4)) {
      case 0:
        buffer.append(text);
        model += text;
        break;
      case 1: {
        Buffer other;
        other.append(text);
        buffer.append(std::move(other));
        model += text;
        break;
      }
      case 2: {
        const std::size_t size = std::min<std::size_t>(text.size(), Buffer::kLarge);
        const auto room = buffer.prepare(size);
        std::memcpy(room.data(), text.data(), size);
        buffer.commit(size);
        model += text.substr(0, size);
        break;
      }
      default: {
        const std::size_t size = std::min<std::size_t>(buffer.size(), random.below(20'000));
        buffer.consume(size);
        model.erase(0, size);
      }
    }
    ASSERT_EQ(buffer.size(), model.size());
    if (step % 100 == 0) {
      ASSERT_EQ(buffer.to_string(), model);
    }
  }
  EXPECT_EQ(buffer.to_string(), model);
}

}  // namespace
}  // namespace gateway
