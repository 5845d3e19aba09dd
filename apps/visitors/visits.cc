#include "apps/visitors/visits.h"

#include <charconv>

#include "gateway/filter/client_address.h"

namespace gateway::apps {
namespace {

// How many visitors there are is kept, not counted: counting millions of rows for each page would
// make the page slower with each visitor.
constexpr Migration kSteps[] = {
    {1,
     "CREATE TABLE visitors (address TEXT PRIMARY KEY, visits INTEGER NOT NULL,"
     " first_seen TEXT NOT NULL, last_seen TEXT NOT NULL)",
     "CREATE TABLE visitors (address TEXT PRIMARY KEY, visits BIGINT NOT NULL,"
     " first_seen TIMESTAMPTZ NOT NULL, last_seen TIMESTAMPTZ NOT NULL)"},
    {2, "CREATE TABLE visitor_total (visitors INTEGER NOT NULL)",
     "CREATE TABLE visitor_total (visitors BIGINT NOT NULL)"},
    {3, "INSERT INTO visitor_total VALUES (0)", "INSERT INTO visitor_total VALUES (0)"},
};

std::uint64_t number_of(const Rows& rows) {
  std::uint64_t number = 0;
  if (rows.empty() || rows.front().empty()) return number;
  const std::string& text = rows.front().front();
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<void> add_number(const Result<Rows>& rows, std::uint64_t& number) {
  if (!rows) return tl::make_unexpected(rows.error());
  number = number_of(*rows);
  return {};
}

}  // namespace

Schema visits_schema() { return {"visitors", "visitors_schema_version", 7364928105, kSteps}; }

std::string visitor_name(const IpAddress& client) {
  constexpr int kNetworkBits = 64;
  if (client.is_v4()) return client.to_string();
  filter::NetworkBytes storage;
  const std::string_view network = filter::client_network(client, kNetworkBits, storage);
  std::uint8_t bytes[16];
  std::copy(network.begin(), network.end(), bytes);
  return IpAddress::v6(bytes).to_string() + "/64";
}

Result<Visits> count_visit(Database& database, const std::string& visitor) {
  Visits visits;
  const auto done = database.transaction([&]() -> Result<void> {
    auto counted =
        add_number(database.run("INSERT INTO visitors (address, visits, first_seen, last_seen)"
                                " VALUES ($1, 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
                                " ON CONFLICT (address) DO UPDATE"
                                " SET visits = visitors.visits + 1, last_seen = CURRENT_TIMESTAMP"
                                " RETURNING visits",
                                {visitor}),
                   visits.own);
    if (!counted) return counted;
    return add_number(
        database.run(visits.own == 1
                         ? "UPDATE visitor_total SET visitors = visitors + 1 RETURNING visitors"
                         : "SELECT visitors FROM visitor_total"),
        visits.visitors);
  });
  if (!done) return tl::make_unexpected(done.error());
  return visits;
}

Result<Visits> read_visits(Database& database, const std::string& visitor) {
  Visits visits;
  auto read = add_number(database.read("SELECT visits FROM visitors WHERE address = $1", {visitor}),
                         visits.own);
  if (read) read = add_number(database.read("SELECT visitors FROM visitor_total"), visits.visitors);
  if (!read) return tl::make_unexpected(read.error());
  return visits;
}

}  // namespace gateway::apps
