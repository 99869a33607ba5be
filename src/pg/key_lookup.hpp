// SPDX-License-Identifier: PostgreSQL
// Rows of a package table by its primary key or another one, straight from the index: for look-ups
// that every request makes. It runs no SQL, so nothing that the owner of the database may have put
// behind a name runs either, and asks for nobody's rights; a table of another form is an error.
//
// A table that changes its form is noticed, since the server announces it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "pg/boundary.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

namespace saas::pg {

struct column_form {
    const char *name;
    Oid type;
};

// What is known of a table: constant data, and where its columns are. Has static storage.
class key_lookup {
public:
    static constexpr std::size_t k_most = 12;

    // The first `keys` of the columns, of type uuid, are what rows are looked up by: for read() the
    // primary key, in this order.
    constexpr key_lookup(const char *table, std::span<const column_form> columns,
                         std::size_t keys) noexcept
        : table_{table}, columns_{columns}, keys_{keys}, name_{table} {}

    // Called once, by _PG_init.
    void watch() { table_.watch(); }

    // Reads the row with this key, as committed by now, and calls take(values, nulls), one of each
    // for a column, while it is there: a plain frame that may raise errors. False when there is no
    // such row. Throws SA021 when there is no such table, XX000 when it has another form. Calls the
    // server through pg::call.
    template <class Take>
    bool read(std::span<const Datum> key, Take take) {
        find_table();
        return call([&] {
            found_row row;
            if (!open_unsafe(key, row))
                return false;
            take(row.values.data(), row.nulls.data());
            close_unsafe(row);
            return true;
        });
    }

    // The same for every row with these values, through whichever index begins with the columns, or
    // without one through the whole table. What the caller's command itself has written is seen.
    template <class Take>
    void read_each(std::span<const Datum> key, Take take) {
        find_table();
        call([&] {
            found_rows rows;
            begin_unsafe(key, rows);
            while (next_unsafe(rows))
                take(rows.values.data(), rows.nulls.data());
            end_unsafe(rows);
        });
    }

private:
    struct found_rows {
        std::array<Datum, k_most> values;
        std::array<bool, k_most> nulls;
        void *scan;
        void *snapshot;
        void *table;
    };
    struct found_row {
        std::array<Datum, k_most> values;
        std::array<bool, k_most> nulls;
        void *scan;
        void *slot;
        void *snapshot;
        void *table;
        void *index;
    };

    void find_table();
    bool open_unsafe(std::span<const Datum> key, found_row &row);
    static void close_unsafe(found_row &row);
    void begin_unsafe(std::span<const Datum> key, found_rows &rows);
    bool next_unsafe(found_rows &rows);
    static void end_unsafe(found_rows &rows);
    void learn_columns_unsafe(void *relation);
    void learn_unsafe(void *relation);

    watched_table table_;
    std::span<const column_form> columns_;
    std::size_t keys_;
    const char *name_;
    std::uint64_t known_ = 0;      // generation that the rest is of; 0: none
    std::uint64_t each_known_ = 0; // the same of each_index_
    Oid index_ = InvalidOid;
    Oid each_index_ = InvalidOid; // that begins with the columns; invalid: none does
    std::array<std::int16_t, k_most> numbers_{};
};

} // namespace saas::pg
