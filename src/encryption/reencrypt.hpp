// SPDX-License-Identifier: PostgreSQL
// Stored values anew under the newest versions of their keys.
#pragma once

#include <optional>

#include "core/uuid.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// What a stored value may be bound to; its header says to what of it.
struct place {
    std::optional<core::uuid> asset;
    std::optional<core::uuid> row;
    std::optional<core::uuid> team;
};

// The value under the newest version of its key, with the same algorithm and binding, in the
// current memory context. Throws core::error: SA101 when it does not open, SA103 without a usable
// key, 42501 for somebody else's team. Plain frames only.
[[nodiscard]] struct varlena *reencrypted(const struct varlena *value, const place &bound);

// The number of the key of a value that lies in the row as it is; 0 for other bytes, nullopt for a
// value that lies elsewhere or is compressed.
[[nodiscard]] std::optional<std::uint64_t>
key_number_in_place(const struct varlena *value) noexcept;

} // namespace saas::encryption
