// SPDX-License-Identifier: PostgreSQL
// Blind indexes: a keyed number in the place of a value, so that a plain index finds equal values without
// showing them. Values are compared after folding, so that "Ada@Example.org " finds "ada@example.org".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/encryption/secret.hpp"

namespace saas::core::encryption {

inline constexpr int k_most_index_bits = 63; // of a bigint that is not negative

// Lower case, without blanks at both ends. `text` is valid UTF-8, in Unicode's form NFKC. Letters of ASCII,
// Latin-1, Latin Extended-A, Greek and Cyrillic have lower case here, by a table that does not change
// with the system's: stored indexes depend on it.
[[nodiscard]] std::string fold(std::string_view text);

// The first `count` characters of a folded text; empty when it has fewer.
[[nodiscard]] std::string_view first_characters(std::string_view folded, std::size_t count) noexcept;

// The last four letters and digits, whatever stands between them: of "4111-1111-1111 1234" 1234. Empty when there
// are fewer.
[[nodiscard]] std::string last_four(std::string_view folded);

// The first `bits` bits of HMAC-SHA256 of the text, 1 to k_most_index_bits. Fewer bits tell less of which values
// are equal, and find others as well, that the caller has to leave out. Throws core::error XX000 when the
// library refuses.
[[nodiscard]] std::int64_t blind_index(std::span<const std::uint8_t> key, std::string_view text, int bits);

// The same for one value after another: what OpenSSL computes from the key is kept until the next key.
class index_hasher {
public:
    index_hasher();
    ~index_hasher();
    index_hasher(const index_hasher &) = delete;
    index_hasher &operator=(const index_hasher &) = delete;

    // `key` has k_key_bytes; throws XX000 for another one.
    [[nodiscard]] std::int64_t blind_index(std::span<const std::uint8_t> key, std::string_view text, int bits);
    // Wipes the key, and what was computed from it.
    void forget() noexcept;

private:
    void *context_ = nullptr; // keyed with key_; null for none
    secret_key key_;
};

} // namespace saas::core::encryption
