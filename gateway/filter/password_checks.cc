#include "gateway/filter/password_checks.h"

#include <string.h>

#include <mutex>

namespace gateway::filter {

/// Work may be under way on the pool when these checks, and their worker's loop, are gone.
struct PasswordChecks::Mailbox {
  std::mutex mutex;
  EventLoop* loop = nullptr;        // guarded by mutex; null: nobody waits any more
  PasswordChecks* owner = nullptr;  // of the loop's thread
};

PasswordChecks::PasswordChecks(EventLoop& loop, BlockingPool& pool,
                               std::shared_ptr<const UserList> users,
                               const PasswordSettings& settings)
    : loop_(loop),
      pool_(pool),
      users_(std::move(users)),
      settings_(settings),
      allowed_(settings.cache_size),
      denied_(settings.cache_size),
      mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->loop = &loop;
  mailbox_->owner = this;
}

PasswordChecks::~PasswordChecks() {
  mailbox_->owner = nullptr;
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->loop = nullptr;
}

PasswordChecks::Answer PasswordChecks::check(const std::string& name, const std::string& password,
                                             HoldTicket& ticket) {
  // A name has no colon, so no two pairs make one text.
  const TokenHash key = hash_token(name + ":" + password);
  const Instant now = loop_.now();
  if (allowed_.find(key, now) != nullptr) return Answer::allow;
  if (denied_.find(key, now) != nullptr) return Answer::deny;
  auto found = waiting_.find(key);
  if (found == waiting_.end()) {
    if (!start(key, name, password)) return Answer::full;
    found = waiting_.emplace(key, std::make_unique<Waiting>()).first;
  }
  found->second->tickets.push_back(ticket);
  return Answer::wait;
}

bool PasswordChecks::start(const TokenHash& key, const std::string& name,
                           const std::string& password) {
  return pool_.submit(
      [mailbox = mailbox_, users = users_, key, name, password = std::string(password)]() mutable {
        const bool good = users->matches(name, password);
        ::explicit_bzero(password.data(), password.size());
        const std::lock_guard lock(mailbox->mutex);
        if (mailbox->loop == nullptr) return;
        mailbox->loop->post([mailbox, key, good] {
          if (mailbox->owner != nullptr) mailbox->owner->finish(key, good);
        });
      });
}

void PasswordChecks::finish(const TokenHash& key, bool good) {
  const auto found = waiting_.find(key);
  const std::unique_ptr<Waiting> over = std::move(found->second);
  waiting_.erase(found);
  const Instant until = loop_.now() + (good ? settings_.allow_ttl : settings_.deny_ttl);
  (good ? allowed_ : denied_).put(key, {}, until, until);
  while (HoldTicket* ticket = over->tickets.pop_front())
    resume_(*ticket, good ? Answer::allow : Answer::deny);
}

}  // namespace gateway::filter
