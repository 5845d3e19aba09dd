#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

/// What is running. Literals.
struct BuildFacts {
  std::string_view version;  ///< empty: nobody has said
  std::string_view commit;   ///< empty where there was no repository
};

/// The other replicas, where sums over replicas are served.
struct ClusterFacts {
  static constexpr std::array<std::string_view, 4> kStates = {"fresh", "stale", "lost", "silent"};

  std::array<std::uint32_t, kStates.size()> peers{};  ///< by what is known of them, as in kStates
  bool sums_known = false;
};

/// One certificate that somebody may be shown.
struct CertificateFact {
  std::string use;    ///< "listener", "upstream" or "cluster"
  std::string owner;  ///< name of the listener or upstream, or "peers"
  std::string name;   ///< the first that it is for
  std::string_view key;
  std::int64_t ends = 0;  ///< seconds since 1970

  bool operator==(const CertificateFact&) const = default;
};

/// What is true of the process now and that nobody counts. Control thread.
class Facts {
 public:
  /// Past it, those that end last are left out.
  static constexpr std::size_t kMostCertificates = 5000;

  BuildFacts build;
  std::optional<ClusterFacts> cluster;  ///< none: nothing is summed

  /// In any order. Of those that only differ in their end, the first to end stands for all.
  void set_certificates(std::vector<CertificateFact> all);
  const std::vector<CertificateFact>& certificates() const { return certificates_; }

 private:
  std::vector<CertificateFact> certificates_;
};

}  // namespace gateway
