// SPDX-License-Identifier: PostgreSQL
// What the verification of a webhook delivery comes to, for every provider.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace saas::core::webhook {

using bytes = std::span<const std::uint8_t>;

// Why a delivery is refused.
enum class refusal : std::uint8_t {
    none,                // it is not refused
    invalid_header,      // what the scheme reads from the headers cannot be read
    no_signature,        // no signature, or none of them matches any secret
    no_secret,           // nothing to compare with
    too_old,             // genuine, but signed more than the tolerance before `now`
    in_future,           // genuine, but signed more than the tolerance after `now`
    no_url,              // the scheme signs the URL, and none was given
    invalid_body,        // the scheme signs members of the body, and they cannot be read
    invalid_certificate, // the certificate is not one that may sign for the provider
    certificate_needed,  // the certificate at the delivery's URL is not at hand
};

// The refusal in words, lower case, without payload or secret; empty for refusal::none.
[[nodiscard]] std::string_view text_of(refusal reason) noexcept;

struct verdict {
    refusal reason = refusal::none;
    std::int32_t secret_no = 0;  // 1-based position of the secret that matched, 0 when none did
    std::int64_t signed_at = -1; // unix seconds, -1 when the scheme or the delivery has no time
    // What the scheme itself names the event by, empty when that is in the body's own words.
    std::string event_id{};

    [[nodiscard]] bool ok() const noexcept { return reason == refusal::none; }
};

inline constexpr std::size_t k_max_header_bytes = 8192;
inline constexpr std::int64_t k_default_tolerance_seconds = 300;

// Unix seconds written in decimal digits only, up to 2^63 - 1.
[[nodiscard]] std::optional<std::int64_t> parse_unix_seconds(std::string_view text) noexcept;

// A UTC time as in RFC 3339, "2015-05-18T15:45:13Z", of the years 1970 to 9999, in unix seconds; a
// fraction of a second is read over. Leap seconds and offsets are refused.
[[nodiscard]] std::optional<std::int64_t> parse_utc_time(std::string_view text) noexcept;

// What a time says of a genuine delivery: none, too_old or in_future. In seconds; `tolerance` is at
// least 0.
[[nodiscard]] refusal check_time(std::int64_t signed_at, std::int64_t now,
                                 std::int64_t tolerance) noexcept;

} // namespace saas::core::webhook
