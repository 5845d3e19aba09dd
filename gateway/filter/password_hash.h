#pragma once

#include <string>
#include <string_view>

namespace gateway::filter {

/// Why a hash as `htpasswd` writes it cannot be used; empty when it can. Known are bcrypt ($2y$,
/// $2b$, $2a$, cost 4 to 14), SHA-crypt ($5$, $6$, at most 500,000 rounds), MD5-crypt ($apr1$, $1$)
/// and {SHA}. Plain text, DES and whatever costs more are refused. Never quotes the hash.
std::string unusable_hash(std::string_view hash);

/// How much checking it takes, for comparing hashes: milliseconds, roughly.
unsigned hash_cost(std::string_view hash);

/// Whether the password is that of a usable hash. Takes up to a second: never on a loop. Any
/// thread.
bool password_matches(const std::string& password, const std::string& hash);

}  // namespace gateway::filter
