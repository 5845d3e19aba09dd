#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace gateway::config {

/// The content of a regular file of at most `most` bytes. The error is a sentence. Never waits on a
/// pipe or device.
tl::expected<std::string, std::string> read_file(const std::string& path, std::size_t most);

/// Whether a file can be read and holds a PEM block of that kind ("CERTIFICATE", "PRIVATE KEY";
/// empty: anything but nothing). Empty when all is well, else a sentence that never quotes the
/// file.
std::string check_named_file(const std::string& path, std::string_view pem);

/// Whether a folder can be read and holds at least one certificate with its key.
std::string check_certificate_folder(const std::string& path);

}  // namespace gateway::config
