#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "gateway/custom_metrics/service.h"

namespace gateway::custom_metrics::test {

/// A request as a service sees it, and what it answered.
class Ask {
 public:
  explicit Ask(std::string target, http::Method method = http::Method::get)
      : target_(std::move(target)) {
    head_.method = method;
    const auto question = target_.find('?');
    head_.target = target_;
    head_.path = head_.target.substr(0, question);
    if (question != std::string::npos) head_.query = head_.target.substr(question + 1);
    facts_.tls = &tls_;
    tls_.is_tls = true;
  }
  Ask& header(std::string_view name, std::string_view value) {
    head_.headers.add(arena_, name, value);
    return *this;
  }
  /// The client showed a certificate that the listener's CA signed.
  Ask& certificate(std::string_view common_name) {
    tls_.client_verified = true;
    certificate_.common_name = common_name;
    tls_.client_certificate = &certificate_;
    return *this;
  }
  Ask& body(std::string text) {
    body_ = std::move(text);
    return *this;
  }
  Ask& of(Service& service) {
    service.answer({head_, facts_, body_}, [this](Answer answer) {
      answer_ = std::move(answer);
      ++answers;
    });
    return *this;
  }

  int status() const { return answer_.status; }
  const Answer& answer() const { return answer_; }
  nlohmann::json json() const { return nlohmann::json::parse(answer_.body); }

  int answers = 0;

 private:
  std::string target_;
  std::string body_;
  Arena arena_;
  http::RequestHead head_;
  net::TlsFacts tls_;
  net::ClientCertificate certificate_;
  downstream::ConnectionFacts facts_;
  Answer answer_;
};

}  // namespace gateway::custom_metrics::test
