#pragma once

namespace gateway {

/// What the kernel counts of this process; numbers that it does not tell are 0.
struct ProcessFacts {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double open_descriptors = 0;
  double most_descriptors = 0;  ///< that may be open
  double started_at = 0;        ///< seconds since 1970
};

/// Lists the descriptors, which takes a while when there are many: once per answer.
ProcessFacts process_facts();

}  // namespace gateway
