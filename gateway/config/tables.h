#pragma once

#include <span>
#include <type_traits>

#include "gateway/config/option.h"

/// The option tables: one per struct of the model, each row one option. Adding an option is a
/// member in model.h and a row here.
namespace gateway::config {

template <typename T>
using Rows = std::span<const Option<T>>;
template <typename T>
using Of = std::type_identity<T>;

// tables_process.cc
Rows<Drain> options(Of<Drain>);
Rows<Process> options(Of<Process>);
Rows<Admin> options(Of<Admin>);
Rows<Status> options(Of<Status>);
Rows<AccessLog> options(Of<AccessLog>);
Rows<Model> options(Of<Model>);

// tables_cluster.cc
Rows<ClusterTls> options(Of<ClusterTls>);
Rows<Cluster> options(Of<Cluster>);

// tables_listener.cc
Rows<CertificateSource> options(Of<CertificateSource>);
Rows<ListenerTls> options(Of<ListenerTls>);
Rows<ListenerHttp> options(Of<ListenerHttp>);
Rows<Listener> options(Of<Listener>);

// tables_route.cc
Rows<ValueMatch> options(Of<ValueMatch>);
Rows<Match> options(Of<Match>);
Rows<WeightedUpstream> options(Of<WeightedUpstream>);
Rows<Rewrite> options(Of<Rewrite>);
Rows<Redirect> options(Of<Redirect>);
Rows<FixedAnswer> options(Of<FixedAnswer>);
Rows<Route> options(Of<Route>);

// tables_upstream.cc
Rows<Endpoint> options(Of<Endpoint>);
Rows<UpstreamTls> options(Of<UpstreamTls>);
Rows<UpstreamTimeouts> options(Of<UpstreamTimeouts>);
Rows<Retries> options(Of<Retries>);
Rows<UpstreamLimits> options(Of<UpstreamLimits>);
Rows<ActiveHealth> options(Of<ActiveHealth>);
Rows<PassiveHealth> options(Of<PassiveHealth>);
Rows<Upstream> options(Of<Upstream>);

// Names of enum values, in their order.
inline constexpr std::string_view kClientCertificates[] = {"off", "optional", "required"};
inline constexpr std::string_view kTlsVersions[] = {"1.2", "1.3"};
inline constexpr std::string_view kUnderscores[] = {"drop", "refuse", "allow"};
inline constexpr std::string_view kUpgrades[] = {"off", "websocket"};
inline constexpr std::string_view kLogFormats[] = {"json", "text"};
template <>
inline constexpr std::span<const std::string_view> kNames<ClientCertificates> = kClientCertificates;
template <>
inline constexpr std::span<const std::string_view> kNames<TlsVersion> = kTlsVersions;
template <>
inline constexpr std::span<const std::string_view> kNames<Underscores> = kUnderscores;
template <>
inline constexpr std::span<const std::string_view> kNames<Upgrade> = kUpgrades;
template <>
inline constexpr std::span<const std::string_view> kNames<LogFormat> = kLogFormats;

}  // namespace gateway::config
