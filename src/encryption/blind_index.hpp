// SPDX-License-Identifier: PostgreSQL
// Blind indexes over encrypted columns, under keys of their own, one per team and asset.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/uuid.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

enum class index_kind : std::uint8_t { exact, prefix, last_four };

struct index_rule {
    index_kind kind = index_kind::exact;
    int characters = 3; // of a prefix
    int bits = 63;
};

// Registers for changes of encryption_keys. Called once, by _PG_init.
void initialise_blind_index();

// Wipes what is kept of the key that was used last.
void forget_index_hasher() noexcept;

// Throws 22023 when bits are not 1 to 63, or characters not 1 to 100.
void check_rule(const index_rule &rule);

// The number of a value (UTF-8) under the newest key, made when there is none; nullopt when the value is too
// short for the kind, and in a transaction that cannot write and finds no key.
[[nodiscard]] std::optional<std::int64_t> index_of(const core::uuid &team, const core::uuid &asset,
                                                   const index_rule &rule,
                                                   std::span<const std::uint8_t> value);

// The numbers under every key that rows may have been written with, the newest first: an array of bigint.
[[nodiscard]] Datum index_candidates(const core::uuid &team, const core::uuid &asset,
                                     const index_rule &rule, std::span<const std::uint8_t> value);

} // namespace saas::encryption
