// SPDX-License-Identifier: PostgreSQL
// CBOR (RFC 8949) as authenticators write it, read strictly: definite lengths, numbers and lengths
// in their shortest form, no tags, no floating point, of simple values false, true and null, no key
// twice in a map, at most k_max_depth levels. That is the canonical form of CTAP2, which WebAuthn
// asks for, but for the order of keys: some authenticators keep their own, and without duplicates
// it means nothing. Texts are compared with names in ASCII only, so they may be any bytes.
//
// Nothing is copied: items point into the bytes they were read from. The time is linear in their
// number, times k_max_pairs in maps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace saas::core::webauthn {

using bytes_in = std::span<const std::uint8_t>;

inline constexpr int k_max_depth = 8;
inline constexpr std::uint64_t k_max_pairs = 64; // in one map

enum class cbor_kind : std::uint8_t {
    unsigned_number,
    negative_number,
    bytes,
    text,
    array,
    map,
    simple
};

struct cbor_item {
    cbor_kind kind;
    // The number itself, for a negative one -1 less it (RFC 8949, section 3.1); how many elements
    // or pairs; 20, 21 and 22 for false, true and null.
    std::uint64_t number;
    bytes_in content; // of bytes and texts; of arrays and maps their encoded elements

    // A number that fits.
    [[nodiscard]] std::optional<std::int64_t> integer() const noexcept;
    [[nodiscard]] bool is_text(std::string_view wanted) const noexcept;
};

// Takes the first item, with all within it, off the front of `data`; nullopt when it is not strict
// CBOR.
[[nodiscard]] std::optional<cbor_item> take_item(bytes_in &data) noexcept;

// What a map that take_item() gave has under a key; nullopt when it has no such key, or is no map.
[[nodiscard]] std::optional<cbor_item> find(const cbor_item &map, std::int64_t key) noexcept;
[[nodiscard]] std::optional<cbor_item> find(const cbor_item &map, std::string_view key) noexcept;

} // namespace saas::core::webauthn
