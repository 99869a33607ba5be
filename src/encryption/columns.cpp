// SPDX-License-Identifier: PostgreSQL
// The trigger saas.encrypt_columns(): encrypts a column on its way into the table, so that no plaintext
// reaches the heap or the WAL. A value that is encrypted already stays when it opens as the value
// of this row, and when a dump is restored. Frames hold plain data only.
#include <cstring>
#include <optional>

#include "core/encryption/secret.hpp"
#include "core/encryption/text_form.hpp"
#include "encryption/column_plan.hpp"
#include "encryption/data_keys.hpp"
#include "encryption/errors.hpp"
#include "encryption/plaintext.hpp"
#include "encryption/request.hpp"
#include "pg/boundary.hpp"
#include "pg/settings.hpp"
#include "pg/trigger.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_getattr
#include "access/sysattr.h"      // FirstLowInvalidHeapAttributeNumber
#include "access/xact.h"         // GetCurrentTransactionStartTimestamp
#include "utils/acl.h"           // has_privs_of_role
#include "utils/builtins.h"      // cstring_to_text_with_len
#include "utils/datum.h"         // datum_image_eq
#include "utils/rel.h"           // RelationGetDescr
#include "utils/uuid.h"          // DatumGetUUIDP
}

using namespace saas;             // NOLINT: an entry point only
using namespace saas::encryption; // NOLINT

namespace {

using core::encryption::binding;
using bytes_in = std::span<const std::uint8_t>;

// A value of one row: of which team, row and person.
struct place {
    binding bound;
    std::optional<core::uuid> subject;

    bool operator==(const place &other) const {
        return bound.tenant == other.bound.tenant && bound.asset == other.bound.asset &&
               bound.row == other.bound.row && subject == other.subject;
    }
};

// What was encrypted last by each column's trigger in this transaction, by its tag. INSERT … ON CONFLICT
// DO UPDATE takes it to another row, for which it has to be encrypted anew.
struct last_sealed {
    Oid trigger = InvalidOid;
    TimestampTz transaction = 0;
    std::array<std::uint8_t, core::encryption::k_tag_bytes> tag{};
    place where;
};
constexpr std::size_t k_remembered = 16;
std::array<last_sealed, k_remembered> remembered;
std::size_t next_remembered = 0;

bytes_in tag_of(bytes_in value) { return value.last(core::encryption::k_tag_bytes); }

void remember(Oid trigger, bytes_in value, const place &where) {
    std::size_t slot = 0;
    while (slot < k_remembered && remembered[slot].trigger != trigger)
        ++slot;
    if (slot == k_remembered)
        slot = next_remembered++ % k_remembered;
    remembered[slot].trigger = trigger;
    remembered[slot].transaction = GetCurrentTransactionStartTimestamp();
    remembered[slot].where = where;
    std::memcpy(remembered[slot].tag.data(), tag_of(value).data(), core::encryption::k_tag_bytes);
}

const place *recall(Oid trigger, const core::uuid &tenant, bytes_in value) {
    for (const last_sealed &last : remembered) {
        if (last.trigger == trigger && last.where.bound.tenant == tenant &&
            last.transaction == GetCurrentTransactionStartTimestamp() &&
            std::memcmp(last.tag.data(), tag_of(value).data(), last.tag.size()) == 0)
            return &last.where;
    }
    return nullptr;
}

struct row_state {
    const TriggerData &data;
    const column_plan &plan;
    TupleDesc shape;

    [[nodiscard]] Datum value(HeapTuple row, int column, bool &null) const {
        return heap_getattr(row, column, shape, &null);
    }
    [[nodiscard]] std::optional<core::uuid> uuid(HeapTuple row, int column) const {
        bool null = column == 0;
        const Datum found = null ? Datum{0} : value(row, column, null);
        if (null)
            return std::nullopt;
        core::uuid out{};
        std::memcpy(out.data(), DatumGetUUIDP(found)->data, UUID_LEN);
        return out;
    }
    [[nodiscard]] place where(HeapTuple row) const {
        place out{};
        out.bound.tenant = team_to_act_for(uuid(row, plan.team));
        out.bound.asset = plan.asset;
        out.bound.row = uuid(row, plan.row);
        out.subject = uuid(row, plan.subject);
        return out;
    }
};

// The bytes of an encrypted value, out of either form; nullopt when it is none.
std::optional<bytes_in> ciphertext_of(const column_plan &plan, Datum value) {
    const auto *given = reinterpret_cast<struct varlena *>(PG_DETOAST_DATUM_PACKED(value));
    const auto *data = reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(given));
    bytes_in bytes{data, static_cast<std::size_t>(VARSIZE_ANY_EXHDR(given))};
    if (plan.as_text) {
        const std::string_view form{reinterpret_cast<const char *>(data), bytes.size()};
        const auto size = core::encryption::text_form_bytes(form);
        if (!size)
            return std::nullopt;
        auto *out = static_cast<std::uint8_t *>(palloc(*size + 1));
        if (!core::encryption::from_text_form(form, {out, *size}))
            return std::nullopt;
        bytes = {out, *size};
    }
    return core::encryption::parse_header(bytes) ? std::optional{bytes} : std::nullopt;
}

// The plaintext of a value as it is bound at this place, or null. `owner` becomes whose key it was.
struct varlena *open_at(const place &where, bytes_in value, std::optional<core::uuid> &owner) {
    const auto known = core::encryption::parse_header(value);
    const auto key = key_to_decrypt(where.bound.tenant, known->key_number, use_of(known->chosen));
    if (!key)
        return nullptr;
    const std::size_t size = core::encryption::plain_size(*known, value.size());
    auto *out = static_cast<struct varlena *>(palloc(size + VARHDRSZ));
    SET_VARSIZE(out, size + VARHDRSZ);
    if (!cipher().open(*known, key->bytes, where.bound, value,
                       {reinterpret_cast<std::uint8_t *>(VARDATA(out)), size}))
        return nullptr;
    owner = key->subject;
    return out;
}

bytes_in bytes_of(const struct varlena *value) {
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(value)),
            static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

Datum seal_at(const row_state &row, const place &where, bytes_in plaintext) {
    const column_plan &plan = row.plan;
    const key_owner owner{where.bound.tenant, where.subject ? "subject" : "tenant", where.subject,
                          std::nullopt};
    const usable_key key = key_to_encrypt(owner, use_of(plan.chosen));
    const std::size_t size = core::encryption::sealed_size(plan.chosen, plaintext.size());
    auto *out = static_cast<struct varlena *>(palloc(size + VARHDRSZ));
    SET_VARSIZE(out, size + VARHDRSZ);
    const std::span<std::uint8_t> room{reinterpret_cast<std::uint8_t *>(VARDATA(out)), size};
    cipher().seal(plan.chosen, key.number, key.bytes, where.bound, MyProcPid, plaintext, room);
    remember(row.data.tg_trigger->tgoid, room, where);
    if (!plan.as_text)
        return PointerGetDatum(out);
    const std::string form = core::encryption::to_text_form(room);
    return pg::call([&form] {
        return PointerGetDatum(
            cstring_to_text_with_len(form.data(), static_cast<int>(form.size())));
    });
}

// Columns of the new row that get another value.
struct changes {
    std::array<int, 1 + k_most_indexes> columns;
    std::array<Datum, 1 + k_most_indexes> values;
    std::array<bool, 1 + k_most_indexes> nulls;
    int count;

    void set(int column, Datum value, bool null) {
        const auto at = static_cast<std::size_t>(count++);
        columns[at] = column;
        values[at] = value;
        nulls[at] = null;
    }
};

void set_indexes(const row_state &row, const place &where, const bytes_in *plaintext, changes &out) {
    for (int i = 0; i < row.plan.index_count; ++i) {
        const index_plan &index = row.plan.indexes[static_cast<std::size_t>(i)];
        std::optional<std::int64_t> number;
        if (plaintext != nullptr)
            number = index_of(where.bound.tenant, index.asset, index.rule, *plaintext);
        out.set(index.column, Int64GetDatum(number.value_or(0)), !number);
    }
}

// Whether the blind indexes are there and as they were. Setting one computes it anew.
bool has_indexes(const row_state &row, HeapTuple fresh, HeapTuple before) {
    for (int i = 0; i < row.plan.index_count; ++i) {
        const int column = row.plan.indexes[static_cast<std::size_t>(i)].column;
        bool null = false;
        bool former_null = false;
        const Datum value = row.value(fresh, column, null);
        const Datum former = row.value(before, column, former_null);
        if (null || former_null || DatumGetInt64(value) != DatumGetInt64(former))
            return false;
    }
    return true;
}

// Whoever may restore a dump: the table's owner, superusers, saas_migrator.
bool may_restore(const TriggerData &data) {
    const Oid user = GetUserId();
    if (has_privs_of_role(user, data.tg_relation->rd_rel->relowner))
        return true;
    for (const pg::package_role &role : pg::package_roles()) {
        if (std::strcmp(role.name, "saas_migrator") == 0) {
            const Oid migrator = get_role_oid(role.configured, true);
            return OidIsValid(migrator) && has_privs_of_role(user, migrator);
        }
    }
    return false;
}

// The bytes to encrypt of a plaintext value: text in UTF-8.
bytes_in plain_bytes(const column_plan &plan, Datum value) {
    return plaintext_of(value, plan.as_text ? content::text : content::bytes);
}

void encrypt_plain(const row_state &row, HeapTuple fresh, Datum value, changes &out) {
    const place where = row.where(fresh);
    const bytes_in plaintext = plain_bytes(row.plan, value);
    set_indexes(row, where, &plaintext, out);
    out.set(row.plan.column, seal_at(row, where, plaintext), false);
}

// A value that is encrypted already. One that the row held before may have moved with it, or lacks an index.
void take_encrypted(const row_state &row, HeapTuple fresh, HeapTuple before, bytes_in value,
                    changes &out) {
    const bool restoring = may_restore(row.data);
    if (restoring && before == nullptr)
        return;
    const place where = row.where(fresh);
    std::optional<core::uuid> owner;
    bool here = true;
    struct varlena *plain = open_at(where, value, owner);
    if (plain == nullptr && before != nullptr) {
        here = false;
        plain = open_at(row.where(before), value, owner);
        const place *last = plain != nullptr ? nullptr
                                             : recall(row.data.tg_trigger->tgoid,
                                                      where.bound.tenant, value);
        if (last != nullptr)
            plain = open_at(*last, value, owner);
    }
    if (plain == nullptr) {
        if (restoring)
            return;
        throw core::error{k_foreign_ciphertext, "the value is encrypted for another place",
                          "An encrypted column takes plaintext, or what was encrypted for this row of this column.",
                          "Read the value decrypted, and write that."};
    }
    const bytes_in plaintext = bytes_of(plain);
    set_indexes(row, where, &plaintext, out);
    if (!here || owner != where.subject)
        out.set(row.plan.column, seal_at(row, where, plaintext), false);
    core::encryption::wipe({reinterpret_cast<std::uint8_t *>(VARDATA(plain)), plaintext.size()});
}

bool is_unchanged(const row_state &row, HeapTuple before, Datum value) {
    bool null = false;
    const Datum former = row.value(before, row.plan.column, null);
    return !null && datum_image_eq(former, value, false, -1);
}

// Whether an UPDATE says nothing about the column, and no other trigger has: plaintext from before waits
// for whoever converts it.
bool is_left_alone(const row_state &row, HeapTuple before, Datum value) {
    return before != nullptr && is_unchanged(row, before, value) &&
           !bms_is_member(row.plan.column - FirstLowInvalidHeapAttributeNumber,
                          row.data.tg_updatedcols);
}

void encrypt_row(const row_state &row, HeapTuple fresh, HeapTuple before, changes &out) {
    bool null = false;
    const Datum value = row.value(fresh, row.plan.column, null);
    if (null) {
        set_indexes(row, {}, nullptr, out);
        return;
    }
    const auto encrypted = ciphertext_of(row.plan, value);
    if (!encrypted) {
        if (!is_left_alone(row, before, value))
            encrypt_plain(row, fresh, value, out);
    } else if (before == nullptr || !is_unchanged(row, before, value) ||
             !has_indexes(row, fresh, before) || !(row.where(fresh) == row.where(before)))
        take_encrypted(row, fresh, before, *encrypted, out);
}

const column_plan &plan_of(FunctionCallInfo fcinfo, const TriggerData &data) {
    if (fcinfo->flinfo->fn_extra == nullptr) { // kept for the statement
        auto *plan = static_cast<column_plan *>(
            MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(column_plan)));
        read_column_plan(data, *plan);
        fcinfo->flinfo->fn_extra = plan;
    }
    return *static_cast<column_plan *>(fcinfo->flinfo->fn_extra);
}

} // namespace

SAAS_FUNCTION(saas_encrypt_columns) {
    const TriggerData &data = pg::trigger_data(fcinfo, "encrypt_columns");
    const row_state row{data, plan_of(fcinfo, data), RelationGetDescr(data.tg_relation)};
    const bool update = TRIGGER_FIRED_BY_UPDATE(data.tg_event);
    HeapTuple fresh = update ? data.tg_newtuple : data.tg_trigtuple;
    changes out{};
    encrypt_row(row, fresh, update ? data.tg_trigtuple : nullptr, out);
    if (out.count == 0)
        return PointerGetDatum(fresh);
    return PointerGetDatum(heap_modify_tuple_by_cols(fresh, row.shape, out.count, out.columns.data(),
                                                     out.values.data(), out.nulls.data()));
}
