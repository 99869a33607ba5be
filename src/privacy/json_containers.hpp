// SPDX-License-Identifier: PostgreSQL
// Containers of jsonb that are written where they will be, one value after another, and never copied.
//
// Offsets count from the start of the text, whose memory may move. All that needs it is aligned to multiples of four there,
// which is what jsonb asks for as long as the text begins with the length word of the value.
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "lib/stringinfo.h" // StringInfo
#include "utils/jsonb.h"    // JEntry
}

namespace saas::privacy {

// Numbers and containers start at a multiple of four: zeros up to there.
void align_json(StringInfo out);

// The entry of a child: its length, or every JB_OFFSET_STRIDE children its end, so that readers need not add up all
// lengths. Both count from the end of the entries.
[[nodiscard]] inline JEntry json_entry(uint32 type, std::int64_t index, int start, int end) {
    return index % JB_OFFSET_STRIDE == 0 ? type | JENTRY_HAS_OFF | static_cast<uint32>(end)
                                         : type | static_cast<uint32>(end - start);
}

// An array of containers, such as rows.
struct json_array {
    StringInfo out;
    int start;          // of its header
    int base;           // of its values
    std::int64_t room;  // for so many entries
    std::int64_t count;
    int end; // of the last value, counted from the base
};

// Begins an array that will probably have so many values.
[[nodiscard]] json_array start_array(StringInfo out, std::int64_t expected);

// Notes that the value that was appended last ends here, behind zeros that align it. Raises 54000 beyond jsonb's 256 MB.
void end_value(json_array *array);

// Nothing more comes.
void finish_array(json_array *array);

// An object whose values are containers and come in the order of its keys.
struct json_object {
    StringInfo out;
    int entries;
    int base;  // of keys and values
    int count; // of members
    int written;
    int *ends; // of keys and then values, counted from the base
};

// Begins an object with these keys, in the order that jsonb wants.
[[nodiscard]] json_object start_object(StringInfo out, const char *const *keys, int count);

// Notes that the value of the next key ends here.
void end_value(json_object *object);

// Puts a container in the place of a value that was written.
void replace_value(json_object *object, int member, const JsonbContainer *value, Size size);

// Nothing more comes. Raises 54000 beyond jsonb's 256 MB.
void finish_object(json_object *object);

} // namespace saas::privacy
