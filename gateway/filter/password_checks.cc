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

PasswordChecks::Waiting::~Waiting() { ::explicit_bzero(password.data(), password.size()); }

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
    if (!has_place()) return Answer::full;
    found = waiting_.emplace(key, std::make_unique<Waiting>()).first;
    found->second->name = name;
    found->second->password = password;
    queue_.push_back(key);
  }
  found->second->tickets.push_back(ticket);
  start_next();
  if (under_way_ > 0) return Answer::wait;
  // The pool takes nothing, and no end of a check would have it asked again.
  ticket.unlink();
  waiting_.erase(key);
  queue_.pop_back();
  return Answer::full;
}

// What nobody waits for any more is not worth its hashing.
bool PasswordChecks::has_place() {
  if (queue_.size() < kMostQueued) return true;
  std::erase_if(queue_, [this](const TokenHash& key) {
    const auto found = waiting_.find(key);
    if (!found->second->tickets.empty()) return false;
    waiting_.erase(found);
    return true;
  });
  return queue_.size() < kMostQueued;
}

void PasswordChecks::start_next() {
  while (under_way_ < kAtOnce && !queue_.empty()) {
    const auto found = waiting_.find(queue_.front());
    const bool wanted = !found->second->tickets.empty();
    if (wanted && !start(found->first, *found->second)) return;
    queue_.pop_front();
    if (wanted)
      ++under_way_;
    else
      waiting_.erase(found);
  }
}

bool PasswordChecks::start(const TokenHash& key, Waiting& waiting) {
  return pool_.submit([mailbox = mailbox_, users = users_, key, name = waiting.name,
                       password = waiting.password]() mutable {
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
  --under_way_;
  const Instant until = loop_.now() + (good ? settings_.allow_ttl : settings_.deny_ttl);
  (good ? allowed_ : denied_).put(key, {}, until, until);
  settle(key, good ? Answer::allow : Answer::deny);
  start_next();
  while (under_way_ == 0 && !queue_.empty()) {
    const TokenHash refused = queue_.front();
    queue_.pop_front();
    settle(refused, Answer::full);
  }
}

void PasswordChecks::settle(const TokenHash& key, Answer answer) {
  const auto found = waiting_.find(key);
  const std::unique_ptr<Waiting> over = std::move(found->second);
  waiting_.erase(found);
  while (HoldTicket* ticket = over->tickets.pop_front()) resume_(*ticket, answer);
}

}  // namespace gateway::filter
