// SPDX-License-Identifier: PostgreSQL
// The bytes of sketches: reading with every bound checked, writing into room that is large enough.
//
// Every sketch begins with two bytes: its kind, an upper-case letter, and the version of its
// format, now 1. Numbers are unsigned LEB128 of the least length, or 8 bytes, lowest first; so the
// bytes are the same on every machine, and one sketch has exactly one form.
#pragma once

#include "core/error.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace saas::core::sketch {

using bytes = std::span<const std::uint8_t>;

inline constexpr sqlstate k_invalid_binary_representation{"22P03"};
inline constexpr std::uint8_t k_version = 1;
inline constexpr std::size_t k_longest_varint = 10;

// Throws 22P03: the bytes are no sketch, because of `why`, a sentence.
[[noreturn]] void malformed(const char *why);

// Reads from front to back. Every function throws 22P03 at the end of the bytes.
class reader {
public:
    explicit reader(bytes data) noexcept : at_{data.data()}, end_{data.data() + data.size()} {}

    [[nodiscard]] bool done() const noexcept { return at_ == end_; }
    [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    [[nodiscard]] std::uint8_t byte() {
        if (at_ == end_)
            malformed("It ends too early.");
        return *at_++;
    }
    [[nodiscard]] std::uint64_t varint() {
        const std::uint8_t first = byte();
        if (first < 0x80)
            return first;
        // Two bytes are usual as well. A second one of 0 is an error.
        if (at_ != end_ && *at_ < 0x80 && *at_ != 0)
            return (first & 0x7FU) | static_cast<std::uint64_t>(*at_++) << 7;
        return long_varint(first);
    }
    [[nodiscard]] bytes take(std::uint64_t count) {
        if (count > left())
            malformed("It ends too early.");
        const bytes taken{at_, static_cast<std::size_t>(count)};
        at_ += count;
        return taken;
    }
    [[nodiscard]] std::uint64_t fixed64() {
        std::uint64_t value = 0;
        const bytes source = take(8);
        for (std::size_t i = 8; i-- > 0;)
            value = value << 8 | source[i];
        return value;
    }
    [[nodiscard]] double number() { return std::bit_cast<double>(fixed64()); }
    // Zigzag: 0, -1, 1, -2, …
    [[nodiscard]] std::int64_t signed_varint() {
        const std::uint64_t value = varint();
        return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
    }
    // Kind and version. Throws 22P03 for another kind and another version.
    void header(char kind);
    // Throws 22P03 when bytes are left.
    void finish() const {
        if (at_ != end_)
            malformed("It goes on after its end.");
    }

private:
    [[nodiscard]] std::uint64_t long_varint(std::uint8_t first);

    const std::uint8_t *at_;
    const std::uint8_t *end_;
};

// Writes where the caller has made sure that there is room.
class writer {
public:
    explicit writer(std::uint8_t *out) noexcept : begin_{out}, at_{out} {}

    void byte(std::uint8_t value) noexcept { *at_++ = value; }
    void varint(std::uint64_t value) noexcept {
        while (value >= 0x80) {
            *at_++ = static_cast<std::uint8_t>(value | 0x80);
            value >>= 7;
        }
        *at_++ = static_cast<std::uint8_t>(value);
    }
    void signed_varint(std::int64_t value) noexcept {
        varint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
    }
    void fixed64(std::uint64_t value) noexcept {
        for (int i = 0; i < 8; ++i, value >>= 8)
            *at_++ = static_cast<std::uint8_t>(value);
    }
    void number(double value) noexcept { fixed64(std::bit_cast<std::uint64_t>(value)); }
    void copy(const void *source, std::size_t count) noexcept {
        if (count != 0)
            std::memcpy(at_, source, count);
        at_ += count;
    }
    void header(char kind) noexcept {
        byte(static_cast<std::uint8_t>(kind));
        byte(k_version);
    }
    [[nodiscard]] std::size_t size() const noexcept {
        return static_cast<std::size_t>(at_ - begin_);
    }

private:
    std::uint8_t *begin_;
    std::uint8_t *at_;
};

// States of sketches under construction are blocks of plain memory that their owner allocates,
// moves and frees as bytes. A function that needs more room asks the owner for a larger block,
// zeroed and aligned to 8, copies what it has and returns the new block; the old one is left alone.
// The owner may leave by longjmp: the frames above hold no destructors.
using allocate = void *(*)(std::size_t size);

// What the owner keeps in front of a block. Block sizes are such that both together are a power of
// two while small, since allocators round up to one.
inline constexpr std::size_t k_block_prefix = 8;

} // namespace saas::core::sketch
