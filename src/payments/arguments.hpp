// SPDX-License-Identifier: PostgreSQL
// Arguments that the entry points about webhooks share, as plain data that points into them.
#pragma once

#include "core/webhook/verdict.hpp"
#include "pg/boundary.hpp"

#include <limits>
#include <span>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // BYTEAOID
#include "utils/array.h"     // deconstruct_array
#include "utils/timestamp.h" // TimestampTz
}

namespace saas::payments {

inline constexpr std::int64_t k_epoch_shift =
    std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * SECS_PER_DAY;

// May ereport: detoasts.
inline core::webhook::bytes bytes_of(Datum value) {
    bytea *detoasted = DatumGetByteaPP(value);
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(detoasted)),
            static_cast<std::size_t>(VARSIZE_ANY_EXHDR(detoasted))};
}

// The elements of a bytea[]; a NULL element is an empty secret, which never matches. May ereport.
inline std::span<const core::webhook::bytes> secrets_of(Datum value) {
    using core::webhook::bytes;
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(value), BYTEAOID, -1, false, TYPALIGN_INT, &elements,
                      &nulls, &count);
    auto *views = static_cast<bytes *>(palloc(sizeof(bytes) * static_cast<std::size_t>(count + 1)));
    for (int i = 0; i < count; ++i)
        new (&views[i]) bytes{nulls[i] ? bytes{} : bytes_of(elements[i])};
    return {views, static_cast<std::size_t>(count)};
}

// Whole unix seconds, rounded down; infinite times are as far away as can be.
inline std::int64_t unix_seconds(TimestampTz time) {
    if (TIMESTAMP_IS_NOBEGIN(time))
        return std::numeric_limits<std::int64_t>::min();
    if (TIMESTAMP_IS_NOEND(time))
        return std::numeric_limits<std::int64_t>::max();
    return time / USECS_PER_SEC - (time % USECS_PER_SEC < 0 ? 1 : 0) + k_epoch_shift;
}

// Whether a time in unix seconds is within the server's calendar.
inline bool is_time(std::int64_t seconds) {
    return seconds >= 0 && seconds < std::int64_t{250000} * 365 * SECS_PER_DAY;
}

inline Datum time_datum(std::int64_t seconds) {
    return TimestampTzGetDatum((seconds - k_epoch_shift) * USECS_PER_SEC);
}

} // namespace saas::payments
