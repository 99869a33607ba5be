// SPDX-License-Identifier: PostgreSQL
// saas.hour_bucket(): the local hour that a moment is in.
#include "core/error.hpp"
#include "core/rollup/bucket.hpp"
#include "pg/boundary.hpp"

#include <cstring>
#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "pgtime.h"            // pg_localtime, pg_tzset
#include "utils/builtins.h"    // text_to_cstring
#include "utils/timestamp.h"   // PG_GETARG_TIMESTAMPTZ
}

using namespace saas; // NOLINT: entry points only

namespace {

namespace rollup = core::rollup;

constexpr core::sqlstate k_bad_parameter{"22023"};
constexpr core::sqlstate k_out_of_range{"22008"};
constexpr std::int64_t k_seconds_before_2000 =
    std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * SECS_PER_DAY;

// The zone that was asked for last: queries ask for the same one row after row.
struct known_zone {
    char name[TZ_STRLEN_MAX + 1];
    std::size_t length;
    pg_tz *zone;
    std::int64_t span; // of the last answer; all times in it have this hour, unless exact is false
    std::int64_t hour;
    bool answered;
};
known_zone known{};

void find_zone(const text *name) {
    const char *bytes = VARDATA_ANY(name);
    const auto length = static_cast<std::size_t>(VARSIZE_ANY_EXHDR(name));
    if (known.zone != nullptr && known.length == length && std::memcmp(known.name, bytes, length) == 0)
        return;
    known.zone = nullptr;
    known.answered = false;
    char *text_form = text_to_cstring(name);
    if (length <= TZ_STRLEN_MAX)
        known.zone = pg_tzset(text_form);
    if (known.zone == nullptr)
        throw core::error{k_bad_parameter, std::string{"time zone \""} + text_form + "\" is not known",
                          {}, "Name a time zone of the view pg_timezone_names."};
    std::memcpy(known.name, bytes, length);
    known.length = length;
}

// The offset from UTC at that time, in seconds.
std::int64_t offset_at(TimestampTz time) {
    const auto moment = static_cast<pg_time_t>(
        rollup::floor_to(time, rollup::k_second) / rollup::k_second + k_seconds_before_2000);
    const struct pg_tm *local = pg_localtime(&moment, known.zone);
    if (local == nullptr)
        throw core::error{k_out_of_range, "the time is out of range"};
    return local->tm_gmtoff;
}

} // namespace

SAAS_FUNCTION(saas_hour_bucket) {
    const TimestampTz time = PG_GETARG_TIMESTAMPTZ(0);
    if (time < rollup::k_first)
        PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);
    if (time >= rollup::k_end)
        PG_RETURN_TIMESTAMPTZ(DT_NOEND);
    find_zone(PG_GETARG_TEXT_PP(1));
    const std::int64_t span = rollup::floor_to(time, rollup::k_span);
    if (known.answered && known.span == span)
        PG_RETURN_TIMESTAMPTZ(known.hour);
    const std::int64_t offset = offset_at(time);
    const std::int64_t hour = rollup::hour_of(time, offset);
    // Local mean times of long ago have offsets of odd seconds, and change at odd times.
    known.answered = offset * rollup::k_second % rollup::k_span == 0 && time > 0;
    known.span = span;
    known.hour = hour;
    PG_RETURN_TIMESTAMPTZ(hour);
}
