#include "gateway/kubernetes/api_client.h"

#include <charconv>
#include <optional>

#include "gateway/upstream/call.h"

namespace gateway::kubernetes {
namespace {

std::string authority_of(const ClusterAccess& access) {
  const bool v6 = access.host.find(':') != std::string::npos;
  return (v6 ? "[" + access.host + "]" : access.host) + ":" + std::to_string(access.port);
}

/// An upstream with no policies of its own: whoever asks has its own way of trying again.
std::shared_ptr<const config::Upstream> settings_of(const ClusterAccess& access,
                                                    const ApiClient::Options& options) {
  config::Upstream settings;
  settings.name = "kubernetes";
  settings.private_ = true;
  settings.balancer = {"round_robin", {}};
  settings.retries.attempts = 1;
  settings.passive_health.enabled = false;
  settings.max_idle_connections = 4;
  settings.timeouts.connect = options.connect;
  if (access.tls) settings.tls.emplace().server_name = access.server_name;
  return std::make_shared<const config::Upstream>(std::move(settings));
}

/// Seconds; the form with a date is not used by API servers.
std::optional<Duration> retry_after_of(std::string_view text) {
  std::uint32_t seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

/// One request of either kind, from its wait for an address to its last word.
class ApiClient::Request final : public ApiCall, public ListHook<>, private upstream::CallObserver {
 public:
  Request(ApiClient& client, ApiRequest request, ApiStream* stream, ApiAnswered answered)
      : client_(client),
        request_(std::move(request)),
        stream_(stream),
        answered_(std::move(answered)),
        tell_(Callback<>::bind<&Request::tell>(this)),
        deadline_(Callback<>::bind<&Request::on_deadline>(this)) {
    if (request_.deadline > Duration::zero())
      deadline_.arm(client_.loop_.timers(), request_.deadline);
  }

  void begin() {
    client_.refresh_if_due();
    token_ = client_.credentials_.token();
    response_ = {};
    fill_head();
    upstream::CallOptions options;
    options.request_timeout = request_.deadline;
    options.idle_timeout = stream_ != nullptr ? client_.options_.silence : request_.deadline;
    // A PUT that was done twice would find its own change in its way (409).
    options.retry = request_.method != http::Method::put;
    call_.emplace();
    call_->start(client_.upstream_, head_, *this, options);
    if (request_.body.empty()) return;
    call_->write_body(request_.body);
    call_->end_body(nullptr);
  }

  void fail(const Error& error) {
    std::string detail = client_.access_.server();
    if (!error.detail.empty()) detail.append(": ").append(error.detail);
    finish(failure(error.code, error.side, std::move(detail), error.retriable));
  }

 private:
  void fill_head() {
    arena_.reset();
    target_ = client_.access_.base_path + request_.path_and_query;
    head_ = {};
    head_.method = request_.method;
    head_.target = target_;
    const std::size_t question = target_.find('?');
    head_.path = head_.target.substr(0, question);
    head_.has_query = question != std::string::npos;
    if (head_.has_query) head_.query = head_.target.substr(question + 1);
    head_.host = client_.authority_;
    head_.headers.add(arena_, http::HeaderId::host, head_.host);
    head_.headers.add(arena_, http::HeaderId::user_agent, "gateway");
    head_.headers.add(arena_, http::HeaderId::accept, request_.accept);
    if (!token_.empty())
      head_.headers.add(arena_, http::HeaderId::authorization, arena_.concat("Bearer ", token_));
    if (request_.body.empty()) return;
    head_.headers.add(arena_, http::HeaderId::content_type, request_.content_type);
    head_.body = {http::Framing::length, request_.body.size()};
  }

  // From the end of the turn only: never from within the caller's or the call's own call.
  void finish(Result<ApiResponse> result) {
    deadline_.cancel();
    ListHook<>::unlink();
    result_.emplace(std::move(result));
    client_.loop_.defer(tell_);
  }

  void tell() {
    Result<ApiResponse> result = std::move(*result_);
    if (stream_ != nullptr) return stream_->on_stream_end(std::move(result));
    const ApiAnswered answered = std::move(answered_);
    answered(std::move(result));  // this object may be gone
  }

  void on_deadline() {
    call_.reset();
    fail(Error(ErrorCode::upstream_timeout, Side::upstream, request_.path_and_query));
  }

  // The token was renewed behind our back: the same request once more with the one of now.
  bool try_new_token() {
    if (response_.status != 401 || tried_new_token_) return false;
    tried_new_token_ = true;
    client_.refresh();
    return client_.credentials_.token() != token_;
  }

  bool streaming() const { return stream_ != nullptr && response_.status == 200; }

  void on_call_ready() override {}
  void on_informational(http::ResponseHead& /*head*/) override {}
  void on_response_head(http::ResponseHead& head) override {
    response_.status = head.status;
    response_.retry_after = retry_after_of(head.headers.value(http::HeaderId::retry_after));
    if (!streaming()) return;
    deadline_.cancel();
    stream_->on_stream_open();
  }
  void on_response_body(std::string_view bytes) override {
    if (streaming()) return stream_->on_stream_bytes(bytes);
    if (response_.body.size() + bytes.size() <= request_.max_response) {
      response_.body.append(bytes);
      return;
    }
    call_->cancel();
    fail(Error(ErrorCode::resource_exhausted, Side::upstream,
               "the answer is larger than " + std::to_string(request_.max_response) + " bytes"));
  }
  void on_response_trailers(http::HeaderList& /*trailers*/) override {}
  void on_response_end() override {
    if (try_new_token()) return begin();
    finish(std::move(response_));
  }
  void on_call_failed(const Error& error) override {
    // An authority or a certificate that was renewed behind our back.
    if (error.code == ErrorCode::upstream_tls_failed) client_.refresh();
    fail(error);
  }
  void on_call_writable() override {}

  ApiClient& client_;
  const ApiRequest request_;
  ApiStream* const stream_;  ///< null: the answer is gathered
  ApiAnswered answered_;
  Arena arena_;
  std::string target_;
  std::string token_;  ///< as it was sent
  http::RequestHead head_;
  ApiResponse response_;
  std::optional<Result<ApiResponse>> result_;
  Deferred tell_;
  Timer deadline_;
  bool tried_new_token_ = false;
  std::optional<upstream::Call> call_;  // last: its end must not meet dead members
};

Result<std::unique_ptr<ApiClient>> ApiClient::make(EventLoop& loop, net::TlsLibrary& library,
                                                   const ClusterAccess& access,
                                                   const Options& options) {
  auto credentials = Credentials::load(access, library);
  if (!credentials) return tl::make_unexpected(credentials.error());
  return std::unique_ptr<ApiClient>(new ApiClient(loop, access, std::move(*credentials), options));
}

ApiClient::ApiClient(EventLoop& loop, const ClusterAccess& access, Credentials credentials,
                     const Options& options)
    : loop_(loop),
      access_(access),
      options_(options),
      authority_(authority_of(access)),
      credentials_(std::move(credentials)),
      refreshed_(loop.now()),
      upstream_(
          new upstream::Upstream(loop, settings_of(access, options), credentials_.tls(), nullptr)),
      load_(std::make_shared<upstream::UpstreamLoad>()) {
  upstream_->notice_loss(options_.loss);
  if (const auto address = IpAddress::parse(access.host)) {
    on_addresses({*address});
    return;
  }
  resolver_ = std::make_unique<net::Resolver>(
      loop_,
      [this](const std::string&, const std::vector<IpAddress>& addresses) {
        on_addresses(addresses);
      },
      [this](const std::string&, const Error& error) { on_name_failed(error); }, options_.resolver);
  resolver_->keep({access.host});
}

ApiClient::~ApiClient() = default;

std::unique_ptr<ApiCall> ApiClient::send(ApiRequest request, ApiAnswered answered) {
  return start(std::make_unique<Request>(*this, std::move(request), nullptr, std::move(answered)));
}

std::unique_ptr<ApiCall> ApiClient::stream(ApiRequest request, ApiStream& stream) {
  return start(std::make_unique<Request>(*this, std::move(request), &stream, ApiAnswered()));
}

std::unique_ptr<ApiCall> ApiClient::start(std::unique_ptr<Request> request) {
  if (has_address())
    request->begin();
  else if (name_error_)
    request->fail(*name_error_);
  else
    waiting_.push_back(*request);
  return request;
}

void ApiClient::refresh() {
  refreshed_ = loop_.now();
  if (credentials_.refresh()) upstream_->renew(credentials_.tls());
}

void ApiClient::refresh_if_due() {
  if (loop_.now() - refreshed_ >= options_.refresh) refresh();
}

// Endpoints that stay are the same objects, so that their connections are kept.
void ApiClient::on_addresses(const std::vector<IpAddress>& addresses) {
  name_error_.reset();
  auto set = std::make_shared<upstream::EndpointSet>();
  set->upstream = "kubernetes";
  set->load = load_;
  std::map<IpAddress, std::shared_ptr<upstream::Endpoint>> endpoints;
  for (const IpAddress& address : addresses) {
    auto& endpoint = endpoints[address];
    const auto known = endpoints_.find(address);
    endpoint = known != endpoints_.end()
                   ? known->second
                   : std::make_shared<upstream::Endpoint>(
                         "kubernetes", SocketAddress(address, access_.port), access_.host, "");
  }
  if (endpoints == endpoints_) return;
  endpoints_ = std::move(endpoints);
  for (const auto& [address, endpoint] : endpoints_) set->entries.push_back({endpoint, 1});
  upstream_->update(std::move(set));
  while (Request* request = waiting_.pop_front()) request->begin();
}

void ApiClient::on_name_failed(const Error& error) {
  if (has_address()) return;
  name_error_ = std::make_unique<Error>(ErrorCode::connect_failed, Side::upstream,
                                        access_.host + ": " + error.detail, true);
  while (Request* request = waiting_.pop_front()) request->fail(*name_error_);
}

}  // namespace gateway::kubernetes
