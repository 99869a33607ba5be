// SPDX-License-Identifier: PostgreSQL
// Where the rows of a catalog are and who wrote them, as a number.
//
// Pages of catalogs hardly ever change, so the part of each page is kept with its position in the write-ahead log. It is
// taken again when that is another one, and each time as long as some row of the page is not settled: inserted or deleted by a
// transaction that a snapshot may take for running.
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/relcache.h" // Relation
#include "utils/snapshot.h" // Snapshot
}

namespace saas::privacy {

// The finaliser of MurmurHash3 (public domain): every bit of the input reaches every bit.
constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdU;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53U;
    return x ^ (x >> 33);
}

// The sum over all rows that the snapshot sees, in whatever order; of a table that is kept as a heap. Plain frames only.
[[nodiscard]] std::uint64_t row_places_unsafe(Relation relation, Snapshot snapshot);

} // namespace saas::privacy
