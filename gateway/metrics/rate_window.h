#pragma once

#include "gateway/metrics/rate_ring.h"

namespace gateway {

/// A rate and the window it was taken over, in seconds.
struct RequestRate {
  double per_second = 0;
  int window = 0;
};

/// The rate that autoscaling reads: the shortest window of 5 to 60 s that holds at least 400
/// arrivals; but the last 5, 10 or 20 s where those exceed what that window leads one to expect
/// by 3.5 σ and 8 requests. Steady when little happens, quick when load rises; it falls only as
/// fast as the window forgets. `history` may be the sum over several rings; only its first `known`
/// seconds are used (a process younger than a minute knows no more), and with none the rate is 0
/// over 0 s.
RequestRate request_rate(const RateHistory& history, int known = 60);

}  // namespace gateway
