// SPDX-License-Identifier: PostgreSQL
// SQL entry points of blind indexes and of the text form of encrypted values.
#include <cstring>

#include "core/encryption/text_form.hpp"
#include "encryption/assets.hpp"
#include "encryption/blind_index.hpp"
#include "encryption/plaintext.hpp"
#include "encryption/request.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h" // cstring_to_text_with_len
#include "utils/uuid.h"     // DatumGetUUIDP
}

using namespace saas;             // NOLINT: entry points only
using namespace saas::encryption; // NOLINT

namespace {

core::uuid uuid_at(FunctionCallInfo fcinfo, int at) {
    core::uuid out{};
    std::memcpy(out.data(), PG_GETARG_UUID_P(at)->data, UUID_LEN);
    return out;
}

// Arguments: value; asset, or table and column; characters of a prefix; bits; team.
struct index_call {
    core::uuid team;
    core::uuid asset;
    index_rule rule;
    std::span<const std::uint8_t> value;
};

// False when an argument is NULL that the answer depends on.
bool read_call(FunctionCallInfo fcinfo, shape form, index_kind kind, index_call &out) {
    const int after = form == shape::column ? 3 : 2;
    for (int i = 0; i < PG_NARGS() - 1; ++i) {
        if (PG_ARGISNULL(i))
            return false;
    }
    out.asset = form == shape::column ? asset_of(PG_GETARG_OID(1), NameStr(*PG_GETARG_NAME(2)))
                                      : uuid_at(fcinfo, 1);
    out.rule.kind = kind;
    int at = after;
    if (kind == index_kind::prefix)
        out.rule.characters = PG_GETARG_INT32(at++);
    out.rule.bits = PG_GETARG_INT32(at++);
    check_rule(out.rule);
    std::optional<core::uuid> team;
    if (!PG_ARGISNULL(at))
        team = uuid_at(fcinfo, at);
    out.team = team_to_act_for(team);
    out.value = plaintext_of(PG_GETARG_DATUM(0), content::text);
    return true;
}

Datum index(FunctionCallInfo fcinfo, shape form, index_kind kind) {
    index_call asked{};
    if (!read_call(fcinfo, form, kind, asked))
        PG_RETURN_NULL();
    const auto number = index_of(asked.team, asked.asset, asked.rule, asked.value);
    if (!number)
        PG_RETURN_NULL();
    PG_RETURN_INT64(*number);
}

Datum candidates(FunctionCallInfo fcinfo, shape form, index_kind kind) {
    index_call asked{};
    if (!read_call(fcinfo, form, kind, asked))
        PG_RETURN_NULL();
    return index_candidates(asked.team, asked.asset, asked.rule, asked.value);
}

} // namespace

SAAS_FUNCTION(saas_blind_index_asset) { return index(fcinfo, shape::asset, index_kind::exact); }
SAAS_FUNCTION(saas_blind_index_column) { return index(fcinfo, shape::column, index_kind::exact); }
SAAS_FUNCTION(saas_blind_index_prefix) { return index(fcinfo, shape::asset, index_kind::prefix); }
SAAS_FUNCTION(saas_blind_index_last_four) { return index(fcinfo, shape::asset, index_kind::last_four); }

SAAS_FUNCTION(saas_blind_candidates_asset) { return candidates(fcinfo, shape::asset, index_kind::exact); }
SAAS_FUNCTION(saas_blind_candidates_column) { return candidates(fcinfo, shape::column, index_kind::exact); }
SAAS_FUNCTION(saas_blind_candidates_prefix) { return candidates(fcinfo, shape::asset, index_kind::prefix); }
SAAS_FUNCTION(saas_blind_candidates_last_four) {
    return candidates(fcinfo, shape::asset, index_kind::last_four);
}

SAAS_FUNCTION(saas_ciphertext_to_text) {
    const auto *value = PG_GETARG_VARLENA_PP(0);
    const std::string form = core::encryption::to_text_form(
        {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(value)),
         static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))});
    PG_RETURN_DATUM(pg::call([&form] {
        return PointerGetDatum(
            cstring_to_text_with_len(form.data(), static_cast<int>(form.size())));
    }));
}

// NULL for a text that is no encrypted value.
SAAS_FUNCTION(saas_ciphertext_from_text) {
    const std::string_view form = pg::text_view_unsafe(PG_GETARG_DATUM(0));
    const auto size = core::encryption::text_form_bytes(form);
    if (!size)
        PG_RETURN_NULL();
    auto *out = static_cast<struct varlena *>(palloc(*size + VARHDRSZ));
    SET_VARSIZE(out, *size + VARHDRSZ);
    if (!core::encryption::from_text_form(
            form, {reinterpret_cast<std::uint8_t *>(VARDATA(out)), *size}))
        PG_RETURN_NULL();
    PG_RETURN_POINTER(out);
}
