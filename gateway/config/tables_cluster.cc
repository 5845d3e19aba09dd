#include <array>

#include "gateway/config/tables.h"

namespace gateway::config {

Rows<ClusterTls> options(Of<ClusterTls>) {
  static const auto rows = std::to_array<Option<ClusterTls>>({
      option<&ClusterTls::certificate>(
          {.name = "certificate",
           .type = FieldType::file,
           .text = "PEM file of the certificate that this replica shows to readers and to its "
                   "peers, as server and as client.",
           .required = true,
           .pem = "CERTIFICATE"}),
      option<&ClusterTls::key>({.name = "key",
                                .type = FieldType::file,
                                .text = "PEM file of its private key.",
                                .required = true,
                                .pem = "PRIVATE KEY"}),
      option<&ClusterTls::client_ca>(
          {.name = "client_ca",
           .type = FieldType::file,
           .text = "PEM bundle of the authority of all replicas. Who shows a certificate of it may "
                   "read everything here: let it sign nothing else.",
           .required = true,
           .pem = "CERTIFICATE"}),
      option<&ClusterTls::server_name>(
          {.name = "server_name",
           .type = FieldType::host,
           .text = "Name that the peers' certificates must be for. Left out: the first name of our "
                   "own certificate."}),
  });
  return rows;
}

Rows<Cluster> options(Of<Cluster>) {
  static const auto rows = std::to_array<Option<Cluster>>({
      option<&Cluster::listen>(
          {.name = "listen",
           .text = "Where peers and autoscalers ask: the Prometheus query API, `/api/rates`. Never "
                   "a public port.",
           .required = true}),
      option<&Cluster::tls>(
          {.name = "tls", .text = "Mutual TLS between the replicas.", .required = true}),
      option<&Cluster::peers>(
          {.name = "peers",
           .text = "The replicas' `listen` addresses, each with its host; this one may be among "
                   "them.",
           .exclusive = "peers"}),
      option<&Cluster::peers_file>(
          {.name = "peers_file",
           .type = FieldType::file,
           .text = "The same as a file, one address in a line, `#` for comments. It is read again "
                   "when it changes.",
           .exclusive = "peers"}),
      option<&Cluster::token>(
          {.name = "token",
           .text = "Bearer token for readers. Left out: they need a client certificate."}),
  });
  return rows;
}

}  // namespace gateway::config
