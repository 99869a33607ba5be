// SPDX-License-Identifier: PostgreSQL
// Everything that needs the root keys or the shred keys of the key file, as questions and answers of plain bytes: they
// are answered in the process itself, or by the key agent (key_agent.hpp), which then is the only
// process that has those keys.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "core/encryption/key_file.hpp"
#include "core/sha256.hpp"
#include "encryption/key_rows.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

enum class key_operation : std::uint8_t {
    look = 1,        // the epochs of a team and purpose
    wrap = 2,        // `key`, under the current epoch
    unwrap = 3,      // `wrapped`, as the key of `purpose` and `epoch` wrapped it
    rewrap = 4,      // `wrapped`, under the current epoch of `target`
    begin_epoch = 5, // after `epoch` and all that the file knows
    end_epochs = 6,  // removes those before `epoch`
    take_root = 7,   // wraps the whole key file by the first root key
    sign = 8,        // `key`, a digest; the signature comes in `key`
    verify = 9,      // `key`, a digest, against the first 32 bytes of `wrapped`
};

// Who asks for what: a data key as its row has it, and where the bytes of keys go.
struct key_request {
    key_operation operation{};
    core::encryption::key_purpose purpose = core::encryption::key_purpose::shred;
    core::encryption::key_purpose target = core::encryption::key_purpose::shred;
    std::uint8_t reserved = 0;
    std::uint32_t version = 0;
    std::uint32_t epoch = 0;
    std::uint64_t number = 0;
    core::uuid team{};
    std::optional<core::uuid> subject;
    std::optional<core::uuid> asset;
    char kind[16]{};
    core::encryption::wrapped_key wrapped{};
    std::array<std::uint8_t, core::encryption::k_key_bytes> key{};
};

enum class key_outcome : std::uint8_t {
    done = 1,
    no_epoch = 2,    // the key file has no such entry, or none that is current
    not_genuine = 3, // does not open, is not the signature
};

struct key_answer {
    key_outcome outcome = key_outcome::no_epoch;
    std::uint32_t epoch = 0;   // the current one; of `end_epochs` and `take_root`, how many entries
    std::uint32_t oldest = 0;  // of the team and purpose
    std::int64_t began_at = 0; // of the current one, microseconds since 1970
    core::encryption::wrapped_key wrapped{};
    std::array<std::uint8_t, core::encryption::k_key_bytes> key{};

    // Answers are wiped where they end.
    void wipe() noexcept { core::encryption::wipe(key); }
};
static_assert(std::is_trivially_copyable_v<key_request> && std::is_trivially_copyable_v<key_answer>);

// The request for the key in a row; held keys are wrapped by the keys of purpose hold.
[[nodiscard]] key_request request_for(key_operation operation, const key_row &row);

// Asks whoever has the keys. Throws SA100, SA105, SA107.
[[nodiscard]] key_answer ask_for_key(const key_request &request);

// Answers out of the memory of this process. Throws SA100, SA105.
[[nodiscard]] key_answer serve_key(const key_request &request);

// Wipes the keys between root and data keys that this process keeps.
void forget_shred_keys() noexcept;

} // namespace saas::encryption
