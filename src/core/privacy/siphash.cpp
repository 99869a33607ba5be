// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/siphash.hpp"

#include <bit>
#include <cstddef>

namespace saas::core::privacy {
namespace {

std::uint64_t little_endian(const std::uint8_t *bytes, std::size_t count) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < count; ++i)
        word |= std::uint64_t{bytes[i]} << (8 * i);
    return word;
}

struct state {
    std::uint64_t v0, v1, v2, v3;

    void round() noexcept {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void take(std::uint64_t word) noexcept {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
};

} // namespace

std::uint64_t siphash(const siphash_key &key, std::span<const std::uint8_t> data) noexcept {
    const std::uint64_t k0 = little_endian(key.data(), 8);
    const std::uint64_t k1 = little_endian(key.data() + 8, 8);
    state s{k0 ^ 0x736f6d6570736575U, k1 ^ 0x646f72616e646f6dU, k0 ^ 0x6c7967656e657261U,
            k1 ^ 0x7465646279746573U};
    const std::size_t whole = data.size() / 8 * 8;
    for (std::size_t i = 0; i < whole; i += 8)
        s.take(little_endian(data.data() + i, 8));
    s.take(little_endian(data.data() + whole, data.size() - whole) |
           std::uint64_t{data.size() & 0xffU} << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i)
        s.round();
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

} // namespace saas::core::privacy
