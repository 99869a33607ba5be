// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/hash.hpp"

#include <bit>
#include <cstring>

namespace saas::core::sketch {
namespace {

constexpr std::uint64_t k_prime1 = 0x9E3779B185EBCA87;
constexpr std::uint64_t k_prime2 = 0xC2B2AE3D27D4EB4F;
constexpr std::uint64_t k_prime3 = 0x165667B19E3779F9;
constexpr std::uint64_t k_prime4 = 0x85EBCA77C2B2AE63;
constexpr std::uint64_t k_prime5 = 0x27D4EB2F165667C5;

template <class Word>
Word load(const std::uint8_t *at) {
    Word value;
    std::memcpy(&value, at, sizeof(value));
    if constexpr (std::endian::native == std::endian::big) {
        Word swapped = 0;
        for (std::size_t i = 0; i < sizeof(Word); ++i)
            swapped = static_cast<Word>(swapped << 8 | ((value >> (8 * i)) & 0xFFU));
        value = swapped;
    }
    return value;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t word) {
    return std::rotl(lane + word * k_prime2, 31) * k_prime1;
}

std::uint64_t mix_word(std::uint64_t hash, std::uint64_t word) {
    return std::rotl(hash ^ round(0, word), 27) * k_prime1 + k_prime4;
}

std::uint64_t avalanche(std::uint64_t hash) {
    hash = (hash ^ (hash >> 33)) * k_prime2;
    hash = (hash ^ (hash >> 29)) * k_prime3;
    return hash ^ (hash >> 32);
}

// The stripes of 32 bytes; moves `at` behind them.
std::uint64_t mix_stripes(const std::uint8_t *&at, std::size_t stripes) {
    std::uint64_t lanes[4] = {k_prime1 + k_prime2, k_prime2, 0, 0 - k_prime1};
    for (; stripes > 0; --stripes) {
        for (std::uint64_t &lane : lanes) {
            lane = round(lane, load<std::uint64_t>(at));
            at += 8;
        }
    }
    std::uint64_t hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
                         std::rotl(lanes[3], 18);
    for (const std::uint64_t lane : lanes)
        hash = (hash ^ round(0, lane)) * k_prime1 + k_prime4;
    return hash;
}

} // namespace

std::uint64_t hash_bytes(const void *data, std::size_t size) noexcept {
    const auto *at = static_cast<const std::uint8_t *>(data);
    std::size_t left = size % 32;
    std::uint64_t hash = (size >= 32 ? mix_stripes(at, size / 32) : k_prime5) + size;
    for (; left >= 8; left -= 8, at += 8)
        hash = mix_word(hash, load<std::uint64_t>(at));
    if (left >= 4) {
        hash = std::rotl(hash ^ load<std::uint32_t>(at) * k_prime1, 23) * k_prime2 + k_prime3;
        at += 4;
        left -= 4;
    }
    for (; left > 0; --left, ++at)
        hash = std::rotl(hash ^ *at * k_prime5, 11) * k_prime1;
    return avalanche(hash);
}

std::uint64_t hash_word(std::uint64_t value) noexcept {
    return avalanche(mix_word(k_prime5 + sizeof(value), value));
}

} // namespace saas::core::sketch
