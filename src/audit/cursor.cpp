// SPDX-License-Identifier: PostgreSQL
#include "audit/cursor.hpp"

#include "pg/boundary.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // UUIDOID
#include "executor/spi.h"    // SPI_cursor_fetch
#include "utils/uuid.h"      // UUID_LEN
}

namespace saas::audit {

int position::compare(const position &other) const {
    return std::memcmp(bytes.data(), other.bytes.data(), 24);
}

std::int64_t position::created_at() const {
    std::uint64_t n = 0;
    for (std::size_t i = 24; i < 32; ++i)
        n = n << 8 | bytes[i];
    return static_cast<std::int64_t>(n);
}

std::array<std::uint8_t, 16> position::id() const {
    std::array<std::uint8_t, 16> out;
    std::memcpy(out.data(), bytes.data() + 8, out.size());
    return out;
}

position make_position(std::uint64_t transaction, const std::uint8_t *id, std::int64_t created_at) {
    position out;
    for (std::size_t i = 0; i < 8; ++i) {
        out.bytes[i] = static_cast<std::uint8_t>(transaction >> (56 - 8 * i));
        out.bytes[24 + i] =
            static_cast<std::uint8_t>(static_cast<std::uint64_t>(created_at) >> (56 - 8 * i));
    }
    std::memcpy(out.bytes.data() + 8, id, UUID_LEN);
    return out;
}

cursor::cursor(const char *query, std::span<const Oid> types, std::span<const Datum> values,
               const char *nulls) {
    portal_ = pg::call([&] {
        return SPI_cursor_open_with_args(nullptr, query, static_cast<int>(types.size()),
                                         const_cast<Oid *>(types.data()),
                                         const_cast<Datum *>(values.data()), nulls, true,
                                         CURSOR_OPT_NO_SCROLL); // a sort is then read as it merges
    });
}

cursor::cursor(const char *query, const std::uint8_t *team, Oid type, std::int64_t from,
               std::int64_t to)
    : cursor{query, std::array<Oid, 3>{UUIDOID, type, type},
             std::array<Datum, 3>{PointerGetDatum(team), Int64GetDatum(from), Int64GetDatum(to)},
             nullptr} {}

bool cursor::next() {
    if (table_ != nullptr && ++at_ < rows_)
        return true;
    pg::call([&] {
        if (table_ != nullptr)
            SPI_freetuptable(table_);
        SPI_cursor_fetch(portal_, true, 256);
        table_ = SPI_tuptable;
        rows_ = SPI_processed;
    });
    at_ = 0;
    return rows_ > 0;
}

void cursor::close() {
    pg::call([&] { SPI_cursor_close(portal_); });
}

Datum cursor::value(int column, bool &null) const {
    return SPI_getbinval(table_->vals[at_], table_->tupdesc, column, &null);
}

std::int64_t cursor::integer(int column) const {
    bool null = false;
    return DatumGetInt64(value(column, null));
}

std::span<const std::uint8_t> cursor::bytes(int column) const {
    bool null = false;
    const Datum stored = value(column, null);
    if (null)
        return {};
    const bytea *whole = pg::call([&] {
        // Goes away with the rows.
        MemoryContext caller = MemoryContextSwitchTo(table_->tuptabcxt);
        const bytea *fetched = DatumGetByteaPP(stored);
        MemoryContextSwitchTo(caller);
        return fetched;
    });
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(whole)), VARSIZE_ANY_EXHDR(whole)};
}

} // namespace saas::audit
