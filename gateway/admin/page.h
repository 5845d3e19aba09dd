#pragma once

#include <string>

namespace gateway::admin {

/// The page at `/`, and the Content-Security-Policy to send with it: only its own inline style and
/// script run, named by a random number that differs with each answer, and they may only talk to
/// us.
struct WatchPage {
  std::string html;
  std::string policy;
};

WatchPage watch_page();

}  // namespace gateway::admin
