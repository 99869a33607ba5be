// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/bytes.hpp"

#include <string>

namespace saas::core::sketch {

void malformed(const char *why) {
    throw error{k_invalid_binary_representation, "malformed sketch", why,
                "Sketches are made by aggregates, and their bytes must not be changed."};
}

void reader::header(char kind) {
    const std::uint8_t found = byte();
    if (found != static_cast<std::uint8_t>(kind))
        malformed("It is a sketch of another type, or none.");
    const std::uint8_t version = byte();
    if (version != k_version)
        throw error{k_invalid_binary_representation,
                    "sketch has format version " + std::to_string(version) +
                        ", which this release does not read",
                    {},
                    "It reads version 1. Sketches of a later release need that release."};
}

std::uint64_t reader::long_varint(std::uint8_t first) {
    std::uint64_t value = first & 0x7FU;
    for (unsigned shift = 7;; shift += 7) {
        const std::uint8_t next = byte();
        if (shift == 63 && next > 1)
            malformed("It has a number of more than 64 bits.");
        value |= static_cast<std::uint64_t>(next & 0x7FU) << shift;
        if (next < 0x80) {
            if (next == 0)
                malformed("It has a number with leading zeros.");
            return value;
        }
    }
}

} // namespace saas::core::sketch
