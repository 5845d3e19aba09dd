#pragma once

struct ossl_lib_ctx_st;
struct ossl_provider_st;

namespace gateway::net {

/// A worker's own OpenSSL: algorithms, their caches and random generators, shared with nobody,
/// because OpenSSL 3 guards them with locks. Outlives every context and transport made with it.
class TlsLibrary {
 public:
  TlsLibrary();
  ~TlsLibrary();
  TlsLibrary(const TlsLibrary&) = delete;
  TlsLibrary& operator=(const TlsLibrary&) = delete;

  ossl_lib_ctx_st* context() { return context_; }

 private:
  ossl_lib_ctx_st* context_;
  ossl_provider_st* default_ = nullptr;
  ossl_provider_st* own_ = nullptr;
};

}  // namespace gateway::net
