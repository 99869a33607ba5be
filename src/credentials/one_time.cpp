// SPDX-License-Identifier: PostgreSQL
// One-time passwords in SQL.
#include "core/base32.hpp"
#include "core/error.hpp"
#include "core/otp/otp.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/timestamp.h" // TIMESTAMP_IS_NOBEGIN
}

using namespace saas; // NOLINT: entry points only

namespace {

std::int64_t unix_seconds(TimestampTz time) {
    constexpr std::int64_t k_shift =
        std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * SECS_PER_DAY;
    if (TIMESTAMP_NOT_FINITE(time))
        throw core::error{core::k_invalid_parameter_value, "the time must be finite"};
    return (time - (time % USECS_PER_SEC < 0 ? USECS_PER_SEC - 1 : 0)) / USECS_PER_SEC + k_shift;
}

// Arguments `first` to `first` + 2: algorithm, digits, period.
core::otp::parameters parameters_of(FunctionCallInfo fcinfo, int first) {
    const auto hash = core::otp::parse_algorithm(pg::text_string(PG_GETARG_DATUM(first)));
    if (!hash)
        throw core::error{core::k_invalid_parameter_value,
                          "there is no such algorithm for one-time passwords",
                          {},
                          "The algorithms are SHA1, SHA256 and SHA512."};
    return {*hash, PG_GETARG_INT32(first + 1), PG_GETARG_INT32(first + 2)};
}

} // namespace

SAAS_FUNCTION(saas_totp_code) {
    const auto secret = pg::bytes(PG_GETARG_DATUM(0));
    const auto form = parameters_of(fcinfo, 2);
    check(secret, form);
    const std::uint64_t step =
        core::otp::step_at(unix_seconds(PG_GETARG_TIMESTAMPTZ(1)), form.period);
    return pg::text_datum(core::otp::code_of(secret, step, form.hash, form.digits));
}

SAAS_FUNCTION(saas_totp_step) {
    const auto secret = pg::bytes(PG_GETARG_DATUM(0));
    const auto form = parameters_of(fcinfo, 4);
    check(secret, form);
    const std::uint64_t now =
        core::otp::step_at(unix_seconds(PG_GETARG_TIMESTAMPTZ(2)), form.period);
    const auto step = core::otp::matching_step(secret, pg::text_string(PG_GETARG_DATUM(1)), now,
                                               PG_GETARG_INT32(3), form);
    if (!step)
        PG_RETURN_NULL();
    PG_RETURN_INT64(static_cast<std::int64_t>(*step));
}

SAAS_FUNCTION(saas_totp_uri) {
    const auto secret = pg::bytes(PG_GETARG_DATUM(0));
    const auto form = parameters_of(fcinfo, 3);
    check(secret, form);
    return pg::text_datum(core::otp::uri_of(secret, pg::text_string(PG_GETARG_DATUM(1)),
                                            pg::text_string(PG_GETARG_DATUM(2)), form));
}

SAAS_FUNCTION(saas_to_base32) {
    return pg::text_datum(core::to_base32(pg::bytes(PG_GETARG_DATUM(0)), PG_GETARG_BOOL(1)));
}

SAAS_FUNCTION(saas_from_base32) {
    const auto bytes = core::from_base32(pg::text_string(PG_GETARG_DATUM(0)));
    if (!bytes)
        throw core::error{core::k_invalid_text_representation,
                          "the text is no Base32",
                          {},
                          "Base32 has the digits A to Z and 2 to 7."};
    return pg::bytea_datum(*bytes);
}
