#pragma once

#include <algorithm>

#include "gateway/base/clock.h"
#include "gateway/base/random.h"

namespace gateway::kubernetes {

/// How long to wait before asking an API server again that is there but does not want: 0.8 s,
/// doubled each time up to 30 s, spread so that replicas do not come together.
class Backoff {
 public:
  static constexpr Duration kFirst = std::chrono::milliseconds(800);
  static constexpr Duration kMost = std::chrono::seconds(24);  ///< and a quarter more at most

  Duration next(Random& random) {
    const Duration wait = next_;
    next_ = std::min(2 * next_, kMost);
    return wait + spread(wait / 4, random);
  }
  /// It has answered well.
  void reset() { next_ = kFirst; }

  /// For a server that cannot be reached: half a second to one, without growth, because endpoints
  /// grow old meanwhile and a connection costs nobody much.
  static Duration brief(Random& random) {
    constexpr Duration kHalf = std::chrono::milliseconds(500);
    return kHalf + spread(kHalf, random);
  }

  /// Uniform in [0, most).
  static Duration spread(Duration most, Random& random) {
    return Duration(static_cast<Duration::rep>(random.unit() * static_cast<double>(most.count())));
  }

 private:
  Duration next_ = kFirst;
};

}  // namespace gateway::kubernetes
