// SPDX-License-Identifier: PostgreSQL
// SQL entry points that change the epochs of the key file. For the package's own functions.
#include "encryption/key_epochs.hpp"

#include <cstring>

#include "encryption/errors.hpp"
#include "encryption/key_rows.hpp"
#include "encryption/key_service.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "access/xlog.h"         // XLogFlush
#include "funcapi.h"             // get_call_result_type
#include "storage/lock.h"        // LockAcquire
#include "utils/timestamp.h"     // TimestampTz
#include "utils/uuid.h"          // pg_uuid_t
}

namespace saas::encryption {
namespace {

using core::encryption::key_purpose;

bool keeps_epochs = false; // this transaction has wrapped keys

// A lock that no SQL command takes. Teams whose ids meet in 32 bits wait for each other.
LOCKTAG lock_of(const core::uuid &team) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, team.data() + 12, sizeof(low));
    std::memcpy(&high, team.data() + 4, sizeof(high));
    LOCKTAG tag;
    constexpr Oid k_class = 0x53414B45; // of no catalog
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, k_class, low ^ high, 0);
    return tag;
}

void keep_epochs_unsafe(const core::uuid &team) {
    const LOCKTAG tag = lock_of(team);
    LockAcquire(&tag, RowExclusiveLock, false, false);
}

// True unless somebody has wrapped keys of the team and not ended the transaction.
bool lock_epochs(const core::uuid &team) {
    const LOCKTAG tag = lock_of(team);
    return LockAcquire(&tag, ShareRowExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

} // namespace

void keep_epochs(const core::uuid &team) {
    keeps_epochs = true;
    pg::call([&] { keep_epochs_unsafe(team); });
}

void forget_kept_epochs() noexcept { keeps_epochs = false; }

} // namespace saas::encryption

using namespace saas;             // NOLINT: entry points only
using namespace saas::encryption; // NOLINT

namespace {

core::uuid uuid_argument(Datum value) {
    core::uuid out{};
    std::memcpy(out.data(), DatumGetUUIDP(value)->data, out.size());
    return out;
}

// shred or hold.
key_purpose purpose_argument(Datum value) {
    const std::string_view name = pg::text_view_unsafe(value);
    if (name == "shred")
        return key_purpose::shred;
    if (name == "hold")
        return key_purpose::hold;
    throw core::error{core::k_invalid_parameter_value, "there is no such purpose of keys"};
}

key_request team_request(key_operation operation, FunctionCallInfo fcinfo) {
    key_request request;
    request.operation = operation;
    request.team = uuid_argument(PG_GETARG_DATUM(0));
    request.purpose = purpose_argument(PG_GETARG_DATUM(1));
    return request;
}

Datum bytes_datum(std::span<const std::uint8_t> bytes) {
    auto *out = static_cast<bytea *>(palloc(bytes.size() + VARHDRSZ));
    SET_VARSIZE(out, bytes.size() + VARHDRSZ);
    std::memcpy(VARDATA(out), bytes.data(), bytes.size());
    return PointerGetDatum(out);
}

std::span<const std::uint8_t> bytes_argument(Datum value, std::size_t expected) {
    const bytea *given = DatumGetByteaPP(value);
    if (VARSIZE_ANY_EXHDR(given) != expected)
        throw core::error{core::k_invalid_parameter_value, "the value has another length"};
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(given)), expected};
}

} // namespace

SAAS_FUNCTION(saas_key_epochs) {
    TupleDesc columns = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        throw core::error{core::k_internal_error, "a row is expected"};
    const key_answer found = ask_for_key(team_request(key_operation::look, fcinfo));
    const bool none = found.outcome != key_outcome::done;
    constexpr std::int64_t k_postgres_epoch = 946'684'800'000'000;
    Datum values[] = {Int32GetDatum(static_cast<int>(found.oldest)),
                      Int32GetDatum(static_cast<int>(found.epoch)),
                      TimestampTzGetDatum(found.began_at - k_postgres_epoch)};
    bool nulls[] = {found.oldest == 0, none, none};
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

SAAS_FUNCTION(saas_begin_key_epoch) {
    key_request request = team_request(key_operation::begin_epoch, fcinfo);
    request.epoch = static_cast<std::uint32_t>(PG_GETARG_INT32(2));
    keep_epochs(request.team);
    PG_RETURN_INT32(static_cast<int>(ask_for_key(request).epoch));
}

// NULL when somebody wraps keys of the team at the moment.
SAAS_FUNCTION(saas_end_key_epochs) {
    key_request request = team_request(key_operation::end_epochs, fcinfo);
    request.epoch = static_cast<std::uint32_t>(PG_GETARG_INT32(2));
    if (keeps_epochs)
        throw core::error{k_keys_in_use, "an epoch cannot be ended in a transaction that wrapped keys", {},
                          "Commit, and call the function again."};
    if (!lock_epochs(request.team))
        PG_RETURN_NULL();
    if (has_keys_before(request.team, request.purpose == key_purpose::hold, request.epoch))
        throw core::error{k_keys_in_use, "an epoch cannot be ended while keys are wrapped in it"};
    // What was committed must be on the disk before the other copy of the keys goes.
    XLogFlush(GetXLogInsertRecPtr());
    PG_RETURN_INT32(static_cast<int>(ask_for_key(request).epoch));
}

// Arguments: team, key_no, kind, subject, asset, version, epoch, wrapped, purpose, purpose to be, epoch to be. NULL
// when it does not open, and when that is not the current epoch.
SAAS_FUNCTION(saas_rewrap_key) {
    for (int i : {0, 1, 2, 5, 6, 7, 8, 9, 10}) {
        if (PG_ARGISNULL(i))
            PG_RETURN_NULL();
    }
    key_request request;
    request.operation = key_operation::rewrap;
    request.team = uuid_argument(PG_GETARG_DATUM(0));
    request.number = static_cast<std::uint64_t>(PG_GETARG_INT64(1));
    const auto kind = pg::text_view_unsafe(PG_GETARG_DATUM(2));
    kind.copy(request.kind, sizeof(request.kind));
    if (!PG_ARGISNULL(3))
        request.subject = uuid_argument(PG_GETARG_DATUM(3));
    if (!PG_ARGISNULL(4))
        request.asset = uuid_argument(PG_GETARG_DATUM(4));
    request.version = static_cast<std::uint32_t>(PG_GETARG_INT32(5));
    request.epoch = static_cast<std::uint32_t>(PG_GETARG_INT32(6));
    const auto wrapped = bytes_argument(PG_GETARG_DATUM(7), request.wrapped.size());
    std::copy(wrapped.begin(), wrapped.end(), request.wrapped.begin());
    request.purpose = purpose_argument(PG_GETARG_DATUM(8));
    request.target = purpose_argument(PG_GETARG_DATUM(9));
    keeps_epochs = true;
    keep_epochs_unsafe(request.team);
    const key_answer answer = ask_for_key(request);
    if (answer.outcome != key_outcome::done ||
        answer.epoch != static_cast<std::uint32_t>(PG_GETARG_INT32(10)))
        PG_RETURN_NULL();
    return bytes_datum(answer.wrapped);
}

SAAS_FUNCTION(saas_take_root_key) {
    key_request request;
    request.operation = key_operation::take_root;
    PG_RETURN_INT32(static_cast<int>(ask_for_key(request).epoch));
}

SAAS_FUNCTION(saas_sign_proof) {
    key_request request;
    request.operation = key_operation::sign;
    request.key = core::sha256(core::bytes_of(pg::text_view_unsafe(PG_GETARG_DATUM(0))));
    return bytes_datum(ask_for_key(request).key);
}

SAAS_FUNCTION(saas_is_proof_signed) {
    key_request request;
    request.operation = key_operation::verify;
    request.key = core::sha256(core::bytes_of(pg::text_view_unsafe(PG_GETARG_DATUM(0))));
    const bytea *given = PG_GETARG_BYTEA_PP(1);
    if (VARSIZE_ANY_EXHDR(given) != sizeof(core::digest))
        PG_RETURN_BOOL(false);
    std::memcpy(request.wrapped.data(), VARDATA_ANY(given), sizeof(core::digest));
    PG_RETURN_BOOL(ask_for_key(request).outcome == key_outcome::done);
}
