#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apps/visitors/visits.h"

namespace gateway::apps {

/// What the page shows; everything in it is text, and becomes harmless here.
struct PageFacts {
  std::optional<Visits> visits;  ///< nothing: the database does not answer
  std::string_view owner_name;   ///< empty: nobody is named
  std::string_view owner_url;    ///< empty: no link; as accepted by is_web_address()
  std::string_view client;
  std::string_view version;
  std::string_view database;  ///< "PostgreSQL 17.6"; empty: not known yet
};

std::string render_page(const PageFacts& facts);

/// The Content-Security-Policy of that page: its own style, and nothing else.
const std::string& page_policy();

/// For text between tags and in quoted attributes.
std::string escape_html(std::string_view text);

/// Whether it may be a link: `javascript:` and the like must not.
bool is_web_address(std::string_view url);

}  // namespace gateway::apps
