// SPDX-License-Identifier: PostgreSQL
#include "payments/json_values.hpp"

#include "core/error.hpp"
#include "core/payments/decimal_amount.hpp"
#include "core/payments/event_time.hpp"
#include "payments/arguments.hpp"
#include "payments/reference.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "pg/datum.hpp"
#include "pg/json_path.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_collation.h" // DEFAULT_COLLATION_OID
#include "catalog/pg_type.h"      // TEXTOID
#include "mb/pg_wchar.h"          // pg_mbstrlen_with_len
#include "utils/builtins.h"       // cstring_to_text
#include "utils/fmgrprotos.h"     // numeric_out, lower
}

namespace saas::payments {
namespace {

using core::payments::conversion;
using core::payments::json_path;
using core::payments::mapped_value;

constexpr core::sqlstate k_senseless_object{"SA072"};
constexpr std::int64_t k_last_second = 253402300799; // of the year 9999
constexpr int k_longest = 255;                       // of identifiers and short texts, in characters

bool find_path(const json_source &source, const json_path &path, JsonbValue &out) {
    const json_part &base = path.base < 0 ? source.whole : source.parts[path.base];
    return base.is_there && pg::find_json(base.value, path.members, out);
}

// The first path at which there is something but null; null where there is nothing at all.
void find_value(const json_source &source, const mapped_value &line, JsonbValue &out) {
    for (const json_path &path : line.paths) {
        if (find_path(source, path, out) && out.type != jbvNull)
            return;
    }
    out.type = jbvNull;
}

Datum text_of(std::string_view value) {
    return PointerGetDatum(cstring_to_text_with_len(value.data(), static_cast<int>(value.size())));
}

const char *decimal_of(const JsonbValue &number) {
    return DatumGetCString(
        DirectFunctionCall1(numeric_out, NumericGetDatum(number.val.numeric)));
}

bool find_text(const json_source &source, const mapped_value &line, Datum &out) {
    JsonbValue value;
    find_value(source, line, value);
    return pg::json_text(value, out);
}

bool find_short_text(const json_source &source, const mapped_value &line, Datum &out) {
    if (!find_text(source, line, out))
        return false;
    const std::string_view whole = pg::text_view_unsafe(out);
    if (whole.size() > k_longest)
        out = DirectFunctionCall2(text_left, out, Int32GetDatum(k_longest));
    return true;
}

bool find_lower_text(const json_source &source, const mapped_value &line, Datum &out) {
    if (!find_text(source, line, out))
        return false;
    out = DirectFunctionCall1Coll(lower, DEFAULT_COLLATION_OID, out);
    return true;
}

bool find_mail_domain(const json_source &source, const mapped_value &line, Datum &out) {
    if (!find_lower_text(source, line, out))
        return false;
    const std::string_view address = pg::text_view_unsafe(out);
    const std::size_t at = address.rfind('@');
    if (at == std::string_view::npos || at + 1 == address.size())
        return false;
    out = text_of(address.substr(at + 1));
    return true;
}

// An identifier as text, or in an expanded object, which has to have one.
bool find_id(const json_source &source, const mapped_value &line, Datum &out) {
    JsonbValue value;
    find_value(source, line, value);
    bool is_required = line.how == conversion::required_id;
    if (value.type == jbvBinary && JsonContainerIsObject(value.val.binary.data)) {
        is_required = true;
        if (getKeyJsonValueFromContainer(value.val.binary.data, "id", 2, &value) == nullptr)
            value.type = jbvNull;
    }
    if (value.type == jbvNull && !is_required)
        return false;
    if (value.type == jbvString && value.val.string.len > 0 &&
        pg_mbstrlen_with_len(value.val.string.val, value.val.string.len) <= k_longest)
        return pg::json_text(value, out);
    throw core::error{k_senseless_object,
                      "an object has no id, or it is not a text of 1 to 255 characters"};
}

bool find_units(const json_source &source, const mapped_value &line, Datum &out) {
    JsonbValue value;
    find_value(source, line, value);
    std::int64_t amount = 0;
    if (value.type == jbvNumeric)
        amount = core::payments::minor_units(decimal_of(value), source.provider_exponent,
                                             source.exponent);
    else if (value.type != jbvNull || line.how != conversion::units_or_zero)
        throw core::error{k_senseless_object, "an amount is missing or not a number"};
    out = Int64GetDatum(amount);
    return true;
}

bool find_currency_code(json_source &source, const mapped_value &line, Datum &out) {
    const auto known = find_text(source, line, out)
                           ? find_currency(source.provider, pg::text_view_unsafe(out))
                           : std::nullopt;
    if (!known)
        throw core::error{k_senseless_object, "the currency is unknown, or has no minor unit",
                          {}, "Currencies and their exponents are the rows of saas.currencies."};
    source.exponent = known->exponent;
    source.provider_exponent = known->provider_exponent;
    out = text_of({known->code.data(), known->code.size()});
    return true;
}

bool find_mapped_state(const json_source &source, const mapped_value &line, Datum &out) {
    const auto state =
        find_text(source, line, out)
            ? find_state(source.provider, line.argument, pg::text_view_unsafe(out))
            : std::nullopt;
    if (!state) {
        std::string object = line.argument;
        std::replace(object.begin(), object.end(), '_', ' ');
        throw core::error{
            k_senseless_object, "the status of the " + object + " is unknown", {},
            "What the states of providers mean are the rows of saas.provider_status_map."};
    }
    out = text_of(*state);
    return true;
}

bool find_unix_time(const json_source &source, const mapped_value &line, Datum &out) {
    JsonbValue value;
    find_value(source, line, value);
    if (value.type != jbvNumeric)
        return false;
    const std::string_view decimal = decimal_of(value);
    std::int64_t seconds = -1;
    const char *end = decimal.data() + decimal.size();
    const auto read = std::from_chars(decimal.data(), end, seconds);
    const bool is_whole = read.ptr == end;
    // With a fraction, the last second itself is the end.
    if (read.ec != std::errc{} || decimal.front() == '-' || seconds > k_last_second ||
        (seconds == k_last_second && !is_whole))
        return false;
    out = is_whole ? time_datum(seconds)
                   : DirectFunctionCall1(
                         float8_timestamptz,
                         DirectFunctionCall1(numeric_float8, NumericGetDatum(value.val.numeric)));
    return true;
}

bool find_time(const json_source &source, const mapped_value &line, Datum &out) {
    JsonbValue value;
    find_value(source, line, value);
    if (value.type != jbvString)
        return false;
    const auto micros = core::payments::read_rfc3339(
        {value.val.string.val, static_cast<std::size_t>(value.val.string.len)});
    if (!micros)
        return false;
    out = TimestampTzGetDatum(*micros - k_epoch_shift * USECS_PER_SEC);
    return true;
}

bool find_flag(const json_source &source, const mapped_value &line, Datum &out) {
    JsonbValue value;
    const bool is_there = std::any_of(line.paths.begin(), line.paths.end(), [&](const auto &path) {
        return find_path(source, path, value);
    });
    out = BoolGetDatum(is_there && value.type == jbvBool && value.val.boolean);
    return is_there || line.how == conversion::flag_or_false;
}

bool find_object(const json_source &source, const mapped_value &line, Datum &out) {
    JsonbValue value;
    find_value(source, line, value);
    if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data)) {
        value.type = jbvObject;
        value.val.object.nPairs = 0;
        value.val.object.pairs = nullptr;
    }
    out = JsonbPGetDatum(JsonbValueToJsonb(&value));
    return true;
}

} // namespace

void open_json(json_source &source, const core::payments::json_mapping &mapping,
               std::string_view provider, Jsonb *object) {
    source.mapping = &mapping;
    source.provider = provider;
    source.exponent = source.provider_exponent = 0;
    source.whole.is_there = object != nullptr;
    if (object != nullptr)
        pg::json_whole(object, source.whole.value);
    source.parts = static_cast<json_part *>(palloc(sizeof(json_part) * (mapping.parts.size() + 1)));
    json_part *part = source.parts;
    for (const auto &paths : mapping.parts) {
        part->is_there = std::any_of(paths.begin(), paths.end(), [&](const json_path &path) {
            return find_path(source, path, part->value);
        });
        ++part;
    }
}

Oid type_of(conversion how) {
    switch (how) {
    case conversion::units:
    case conversion::units_or_zero:
        return INT8OID;
    case conversion::currency:
        return BPCHAROID;
    case conversion::unix_time:
    case conversion::time:
        return TIMESTAMPTZOID;
    case conversion::flag:
    case conversion::flag_or_false:
        return BOOLOID;
    case conversion::object:
        return JSONBOID;
    default:
        return TEXTOID;
    }
}

bool convert_json(json_source &source, const mapped_value &line, Datum &out) {
    switch (line.how) {
    case conversion::short_text:
        return find_short_text(source, line, out);
    case conversion::lower_text:
        return find_lower_text(source, line, out);
    case conversion::mail_domain:
        return find_mail_domain(source, line, out);
    case conversion::id:
    case conversion::required_id:
        return find_id(source, line, out);
    case conversion::units:
    case conversion::units_or_zero:
        return find_units(source, line, out);
    case conversion::currency:
        return find_currency_code(source, line, out);
    case conversion::state:
        return find_mapped_state(source, line, out);
    case conversion::unix_time:
        return find_unix_time(source, line, out);
    case conversion::time:
        return find_time(source, line, out);
    case conversion::flag:
    case conversion::flag_or_false:
        return find_flag(source, line, out);
    case conversion::object:
        return find_object(source, line, out);
    default:
        return find_text(source, line, out);
    }
}

} // namespace saas::payments
