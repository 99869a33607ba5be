// SPDX-License-Identifier: PostgreSQL
// The functions of libcrypto that work on a state without a context of its own are called deprecated since its
// version 3: it offers no other way to a block for the price of a block.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/hmac_key.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace saas::core {
namespace {

constexpr std::size_t k_block = SHA256_CBLOCK;
constexpr std::size_t k_length = sizeof(std::uint64_t); // at the end of the last block

// Loops over bytes would cost a tenth of a block.
void write_big_endian(std::uint64_t number, std::uint8_t *out) noexcept {
    if constexpr (std::endian::native == std::endian::little)
        number = __builtin_bswap64(number);
    std::memcpy(out, &number, sizeof(number));
}

// The digest of a block that `state` has taken, and `data` behind it.
digest finish(SHA256_CTX &state, std::span<const std::uint8_t> data) noexcept {
    const std::uint64_t bits = (k_block + data.size()) * 8;
    for (; data.size() >= k_block; data = data.subspan(k_block))
        SHA256_Transform(&state, data.data());
    std::uint8_t last[k_block] = {};
    if (!data.empty())
        std::memcpy(last, data.data(), data.size());
    last[data.size()] = 0x80;
    if (data.size() >= k_block - k_length) {
        SHA256_Transform(&state, last);
        std::memset(last, 0, sizeof(last));
    }
    write_big_endian(bits, last + k_block - k_length);
    SHA256_Transform(&state, last);
    digest out;
    for (std::size_t i = 0; i < 8; i += 2)
        write_big_endian(std::uint64_t{state.h[i]} << 32 | state.h[i + 1], out.data() + 4 * i);
    return out;
}

} // namespace

hmac_key::hmac_key(std::span<const std::uint8_t> key) {
    std::array<std::uint8_t, k_block> block{};
    if (key.size() > k_block) {
        digest short_key = sha256(key);
        std::copy(short_key.begin(), short_key.end(), block.begin());
        OPENSSL_cleanse(short_key.data(), short_key.size());
    } else {
        std::copy(key.begin(), key.end(), block.begin());
    }
    const auto chain_of = [&block](std::uint8_t pad) {
        std::array<std::uint8_t, k_block> padded;
        std::transform(block.begin(), block.end(), padded.begin(),
                       [pad](std::uint8_t byte) { return static_cast<std::uint8_t>(byte ^ pad); });
        SHA256_CTX state;
        SHA256_Init(&state);
        SHA256_Transform(&state, padded.data());
        chain made;
        std::copy_n(state.h, made.size(), made.begin());
        OPENSSL_cleanse(&state, sizeof(state));
        OPENSSL_cleanse(padded.data(), padded.size());
        return made;
    };
    inner_ = chain_of(0x36);
    outer_ = chain_of(0x5c);
    OPENSSL_cleanse(block.data(), block.size());
}

hmac_key::~hmac_key() {
    OPENSSL_cleanse(inner_.data(), sizeof(inner_));
    OPENSSL_cleanse(outer_.data(), sizeof(outer_));
}

digest hmac_key::sign(std::span<const std::uint8_t> data) const noexcept {
    SHA256_CTX state;
    std::copy(inner_.begin(), inner_.end(), state.h);
    const digest within = finish(state, data);
    std::copy(outer_.begin(), outer_.end(), state.h);
    return finish(state, within);
}

} // namespace saas::core
