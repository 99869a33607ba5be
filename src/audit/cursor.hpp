// SPDX-License-Identifier: PostgreSQL
// Reading the trail: positions of rows in the order of sealing, and cursors over queries.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "pg/prelude.hpp"

extern "C" {
#include "executor/spi.h" // Portal
}

namespace saas::audit {

// Where a row stands in the order of sealing: transaction and id, most significant byte first, so
// that bytes compare like the order; then created_at.
struct position {
    std::array<std::uint8_t, 32> bytes;

    [[nodiscard]] int compare(const position &other) const; // by transaction and id
    [[nodiscard]] std::int64_t created_at() const;
    [[nodiscard]] std::array<std::uint8_t, 16> id() const;
};
position make_position(std::uint64_t transaction, const std::uint8_t *id, std::int64_t created_at);

// A cursor over the answer of a query, inside an SPI connection. Calls the server through pg::call.
class cursor {
public:
    // Parameters $1 team, $2 and $3 of type `type`, which is int8 or timestamptz.
    cursor(const char *query, const std::uint8_t *team, Oid type, std::int64_t from,
           std::int64_t to);
    // As many parameters as there are types; `nulls` as SPI takes them.
    cursor(const char *query, std::span<const Oid> types, std::span<const Datum> values,
           const char *nulls);

    // The next row; false at the end.
    bool next();
    // Ends it before the transaction does.
    void close();
    // Values of the current row, columns from 1. Bytes stay valid until the next row.
    [[nodiscard]] Datum value(int column, bool &null) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::span<const std::uint8_t> bytes(int column) const; // empty for NULL

private:
    Portal portal_ = nullptr;
    SPITupleTable *table_ = nullptr;
    std::uint64_t rows_ = 0;
    std::uint64_t at_ = 0;
};

} // namespace saas::audit
