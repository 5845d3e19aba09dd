#include "gateway/net/client_authorities.h"

#include <algorithm>

#include "gateway/net/tls_material.h"

namespace gateway::net {
namespace {

const std::shared_ptr<const ClientAuthority> kNobody;

}  // namespace

Result<std::shared_ptr<const ClientAuthority>> ClientAuthority::parse(std::string_view pem,
                                                                      int depth) {
  const X509StorePtr store(X509_STORE_new());
  if (auto read = trust_clients_of(store.get(), pem, nullptr); !read)
    return tl::make_unexpected(read.error());
  auto authority = std::make_shared<ClientAuthority>();
  authority->pem_ = pem;
  authority->depth_ = depth;
  authority->identity_ = digest_of({"client authority", pem, std::to_string(depth)});
  return authority;
}

bool ClientAuthorities::add(std::string_view host,
                            const std::shared_ptr<const ClientAuthority>& authority) {
  const auto [known, fresh] = by_host_.try_emplace(std::string(host), authority);
  return fresh || !authority || known->second->identity() == authority->identity();
}

const std::shared_ptr<const ClientAuthority>& ClientAuthorities::find(std::string_view name) const {
  if (const auto found = by_host_.find(name); found != by_host_.end()) return found->second;
  if (const auto dot = name.find('.'); dot != std::string_view::npos && dot > 0) {
    std::string wildcard("*");
    wildcard.append(name.substr(dot));
    if (const auto found = by_host_.find(wildcard); found != by_host_.end()) return found->second;
  }
  const auto any = by_host_.find(std::string_view());
  return any == by_host_.end() ? kNobody : any->second;
}

bool ClientAuthorities::asks_as(const ClientAuthorities& other) const {
  return by_host_.size() == other.by_host_.size() &&
         std::all_of(by_host_.begin(), by_host_.end(), [&](const auto& each) {
           const auto found = other.by_host_.find(each.first);
           if (found == other.by_host_.end()) return false;
           const ClientAuthority* a = each.second.get();
           const ClientAuthority* b = found->second.get();
           return a == b || (a != nullptr && b != nullptr && a->identity() == b->identity());
         });
}

}  // namespace gateway::net
