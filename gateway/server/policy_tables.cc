#include "gateway/server/policy_tables.h"

#include "gateway/filter/table.h"
#include "gateway/upstream/balancer.h"

namespace gateway::server {

config::PolicyTables policy_tables() {
  return {filter::filter_policies(), upstream::balancer_policies()};
}

}  // namespace gateway::server
