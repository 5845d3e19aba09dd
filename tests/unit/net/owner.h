#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway/net/transport.h"

namespace gateway::net {

/// Remembers what a transport told.
class RecordingOwner final : public TransportOwner {
 public:
  void on_transport_open() override {
    ++opened;
    if (when_open) when_open();
  }
  void on_transport_read(std::string_view bytes) override {
    ++deliveries;
    received.append(bytes);
    if (when_read) when_read(bytes);
  }
  void on_transport_eof() override { ++eofs; }
  void on_transport_drained() override { ++drained; }
  void on_transport_error(const Error& error) override {
    errors.push_back(error);
    if (when_error) when_error();
  }

  bool failed_with(ErrorCode code) const { return errors.size() == 1 && errors[0].code == code; }

  int opened = 0;
  int deliveries = 0;
  int eofs = 0;
  int drained = 0;
  std::string received;
  std::vector<Error> errors;
  std::function<void()> when_open;
  std::function<void(std::string_view)> when_read;
  std::function<void()> when_error;
};

}  // namespace gateway::net
