#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/filter/table.h"

namespace gateway::filter::test {

using config::Value;

inline Value map(std::initializer_list<std::pair<const std::string, Value>> entries) {
  return Value::Map(entries);
}
inline Value list(std::initializer_list<std::string> texts) {
  Value::List values;
  for (const std::string& text : texts) values.emplace_back(text);
  return values;
}
inline Value text(std::string value) { return value; }
inline Value number(std::int64_t value) { return value; }

/// Shared state by key, as the process keeps it; no secrets, no upstreams.
class Services final : public CompileServices, public WorkerServices {
 public:
  Result<std::string> read_secret(const Value& /*reference*/) override { return std::string(); }
  EventLoop& loop() override { return loop_; }
  MetricsShard& metrics() override { std::abort(); }
  upstream::Upstream* upstream(std::string_view /*name*/) override { return nullptr; }

 private:
  std::shared_ptr<void> find_slot(const std::string& key) override { return shared_[key]; }
  void keep_slot(const std::string& key, std::shared_ptr<void> slot) override {
    shared_[key] = std::move(slot);
  }
  std::shared_ptr<void>& state_slot(const std::string& key) override { return own_[key]; }

  EventLoop loop_;
  std::map<std::string, std::shared_ptr<void>> shared_;
  std::map<std::string, std::shared_ptr<void>> own_;
};

/// A filter of the table, compiled and bound.
class Bound {
 public:
  Bound(std::string_view type, const Value& options, Services& services) {
    const FilterType* row = find_filter_type(type);
    if (row == nullptr) throw std::invalid_argument("no such filter");
    auto plan = row->compile(options, services);
    if (!plan) throw std::invalid_argument(plan.error().detail);
    plan_ = *plan;
    filter_ = plan_->bind(services);
  }
  Filter* operator->() { return filter_.get(); }
  const Plan& plan() const { return *plan_; }

 private:
  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<Filter> filter_;
};

/// What compiling says of bad options; empty when they are good.
inline std::string error_of(std::string_view type, const Value& options) {
  Services services;
  auto plan = find_filter_type(type)->compile(options, services);
  return plan ? std::string() : plan.error().detail;
}

/// One exchange as filters see it.
class Exchange {
 public:
  explicit Exchange(Services& services, std::string_view client = "192.0.2.7")
      : context{request, arena, connection, services.loop(), ticket} {
    connection.tls = &tls;
    context.client = *IpAddress::parse(client);
  }

  Exchange& with(std::string_view name, std::string_view value) {
    request.headers.add(arena, name, value);
    return *this;
  }
  std::string header(std::string_view name) const { return value_of(request.headers, name); }
  std::string response_header(std::string_view name) const {
    return value_of(context.response_headers, name);
  }

  static std::string value_of(const http::HeaderList& headers, std::string_view name) {
    std::string values;
    for (const http::Header& field : headers) {
      if (http::HeaderId id = http::header_id(name);
          id != http::HeaderId::other ? field.id == id : field.name == name) {
        values += (values.empty() ? "" : ", ") + std::string(field.value);
      }
    }
    return values;
  }

  Arena arena;
  net::TlsFacts tls;
  downstream::ConnectionFacts connection;
  http::RequestHead request;
  HoldTicket ticket{Callback<Verdict>()};
  RequestContext context;
};

}  // namespace gateway::filter::test
