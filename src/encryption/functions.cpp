// SPDX-License-Identifier: PostgreSQL
// SQL entry points of encryption. Their frames hold plain data only: nothing in them needs a
// destructor, so the server may raise errors through them.
#include <cstring>

#include "context/context.hpp"
#include "encryption/data_keys.hpp"
#include "encryption/errors.hpp"
#include "encryption/key_agent.hpp"
#include "encryption/keystore.hpp"
#include "encryption/plaintext.hpp"
#include "encryption/reencrypt.hpp"
#include "encryption/request.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/detoast.h"      // toast_raw_datum_size
#include "access/htup_details.h" // heap_form_tuple
#include "funcapi.h"             // get_call_result_type
#include "utils/builtins.h"      // cstring_to_text_with_len
#include "utils/memutils.h"      // MaxAllocSize
#include "utils/uuid.h"          // DatumGetUUIDP
}

using namespace saas;             // NOLINT: entry points only
using namespace saas::encryption; // NOLINT

namespace {

using core::encryption::algorithm;
using core::encryption::header;
using bytes_in = std::span<const std::uint8_t>;
using bytes_out = std::span<std::uint8_t>;

bytes_in bytes_of(const struct varlena *value) {
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(value)),
            static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// A value of so many bytes, to be filled in.
struct varlena *make_value(std::size_t size) {
    if (size > MaxAllocSize - VARHDRSZ)
        throw core::error{core::sqlstate{"54000"}, "the value is too long to be encrypted"};
    auto *out = static_cast<struct varlena *>(palloc(size + VARHDRSZ));
    SET_VARSIZE(out, size + VARHDRSZ);
    return out;
}
bytes_out room_of(struct varlena *value) {
    return {reinterpret_cast<std::uint8_t *>(VARDATA(value)), VARSIZE(value) - VARHDRSZ};
}

Datum seal(const request &asked, algorithm chosen, bytes_in plaintext) {
    const usable_key key = key_to_encrypt(owner_of(asked), use_of(chosen));
    struct varlena *out = make_value(core::encryption::sealed_size(chosen, plaintext.size()));
    cipher().seal(chosen, key.number, key.bytes, asked.bound, MyProcPid, plaintext, room_of(out));
    return PointerGetDatum(out);
}

// Whose key it was: of a subject, or without one of the tenant.
struct key_holder {
    std::optional<core::uuid> subject;
    bool restricted = false;
};

// Opens a stored value; `owner` becomes whose key it was.
struct varlena *open(const request &asked, bytes_in value, key_holder &owner,
                     core::encryption::value_cipher &opening = cipher()) {
    const auto known = core::encryption::parse_header(value);
    if (!known)
        decryption_failed();
    const auto key = key_to_decrypt(asked.bound.tenant, known->key_number, use_of(known->chosen));
    if (!key)
        decryption_failed();
    struct varlena *out = make_value(core::encryption::plain_size(*known, value.size()));
    if (!opening.open(*known, key->bytes, asked.bound, value, room_of(out)))
        decryption_failed();
    owner = {key->subject, key->restricted};
    return out;
}

// Values of a person whose data may only be stored open for that person.
void require_unrestricted(const key_holder &owner) {
    if (!owner.restricted)
        return;
    const core::context::request_context *caller = pg::call([] { return context::current(); });
    if (caller == nullptr || caller->user != owner.subject)
        throw core::error{k_restricted,
                          "the processing of this person's data is restricted",
                          {},
                          "The person can read it. saas.lift_restriction() ends the restriction."};
}

Datum encrypt(FunctionCallInfo fcinfo, content what, shape form) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    require_unsealed();
    const request asked = encrypting_request(fcinfo, form);
    return seal(asked, asked.chosen.value_or(algorithm::xaes_256_gcm),
                plaintext_of(PG_GETARG_DATUM(0), what));
}

Datum decrypt(FunctionCallInfo fcinfo, content what, shape form) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    require_unsealed();
    const request asked = decrypting_request(fcinfo, form);
    key_holder owner;
    struct varlena *plain = open(asked, bytes_of(PG_GETARG_VARLENA_PP(0)), owner);
    require_unrestricted(owner);
    return value_of(plain, what);
}

Datum reencrypt(FunctionCallInfo fcinfo, shape form) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    require_unsealed();
    request asked = encrypting_request(fcinfo, form);
    const bytes_in value = bytes_of(PG_GETARG_VARLENA_PP(0));
    key_holder owner;
    struct varlena *plain = open(asked, value, owner, former_cipher());
    if (!asked.subject)
        asked.subject = owner.subject;
    // Under another's key it would open for others.
    if (asked.subject != owner.subject)
        require_unrestricted(owner);
    const auto chosen = asked.chosen.value_or(static_cast<algorithm>(value[1]));
    const Datum out = seal(asked, chosen, room_of(plain));
    core::encryption::wipe(room_of(plain));
    pfree(plain);
    return out;
}

// Arguments: value, asset, row, team.
Datum reencrypt_stored(FunctionCallInfo fcinfo) {
    auto given = [&](int at) -> std::optional<core::uuid> {
        core::uuid out{};
        if (PG_ARGISNULL(at))
            return std::nullopt;
        std::memcpy(out.data(), DatumGetUUIDP(PG_GETARG_DATUM(at))->data, out.size());
        return out;
    };
    return PointerGetDatum(reencrypted(PG_GETARG_VARLENA_PP(0), {given(1), given(2), given(3)}));
}

// The header without reading the whole value.
std::optional<header> header_of(Datum value, std::size_t &size) {
    size = toast_raw_datum_size(value) - VARHDRSZ;
    return core::encryption::parse_header(
        bytes_of(PG_DETOAST_DATUM_SLICE(value, 0, core::encryption::k_header_bytes)), size);
}

// Asked for every row of a table.
bool key_number(FunctionCallInfo fcinfo, Datum &answer) noexcept {
    const auto *value = reinterpret_cast<const struct varlena *>(PG_GETARG_POINTER(0));
    const auto known = key_number_in_place(value);
    if (known)
        answer = Int64GetDatum(static_cast<std::int64_t>(*known));
    return known && *known != 0;
}

} // namespace

namespace saas::encryption {

struct varlena *reencrypted(const struct varlena *stored, const place &bound) {
    const bytes_in value = bytes_of(stored);
    const auto known = core::encryption::parse_header(value);
    if (!known)
        decryption_failed();
    const auto flagged = [&](const std::optional<core::uuid> &part, std::uint8_t flag) {
        return (known->flags & flag) != 0 ? part : std::nullopt;
    };
    request asked{};
    asked.bound.tenant = team_to_act_for(flagged(bound.team, core::encryption::k_tenant_bound));
    asked.bound.asset = flagged(bound.asset, core::encryption::k_asset_bound);
    asked.bound.row = flagged(bound.row, core::encryption::k_row_bound);
    key_holder owner;
    struct varlena *plain = open(asked, value, owner, former_cipher());
    asked.subject = owner.subject;
    auto *out = reinterpret_cast<struct varlena *>(
        DatumGetPointer(seal(asked, known->chosen, room_of(plain))));
    core::encryption::wipe(room_of(plain));
    pfree(plain);
    return out;
}

std::optional<std::uint64_t> key_number_in_place(const struct varlena *value) noexcept {
    if (VARATT_IS_EXTERNAL(value) || VARATT_IS_COMPRESSED(value))
        return std::nullopt;
    const auto known = core::encryption::parse_header(bytes_of(value));
    return known ? known->key_number : 0;
}

} // namespace saas::encryption

SAAS_FUNCTION(saas_encrypt_text) {
    return encrypt(fcinfo, content::text, shape::tenant);
}
SAAS_FUNCTION(saas_encrypt_text_asset) {
    return encrypt(fcinfo, content::text, shape::asset);
}
SAAS_FUNCTION(saas_encrypt_text_column) {
    return encrypt(fcinfo, content::text, shape::column);
}
SAAS_FUNCTION(saas_encrypt_bytes) {
    return encrypt(fcinfo, content::bytes, shape::tenant);
}
SAAS_FUNCTION(saas_encrypt_bytes_asset) {
    return encrypt(fcinfo, content::bytes, shape::asset);
}
SAAS_FUNCTION(saas_encrypt_bytes_column) {
    return encrypt(fcinfo, content::bytes, shape::column);
}
SAAS_FUNCTION(saas_encrypt_json) {
    return encrypt(fcinfo, content::json, shape::tenant);
}
SAAS_FUNCTION(saas_encrypt_json_asset) {
    return encrypt(fcinfo, content::json, shape::asset);
}
SAAS_FUNCTION(saas_encrypt_json_column) {
    return encrypt(fcinfo, content::json, shape::column);
}

SAAS_FUNCTION(saas_decrypt_text) {
    return decrypt(fcinfo, content::text, shape::tenant);
}
SAAS_FUNCTION(saas_decrypt_text_asset) {
    return decrypt(fcinfo, content::text, shape::asset);
}
SAAS_FUNCTION(saas_decrypt_text_column) {
    return decrypt(fcinfo, content::text, shape::column);
}
SAAS_FUNCTION(saas_decrypt_bytes) {
    return decrypt(fcinfo, content::bytes, shape::tenant);
}
SAAS_FUNCTION(saas_decrypt_bytes_asset) {
    return decrypt(fcinfo, content::bytes, shape::asset);
}
SAAS_FUNCTION(saas_decrypt_bytes_column) {
    return decrypt(fcinfo, content::bytes, shape::column);
}
SAAS_FUNCTION(saas_decrypt_json) {
    return decrypt(fcinfo, content::json, shape::tenant);
}
SAAS_FUNCTION(saas_decrypt_json_asset) {
    return decrypt(fcinfo, content::json, shape::asset);
}
SAAS_FUNCTION(saas_decrypt_json_column) {
    return decrypt(fcinfo, content::json, shape::column);
}

SAAS_FUNCTION(saas_reencrypt) {
    return reencrypt(fcinfo, shape::tenant);
}
SAAS_FUNCTION(saas_reencrypt_asset) {
    return reencrypt(fcinfo, shape::asset);
}
SAAS_FUNCTION(saas_reencrypt_column) {
    return reencrypt(fcinfo, shape::column);
}

SAAS_FUNCTION(saas_reencrypt_stored) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    require_unsealed();
    return reencrypt_stored(fcinfo);
}

SAAS_FUNCTION_WITH_SHORTCUT(saas_ciphertext_key_no, key_number) {
    std::size_t size = 0;
    const auto known = header_of(PG_GETARG_DATUM(0), size);
    if (!known)
        PG_RETURN_NULL();
    PG_RETURN_INT64(static_cast<std::int64_t>(known->key_number));
}

SAAS_FUNCTION(saas_is_ciphertext) {
    std::size_t size = 0;
    PG_RETURN_BOOL(header_of(PG_GETARG_DATUM(0), size).has_value());
}

SAAS_FUNCTION(saas_ciphertext_info) {
    TupleDesc columns = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        throw core::error{core::k_internal_error, "a row is expected"};
    std::size_t size = 0;
    const auto known = header_of(PG_GETARG_DATUM(0), size);
    bool nulls[] = {false, !known, !known, !known, !known, !known, !known};
    Datum values[7] = {BoolGetDatum(known.has_value())};
    if (known) {
        const auto name = core::encryption::name_of(known->chosen);
        values[1] = Int32GetDatum(1);
        values[2] =
            PointerGetDatum(cstring_to_text_with_len(name.data(), static_cast<int>(name.size())));
        values[3] = Int64GetDatum(static_cast<std::int64_t>(known->key_number));
        values[4] = BoolGetDatum((known->flags & core::encryption::k_asset_bound) != 0);
        values[5] = BoolGetDatum((known->flags & core::encryption::k_row_bound) != 0);
        values[6] = Int32GetDatum(static_cast<int>(core::encryption::plain_size(*known, size)));
    }
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

SAAS_FUNCTION(saas_keystore_sealed) {
    if (!agent_is_configured())
        PG_RETURN_BOOL(is_sealed());
    key_request request;
    request.operation = key_operation::look;
    try {
        (void)ask_for_key(request);
    } catch (const core::error &) {
        PG_RETURN_BOOL(true);
    }
    PG_RETURN_BOOL(false);
}
