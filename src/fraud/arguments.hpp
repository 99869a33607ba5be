// SPDX-License-Identifier: PostgreSQL
// Arguments of the module's SQL functions.
#pragma once

#include <cstring>
#include <limits>

#include "core/fraud/moment.hpp"
#include "core/uuid.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/timestamp.h" // TimestampTz
#include "utils/uuid.h"      // DatumGetUUIDP
}

namespace saas::fraud {

[[nodiscard]] inline core::uuid uuid_of(Datum value) {
    core::uuid out{};
    std::memcpy(out.data(), DatumGetUUIDP(value)->data, UUID_LEN);
    return out;
}

// Before every timestamp and after all that occur: what looks back from there stays in the range.
[[nodiscard]] inline core::fraud::moment unix_time(TimestampTz at) {
    constexpr std::int64_t k_server_epoch = 946'684'800LL * 1'000'000;
    if (TIMESTAMP_IS_NOBEGIN(at))
        return MIN_TIMESTAMP + k_server_epoch;
    if (TIMESTAMP_IS_NOEND(at))
        return std::numeric_limits<std::int64_t>::max() / 2;
    // The server's last thirty years lie beyond what counts from 1970.
    return at > std::numeric_limits<std::int64_t>::max() - k_server_epoch
               ? std::numeric_limits<std::int64_t>::max() - 1
               : at + k_server_epoch;
}

} // namespace saas::fraud
