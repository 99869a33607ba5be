// SPDX-License-Identifier: PostgreSQL
#include "sketches/hash_value.hpp"

#include "core/error.hpp"
#include "core/sketch/hash.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/builtins.h"   // bpchartruelen
#include "utils/fmgrprotos.h" // enum_out
#include "utils/lsyscache.h"  // getBaseType
#include "utils/numeric.h"    // numeric_normalize
#include "utils/timestamp.h"  // Interval
#include "utils/uuid.h"
}

namespace saas::sketches {
namespace {

using core::sketch::hash_bytes;
using core::sketch::hash_word;

// A number that is passed by value; int2, int4 and int8 of one value are one.
template <class Value>
std::uint64_t hash_whole(Datum value) {
    return hash_word(static_cast<std::uint64_t>(std::int64_t{static_cast<Value>(value)}));
}
std::uint64_t hash_int8(Datum value) {
    return hash_word(static_cast<std::uint64_t>(DatumGetInt64(value)));
}

std::uint64_t hash_double(double value) {
    if (std::isnan(value))
        value = std::numeric_limits<double>::quiet_NaN();
    return hash_word(std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value)); // -0 is 0
}

std::uint64_t hash_float4(Datum value) {
    return hash_double(static_cast<double>(DatumGetFloat4(value)));
}
std::uint64_t hash_float8(Datum value) {
    return hash_double(DatumGetFloat8(value));
}

// Without trailing zeros: 1.0 is 1.00.
std::uint64_t hash_numeric(Datum value) {
    const char *digits = numeric_normalize(DatumGetNumeric(value));
    return hash_bytes(digits, std::strlen(digits));
}

std::uint64_t hash_varlena(Datum value) {
    const auto *plain = PG_DETOAST_DATUM_PACKED(value);
    return hash_bytes(VARDATA_ANY(plain), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(plain)));
}

// Without the blanks at the end, which do not count in character(n).
std::uint64_t hash_padded(Datum value) {
    const auto *plain = PG_DETOAST_DATUM_PACKED(value);
    const int size = bpchartruelen(VARDATA_ANY(plain), static_cast<int>(VARSIZE_ANY_EXHDR(plain)));
    return hash_bytes(VARDATA_ANY(plain), static_cast<std::size_t>(size));
}

std::uint64_t hash_name(Datum value) {
    const char *name = NameStr(*DatumGetName(value));
    return hash_bytes(name, std::strlen(name));
}

std::uint64_t hash_uuid(Datum value) {
    return hash_bytes(DatumGetUUIDP(value)->data, UUID_LEN);
}

// By its length, as the server compares: 24 hours are 1 day, 30 days are 1 month.
std::uint64_t hash_interval(Datum value) {
    const Interval *span = DatumGetIntervalP(value);
    const std::int64_t days =
        std::int64_t{span->month} * DAYS_PER_MONTH + span->day + span->time / USECS_PER_DAY;
    const std::int64_t rest = span->time % USECS_PER_DAY;
    return hash_word(static_cast<std::uint64_t>(days) * 0x9E3779B97F4A7C15U +
                     static_cast<std::uint64_t>(rest));
}

std::uint64_t hash_enum(Datum value) {
    const char *label = DatumGetCString(DirectFunctionCall1(enum_out, value));
    return hash_bytes(label, std::strlen(label));
}

[[noreturn]] void unsupported(const char *name) {
    throw core::error{core::k_feature_not_supported,
                      std::string{"cannot count distinct values of type "} + name,
                      "The type has no form that stays the same in every release and setting.",
                      "Cast the value to text."};
}

} // namespace

hash_function find_hash(Oid type) {
    const Oid base = getBaseType(type);
    switch (base) {
    case BOOLOID:
    case CHAROID:
        return hash_whole<std::uint8_t>;
    case INT2OID:
        return hash_whole<std::int16_t>;
    case INT4OID:
    case DATEOID:
        return hash_whole<std::int32_t>;
    case INT8OID:
    case TIMEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        return hash_int8; // times are 64 bits of microseconds
    case FLOAT4OID:
        return hash_float4;
    case FLOAT8OID:
        return hash_float8;
    case NUMERICOID:
        return hash_numeric;
    case TEXTOID:
    case VARCHAROID:
    case BYTEAOID:
    case INETOID:
    case CIDROID:
        return hash_varlena;
    case BPCHAROID:
        return hash_padded;
    case NAMEOID:
        return hash_name;
    case UUIDOID:
        return hash_uuid;
    case INTERVALOID:
        return hash_interval;
    default:
        if (type_is_enum(base))
            return hash_enum;
        unsupported(format_type_be(base));
    }
}

} // namespace saas::sketches
