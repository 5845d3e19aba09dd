#include "gateway/net/certificate_files.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "gateway/base/file.h"

namespace gateway::net {
namespace {

namespace fs = std::filesystem;
using config::CertificateSource;

Error file_error(const std::string& path, const std::string& what) {
  return {ErrorCode::invalid_argument, Side::internal, path + ": " + what};
}

bool hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

std::vector<fs::path> sorted_entries(const fs::path& folder, std::error_code& error) {
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (!hidden(it->path())) entries.push_back(it->path());
  std::ranges::sort(entries);
  return entries;
}

void add_pairs(const std::vector<fs::path>& entries, const LoadedPairs* known,
               std::vector<CertificateSource>& pairs) {
  for (const fs::path& entry : entries) {
    const fs::path extension = entry.extension();
    if (extension != ".crt" && extension != ".pem") continue;
    fs::path key = entry;
    key.replace_extension(".key");
    std::error_code ignored;
    // A key that is missing for a moment must not take a pair away that is in use.
    const bool in_use = known != nullptr && known->contains(entry.string());
    if (fs::exists(key, ignored) || in_use) pairs.push_back({entry.string(), key.string(), {}});
  }
}

Result<void> list_folder(const std::string& folder, const LoadedPairs* known,
                         std::vector<CertificateSource>& pairs) {
  std::error_code error;
  const std::vector<fs::path> entries = sorted_entries(folder, error);
  if (error) return tl::make_unexpected(file_error(folder, error.message()));
  const std::size_t before = pairs.size();
  add_pairs(entries, known, pairs);
  for (const fs::path& entry : entries) {
    std::error_code ignored;
    if (fs::is_directory(entry, ignored)) add_pairs(sorted_entries(entry, ignored), known, pairs);
  }
  if (pairs.size() == before)
    return tl::make_unexpected(file_error(
        folder, "holds no certificate with its key (NAME.crt or NAME.pem and NAME.key)"));
  return {};
}

const std::string& name_of(const CertificateSource& pair) {
  return pair.pem ? pair.pem->name : pair.certificate;
}

Result<std::shared_ptr<const Certificate>> load_pair(const CertificateSource& pair,
                                                     CertificateStore& store,
                                                     const LoadedTexts* known) {
  if (pair.pem) {
    if (known != nullptr)
      if (const auto found = known->find(pair.pem); found != known->end()) return found->second;
    auto loaded = store.load(pair.pem->certificate, pair.pem->key);
    if (!loaded) return tl::make_unexpected(file_error(pair.pem->name, loaded.error().detail));
    return loaded;
  }
  auto certificate = read_file(pair.certificate);
  if (!certificate) return tl::make_unexpected(certificate.error());
  auto key = read_file(pair.key);
  if (!key) return tl::make_unexpected(key.error());
  auto loaded = store.load(*certificate, *key);
  if (!loaded) return tl::make_unexpected(file_error(pair.certificate, loaded.error().detail));
  return loaded;
}

Result<std::vector<CertificateSource>> expand(std::span<const CertificateSource> sources,
                                              const LoadedPairs* known) {
  std::vector<CertificateSource> pairs;
  for (const CertificateSource& source : sources) {
    if (source.folder.empty()) {
      pairs.push_back(source);
      continue;
    }
    if (auto listed = list_folder(source.folder, known, pairs); !listed)
      return tl::make_unexpected(listed.error());
  }
  return pairs;
}

}  // namespace

Result<LoadedCertificates> load_certificates(std::span<const CertificateSource> sources,
                                             CertificateStore& store, const LoadedPairs* fallback,
                                             std::vector<Error>* problems,
                                             const LoadedTexts* known) {
  auto pairs = expand(sources, fallback);
  if (!pairs) return tl::make_unexpected(pairs.error());
  if (pairs->empty())
    return failure(ErrorCode::invalid_argument, Side::internal, "no certificate is named");
  LoadedCertificates all;
  for (const CertificateSource& pair : *pairs) {
    auto loaded = load_pair(pair, store, known);
    if (!loaded) {
      const bool kept = fallback != nullptr && fallback->contains(name_of(pair));
      if (!kept) return tl::make_unexpected(loaded.error());
      if (problems != nullptr) problems->push_back(loaded.error());
      loaded = fallback->at(name_of(pair));
    } else if (pair.pem) {
      all.by_text.emplace(pair.pem, *loaded);
    }
    all.by_path[name_of(pair)] = *loaded;
    all.hosts.push_back(pair.pem ? pair.pem->hosts : std::vector<std::string>());
    all.in_order.push_back(std::move(*loaded));
  }
  return all;
}

std::vector<std::string> certificate_folders(std::span<const CertificateSource> sources) {
  std::set<std::string> folders;
  for (const CertificateSource& source : sources) {
    if (source.pem) continue;
    if (source.folder.empty()) {
      folders.insert(fs::path(source.certificate).parent_path().string());
      folders.insert(fs::path(source.key).parent_path().string());
      continue;
    }
    folders.insert(source.folder);
    std::error_code error;
    for (const fs::path& entry : sorted_entries(source.folder, error))
      if (std::error_code ignored; fs::is_directory(entry, ignored)) folders.insert(entry.string());
  }
  return {folders.begin(), folders.end()};
}

}  // namespace gateway::net
