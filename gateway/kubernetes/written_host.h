#pragma once

#include <memory>
#include <vector>

#include "gateway/kubernetes/notice.h"
#include "gateway/kubernetes/translation.h"
#include "gateway/kubernetes/upstream_book.h"

namespace gateway::kubernetes {

/// The routes of one host, and what they were written from beside its plan.
struct WrittenHost {
  /// A question to the book of upstreams, and its answer.
  struct Question {
    UpstreamBook::Entry entry;
    const UpstreamSettings* settings;  ///< of an Ingress that names the host
    bool private_;
    UpstreamBook::AnswerPtr answer;
  };

  bool done = false;  ///< for the plan as it is
  std::vector<Question> questions;
  std::vector<std::shared_ptr<const config::Route>> routes;
  std::vector<std::shared_ptr<const RouteOrigin>> origins;  ///< parallel to `routes`
  std::vector<Notice> notices;
};

}  // namespace gateway::kubernetes
