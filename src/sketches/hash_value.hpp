// SPDX-License-Identifier: PostgreSQL
// The hash of a value of any supported type, for distinct counts: equal values have equal hashes,
// on every machine, in every release and database.
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

namespace saas::sketches {

using hash_function = std::uint64_t (*)(Datum value);

// How values of this type are hashed. Whole numbers of all widths hash alike, as do texts of all
// kinds, dates and times by their type. Throws 0A000 for a type without a lasting form.
[[nodiscard]] hash_function find_hash(Oid type);

} // namespace saas::sketches
