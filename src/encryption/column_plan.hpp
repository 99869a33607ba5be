// SPDX-License-Identifier: PostgreSQL
// What an encrypting trigger does, out of its arguments:
//     column, row column, subject column, team column, algorithm [, kind:characters:bits:asset:column] …
// Row, subject and team column are empty when there is none. Each further argument is a blind index: its kind is
// exact, prefix or last_four, its asset the uuid that names its key.
#pragma once

#include <array>
#include <optional>

#include "core/encryption/aead.hpp"
#include "core/uuid.hpp"
#include "encryption/blind_index.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "commands/trigger.h" // TriggerData
}

namespace saas::encryption {

inline constexpr int k_most_indexes = 8;

struct index_plan {
    index_rule rule;
    core::uuid asset;
    int column; // attribute number
};

struct column_plan {
    core::uuid asset;
    int column; // attribute numbers; 0 for none
    int row;
    int subject;
    int team;
    bool as_text; // type text, in the text form
    core::encryption::algorithm chosen;
    int index_count;
    std::array<index_plan, k_most_indexes> indexes;
};
static_assert(std::is_trivially_destructible_v<column_plan>);

// Reads the trigger's arguments and looks the columns up. Throws SA110 when the trigger cannot work,
// SA104 when its column is no asset. Plain frames only.
void read_column_plan(const TriggerData &data, column_plan &out);

} // namespace saas::encryption
