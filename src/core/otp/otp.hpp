// SPDX-License-Identifier: PostgreSQL
// One-time passwords by a shared secret: HOTP (RFC 4226) and TOTP (RFC 6238).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace saas::core::otp {

enum class algorithm : std::uint8_t { sha1, sha256, sha512 };

[[nodiscard]] std::string_view name_of(algorithm which) noexcept; // SHA1, SHA256, SHA512
[[nodiscard]] std::optional<algorithm> parse_algorithm(std::string_view name) noexcept;

// What an authenticator was told. digits: 6 to 8. period: seconds, 15 to 300.
struct parameters {
    algorithm hash = algorithm::sha1;
    int digits = 6;
    int period = 30;
};

// Throws core::error 22023 for parameters out of their ranges or a secret of less than 16 bytes
// (RFC 4226, section 4, R6) or more than 128.
void check(std::span<const std::uint8_t> secret, const parameters &form);

// The code of a counter: `digits` decimal digits. Throws core::error XX000 when the library
// refuses.
[[nodiscard]] std::string code_of(std::span<const std::uint8_t> secret, std::uint64_t counter,
                                  algorithm hash, int digits);

// The number of the time step (RFC 6238, section 4.2) at a Unix time in seconds; 0 before 1970.
[[nodiscard]] std::uint64_t step_at(std::int64_t unix_seconds, int period) noexcept;

// The step within `window` steps of `now` whose code this is, the newest if several; nullopt when
// there is none. Takes the same time whichever it is. `window`: 0 to 10.
[[nodiscard]] std::optional<std::uint64_t> matching_step(std::span<const std::uint8_t> secret,
                                                         std::string_view code, std::uint64_t now,
                                                         int window, const parameters &form);

// What an authenticator reads from a QR code: otpauth://totp/ISSUER:ACCOUNT?secret=… (Key Uri
// Format of Google Authenticator). Names in UTF-8.
[[nodiscard]] std::string uri_of(std::span<const std::uint8_t> secret, std::string_view issuer,
                                 std::string_view account, const parameters &form);

} // namespace saas::core::otp
