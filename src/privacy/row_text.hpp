// SPDX-License-Identifier: PostgreSQL
// The columns of a row as texts to search in, without writing the row as text.
//
// Plain data and server calls only: the caller wraps them in pg::call.
#pragma once

#include "core/privacy/plain_text.hpp"

#include <cstddef>
#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup.h"    // HeapTuple
#include "access/tupdesc.h" // TupleDesc
#include "lib/stringinfo.h" // StringInfoData
}

namespace saas::privacy {

enum class column_kind { none, text, bytes, byte_list, json, id, small, whole, large, number, date, time, zoned_time, other };

// How the columns of a type of row are read; `values` are those of the row that was read last.
struct row_reader {
    TupleDesc columns;
    column_kind *kinds;
    FmgrInfo *outputs;
    Datum *values;
    bool *nulls;
    core::privacy::known_day *day; // for times
};

struct column_text {
    const char *bytes;
    std::size_t size;
};

// Lives in `context`, with a copy of `columns`.
[[nodiscard]] row_reader *make_row_reader_unsafe(TupleDesc columns, MemoryContext context);

void read_row_unsafe(row_reader *reader, HeapTuple row);

// Whether a column of the row has something to search in.
[[nodiscard]] inline bool has_text(const row_reader *reader, int column) noexcept {
    return !reader->nulls[column] && reader->kinds[column] != column_kind::none;
}

// The bytes of a column of the kinds text and bytes where they are, or in the current memory context.
[[nodiscard]] column_text stored_text_unsafe(const row_reader *reader, int column);

// Bytes in which texts of UTF-16 may be.
struct byte_pieces {
    const column_text *pieces; // in the current memory context
    std::size_t count;
};

// The value of a bytea, the elements of a bytea[], none of other columns.
[[nodiscard]] byte_pieces stored_bytes_unsafe(const row_reader *reader, int column);

// Texts and bytea by their bytes, JSON values by their keys, texts and numbers, other types by their text (dates and
// times in ISO style and UTC).
void append_stored_unsafe(row_reader *reader, int column, StringInfo out);

// The same, and again by the letters that it escapes as JSON does.
void append_text_unsafe(row_reader *reader, int column, StringInfo out);

// A text with the letters that it escapes as JSON does, in the current memory context.
[[nodiscard]] column_text unescaped_unsafe(const column_text &text);

// Lengths that words of such columns have: bit n for n letters.
[[nodiscard]] std::uint32_t word_lengths(column_kind kind) noexcept;

} // namespace saas::privacy
