// SPDX-License-Identifier: PostgreSQL
// Data keys and the keys that wrap them. Root keys, which no table holds, wrap the shred keys of
// the key file (key_file.hpp); a tenant's shred key wraps its data keys, which lie in
// saas.encryption_keys. A wrapped key is an XAES-256-GCM message: nonce, ciphertext, tag. What it
// is the key of is authenticated, so that one pasted in another's place does not open.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/encryption/aead.hpp"
#include "core/encryption/secret.hpp"
#include "core/uuid.hpp"

namespace saas::core::encryption {

inline constexpr std::size_t k_wrapped_bytes = 24 + k_key_bytes + k_tag_bytes;
using wrapped_key = std::array<std::uint8_t, k_wrapped_bytes>;

// Wraps a key under another. `identity`: what is authenticated with it.
[[nodiscard]] wrapped_key wrap(aead &cipher, const secret_key &under,
                               std::span<const std::uint8_t> identity, const secret_key &key);

// False when it was not wrapped so, or has another length.
[[nodiscard]] bool unwrap(aead &cipher, const secret_key &under,
                          std::span<const std::uint8_t> identity,
                          std::span<const std::uint8_t> wrapped, secret_key &key);

// Which data key it is: a row of saas.encryption_keys.
struct data_key_identity {
    std::uint64_t number;
    uuid tenant;
    std::string_view kind; // subject, tenant, index, export
    std::optional<uuid> subject;
    std::optional<uuid> asset;
    std::uint32_t version;
    std::uint32_t epoch; // of the shred key
};

// The same for data keys.
[[nodiscard]] wrapped_key wrap_data_key(aead &cipher, const secret_key &under,
                                        const data_key_identity &identity, const secret_key &key);
[[nodiscard]] bool unwrap_data_key(aead &cipher, const secret_key &under,
                                   const data_key_identity &identity,
                                   std::span<const std::uint8_t> wrapped, secret_key &key);

} // namespace saas::core::encryption
