#pragma once

#include <string>
#include <vector>

#include "gateway/base/error.h"
#include "gateway/config/checks.h"
#include "gateway/net/tls_client.h"
#include "gateway/snapshot/snapshot.h"

namespace gateway::server {

/// Reads the TLS files of all upstreams and makes sure that a context can be made of them; what is
/// wrong goes to `findings`. With `previous` (a change of files, which may be seen half-way),
/// files that do not fit together yet leave what equal settings had before, and the error goes to
/// `kept`. Control thread; blocks on files.
snapshot::ClientTls load_upstream_files(const config::Model& model, net::TlsLibrary& library,
                                        net::CertificateStore& store,
                                        const snapshot::Snapshot* previous,
                                        std::vector<config::Finding>& findings,
                                        std::vector<Error>& kept);

}  // namespace gateway::server
