#pragma once

#include <ctime>
#include <string>

#include "gateway/server/certs_options.h"

namespace gateway::server {

/// What `gateway certs` has to say. Lines that end in a line feed, or nothing.
struct CertsOutcome {
  std::string lines;    ///< a line for each file: made, renewed or kept, and until when
  std::string remarks;  ///< what will need somebody later
  std::string problem;  ///< one sentence; not empty: it ended there, and `lines` says what was done
};

/// Makes the private authorities and what they sign, in options.out:
///
/// - `ca.crt`, `ca.key` sign all but one;
/// - `gateway-ca.crt`, `gateway-ca.key` sign `secrets/cluster.crt`, the gateways' own, and no
/// other;
/// - `secrets/gateway.crt`, `.key` for gateway and gateway.internal, as each service's for its
/// name;
/// - `secrets/cluster.crt`, `.key` for gateway.internal;
/// - `secrets/internal-ca.crt`, `gateway-ca.crt`, the authorities to trust;
/// - `secrets/admin-token`, `cluster-token`;
/// - `tls/ecdsa.crt`, `rsa.crt`, `.key` with options.public_names.
///
/// What is still valid for options.renew_before and is as it would be made now stays as it is, byte
/// for byte. A key is in place before its certificate, each replaced in one step, so that whoever
/// watches the folder never sees a new certificate whose key is still to come. An authority that
/// is there is never replaced, however broken, without options.force_authority; then the one before
/// it stays trusted and what it signed stays in use. The next run without it renews that, and the
/// one after it ends that trust: each has a time in which everybody takes up what was changed.
///
/// Runs in one folder wait for one another. `now` is seconds since 1970. Blocks.
CertsOutcome make_certificates(const CertsOptions& options, std::time_t now);

}  // namespace gateway::server
