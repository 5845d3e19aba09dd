#include "gateway/net/ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstring>

#include "gateway/base/check.h"

namespace gateway::net {
namespace {

TicketKeys::Key random_key() {
  TicketKeys::Key key;
  GATEWAY_CHECK(RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1);
  GATEWAY_CHECK(RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1);
  GATEWAY_CHECK(RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1);
  return key;
}

}  // namespace

TicketKeys::TicketKeys() { publish({random_key()}); }

TicketKeys::~TicketKeys() = default;

void TicketKeys::publish(Keys keys) {
  // The last reader wipes what it lets go of.
  const std::shared_ptr<const Keys> fresh(new Keys(std::move(keys)), [](Keys* old) {
    OPENSSL_cleanse(old->data(), old->size() * sizeof(Key));
    delete old;
  });
  const std::lock_guard lock(mutex_);
  keys_ = fresh;
  version_.fetch_add(1, std::memory_order_release);
}

void TicketKeys::rotate() {
  Keys keys{random_key()};
  for (const Key& old : *current())
    if (keys.size() < kMostKeys) keys.push_back(old);
  publish(std::move(keys));
}

Result<void> TicketKeys::load(std::string_view bytes) {
  if (bytes.empty() || bytes.size() % kKeySize != 0)
    return failure(
        ErrorCode::invalid_argument, Side::internal,
        "ticket keys are 80 bytes each, not " + std::to_string(bytes.size()) + " in all");
  Keys keys(bytes.size() / kKeySize);
  std::memcpy(keys.data(), bytes.data(), bytes.size());
  publish(std::move(keys));
  return {};
}

std::shared_ptr<const TicketKeys::Keys> TicketKeys::current() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

}  // namespace gateway::net
