// SPDX-License-Identifier: PostgreSQL
// The use of API keys, from shared memory to SQL.
#include <cstring>

#include "core/sha256.hpp"
#include "credentials/shared_usage.hpp"
#include "pg/datum.hpp"
#include "pg/result_set.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/timestamp.h" // TimestampTzGetDatum
#include "utils/uuid.h"      // DatumGetUUIDP
}

using namespace saas; // NOLINT: entry points only

namespace {

std::string address_text(const core::credentials::address &from) {
    std::string text;
    for (std::size_t i = 0; i < from.length; ++i) {
        if (from.length == 4)
            text += (i == 0 ? "" : ".") + std::to_string(from.bytes[i]);
        else
            text += (i == 0 || i % 2 != 0 ? "" : ":") + core::to_hex({&from.bytes[i], 1});
    }
    return text;
}

} // namespace

// One row a key: team, key, first and last use (microseconds since 2000), calls accepted, refused
// and limited, address.
SAAS_FUNCTION(saas_take_api_key_usage) {
    std::vector<pg::text_row> rows;
    if (credentials::has_shared_usage()) {
        for (const auto &counts : credentials::take_usage())
            rows.push_back({core::to_text(counts.team), core::to_text(counts.key),
                            std::to_string(counts.first_use), std::to_string(counts.last_use),
                            std::to_string(counts.calls[0]), std::to_string(counts.calls[1]),
                            std::to_string(counts.calls[2]),
                            counts.from.length == 0 ? pg::text_value{}
                                                    : pg::text_value{address_text(counts.from)}});
    }
    pg::return_rows(fcinfo, rows);
    return 0;
}

SAAS_FUNCTION(saas_api_key_last_use) {
    core::uuid key{};
    std::memcpy(key.data(), DatumGetUUIDP(PG_GETARG_DATUM(0))->data, UUID_LEN);
    const auto last = credentials::has_shared_usage() ? credentials::last_use(key) : std::nullopt;
    if (!last)
        PG_RETURN_NULL();
    PG_RETURN_TIMESTAMPTZ(*last);
}

SAAS_FUNCTION(saas_api_key_calls_lost) {
    if (!credentials::has_shared_usage())
        PG_RETURN_NULL();
    PG_RETURN_INT64(static_cast<std::int64_t>(credentials::lost_calls()));
}
