// SPDX-License-Identifier: PostgreSQL
// Erases many people at once: the statements of saas.erasure_program(), prepared once a session, and the rows that they
// find, which stay in memory as arrays from one statement to the next.
//
// Plain data and server calls only: the caller wraps them in pg::call.
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "executor/spi.h"   // SPIPlanPtr
#include "lib/stringinfo.h" // StringInfoData
}

namespace saas::privacy {

struct json_rows;
struct probe_map;
struct person_probes;

enum class step_kind { find, count, except, needles, audited, redact, erase, change, keep, refuse, select };

// The number of the step that entries of the audit trail are counted under.
inline constexpr int k_audit_step = -1;

struct program_step {
    step_kind kind;
    int step;          // node of the map
    const char *table; // schema and name
    const char *statement;
    const char *section; // of an export
    SPIPlanPtr plan;       // for any arrays; prepared when it is needed first
    SPIPlanPtr large_plan; // for those it is given
    json_rows *rows; // how its rows are written; of a select, once it had some
    int input_count;
    const int *inputs; // numbers of places
    const Oid *types;
    int output_count;
    const int *outputs; // of a step that deletes: those of the keys that it returns after the number of the person
};

struct program {
    std::uint64_t state;
    MemoryContext memory;
    int step_count;
    program_step *steps;
    int place_count;
    int highest_step;
    const probe_map *probes; // of an export, once it ran
};

// An array, or NULL; `version` goes up when there are more rows in it.
struct place {
    Datum value;
    bool is_null;
    int version;
};

// Rows of one person that one step has found, and what it did to them.
struct step_count {
    std::int64_t found;
    std::int64_t done;
};

struct batch {
    program *steps;
    int people;
    std::int64_t most_rows; // of all people; more raise SA133
    std::int64_t rows;
    place *places;
    step_count *counts;    // (highest_step + 2) numbers for each person, the first for step -1
    StringInfoData *needles; // of each person, one after another
    person_probes *probes;   // of an export
    StringInfoData deleted;  // person (int32), length (int32), table and key of a row; and so on
};

// The program of a mode (erase, anonymise, export, portable), read anew when the state is another one. Needs SPI.
[[nodiscard]] program *load_program_unsafe(const char *mode, std::uint64_t state);

// Places for so many people; the first three are those of the arguments.
[[nodiscard]] batch *make_batch_unsafe(program *steps, int people, std::int64_t most_rows);

// Runs the steps that find rows until there are no more. `all`: also rows that are deleted by what finds them.
void find_rows_unsafe(batch *work, bool all);

// Hashes of what is to be searched for, and entries of the audit trail; `change`: they are emptied.
void note_rows_unsafe(batch *work, bool change);

// Does to the rows what the steps say.
void change_rows_unsafe(batch *work);

// Whether there are rows for a step to work on.
[[nodiscard]] bool has_input(const batch *work, const program_step *step);

// Gives the rows of a step of the kind select to a receiver.
void send_step_unsafe(batch *work, program_step *step, DestReceiver *receiver);

// The numbers of the persons that a place's rows belong to.
[[nodiscard]] const std::int32_t *persons_of_unsafe(const place &rows, int *count);

[[nodiscard]] inline step_count &count_of(batch *work, int person, int step) {
    return work->counts[person * (work->steps->highest_step + 2) + step + 1];
}

} // namespace saas::privacy
