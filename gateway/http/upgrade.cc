#include "gateway/http/upgrade.h"

#include "gateway/http/fields.h"

namespace gateway::http {
namespace {

constexpr std::string_view kWebSocket = "websocket";

struct Found {
  bool wanted = false;
  bool others = false;
};

// The members of all fields of that id are one list (RFC 9110 §5.3).
Found look_for(const HeaderList& headers, HeaderId id, std::string_view wanted) {
  Found found;
  for (const Header& field : headers) {
    if (field.id != id) continue;
    for_each_list_item(field.value, [&](std::string_view item) {
      (equals_ignoring_case(item, wanted) ? found.wanted : found.others) = true;
    });
  }
  return found;
}

}  // namespace

std::string_view asked_upgrade(const RequestHead& request) {
  const bool may_ask = request.method == Method::get && request.version == Version::http11 &&
                       !request.body.has_body() && !request.expect_continue;
  if (!may_ask || !look_for(request.headers, HeaderId::connection, "upgrade").wanted) return {};
  return look_for(request.headers, HeaderId::upgrade, kWebSocket).wanted ? kWebSocket
                                                                         : std::string_view();
}

bool takes_up(const HeaderList& headers, std::string_view protocol) {
  const Found taken = look_for(headers, HeaderId::upgrade, protocol);
  return taken.wanted && !taken.others && look_for(headers, HeaderId::connection, "upgrade").wanted;
}

}  // namespace gateway::http
