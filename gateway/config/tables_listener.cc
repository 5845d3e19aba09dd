#include <array>

#include "gateway/config/tables.h"

namespace gateway::config {

Rows<CertificateSource> options(Of<CertificateSource>) {
  static const auto rows = std::to_array<Option<CertificateSource>>({
      option<&CertificateSource::certificate>(
          {.name = "certificate",
           .type = FieldType::file,
           .text = "PEM file of the certificate and its chain; `key` goes with it.",
           .exclusive = "certificate",
           .one_needed = true,
           .pem = "CERTIFICATE"}),
      option<&CertificateSource::key>({.name = "key",
                                       .type = FieldType::file,
                                       .text = "PEM file of the certificate's private key.",
                                       .pem = "PRIVATE KEY"}),
      option<&CertificateSource::folder>(
          {.name = "folder",
           .type = FieldType::folder,
           .text = "Folder of such pairs: `tls.crt` with `tls.key`, or NAME.crt (or .pem) with "
                   "NAME.key, one level deep.",
           .exclusive = "certificate",
           .one_needed = true}),
  });
  return rows;
}

Rows<ListenerTls> options(Of<ListenerTls>) {
  static const auto rows = std::to_array<Option<ListenerTls>>({
      option<&ListenerTls::certificates>(
          {.name = "certificates",
           .text = "Certificates, chosen by the server name that the client asks for; the first is "
                   "the default. They are read again when their files change. May be left out "
                   "where a cluster brings them (`--kubernetes`)."}),
      option<&ListenerTls::min_version>({.name = "min_version", .text = "Oldest TLS version."}),
      option<&ListenerTls::ciphers>(
          {.name = "ciphers",
           .text = "OpenSSL cipher list for TLS 1.2. Left out: forward secret AEAD ciphers."}),
      option<&ListenerTls::ciphersuites>(
          {.name = "ciphersuites",
           .text = "OpenSSL cipher suites for TLS 1.3. Left out: its own."}),
      option<&ListenerTls::client_certificates>(
          {.name = "client_certificates",
           .text = "Whether a client must, may or need not show a certificate of `client_ca`."}),
      option<&ListenerTls::client_ca>(
          {.name = "client_ca",
           .type = FieldType::file,
           .text = "PEM bundle of the authorities that client certificates are verified by.",
           .pem = "CERTIFICATE"}),
      option<&ListenerTls::tickets>({.name = "tickets", .text = "Resume sessions by tickets."}),
      option<&ListenerTls::ticket_key_file>(
          {.name = "ticket_key_file",
           .type = FieldType::file,
           .text = "File of 80-byte ticket keys, equal on all replicas: the first encrypts, all "
                   "decrypt. Left out: keys made and rotated by the process."}),
      option<&ListenerTls::handshake_timeout>({.name = "handshake_timeout",
                                               .text = "How long a handshake may take.",
                                               .least = 0.1,
                                               .most = 300}),
  });
  return rows;
}

Rows<ListenerHttp> options(Of<ListenerHttp>) {
  static const auto rows = std::to_array<Option<ListenerHttp>>({
      option<&ListenerHttp::max_fields>({.name = "max_fields",
                                         .text = "Header fields of a request; above: 431.",
                                         .least = 1,
                                         .most = 10000}),
      option<&ListenerHttp::max_head>({.name = "max_head",
                                       .text = "Bytes of a request's head; above: 431.",
                                       .least = 1024,
                                       .most = 1 << 20}),
      option<&ListenerHttp::max_target>({.name = "max_target",
                                         .text = "Bytes of a request's target; above: 414.",
                                         .least = 64,
                                         .most = 1 << 20}),
      option<&ListenerHttp::max_body>(
          {.name = "max_body",
           .text = "Bytes of a request's body; above: 413. 0: unlimited (a `body_limit` filter may "
                   "be tighter)."}),
      option<&ListenerHttp::underscores>(
          {.name = "underscores",
           .text = "Header names with underscores: drop the field, refuse the request with 400, or "
                   "allow it."}),
      option<&ListenerHttp::merge_slashes>(
          {.name = "merge_slashes", .text = "Make one slash of several in a path."}),
      option<&ListenerHttp::header_timeout>(
          {.name = "header_timeout",
           .text = "How long a request's head may take; then: 408.",
           .least = 0.1,
           .most = 300}),
      option<&ListenerHttp::idle_timeout>(
          {.name = "idle_timeout",
           .text = "How long a connection may wait for its next request.",
           .least = 0.1,
           .most = 86400}),
      option<&ListenerHttp::write_stall_timeout>(
          {.name = "write_stall_timeout",
           .text = "Close when the client has taken no byte for so long.",
           .least = 0.1,
           .most = 3600}),
      option<&ListenerHttp::min_body_rate>(
          {.name = "min_body_rate",
           .text = "Bytes a second that a request's body must bring, judged after 5 s; below: 408. "
                   "0: any."}),
      option<&ListenerHttp::max_requests_per_connection>(
          {.name = "max_requests_per_connection",
           .text = "Close a connection after so many requests. 0: never."}),
  });
  return rows;
}

Rows<Listener> options(Of<Listener>) {
  static const auto rows = std::to_array<Option<Listener>>({
      option<&Listener::name>({.name = "name",
                               .type = FieldType::name,
                               .text = "For routes, metrics and logs.",
                               .required = true}),
      option<&Listener::addresses>(
          {.name = "addresses",
           .text = "Where to listen. `:443` is every address of both families.",
           .required = true,
           .least = 1,
           .singular = "address"}),
      option<&Listener::tls>({.name = "tls", .text = "TLS. Left out: plain HTTP."}),
      option<&Listener::http>({.name = "http", .text = "Bounds and habits of HTTP."}),
      option<&Listener::proxy_protocol_from>(
          {.name = "proxy_protocol_from",
           .text = "Peers that must send a PROXY protocol header (v1 or v2), which then says who "
                   "the client is."}),
      option<&Listener::trusted_proxies>(
          {.name = "trusted_proxies",
           .text = "Peers whose `X-Forwarded-*` fields are believed. From all others these are "
                   "overwritten."}),
      option<&Listener::max_connections>(
          {.name = "max_connections",
           .text = "Connections at a time. 0: as many as there are descriptors."}),
      option<&Listener::backlog>({.name = "backlog",
                                  .text = "Connections that may wait to be accepted.",
                                  .least = 1,
                                  .most = 65535}),
  });
  return rows;
}

}  // namespace gateway::config
