// SPDX-License-Identifier: PostgreSQL
#include "privacy/engine.hpp"

#include "core/error.hpp"
#include "privacy/probes.hpp"

#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_getattr
#include "catalog/pg_type.h"     // BYTEAOID
#include "utils/array.h"         // DatumGetArrayTypeP
#include "utils/lsyscache.h"     // getTypeOutputInfo
}

namespace saas::privacy {
namespace {

constexpr core::sqlstate k_too_many_rows{"SA133"};
constexpr core::sqlstate k_not_in_batch{"SA134"};

void count_rows(batch *work, std::int64_t rows) {
    work->rows += rows;
    if (work->rows > work->most_rows)
        throw core::error{k_too_many_rows, "there are too many rows to erase at once",
                          "These people have more than " + std::to_string(work->most_rows) + ".",
                          "Erase them one by one with saas.run_deletion_request()."};
}

// The values of a step's inputs; false when it has no rows to work on.
bool take_inputs(const batch *work, const program_step *step, Datum **values, char **nulls) {
    *values = static_cast<Datum *>(palloc(static_cast<std::size_t>(step->input_count) * sizeof(Datum)));
    *nulls = static_cast<char *>(palloc(static_cast<std::size_t>(step->input_count)));
    for (int i = 0; i < step->input_count; ++i) {
        const place &input = work->places[step->inputs[i]];
        (*values)[i] = input.value;
        (*nulls)[i] = input.is_null ? 'n' : ' ';
    }
    return has_input(work, step);
}

int length_of(Datum array) {
    ArrayType *value = DatumGetArrayTypeP(array);
    return ArrayGetNItems(ARR_NDIM(value), ARR_DIMS(value));
}

[[noreturn]] void refuse_statement_unsafe(int result) {
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                    errmsg("a statement of the privacy engine was refused: %s",
                           SPI_result_code_string(result))));
}

void prepare_step_unsafe(program_step *step) {
    if (step->plan != nullptr)
        return;
    // Made for any arrays: the plan for given ones would cost more than to run it.
    SPIPlanPtr plan = SPI_prepare_cursor(step->statement, step->input_count,
                                         const_cast<Oid *>(step->types), CURSOR_OPT_GENERIC_PLAN);
    if (plan == nullptr || SPI_keepplan(plan) != 0)
        refuse_statement_unsafe(SPI_result);
    step->plan = plan;
}

// Of so many rows the number matters: a plan for any arrays takes them for ten, and tables without statistics for small, and
// joins them row by row.
bool is_large(const batch *work, const program_step *step) {
    constexpr int k_many = 500;
    for (int i = 0; i < step->input_count; ++i) {
        const place &input = work->places[step->inputs[i]];
        if (!input.is_null && step->types[i] != BYTEAOID && length_of(input.value) >= k_many)
            return true;
    }
    return false;
}

int execute_unsafe(batch *work, program_step *step, Datum *values, const char *nulls, long most) {
    if (is_large(work, step))
        return SPI_execute_with_args(step->statement, step->input_count, const_cast<Oid *>(step->types), values, nulls,
                                     false, most);
    prepare_step_unsafe(step);
    return SPI_execute_plan(step->plan, values, nulls, false, most);
}

// Runs a step; false without running it when it has no rows to work on.
bool run_step_unsafe(batch *work, program_step *step, long most) {
    Datum *values;
    char *nulls;
    if (!take_inputs(work, step, &values, &nulls))
        return false;
    CHECK_FOR_INTERRUPTS();
    const int result = execute_unsafe(work, step, values, nulls, most);
    if (result < 0)
        refuse_statement_unsafe(result);
    pfree(values);
    pfree(nulls);
    return true;
}

// Whether an input has more rows than when the step ran last.
bool is_due(const batch *work, const program_step *step, const int *ran, int number) {
    int newest = 0;
    for (int i = 0; i < step->input_count; ++i)
        newest = Max(newest, work->places[step->inputs[i]].version);
    return ran[number] < newest;
}

// What a step found is put in its places; true when there are more rows than before.
bool take_rows_unsafe(batch *work, const program_step *step) {
    if (SPI_processed != 1 || SPI_tuptable->tupdesc->natts != step->output_count)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a step of the privacy engine is broken")));
    place *first = &work->places[step->outputs[0]];
    const int before = first->is_null ? 0 : length_of(first->value);
    bool is_null;
    Datum persons = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
    const int now = is_null ? 0 : length_of(persons);
    if (now <= before)
        return false;
    count_rows(work, now - before);
    for (int i = 0; i < step->output_count; ++i) {
        // In the memory of the answer, which stays until the end.
        place *to = &work->places[step->outputs[i]];
        to->value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &to->is_null);
    }
    return true;
}

// Adds what a step answers as two arrays, persons and something of theirs, one by one.
template <class Take>
void take_pairs_unsafe(Take take) {
    if (SPI_processed != 1 || SPI_tuptable->tupdesc->natts != 2)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a step of the privacy engine is broken")));
    place persons{};
    place values{};
    persons.value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &persons.is_null);
    values.value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &values.is_null);
    if (persons.is_null)
        return;
    int count = 0;
    const std::int32_t *numbers = persons_of_unsafe(persons, &count);
    ArrayType *array = DatumGetArrayTypeP(values.value);
    int16 size;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(ARR_ELEMTYPE(array), &size, &by_value, &alignment);
    Datum *elements;
    bool *nulls;
    int found;
    deconstruct_array(array, ARR_ELEMTYPE(array), size, by_value, alignment, &elements, &nulls, &found);
    for (int i = 0; i < Min(count, found); ++i)
        take(numbers[i] - 1, elements[i]);
}

bool needs_quotes(const char *text) {
    if (*text == '\0' || pg_strcasecmp(text, "null") == 0)
        return true;
    return strpbrk(text, "\"\\{}, \t\n\r\v\f") != nullptr;
}

// Appends a row's key as the text of a text[] would be.
void append_key(StringInfo out, HeapTuple row, TupleDesc columns, FmgrInfo *outputs) {
    appendStringInfoChar(out, '{');
    for (int i = 2; i <= columns->natts; ++i) {
        bool is_null;
        Datum value = heap_getattr(row, i, columns, &is_null);
        char *text = is_null ? pstrdup("NULL") : OutputFunctionCall(&outputs[i - 2], value);
        if (i > 2)
            appendStringInfoChar(out, ',');
        if (is_null || !needs_quotes(text)) {
            appendStringInfoString(out, text);
        } else {
            appendStringInfoChar(out, '"');
            for (const char *c = text; *c != '\0'; ++c) {
                if (*c == '"' || *c == '\\')
                    appendStringInfoChar(out, '\\');
                appendStringInfoChar(out, *c);
            }
            appendStringInfoChar(out, '"');
        }
        pfree(text);
    }
    appendStringInfoChar(out, '}');
}

// Counts the rows that a statement returned, and notes the keys of those that were deleted.
void take_changed(batch *work, const program_step *step) {
    TupleDesc columns = SPI_tuptable->tupdesc;
    auto *outputs = static_cast<FmgrInfo *>(palloc0(static_cast<std::size_t>(columns->natts) * sizeof(FmgrInfo)));
    for (int i = 2; i <= columns->natts; ++i) {
        Oid function;
        bool varlena;
        getTypeOutputInfo(TupleDescAttr(columns, i - 1)->atttypid, &function, &varlena);
        fmgr_info(function, &outputs[i - 2]);
    }
    for (std::uint64_t i = 0; i < SPI_processed; ++i) {
        bool is_null;
        HeapTuple row = SPI_tuptable->vals[i];
        const std::int32_t person = DatumGetInt32(heap_getattr(row, 1, columns, &is_null)) - 1;
        ++count_of(work, person, step->step).done;
        if (step->kind != step_kind::erase)
            continue;
        appendBinaryStringInfo(&work->deleted, reinterpret_cast<const char *>(&person), sizeof(person));
        const int length_at = work->deleted.len;
        const std::int32_t none = 0;
        appendBinaryStringInfo(&work->deleted, reinterpret_cast<const char *>(&none), sizeof(none));
        appendStringInfoString(&work->deleted, step->table);
        appendStringInfoChar(&work->deleted, ' ');
        append_key(&work->deleted, row, columns, outputs);
        const std::int32_t length = work->deleted.len - length_at - static_cast<int>(sizeof(none));
        memcpy(work->deleted.data + length_at, &length, sizeof(length));
    }
}

bool is_direct(const program_step *step) {
    return step->kind == step_kind::count;
}

void count_found(batch *work, const program_step *step) {
    int count = 0;
    const std::int32_t *persons = persons_of_unsafe(work->places[step->outputs[0]], &count);
    for (int i = 0; i < count; ++i)
        ++count_of(work, persons[i] - 1, step->step).found;
}

// A step whose rows nothing but it looks for: those it deleted are those there were.
bool was_direct(const batch *work, int step) {
    for (int i = 0; i < work->steps->step_count; ++i)
        if (work->steps->steps[i].step == step && is_direct(&work->steps->steps[i]))
            return true;
    return false;
}

// Without inputs: rows of its table cannot even be looked up here.
void refuse_step(batch *work, const program_step *step) {
    bool any = step->input_count == 0;
    for (int person = 0; person < work->people; ++person)
        any = any || count_of(work, person, step->step).found > 0;
    if (any)
        throw core::error{k_not_in_batch, "these rows cannot be erased together with other people's",
                          "Keys of table " + std::string{step->table} +
                              " form a circle, or are of a type without arrays.",
                          "Use saas.run_deletion_request()."};
}

void erase_rows(batch *work, program_step *step) {
    const bool direct = was_direct(work, step->step);
    const long most = static_cast<long>(work->most_rows - work->rows + 1);
    if (!run_step_unsafe(work, step, direct ? most : 0))
        return;
    if (direct)
        count_rows(work, static_cast<std::int64_t>(SPI_processed));
    take_changed(work, step);
    SPI_freetuptable(SPI_tuptable);
    if (!direct)
        return;
    for (int person = 0; person < work->people; ++person) {
        step_count &count = count_of(work, person, step->step);
        count.found = count.done;
    }
}

} // namespace

bool has_input(const batch *work, const program_step *step) {
    for (int i = 0; i < step->input_count; ++i)
        // The first places are arguments, which are always there.
        if (!work->places[step->inputs[i]].is_null && (step->inputs[i] > 3 || step->input_count == 1))
            return true;
    return false;
}

void send_step_unsafe(batch *work, program_step *step, DestReceiver *receiver) {
    Datum *values;
    char *nulls;
    if (!take_inputs(work, step, &values, &nulls))
        return;
    ParamListInfo parameters = makeParamList(step->input_count);
    for (int i = 0; i < step->input_count; ++i)
        parameters->params[i] = {values[i], nulls[i] == 'n', PARAM_FLAG_CONST, step->types[i]};
    SPIExecuteOptions options{};
    options.params = parameters;
    options.dest = receiver;
    int result;
    if (is_large(work, step)) {
        result = SPI_execute_extended(step->statement, &options);
    } else {
        prepare_step_unsafe(step);
        result = SPI_execute_plan_extended(step->plan, &options);
    }
    if (result < 0)
        refuse_statement_unsafe(result);
}

const std::int32_t *persons_of_unsafe(const place &rows, int *count) {
    *count = 0;
    if (rows.is_null)
        return nullptr;
    ArrayType *array = DatumGetArrayTypeP(rows.value);
    *count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
    return reinterpret_cast<const std::int32_t *>(ARR_DATA_PTR(array));
}

batch *make_batch_unsafe(program *steps, int people, std::int64_t most_rows) {
    auto *work = static_cast<batch *>(palloc0(sizeof(batch)));
    work->steps = steps;
    work->people = people;
    work->most_rows = most_rows;
    work->places = static_cast<place *>(palloc0(static_cast<std::size_t>(steps->place_count) * sizeof(place)));
    for (int i = 0; i < steps->place_count; ++i)
        work->places[i].is_null = true;
    work->counts = static_cast<step_count *>(MemoryContextAllocHuge(
        CurrentMemoryContext,
        static_cast<std::size_t>(people) * static_cast<std::size_t>(steps->highest_step + 2) * sizeof(step_count)));
    memset(work->counts, 0, static_cast<std::size_t>(people) * static_cast<std::size_t>(steps->highest_step + 2) * sizeof(step_count));
    work->needles = static_cast<StringInfoData *>(palloc(static_cast<std::size_t>(people) * sizeof(StringInfoData)));
    for (int i = 0; i < people; ++i)
        work->needles[i] = StringInfoData{nullptr, 0, 0, 0};
    initStringInfo(&work->deleted);
    return work;
}

void find_rows_unsafe(batch *work, bool all) {
    auto *ran = static_cast<int *>(palloc0(static_cast<std::size_t>(work->steps->step_count) * sizeof(int)));
    int version = 1;
    bool more = true;
    while (more) {
        more = false;
        for (int i = 0; i < work->steps->step_count; ++i) {
            program_step *step = &work->steps->steps[i];
            if (step->kind != step_kind::find && !(all && is_direct(step)))
                continue;
            if (!is_due(work, step, ran, i))
                continue;
            ran[i] = version;
            if (finds_nothing_unsafe(work, step) || !run_step_unsafe(work, step, 0) || !take_rows_unsafe(work, step))
                continue;
            ++version;
            for (int o = 0; o < step->output_count; ++o)
                work->places[step->outputs[o]].version = version;
            more = true;
        }
    }
    for (int i = 0; i < work->steps->step_count; ++i) {
        const program_step *step = &work->steps->steps[i];
        if (step->kind == step_kind::find || (all && is_direct(step)))
            count_found(work, step);
    }
}

void note_rows_unsafe(batch *work, bool change) {
    for (int i = 0; i < work->steps->step_count; ++i) {
        program_step *step = &work->steps->steps[i];
        if (step->kind == step_kind::needles && change && run_step_unsafe(work, step, 0)) {
            take_pairs_unsafe([work](int person, Datum needle) {
                StringInfo to = &work->needles[person];
                if (to->data == nullptr)
                    initStringInfo(to);
                auto *bytes = DatumGetByteaPP(needle);
                appendBinaryStringInfo(to, VARDATA_ANY(bytes), static_cast<int>(VARSIZE_ANY_EXHDR(bytes)));
            });
        }
        if (step->kind == (change ? step_kind::redact : step_kind::audited) && run_step_unsafe(work, step, 0)) {
            take_pairs_unsafe([work, change](int person, Datum entries) {
                step_count &count = count_of(work, person, k_audit_step);
                count.found += DatumGetInt64(entries);
                count.done += change ? DatumGetInt64(entries) : 0;
            });
        }
    }
}

void change_rows_unsafe(batch *work) {
    for (int i = 0; i < work->steps->step_count; ++i) {
        program_step *step = &work->steps->steps[i];
        switch (step->kind) {
        case step_kind::erase:
        case step_kind::change:
            erase_rows(work, step);
            break;
        case step_kind::keep:
            for (int person = 0; person < work->people; ++person)
                count_of(work, person, step->step).done = count_of(work, person, step->step).found;
            break;
        case step_kind::refuse:
            refuse_step(work, step);
            break;
        default:
            break;
        }
    }
}

} // namespace saas::privacy
