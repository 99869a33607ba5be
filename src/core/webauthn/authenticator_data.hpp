// SPDX-License-Identifier: PostgreSQL
// What an authenticator says and signs (W3C WebAuthn Level 3, section 6.1).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/uuid.hpp"
#include "core/webauthn/cbor.hpp"

namespace saas::core::webauthn {

inline constexpr std::size_t k_max_credential_id_bytes = 1023;

// A new credential, within the authenticator data of a registration.
struct attested_credential {
    uuid model; // AAGUID; zeros when the authenticator does not tell
    bytes_in id;
    bytes_in public_key; // the bytes of its COSE_Key
    cbor_item key_map;   // the same, read
};

struct authenticator_data {
    bytes_in relying_party; // SHA-256 of its id
    bool user_present;
    bool user_verified;
    bool backup_eligible;
    bool backed_up;
    std::uint32_t sign_count;
    std::optional<attested_credential> credential;
};

// nullopt for bytes that are none: too short or too long, or flags that contradict each other or
// what follows (a backup of what cannot be backed up). Extensions are passed over.
[[nodiscard]] std::optional<authenticator_data> parse_authenticator_data(bytes_in data) noexcept;

} // namespace saas::core::webauthn
