#include "gateway/server/access_log_file.h"

#include "gateway/metrics/access_log.h"

namespace gateway::server {

void check_access_log(const config::AccessLog& log, std::vector<config::Finding>& findings) {
  if (auto tried = AccessLog::try_path(log.path); !tried)
    findings.push_back({"access_log.path", tried.error().detail});
}

}  // namespace gateway::server
