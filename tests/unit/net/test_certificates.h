#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gateway/net/certificate.h"

namespace gateway::net {

struct PemPair {
  std::string certificate;
  std::string key;
};

/// A certificate authority with an ECDSA key, made anew in each test program.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;

  /// For DNS names (and the address 127.0.0.1 if that is one of them); the common name is the
  /// first. Valid for so many seconds from now, 86400 are a day.
  PemPair issue(const std::vector<std::string>& names, KeyKind kind = KeyKind::ecdsa,
                long valid_seconds = 86400) const;
  const std::string& certificate() const { return pem_; }

 private:
  void* key_;
  void* certificate_;
  std::string pem_;
};

/// A folder of its own that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;

  std::string path(const std::string& name = {}) const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }
  /// Writes a file, making folders as needed; returns its path.
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace gateway::net
