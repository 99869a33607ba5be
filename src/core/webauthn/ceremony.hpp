// SPDX-License-Identifier: PostgreSQL
// The relying party's half of Web Authentication (W3C WebAuthn Level 3, sections 7.1 and 7.2): what
// an authenticator answers when it makes a credential and when it proves that it has one.
//
// Answers come as the JSON that PublicKeyCredential.toJSON() makes (section 5.1): bytes are
// base64url without padding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/uuid.hpp"

namespace saas::core::webauthn {

inline constexpr std::size_t k_max_response_bytes = 65'536;

// Who asks.
struct relying_party {
    std::string id;                   // a domain
    std::vector<std::string> origins; // as browsers write them: https://example.com
    bool requires_user_verification = false;
    bool believes_others = true; // see registration::attested
};

// Why an answer is refused.
enum class refusal : std::uint8_t {
    malformed,           // no answer of this kind, or not as the standards write it
    wrong_challenge,     // to another question
    wrong_origin,        // given on another page, or within a frame of one
    wrong_relying_party, // of a credential for another domain
    user_not_present,
    user_not_verified,
    unsupported_key,
    unsupported_attestation,
    wrong_signature,
    wrong_backup, // the credential could be backed up and now cannot, or the other way round
    copied_key,   // its counter has been further: there is a second one
};

// In words, as callers see them: "wrong origin".
[[nodiscard]] std::string_view name_of(refusal why) noexcept;

enum class attestation : std::uint8_t {
    none,
    self,      // signed by the credential itself: nothing was changed on the way
    unchecked, // of another format, or with certificates: read, and not believed
};
[[nodiscard]] std::string_view name_of(attestation kind) noexcept;

struct registration {
    std::string credential_id;
    std::string public_key; // COSE_Key
    std::int64_t algorithm = 0;
    std::uint32_t sign_count = 0;
    bool user_verified = false;
    bool backup_eligible = false;
    bool backed_up = false;
    uuid model{};
    attestation attested = attestation::none;
    std::vector<std::string> transports; // usb, nfc, ble, smart-card, hybrid, internal
};

// Checks the answer to navigator.credentials.create(). Throws core::error XX000 when OpenSSL
// refuses.
[[nodiscard]] std::variant<registration, refusal> check_registration(std::string_view response,
                                                                     std::string_view challenge,
                                                                     const relying_party &asked);

// What an answer to navigator.credentials.get() says it is, unproved: to find its challenge and
// key.
struct claim {
    std::string credential_id;
    std::string challenge;
    std::optional<std::string> user_handle;
};
[[nodiscard]] std::optional<claim> read_assertion(std::string_view response);

// The credential as it was left.
struct credential {
    std::string_view public_key;
    std::uint32_t sign_count;
    bool backup_eligible;
};
struct assertion {
    std::uint32_t sign_count = 0;
    bool user_verified = false;
    bool backed_up = false;
};

// Checks the answer to navigator.credentials.get(). Throws core::error XX000 when OpenSSL refuses.
[[nodiscard]] std::variant<assertion, refusal> check_assertion(std::string_view response,
                                                               std::string_view challenge,
                                                               const credential &kept,
                                                               const relying_party &asked);

} // namespace saas::core::webauthn
