// SPDX-License-Identifier: PostgreSQL
#include "privacy/engine.hpp"

#include "core/error.hpp"
#include "privacy/probes.hpp"
#include "privacy/statements.hpp"

#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/array.h"         // DatumGetArrayTypeP
#include "utils/lsyscache.h"     // get_typlenbyvalalign
}

namespace saas::privacy {
namespace {

constexpr core::sqlstate k_not_in_batch{"SA134"};

// Runs a step; false without running it when it has no rows to work on.
bool run_step_unsafe(batch *work, program_step *step) {
    Datum *values;
    char *nulls;
    if (!take_inputs_unsafe(work, step, &values, &nulls))
        return false;
    CHECK_FOR_INTERRUPTS();
    const int result = SPI_execute_plan(plan_for_inputs_unsafe(work, step), values, nulls, false, 0);
    if (result < 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a statement of the privacy engine was refused: %s",
                               SPI_result_code_string(result))));
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
    const int before = first->is_null ? 0 : length_of_unsafe(first->value);
    bool is_null;
    Datum persons = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
    const int now = is_null ? 0 : length_of_unsafe(persons);
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

// Leaves in a step's places only the rows that are still there when it is its turn.
void leave_out_unsafe(batch *work, program_step *step) {
    bool any = false;
    for (int i = step->output_count; i < step->input_count; ++i)
        any = any || !work->places[step->inputs[i]].is_null;
    if (!any || work->places[step->outputs[0]].is_null || !run_step_unsafe(work, step))
        return;
    if (SPI_processed != 1 || SPI_tuptable->tupdesc->natts != step->output_count)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a step of the privacy engine is broken")));
    for (int i = 0; i < step->output_count; ++i) {
        place *to = &work->places[step->outputs[i]];
        to->value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &to->is_null);
    }
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
    const std::uint64_t most = direct ? static_cast<std::uint64_t>(work->most_rows - work->rows + 1) : 0;
    const std::uint64_t rows = delete_rows_unsafe(work, step, most);
    if (!direct)
        return;
    count_rows(work, static_cast<std::int64_t>(rows));
    for (int person = 0; person < work->people; ++person) {
        step_count &count = count_of(work, person, step->step);
        count.found = count.done;
    }
}

void change_rows(batch *work, program_step *step) {
    if (!run_step_unsafe(work, step))
        return;
    for (std::uint64_t i = 0; i < SPI_processed; ++i) {
        bool is_null;
        const Datum person = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null);
        ++count_of(work, DatumGetInt32(person) - 1, step->step).done;
    }
    SPI_freetuptable(SPI_tuptable);
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
    if (!take_inputs_unsafe(work, step, &values, &nulls))
        return;
    ParamListInfo parameters = makeParamList(step->input_count);
    for (int i = 0; i < step->input_count; ++i)
        parameters->params[i] = {values[i], nulls[i] == 'n', PARAM_FLAG_CONST, step->types[i]};
    SPIExecuteOptions options{};
    options.params = parameters;
    options.dest = receiver;
    const int result = SPI_execute_plan_extended(plan_for_inputs_unsafe(work, step), &options);
    if (result < 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a statement of the privacy engine was refused: %s",
                               SPI_result_code_string(result))));
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
            if (finds_nothing_unsafe(work, step) || !run_step_unsafe(work, step) || !take_rows_unsafe(work, step))
                continue;
            ++version;
            for (int o = 0; o < step->output_count; ++o)
                work->places[step->outputs[o]].version = version;
            more = true;
        }
    }
    for (int i = 0; i < work->steps->step_count; ++i)
        if (work->steps->steps[i].kind == step_kind::except)
            leave_out_unsafe(work, &work->steps->steps[i]);
    for (int i = 0; i < work->steps->step_count; ++i) {
        const program_step *step = &work->steps->steps[i];
        if (step->kind == step_kind::find || (all && is_direct(step)))
            count_found(work, step);
    }
}

void note_rows_unsafe(batch *work, bool change) {
    for (int i = 0; i < work->steps->step_count; ++i) {
        program_step *step = &work->steps->steps[i];
        if (step->kind == step_kind::needles && change && run_step_unsafe(work, step)) {
            take_pairs_unsafe([work](int person, Datum needle) {
                StringInfo to = &work->needles[person];
                if (to->data == nullptr)
                    initStringInfo(to);
                auto *bytes = DatumGetByteaPP(needle);
                appendBinaryStringInfo(to, VARDATA_ANY(bytes), static_cast<int>(VARSIZE_ANY_EXHDR(bytes)));
            });
        }
        if (step->kind == (change ? step_kind::redact : step_kind::audited) && run_step_unsafe(work, step)) {
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
            erase_rows(work, step);
            break;
        case step_kind::change:
            change_rows(work, step);
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
