#include "gateway/server/review_authorizer.h"

#include <utility>

namespace gateway::server {
namespace {

using custom_metrics::AccessRequest;
using custom_metrics::Authorizer;
using custom_metrics::Caller;

kubernetes::AccessQuestion question_of(const Caller& caller, const AccessRequest& request) {
  kubernetes::AccessQuestion question;
  question.user = caller.user;
  question.uid = caller.uid;
  question.groups = caller.groups;
  for (const auto& [key, value] : caller.extra) question.extra[key].push_back(value);
  question.verb = request.verb;
  question.api_group = request.group;
  question.api_version = request.version;
  question.resource = request.resource;
  question.subresource = request.subresource;
  question.name = request.name;
  question.namespace_name = request.name_space;
  return question;
}

Authorizer::Verdict verdict_of(const Result<bool>& allowed) {
  if (!allowed) return Authorizer::Verdict::unknown;
  return *allowed ? Authorizer::Verdict::allowed : Authorizer::Verdict::denied;
}

}  // namespace

void ReviewAuthorizer::decide(const Caller& caller, const AccessRequest& request, Done done) {
  const auto place = waits_.emplace(waits_.end());
  // It may be called within ask(), when there is nothing to wait for and `place` is taken away
  // below; or later, and takes itself away.
  const auto within = std::make_shared<bool>(true);
  auto wait = access_.ask(question_of(caller, request),
                          [this, place, within, done](const Result<bool>& allowed) {
                            const Done answer = done;
                            if (!*within) waits_.erase(place);
                            answer(verdict_of(allowed));
                          });
  *within = false;
  if (wait)
    *place = std::move(wait);
  else
    waits_.erase(place);
}

}  // namespace gateway::server
