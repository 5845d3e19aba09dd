#include "gateway/metrics/access_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/metrics/redact.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

AccessRecord sample() {
  AccessRecord record;
  record.started = std::chrono::steady_clock::now();
  record.took = 1234us;
  record.request_id = "r-1";
  record.client = IpAddress::v4(0x7f000001);
  record.method = "POST";
  record.host = "jobs.example";
  record.path = "/jobs";
  record.status = 200;
  record.flag = "-";
  record.bytes_out = 41;
  record.upstream_took = 900us;
  record.route = "jobs";
  record.upstream = "app-a";
  record.endpoint = "127.0.0.1:5101";
  record.attempts = 1;
  record.user = "density";
  record.tls_version = "TLSv1.3";
  return record;
}

std::string line_of(const AccessRecord& record, AccessLogFormat format = AccessLogFormat::json) {
  std::vector<char> out(kLongestAccessLine);
  const std::size_t length =
      format_access_line(format, record, "2026-11-21T04:17:04", 7, out.data());
  EXPECT_LE(length, out.size());
  return {out.data(), length};
}

TEST(AccessLine, Json) {
  EXPECT_EQ(line_of(sample()),
            R"({"time":"2026-11-21T04:17:04.007Z","request_id":"r-1","client":"127.0.0.1",)"
            R"("method":"POST","host":"jobs.example","path":"/jobs","status":200,"flag":"-",)"
            R"("bytes_in":0,"bytes_out":41,"duration_us":1234,"upstream_us":900,"route":"jobs",)"
            R"("upstream":"app-a","endpoint":"127.0.0.1:5101","attempts":1,"user":"density",)"
            R"("tls":"TLSv1.3"})"
            "\n");
}

TEST(AccessLine, JsonLeavesOutWhatIsNotThere) {
  AccessRecord record;
  record.client = IpAddress::parse("2001:db8::1").value();
  record.method = "GET";
  record.path = "/";
  record.status = 404;
  record.flag = "NR";
  EXPECT_EQ(line_of(record),
            R"({"time":"2026-11-21T04:17:04.007Z","client":"2001:db8::1","method":"GET",)"
            R"("host":"","path":"/","status":404,"flag":"NR","bytes_in":0,"bytes_out":0,)"
            R"("duration_us":0})"
            "\n");
}

TEST(AccessLine, Text) {
  EXPECT_EQ(line_of(sample(), AccessLogFormat::text),
            "2026-11-21T04:17:04.007Z 127.0.0.1 \"POST jobs.example/jobs\" 200 - 0 41 1234us 900us "
            "jobs app-a 127.0.0.1:5101 1 density TLSv1.3 r-1\n");
}

TEST(AccessLine, NobodyForgesALineOrSendsControlBytes) {
  AccessRecord record = sample();
  record.path = "/a\"b\\c\r\n{\"status\":200}\x1b[31m\x7f\xff\x80 plain tail that is long";
  record.user = std::string_view("x\0y", 3);
  for (const AccessLogFormat format : {AccessLogFormat::json, AccessLogFormat::text}) {
    const std::string line = line_of(record, format);
    for (const char byte : line.substr(0, line.size() - 1)) {
      EXPECT_GE(byte, 0x20);
      EXPECT_LT(byte, 0x7f);
    }
    EXPECT_THAT(line,
                HasSubstr(R"(/a\"b\\c\u000d\u000a{\"status\":200}\u001b[31m\u007f\u00ff\u0080)"));
    EXPECT_THAT(line, HasSubstr(R"(x\u0000y)"));
  }
}

TEST(AccessLine, EveryByteAtEveryPlaceOfAWordIsEscapedOrKept) {
  for (int value = 0; value < 256; ++value) {
    for (std::size_t place = 0; place < 9; ++place) {
      std::string path(9, 'a');
      path[place] = static_cast<char>(value);
      AccessRecord record = sample();
      record.path = path;
      const std::string line = line_of(record);
      const bool plain = value >= 0x20 && value < 0x7f && value != '"' && value != '\\';
      ASSERT_EQ(line.find("\"" + path + "\"") != std::string::npos, plain) << value << " " << place;
    }
  }
}

TEST(AccessLine, OtherScriptsStayAsTheyAre) {
  AccessRecord record = sample();
  record.path = "/Müller/東京/🙂";
  record.user = "Zoë";
  for (const AccessLogFormat format : {AccessLogFormat::json, AccessLogFormat::text}) {
    EXPECT_THAT(line_of(record, format), HasSubstr("/Müller/東京/🙂"));
    EXPECT_THAT(line_of(record, format), HasSubstr("Zoë"));
  }
}

TEST(AccessLine, CharactersThatSteerTerminalsAreEscaped) {
  AccessRecord record = sample();
  // A C1 control (CSI), a line separator, a change of direction.
  record.path =
      "/\xc2\x9b"
      "31m\xe2\x80\xa8\xe2\x80\xae";
  EXPECT_THAT(line_of(record), HasSubstr(R"(/\u009b31m\u2028\u202e")"));
}

TEST(AccessLine, WhatIsNoUtf8IsEscapedByteByByte) {
  AccessRecord record = sample();
  // Overlong '/', a surrogate, above U+10FFFF, a sequence that ends early.
  record.path = "/\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe6\x9d";
  EXPECT_THAT(line_of(record), HasSubstr(R"(/\u00c0\u00af \u00ed\u00a0\u0080 )"
                                         R"(\u00f4\u0090\u0080\u0080 \u00e6\u009d")"));
}

TEST(AccessLine, ALongTextIsNotCutWithinACharacter) {
  AccessRecord record = sample();
  std::string user = "x";
  for (int i = 0; i < 100; ++i) user += "ü";
  record.user = user;
  const std::string line = line_of(record);
  EXPECT_THAT(line, HasSubstr("\"user\":\"" + user.substr(0, 127) + "\""));
}

TEST(AccessLine, LongFieldsAreCutSoThatTheLineFits) {
  const std::string control(20'000, '\x01');
  AccessRecord record = sample();
  record.request_id = record.method = record.host = record.path = record.query = control;
  record.route = record.upstream = record.endpoint = record.user = record.tls_version = control;
  record.flag = control;
  EXPECT_LT(line_of(record).size(), kLongestAccessLine);
  EXPECT_LT(line_of(record, AccessLogFormat::text).size(), kLongestAccessLine);
  const std::string secrets = [] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "key=&";
    return text;
  }();
  record.query = secrets;
  EXPECT_LT(line_of(record).size(), kLongestAccessLine);
}

TEST(AccessLine, TokensInQueriesAreTakenOut) {
  AccessRecord record = sample();
  record.query = "page=2&access_token=s3cret&X-Amz-Signature=abc&q=keyboard&KEY=k&flag&%74oken=t";
  EXPECT_THAT(
      line_of(record),
      HasSubstr("/jobs?page=2&access_token=[redacted]&X-Amz-Signature=[redacted]&q=keyboard&"
                "KEY=[redacted]&flag&%74oken=[redacted]\""));
  record.query = "a=1;token=s3cret;b=2";
  EXPECT_THAT(line_of(record), HasSubstr("?a=1;token=[redacted];b=2\""));
}

TEST(Redact, NamesThatSpeakOfSecrets) {
  for (const char* name :
       {"token", "id_token", "apiKey", "client_secret", "PASSWORD", "sig", "code", "sessionid",
        "authorization", "x%2dy", "X-Internal-Key", "access_key", "Cookie"})
    EXPECT_TRUE(is_secret_parameter(name)) << name;
  for (const char* name : {"page", "q", "keyboard", "encode", "signal", ""})
    EXPECT_FALSE(is_secret_parameter(name)) << name;
}

class AccessLogFile : public testing::Test {
 protected:
  AccessLogFile() { std::filesystem::create_directory(folder_); }
  ~AccessLogFile() override { std::filesystem::remove_all(folder_); }

  std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  std::string folder_ = testing::TempDir() + "access_log_" + std::to_string(getpid());
  std::string path_ = folder_ + "/log";
  ProcessCells cells_;
  ProcessCells writer_cells_;
};

TEST_F(AccessLogFile, LinesOfAllWorkersArrive) {
  AccessLog log(writer_cells_);
  ProcessCells other_cells;
  AccessLogShard& one = log.add_shard(cells_);
  AccessLogShard& two = log.add_shard(other_cells);
  EXPECT_FALSE(one.enabled());
  ASSERT_TRUE(log.apply({path_, AccessLogFormat::json}));
  EXPECT_TRUE(one.enabled());
  one.write(sample());
  two.write(sample());
  log.flush();
  EXPECT_EQ(lines(content(path_)), 2u);
  EXPECT_EQ(cells_.log_lines.value(), 1u);
}

TEST_F(AccessLogFile, LinesThatRunOverTheEndOfTheRingStayWhole) {
  AccessLog log(writer_cells_);
  AccessLogShard& shard = log.add_shard(cells_);
  ASSERT_TRUE(log.apply({path_, AccessLogFormat::json}));
  const std::string expected = [&] {
    shard.write(sample());
    log.flush();
    return content(path_);
  }();
  // Four times round, never more at once than fits.
  const std::size_t count = 4 * AccessLogShard::kCapacity / expected.size();
  for (std::size_t i = 1; i < count; ++i) {
    shard.write(sample());
    if (i % 1000 == 0) log.flush();
  }
  log.flush();
  std::istringstream all(content(path_));
  std::size_t seen = 0;
  for (std::string line; std::getline(all, line); ++seen) {
    // The time differs, and with it at most the length of nothing.
    ASSERT_EQ(line.size() + 1, expected.size());
    ASSERT_THAT(line, EndsWith("\"tls\":\"TLSv1.3\"}"));
  }
  EXPECT_EQ(seen, count);
  EXPECT_EQ(cells_.log_lines_dropped.value(), 0u);
}

TEST_F(AccessLogFile, ReopensUnderTheSameName) {
  AccessLog log(writer_cells_);
  AccessLogShard& shard = log.add_shard(cells_);
  ASSERT_TRUE(log.apply({path_, AccessLogFormat::text}));
  shard.write(sample());
  log.flush();
  std::filesystem::rename(path_, path_ + ".1");
  ASSERT_TRUE(log.reopen());
  shard.write(sample());
  log.flush();
  EXPECT_EQ(lines(content(path_ + ".1")), 1u);
  EXPECT_EQ(lines(content(path_)), 1u);
}

TEST_F(AccessLogFile, AFileThatCannotBeOpenedChangesNothing) {
  AccessLog log(writer_cells_);
  AccessLogShard& shard = log.add_shard(cells_);
  ASSERT_TRUE(log.apply({path_, AccessLogFormat::json}));
  const Result<void> bad = log.apply({folder_ + "/none/log", AccessLogFormat::text});
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().detail, HasSubstr("none/log"));
  shard.write(sample());
  log.flush();
  EXPECT_EQ(content(path_)[0], '{');
}

TEST_F(AccessLogFile, TurnedOffAndOnAgain) {
  AccessLog log(writer_cells_);
  ASSERT_TRUE(log.apply({path_, AccessLogFormat::json}));
  AccessLogShard& shard = log.add_shard(cells_);
  EXPECT_TRUE(shard.enabled());
  ASSERT_TRUE(log.apply({"off", AccessLogFormat::json}));
  EXPECT_FALSE(shard.enabled());
  ASSERT_TRUE(log.apply({path_, AccessLogFormat::json}));
  shard.write(sample());
  log.flush();
  EXPECT_EQ(lines(content(path_)), 1u);
}

TEST_F(AccessLogFile, AFullDiskLosesLinesAndCountsThem) {
  AccessLog log(writer_cells_);
  AccessLogShard& shard = log.add_shard(cells_);
  ASSERT_TRUE(log.apply({"/dev/full", AccessLogFormat::json}));
  shard.write(sample());
  shard.write(sample());
  log.flush();
  EXPECT_EQ(writer_cells_.log_lines_dropped.value(), 2u);
}

TEST_F(AccessLogFile, ABlockedReaderCostsLinesAndNeverTime) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int reader = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  {
    AccessLog log(writer_cells_);
    AccessLogShard& shard = log.add_shard(cells_);
    ASSERT_TRUE(log.apply({path_, AccessLogFormat::json}));
    const std::size_t count = 3 * AccessLogShard::kCapacity / line_of(sample()).size();
    for (std::size_t i = 0; i < count; ++i) shard.write(sample());
    EXPECT_EQ(cells_.log_lines.value() + cells_.log_lines_dropped.value(), count);
    EXPECT_GT(cells_.log_lines_dropped.value(), 0u);
    pollfd readable{reader, POLLIN, 0};
    ASSERT_EQ(poll(&readable, 1, -1), 1);
    char first = 0;
    EXPECT_EQ(read(reader, &first, 1), 1);
    EXPECT_EQ(first, '{');
    EXPECT_TRUE(log.apply({"off", AccessLogFormat::json}));
  }  // ends although nobody reads
  close(reader);
}

}  // namespace
}  // namespace gateway
