#include "gateway/filter/token_service.h"

#include <algorithm>
#include <cctype>

#include "gateway/upstream/call.h"

namespace gateway::filter {
namespace {

constexpr std::size_t kMaxAnswer = 256;
/// What is read of an answer, so that the connection can be used again.
constexpr std::size_t kMaxRead = 64 * 1024;
constexpr std::size_t kMaxUser = 128;
constexpr std::uint32_t kMaxTries = 2;
/// While the upstream gives no verdict, a stale one is not asked about more often than this.
constexpr Duration kStaleRetry = std::chrono::seconds(1);

bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

// application/x-www-form-urlencoded (WHATWG URL §5.2)
void append_form_encoded(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '*') {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
}

}  // namespace

/// One question to the upstream, and everybody who waits for its answer.
class TokenService::Lookup final : public Disposable, private upstream::CallObserver {
 public:
  Lookup(TokenService& service, const TokenHash& hash, std::string_view token)
      : service_(service),
        hash_(hash),
        body_(service.settings_.field + "="),
        deadline_(service.services_.loop().now() + service.settings_.timeout),
        timer_(Callback<>::bind<&Lookup::give_up>(this)) {
    append_form_encoded(body_, token);
  }

  void start() {
    upstream::Upstream* upstream = service_.services_.upstream(service_.settings_.upstream);
    if (upstream == nullptr) return finish(Answer::none, {});
    ++tries_;
    answer_.clear();
    read_ = 0;
    status_ = 0;
    call_ = std::make_unique<upstream::Call>();
    head_ = {};
    head_.method = http::Method::post;
    // A reload may free the settings while the call waits for a connection.
    const config::Upstream& settings = upstream->settings();
    head_.host = arena_.copy(settings.host.empty() ? settings.name : settings.host);
    head_.path = service_.settings_.path;
    head_.body = {http::Framing::length, body_.size()};
    head_.headers = {};
    head_.headers.add(arena_, http::HeaderId::content_type, "application/x-www-form-urlencoded");
    upstream::CallOptions options;
    options.request_timeout = left();
    // The call may fail at once, and with it this look-up may be over.
    upstream::Call& call = *call_;
    call.start(LocalPtr<upstream::Upstream>(upstream), head_, *this, options);
    if (!call.active()) return;
    call.write_body(body_);
    call.end_body(nullptr);
  }

  const TokenHash& hash() const { return hash_; }
  IntrusiveList<HoldTicket, HoldTicket>& waiters() { return waiters_; }

 private:
  void on_call_ready() override {}
  void on_call_writable() override {}
  void on_informational(http::ResponseHead&) override {}
  // Up to here the call keeps the time, and blames the endpoint that let it pass.
  void on_response_head(http::ResponseHead& head) override {
    status_ = head.status;
    timer_.arm(service_.services_.loop().timers(), left());
  }
  void on_response_body(std::string_view bytes) override {
    if (answer_.size() <= kMaxAnswer)
      answer_.append(bytes.substr(0, kMaxAnswer + 1 - answer_.size()));
    read_ += bytes.size();
    if (read_ <= kMaxRead) return;
    call_->cancel();
    on_response_end();
  }
  void on_response_trailers(http::HeaderList&) override {}

  void on_response_end() override {
    if (!answer_.empty() && answer_.back() == '\n') answer_.pop_back();
    if (status_ == 401 || status_ == 403 || (status_ == 200 && answer_ == "fail"))
      return finish(Answer::deny, {});
    const bool is_name = !answer_.empty() && answer_.size() <= kMaxUser &&
                         std::all_of(answer_.begin(), answer_.end(), is_visible);
    if (status_ == 200 && is_name) return finish(Answer::allow, answer_);
    finish(Answer::none, {});
  }

  // Asking twice does no harm: the question changes nothing, whatever its method says.
  void on_call_failed(const Error& error) override {
    const bool again = error.code == ErrorCode::upstream_reset && tries_ < kMaxTries;
    if (!again) return finish(Answer::none, {});
    retired_ = std::move(call_);  // it is up the stack
    start();
  }

  void give_up() {
    call_->cancel();
    finish(Answer::none, {});
  }

  Duration left() const {
    return std::max(deadline_ - service_.services_.loop().now(), Duration(1));
  }

  void finish(Answer answer, std::string_view user) {
    timer_.cancel();
    service_.finish(*this, answer, user);
  }

  TokenService& service_;
  const TokenHash hash_;
  std::string body_;
  std::string answer_;
  Arena arena_;
  http::RequestHead head_;
  std::unique_ptr<upstream::Call> call_;
  std::unique_ptr<upstream::Call> retired_;
  IntrusiveList<HoldTicket, HoldTicket> waiters_;
  const Instant deadline_;
  Timer timer_;
  std::size_t read_ = 0;
  std::uint32_t tries_ = 0;
  int status_ = 0;
};

TokenService::TokenService(WorkerServices& services, const TokenSettings& settings)
    : services_(services),
      settings_(settings),
      cells_(services.metrics().token(settings.upstream)),
      allowed_(settings.cache_size),
      denied_(settings.deny_cache_size) {}

TokenService::~TokenService() {
  cells_->entries.sub(entries_counted_);
  cells_->lookups_in_flight.sub(static_cast<std::int64_t>(lookups_.size()));
}

TokenService::Answer TokenService::check(const TokenHash& hash, std::string_view token,
                                         HoldTicket& ticket, std::string_view& user) {
  const Instant now = services_.loop().now();
  if (TokenVerdict* known = allowed_.find(hash, now)) {
    if (now < known->fresh_until || now < known->ask_again) {
      cells_->cache_hits.add();
      if (now >= known->fresh_until) cells_->stale_hits.add();
      user = known->user;
      return Answer::allow;
    }
  } else if (denied_.find(hash, now) != nullptr) {
    cells_->cache_hits.add();
    return Answer::deny;
  }
  if (const auto found = lookups_.find(hash); found != lookups_.end()) {
    cells_->joined.add();
    found->second->waiters().push_back(ticket);
    return Answer::wait;
  }
  const bool asks = lookups_.size() < settings_.max_lookups && start_lookup(hash, token, ticket);
  return asks ? Answer::wait : stale_or_none(hash, user);
}

// False when it failed at once: nobody is resumed from within the call that asked.
bool TokenService::start_lookup(const TokenHash& hash, std::string_view token, HoldTicket& ticket) {
  auto lookup = std::make_unique<Lookup>(*this, hash, token);
  Lookup& started = *lookup;
  lookups_.emplace(hash, std::move(lookup));
  cells_->lookups.add();
  cells_->lookups_in_flight.add();
  started.start();
  if (!lookups_.contains(hash)) return false;
  started.waiters().push_back(ticket);
  return true;
}

TokenService::Answer TokenService::stale_or_none(const TokenHash& hash, std::string_view& user) {
  const TokenVerdict* stale = allowed_.find(hash, services_.loop().now());
  if (stale == nullptr) return Answer::none;
  cells_->stale_hits.add();
  user = stale->user;
  return Answer::allow;
}

void TokenService::finish(Lookup& lookup, Answer answer, std::string_view user) {
  const Instant now = services_.loop().now();
  const auto found = lookups_.find(lookup.hash());
  std::unique_ptr<Lookup> over = std::move(found->second);
  lookups_.erase(found);
  cells_->lookups_in_flight.sub();
  std::string stale_user;
  bool is_stale = false;
  if (answer == Answer::allow) {
    const Instant fresh = now + settings_.allow_ttl;
    cells_->evictions.add(allowed_.put(over->hash(), user, fresh, fresh + settings_.stale_ttl));
    denied_.forget(over->hash());
  } else if (answer == Answer::deny) {
    allowed_.forget(over->hash());
    const Instant until = now + settings_.deny_ttl;
    cells_->evictions.add(denied_.put(over->hash(), {}, until, until));
  } else if (TokenVerdict* stale = allowed_.find(over->hash(), now)) {
    stale->ask_again = now + kStaleRetry;
    stale_user = stale->user;
    user = stale_user;
    answer = Answer::allow;
    is_stale = true;
  }
  count_entries();
  while (HoldTicket* ticket = over->waiters().pop_front()) {
    if (is_stale) cells_->stale_hits.add();
    resume_(*ticket, answer, user);
  }
  services_.loop().free_later(over.release());
}

void TokenService::count_entries() {
  const auto entries = static_cast<std::int64_t>(allowed_.size() + denied_.size());
  cells_->entries.add(entries - entries_counted_);
  entries_counted_ = entries;
}

}  // namespace gateway::filter
