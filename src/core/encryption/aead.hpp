// SPDX-License-Identifier: PostgreSQL
// Authenticated encryption, by OpenSSL's EVP: XAES-256-GCM (C2SP), AES-256-GCM (NIST SP 800-38D)
// and AES-256-SIV (RFC 5297).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace saas::core::encryption {

// The numbers are those in stored ciphertexts.
enum class algorithm : std::uint8_t {
    xaes_256_gcm = 1, // random nonces of 192 bits: no count of messages to keep
    aes_256_gcm = 2,  // random nonces of 96 bits: at most 2^31 messages a key
    aes_256_siv = 3,  // deterministic: equal values are seen to be equal
};

[[nodiscard]] std::string_view name_of(algorithm chosen) noexcept;

// xaes-256-gcm, aes-256-gcm, aes-256-siv, in lower case; nullopt for anything else.
[[nodiscard]] std::optional<algorithm> parse_algorithm(std::string_view name) noexcept;

[[nodiscard]] constexpr std::size_t nonce_bytes(algorithm chosen) noexcept {
    return chosen == algorithm::xaes_256_gcm ? 24 : chosen == algorithm::aes_256_gcm ? 12 : 0;
}
[[nodiscard]] constexpr std::size_t key_bytes(algorithm chosen) noexcept {
    return chosen == algorithm::aes_256_siv ? 64 : 32;
}
inline constexpr std::size_t k_tag_bytes = 16;

// One message: who may read it (key), what makes it unique (nonce), what else is authenticated.
struct message_frame {
    std::span<const std::uint8_t> key;   // key_bytes()
    std::span<const std::uint8_t> nonce; // nonce_bytes()
    std::span<const std::uint8_t> associated;
};

// Keeps OpenSSL's contexts, and the schedule of the last key, from one message to the next.
class aead {
public:
    aead();
    ~aead();
    aead(const aead &) = delete;
    aead &operator=(const aead &) = delete;

    // Encrypts `plaintext` into `out`, which has its size and k_tag_bytes more; the tag comes last.
    // A deterministic message is never empty (see ciphertext.hpp): OpenSSL 3.0 gives a tag of zeros
    // for it. Throws core::error XX000 when OpenSSL refuses or a size is wrong.
    void seal(algorithm chosen, const message_frame &frame, std::span<const std::uint8_t> plaintext,
              std::span<std::uint8_t> out);

    // Decrypts what seal() wrote; `out` has the size of `sealed` less k_tag_bytes. False, with
    // `out` wiped, when the message is not genuine.
    [[nodiscard]] bool open(algorithm chosen, const message_frame &frame,
                            std::span<const std::uint8_t> sealed, std::span<std::uint8_t> out);

    // Forgets the keys.
    void forget() noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

// Nonces, fetched from OpenSSL's generator many at once. A process that was forked from this one
// must not hand out the same: what is left is dropped when `process` differs.
//
// Those of 24 bytes, XAES-256-GCM's, share their random first half, 340 at a time: that half
// chooses the key of a message, whose schedule is then made once for all of them. The second half
// is random for each. Two messages under one data key meet in both halves with a probability of
// 2^-96 for each pair within 340, and 2^-192 for each other pair: 2^-40 after 2^48 messages.
class random_pool {
public:
    // Fills `out`, 24 or 12 bytes. Throws core::error XX000 when there is no randomness.
    void take(std::int64_t process, std::span<std::uint8_t> out);

private:
    static constexpr std::size_t k_pooled = 4096;
    std::array<std::uint8_t, k_pooled> bytes_{};
    std::size_t used_ = k_pooled;
    std::int64_t process_ = 0;
};

// Fills `out` with random bytes fit for keys. Throws core::error XX000 when there are none.
void random_key_bytes(std::span<std::uint8_t> out);

} // namespace saas::core::encryption
