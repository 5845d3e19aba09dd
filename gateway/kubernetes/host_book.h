#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/kubernetes/certificate_plan.h"
#include "gateway/kubernetes/host_plan.h"
#include "gateway/kubernetes/written_host.h"

namespace gateway::kubernetes {

/// A host, and what became of it.
struct Host {
  /// Who names it, the oldest first. While they are held, what points into them is good.
  std::vector<PreparedPtr> ingresses;
  bool stale = false;            ///< to be merged: they, or what they name, are others
  std::optional<HostPlan> plan;  ///< none: only canaries name it
  CertificatePtr certificate;    ///< that it is shown; null: the default one
  std::vector<Notice> notices;   ///< of merging
  WrittenHost written;
};
using Hosts = std::map<std::string, Host>;  ///< by name; "" is every other

/// The hosts of a cluster between translations: merged are only those that an Ingress names which
/// has changed, in its old or its new version, or whose certificates have. What hosts have to do
/// with one another is settled each time (see Crossings).
class HostBook {
 public:
  HostBook() = default;
  HostBook(const HostBook&) = delete;
  HostBook& operator=(const HostBook&) = delete;

  /// An Ingress as it was (null: it is new) and as it is (null: it is gone).
  void replace(const PreparedPtr& before, const PreparedPtr& after);
  /// Something that this Ingress names has changed.
  void mark(const PreparedIngress& ingress);
  void mark_all();

  /// Merges what is to be merged.
  void settle(const ClassSelection& classes, CertificateBook& certificates);
  /// Some host has another certificate than before the last settle().
  bool rebound() const { return rebound_; }

  Hosts& all() { return hosts_; }
  const Hosts& all() const { return hosts_; }

  /// The plan of a host that exists; null when there is none.
  HostPlan* find(const std::string& name);
  /// To be written anew, when aliases or redirects of the host are not these.
  static void cross(Host& host, std::vector<std::string> aliases, const PreparedIngress* redirect);

  /// Ingresses with aliases, the oldest first; and hosts to which others want to lead.
  struct Older {
    bool operator()(const PreparedPtr& a, const PreparedPtr& b) const { return older(*a, *b); }
  };
  const std::set<PreparedPtr, Older>& with_aliases() const { return with_aliases_; }
  const std::set<std::string>& with_redirects() const { return with_redirects_; }

 private:
  void touch(Hosts::value_type& host);
  void merge(const std::string& name, Host& host, const ClassSelection& classes,
             CertificateBook& certificates);

  Hosts hosts_;
  std::vector<Hosts::value_type*> stale_;
  std::vector<PreparedPtr> retired_;  ///< held until their hosts are merged
  std::set<PreparedPtr, Older> with_aliases_;
  std::set<std::string> with_redirects_;
  bool rebound_ = false;
};

}  // namespace gateway::kubernetes
