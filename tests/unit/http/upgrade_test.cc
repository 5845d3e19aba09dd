#include "gateway/http/upgrade.h"

#include <gtest/gtest.h>

namespace gateway::http {
namespace {

class AskedUpgrade : public testing::Test {
 protected:
  std::string_view asked() const { return asked_upgrade(head_); }
  void add(std::string_view name, std::string_view value) {
    head_.headers.add(arena_, name, value);
  }

  Arena arena_;
  RequestHead head_;
};

TEST_F(AskedUpgrade, IsWebSocketInAnySpelling) {
  add("Connection", "keep-alive,  UPGRADE");
  add("Upgrade", "WebSocket");
  EXPECT_EQ(asked(), "websocket");
}

TEST_F(AskedUpgrade, MayBeOneOfSeveral) {
  add("Connection", "keep-alive");
  add("Connection", "upgrade");
  add("Upgrade", "IRC/6.9");
  add("Upgrade", "x, websocket");
  EXPECT_EQ(asked(), "websocket");
}

TEST_F(AskedUpgrade, NeedsBothFields) {
  EXPECT_EQ(asked(), "");
  add("Upgrade", "websocket");
  EXPECT_EQ(asked(), "");
  add("Connection", "upgraded");
  EXPECT_EQ(asked(), "");
}

TEST_F(AskedUpgrade, IsNothingThatTheGatewayDoesNotKnow) {
  add("Connection", "upgrade");
  add("Upgrade", "h2c");
  add("Upgrade", "TLS/1.2, websocket/13, web socket");
  EXPECT_EQ(asked(), "");
}

TEST_F(AskedUpgrade, IsOfGetWithoutABodyInHttp11) {
  add("Connection", "upgrade");
  add("Upgrade", "websocket");
  head_.body = {Framing::length, 0};
  EXPECT_EQ(asked(), "websocket");
  head_.body = {Framing::length, 1};
  EXPECT_EQ(asked(), "");
  head_.body = {Framing::chunked, 0};
  EXPECT_EQ(asked(), "");
  head_.body = {};
  for (const Version version : {Version::http10, Version::http2}) {
    head_.version = version;
    EXPECT_EQ(asked(), "");
  }
  head_.version = Version::http11;
  for (const Method method : {Method::post, Method::head, Method::options}) {
    head_.method = method;
    EXPECT_EQ(asked(), "");
  }
}

TEST(TakesUp, WhatWasAskedForAndNothingElse) {
  struct Case {
    const char* connection;
    const char* upgrade;
    bool takes_up;
  };
  for (const Case& row : {Case{"Upgrade", "WebSocket", true}, Case{"x, upgrade", "websocket", true},
                          Case{"close", "websocket", false}, Case{"Upgrade", "h2c", false},
                          Case{"Upgrade", "websocket, h2c", false}, Case{"Upgrade", "", false}}) {
    Arena arena;
    HeaderList headers;
    headers.add(arena, HeaderId::connection, row.connection);
    headers.add(arena, HeaderId::upgrade, row.upgrade);
    EXPECT_EQ(takes_up(headers, "websocket"), row.takes_up) << row.connection << row.upgrade;
  }
}

}  // namespace
}  // namespace gateway::http
