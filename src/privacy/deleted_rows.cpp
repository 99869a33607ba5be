// SPDX-License-Identifier: PostgreSQL
// Deleting the rows of a step, and the texts of their keys, of which the leaves of the trees are made.
#include "pg/row_statement.hpp"
#include "privacy/statements.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"    // INT8OID
#include "miscadmin.h"          // CHECK_FOR_INTERRUPTS
#include "utils/builtins.h"     // pg_lltoa
#include "utils/lsyscache.h"    // getTypeOutputInfo
#include "utils/memutils.h"     // AllocSetContextCreate
#include "utils/uuid.h"         // DatumGetUUIDP
}

namespace saas::privacy {
namespace {

struct deleted_rows {
    batch *work;
    const program_step *step;
    FmgrInfo *outputs; // of the columns of the key; not made before the first row
    MemoryContext memory; // of one row
};

bool needs_quotes(const char *text) {
    if (*text == '\0' || pg_strcasecmp(text, "null") == 0)
        return true;
    return strpbrk(text, "\"\\{}, \t\n\r\v\f") != nullptr;
}

void append_element(StringInfo out, const char *text) {
    if (!needs_quotes(text)) {
        appendStringInfoString(out, text);
        return;
    }
    appendStringInfoChar(out, '"');
    for (const char *c = text; *c != '\0'; ++c) {
        if (*c == '"' || *c == '\\')
            appendStringInfoChar(out, '\\');
        appendStringInfoChar(out, *c);
    }
    appendStringInfoChar(out, '"');
}

void append_uuid(StringInfo out, const pg_uuid_t *id) {
    constexpr char k_digits[] = "0123456789abcdef";
    char text[2 * UUID_LEN + 4];
    char *to = text;
    for (int i = 0; i < UUID_LEN; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = k_digits[id->data[i] >> 4];
        *to++ = k_digits[id->data[i] & 15];
    }
    appendBinaryStringInfo(out, text, sizeof(text));
}

// As the output function of its type writes it. The types that most keys are of are written here, which is cheaper.
void append_value(StringInfo out, Oid type, Datum value, FmgrInfo *output) {
    char digits[32];
    switch (type) {
    case INT8OID:
        appendBinaryStringInfo(out, digits, pg_lltoa(DatumGetInt64(value), digits));
        break;
    case INT4OID:
        appendBinaryStringInfo(out, digits, pg_ltoa(DatumGetInt32(value), digits));
        break;
    case UUIDOID:
        append_uuid(out, DatumGetUUIDP(value));
        break;
    default:
        append_element(out, OutputFunctionCall(output, value));
    }
}

// Appends a row's key as the text of a text[] would be.
void append_key(StringInfo out, TupleTableSlot *row, int keys, FmgrInfo *outputs) {
    appendStringInfoChar(out, '{');
    for (int i = 0; i < keys; ++i) {
        bool is_null;
        // After the number of the person.
        const Datum value = slot_getattr(row, i + 2, &is_null);
        if (i > 0)
            appendStringInfoChar(out, ',');
        if (is_null)
            appendStringInfoString(out, "NULL");
        else
            append_value(out, TupleDescAttr(row->tts_tupleDescriptor, i + 1)->atttypid, value, &outputs[i]);
    }
    appendStringInfoChar(out, '}');
}

FmgrInfo *outputs_of(TupleDesc columns, int keys) {
    auto *outputs = static_cast<FmgrInfo *>(palloc0(static_cast<Size>(keys) * sizeof(FmgrInfo)));
    for (int i = 0; i < keys; ++i) {
        Oid function;
        bool varlena;
        getTypeOutputInfo(TupleDescAttr(columns, i + 1)->atttypid, &function, &varlena);
        fmgr_info(function, &outputs[i]);
    }
    return outputs;
}

void take_deleted(void *argument, TupleTableSlot *row) {
    auto *rows = static_cast<deleted_rows *>(argument);
    const int keys = rows->step->output_count;
    if (rows->outputs == nullptr)
        rows->outputs = outputs_of(row->tts_tupleDescriptor, keys);
    MemoryContextReset(rows->memory);
    MemoryContext before = MemoryContextSwitchTo(rows->memory);
    StringInfo out = &rows->work->deleted;
    bool is_null;
    const std::int32_t person = DatumGetInt32(slot_getattr(row, 1, &is_null)) - 1;
    ++count_of(rows->work, person, rows->step->step).done;
    appendBinaryStringInfo(out, reinterpret_cast<const char *>(&person), sizeof(person));
    const int length_at = out->len;
    const std::int32_t none = 0;
    appendBinaryStringInfo(out, reinterpret_cast<const char *>(&none), sizeof(none));
    appendStringInfoString(out, rows->step->table);
    appendStringInfoChar(out, ' ');
    append_key(out, row, keys, rows->outputs);
    const std::int32_t length = out->len - length_at - static_cast<int>(sizeof(none));
    memcpy(out->data + length_at, &length, sizeof(length));
    MemoryContextSwitchTo(before);
}

} // namespace

std::uint64_t delete_rows_unsafe(batch *work, program_step *step, std::uint64_t most) {
    Datum *values;
    char *nulls;
    if (!take_inputs_unsafe(work, step, &values, &nulls))
        return 0;
    CHECK_FOR_INTERRUPTS();
    deleted_rows rows{work, step, nullptr,
                      AllocSetContextCreate(CurrentMemoryContext, "key of an erased row", ALLOCSET_SMALL_SIZES)};
    const pg::row_statement statement{plan_for_inputs_unsafe(work, step), step->input_count, step->types, values, nulls, most,
                                 take_deleted, &rows};
    const std::uint64_t count = pg::run_row_statement(statement);
    MemoryContextDelete(rows.memory);
    return count;
}

} // namespace saas::privacy
