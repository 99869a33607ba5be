// SPDX-License-Identifier: PostgreSQL
// Signed checkpoints of a team's audit trail as text, in the form of C2SP's tlog-checkpoint and
// signed-note: origin, tree size, root, further lines, an empty line, the signature.
//
//     pg_saas/audit/0190a000-0000-7000-8000-000000000001
//     1200
//     <root, Base64>
//     number 7
//     previous <root of checkpoint 6, Base64>
//     sealed 1764000000000000          microseconds since 1970
//     through 815 0190b000-…           the sealer's position: transaction and id
//     retained 1761955200000000        rows before this were dropped by retention; 0: none
//
//     — pg_saas/audit <Base64 of 4 bytes of the key's id ‖ HMAC-SHA256 over all up to the empty
//     line>
#pragma once

#include "core/sha256.hpp"
#include "core/uuid.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace saas::core::audit {

struct checkpoint {
    uuid team{};
    std::uint64_t number = 0; // from 1
    std::uint64_t size = 0;
    digest root{};
    digest previous_root{};
    std::int64_t sealed_at = 0; // microseconds since 1970
    std::uint64_t through_transaction = 0;
    uuid through_id{};
    std::int64_t retained_from = 0; // microseconds since 1970, 0 for none
};

// What is signed: the lines up to and including the last one before the empty line.
[[nodiscard]] std::string note_of(const checkpoint &point);

// HMAC-SHA256 of the note.
[[nodiscard]] digest sign(const checkpoint &point, std::span<const std::uint8_t> key);

// The note with its signature line.
[[nodiscard]] std::string write_checkpoint(const checkpoint &point, const uuid &key_id,
                                           const digest &signature);

struct signed_checkpoint {
    checkpoint point;
    std::array<std::uint8_t, 4> key_hint; // the first bytes of SHA-256 over the key's id
    digest signature;
};

// Reads what write_checkpoint() wrote, also without its last line feed, which copying easily loses:
// nullopt for any other text.
[[nodiscard]] std::optional<signed_checkpoint> read_checkpoint(std::string_view text);

// The key_hint of a key.
[[nodiscard]] std::array<std::uint8_t, 4> key_hint(const uuid &key_id);

} // namespace saas::core::audit
