#include "gateway/server/compile_services.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace gateway::server {
namespace {

// Editors and `echo` end a file with a newline that is no part of the secret.
std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

tl::unexpected<Error> unusable(const std::string& what) {
  return failure(ErrorCode::invalid_argument, Side::internal, what);
}

}  // namespace

Result<std::string> ProcessCompileServices::read_secret(const config::SecretSource& source) {
  std::string secret;
  if (!source.env.empty()) {
    const char* value = std::getenv(source.env.c_str());
    if (value == nullptr) return unusable("the environment has no " + source.env);
    secret = value;
  } else {
    std::ifstream file(source.file, std::ios::binary);
    if (!file) return unusable("cannot read the secret in " + source.file);
    std::ostringstream content;
    content << file.rdbuf();
    secret = trimmed(content.str());
  }
  if (secret.empty())
    return unusable("the secret in " + (source.env.empty() ? source.file : source.env) +
                    " is empty");
  return secret;
}

Result<std::string> ProcessCompileServices::read_secret(const config::Value& reference) {
  config::SecretSource source;
  if (reference["file"].holds<std::string>()) source.file = reference["file"].as<std::string>();
  if (reference["env"].holds<std::string>()) source.env = reference["env"].as<std::string>();
  return read_secret(source);
}

}  // namespace gateway::server
