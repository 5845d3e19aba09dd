#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/clock.h"
#include "gateway/config/rare.h"
#include "gateway/config/shared_list.h"
#include "gateway/config/value.h"

/// What was asked for, whoever asked (a YAML file, the Kubernetes API): plain structs, comparable,
/// with nothing compiled in them. Where a value came from is kept beside the model, outside ==.
namespace gateway::config {

using namespace std::chrono_literals;

/// A policy's settings: `options` is a map validated against the policy's field table, defaults
/// filled.
struct PolicySettings {
  std::string type;
  Value options;
  bool operator==(const PolicySettings&) const = default;
};

/// A secret by reference: exactly one of file and env is set, or neither (no secret).
struct SecretSource {
  std::string file;
  std::string env;
  bool empty() const { return file.empty() && env.empty(); }
  bool operator==(const SecretSource&) const = default;
};

/// A certificate and its key as texts, from whoever has no file for them (a Kubernetes Secret).
struct PemPair {
  std::string name;  ///< for messages: where it comes from
  std::string certificate;
  std::string key;
  /// The server names that it may be shown for; empty: all that the certificate names. Who may
  /// bring a certificate need not own every name that is written in it.
  std::vector<std::string> hosts;
  bool operator==(const PemPair&) const = default;
};

/// A certificate and its key as PEM files, or a folder of such pairs (`tls.crt` + `tls.key`, or
/// NAME.crt|pem + NAME.key), one level deep, or as texts. The names served come from the
/// certificate.
struct CertificateSource {
  std::string certificate;
  std::string key;
  std::string folder;
  std::shared_ptr<const PemPair> pem = nullptr;  ///< instead of files; never in YAML
  bool operator==(const CertificateSource& other) const {
    const bool same_pem = pem == other.pem || (pem && other.pem && *pem == *other.pem);
    return same_pem && certificate == other.certificate && key == other.key &&
           folder == other.folder;
  }
};

enum class ClientCertificates : std::uint8_t { off, optional, required };
enum class TlsVersion : std::uint8_t { tls12, tls13 };

struct ListenerTls {
  std::vector<CertificateSource> certificates;  ///< the first is the default
  TlsVersion min_version = TlsVersion::tls12;
  std::string ciphers;       ///< OpenSSL list for TLS 1.2; empty: ours
  std::string ciphersuites;  ///< for TLS 1.3; empty: ours
  ClientCertificates client_certificates = ClientCertificates::off;
  std::string client_ca;  ///< PEM bundle
  bool tickets = true;
  std::string ticket_key_file;  ///< 80-byte keys; the first encrypts; empty: made here, rotated
  Duration handshake_timeout = 10s;
  bool operator==(const ListenerTls&) const = default;
};

enum class Underscores : std::uint8_t { drop, refuse, allow };

/// Bounds and habits of HTTP on one listener.
struct ListenerHttp {
  std::uint32_t max_fields = 100;
  Size max_head{64 * 1024};
  Size max_target{8 * 1024};
  Size max_body{0};  ///< 0: unlimited here (a body_limit filter or route may be tighter)
  Underscores underscores = Underscores::drop;
  bool merge_slashes = true;
  Duration header_timeout = 10s;
  Duration idle_timeout = 75s;
  Duration write_stall_timeout = 30s;  ///< no byte taken by the client for so long: closed
  Size min_body_rate{240};             ///< bytes a second, judged after 5 s
  std::uint32_t max_requests_per_connection = 0;  ///< 0: unlimited
  bool operator==(const ListenerHttp&) const = default;
};

struct Listener {
  std::string name;
  std::vector<SocketAddress> addresses;
  std::optional<ListenerTls> tls;
  ListenerHttp http;
  std::vector<Cidr> proxy_protocol_from;  ///< peers that must send PROXY protocol v1 or v2
  std::vector<Cidr> trusted_proxies;      ///< peers whose X-Forwarded-* are believed
  std::uint32_t max_connections = 0;      ///< 0: bounded by descriptors alone
  std::uint32_t backlog = 4096;
  bool operator==(const Listener&) const = default;
};

/// Name and value to match; a regex when `regex`, presence alone when `present`.
struct ValueMatch {
  std::string name;
  std::string value;
  bool regex = false;
  bool present = false;
  bool operator==(const ValueMatch&) const = default;
};

enum class PathMatch : std::uint8_t { prefix, exact, regex };

struct Match {
  PathMatch path_kind = PathMatch::prefix;
  std::string path = "/";
  std::vector<std::string> methods;  ///< empty: all
  std::vector<ValueMatch> headers;
  std::vector<ValueMatch> query;
  bool operator==(const Match&) const = default;
};

struct WeightedUpstream {
  std::string upstream;
  std::uint32_t weight = 1;
  bool operator==(const WeightedUpstream&) const = default;
};

/// Changes on the way to the upstream. Path: at most one of the three.
struct Rewrite {
  std::optional<std::string> prefix;              ///< replaces the matched prefix
  std::optional<std::string> path;                ///< replaces the whole path
  std::optional<std::string> regex_substitution;  ///< with \1 groups of a path regex
  std::optional<std::string> host;
  bool operator==(const Rewrite&) const = default;
};

struct Redirect {
  std::string scheme;  ///< empty: as it was; likewise below
  std::string host;
  std::optional<std::uint16_t> port;
  std::optional<std::string> path;
  std::optional<std::string> prefix;
  std::uint16_t status = 308;
  bool operator==(const Redirect&) const = default;
};

struct FixedAnswer {
  std::uint16_t status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  bool operator==(const FixedAnswer&) const = default;
};

/// Which protocol a request may change over to (RFC 9110 §7.8).
enum class Upgrade : std::uint8_t { off, websocket };

struct Route {
  std::string name;
  std::vector<std::string> hosts;      ///< "a.example", "*.example" (one label); empty: every host
  std::vector<std::string> listeners;  ///< by name; empty: all
  std::vector<Match> matches;          ///< any of them; one that matches all when left out
  std::vector<PolicySettings> filters;
  // Exactly one action.
  std::vector<WeightedUpstream> forward;
  Rare<Redirect> redirect;
  Rare<FixedAnswer> respond;
  Rare<Rewrite> rewrite;
  std::optional<Duration> timeout;       ///< as UpstreamTimeouts::request, which counts else
  std::optional<Duration> idle_timeout;  ///< silence of the upstream side while a body streams
  Upgrade upgrade = Upgrade::websocket;
  bool https_only = false;  ///< a client that came over http is sent to https, before any filter
  bool operator==(const Route&) const = default;
};

struct Endpoint {
  std::string host;  ///< an address, or a DNS name resolved by time to live
  std::uint16_t port = 0;
  std::uint32_t weight = 1;
  bool operator==(const Endpoint&) const = default;
};

/// Who signs for endpoints, and who we are to them, as PEM texts, from whoever has no files for
/// them (a Kubernetes Secret).
struct UpstreamPem {
  std::string name;        ///< for messages: where they come from
  SharedText ca;           ///< empty: the system's
  SharedText certificate;  ///< for mutual TLS, with its key; or both empty
  SharedText key;
  bool operator==(const UpstreamPem&) const = default;
};

struct UpstreamTls {
  bool verify = true;
  std::string ca;  ///< PEM bundle; empty: the system's
  std::string
      server_name;  ///< SNI and verified name; required with verify unless endpoints are names
  std::string certificate;  ///< for mutual TLS
  std::string key;
  Rare<UpstreamPem> pem;  ///< instead of files; never in YAML
  bool operator==(const UpstreamTls&) const = default;
};

struct UpstreamTimeouts {
  Duration connect = 1s;
  Duration request = 15s;     ///< request's end to answer's head, retries too; 0: none
  Duration per_try = 0s;      ///< until a response head; 0: none
  Duration idle = 60s;        ///< pooled connection unused; also silence inside a body
  Duration tunnel_idle = 1h;  ///< silence of a tunnel, both ways; 0: for ever
  bool operator==(const UpstreamTimeouts&) const = default;
};

struct Retries {
  std::uint32_t attempts = 2;      ///< tries after the first
  double budget = 0.2;             ///< retries per request, over the last 10 s
  std::uint32_t budget_floor = 3;  ///< retries a second allowed in any case
  std::vector<std::uint16_t>
      statuses;  ///< answers that are retried for idempotent methods: 502, 503…
  bool operator==(const Retries&) const = default;
};

struct UpstreamLimits {
  std::uint32_t connections = 0;  ///< process-wide; 0: unlimited
  std::uint32_t requests = 0;
  std::uint32_t waiting = 1024;  ///< exchanges that wait for a connection or a request slot
  bool operator==(const UpstreamLimits&) const = default;
};

struct ActiveHealth {
  std::string path = "/healthz";
  std::string host;
  Duration interval = 5s;
  Duration timeout = 1s;
  std::uint32_t healthy_after = 1;
  std::uint32_t unhealthy_after = 3;
  bool operator==(const ActiveHealth&) const = default;
};

struct PassiveHealth {
  bool enabled = true;
  std::uint32_t consecutive_failures = 5;
  Duration ejection = 10s;
  Duration trial_interval = 250ms;  ///< an ejected endpoint gets one request each
  std::uint32_t max_ejected_percent = 100;
  bool operator==(const PassiveHealth&) const = default;
};

struct Upstream {
  std::string name;
  bool private_ = false;  ///< no route may name it, only filters reach it
  std::vector<Endpoint> endpoints;
  bool discovered = false;  ///< endpoints come from outside of the model; never in YAML
  std::string host = {};    ///< Host of calls that nobody forwarded; empty: the name; never in YAML
  PolicySettings balancer{"least_request", {}};
  std::optional<UpstreamTls> tls;
  UpstreamTimeouts timeouts;
  Retries retries;
  UpstreamLimits limits;
  std::optional<ActiveHealth> active_health;
  PassiveHealth passive_health;
  Duration slow_start = 0s;
  std::uint32_t max_idle_connections = 256;  ///< per worker
  bool operator==(const Upstream&) const = default;
};

enum class LogFormat : std::uint8_t { json, text };

struct AccessLog {
  std::string path = "stdout";  ///< "stdout", "off" or a file, reopened on SIGUSR1
  LogFormat format = LogFormat::json;
  bool operator==(const AccessLog&) const = default;
};

struct Admin {
  std::optional<SocketAddress> address;
  SecretSource token;  ///< needed for POST
  bool operator==(const Admin&) const = default;
};

/// How replicas speak to one another, and readers to them. One authority signs all of it.
struct ClusterTls {
  std::string certificate;  ///< shown to readers, and to the other replicas in both directions
  std::string key;
  std::string client_ca;    ///< of the replicas' certificates, and of readers that show one
  std::string server_name;  ///< in the replicas' certificates; empty: as in our own
  bool operator==(const ClusterTls&) const = default;
};

/// Sums over all replicas of the gateway, for autoscaling.
struct Cluster {
  std::optional<SocketAddress> listen;
  ClusterTls tls;
  std::vector<SocketAddress> peers;
  std::string peers_file;  ///< the same, one in a line
  SecretSource token;      ///< for readers without a client certificate
  bool operator==(const Cluster&) const = default;
};

/// Health and metrics for probes and scrapers, apart from the admin listener.
struct Status {
  std::optional<SocketAddress> address;
  bool operator==(const Status&) const = default;
};

struct Drain {
  Duration delay = 5s;
  Duration deadline = 30s;
  bool operator==(const Drain&) const = default;
};

struct Process {
  std::uint32_t workers = 0;  ///< 0: as many as the cgroup's quota and affinity allow
  bool pin = false;
  Drain drain;
  bool operator==(const Process&) const = default;
};

struct Model {
  Process process;
  Admin admin;
  Status status;
  AccessLog access_log;
  std::optional<Cluster> cluster;
  std::vector<Listener> listeners;
  SharedList<Upstream> upstreams;
  SharedList<Route> routes;
  std::vector<PolicySettings> filters;  ///< on every route, before the route's own of the same type
  bool operator==(const Model&) const = default;
};

}  // namespace gateway::config
