// SPDX-License-Identifier: PostgreSQL
// Big-endian numbers and lengths, for formats that are stored or authenticated.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/uuid.hpp"

namespace saas::core::encryption {

inline void put_number(std::span<std::uint8_t> out, std::uint64_t value) noexcept {
    for (std::size_t i = out.size(); i-- > 0; value >>= 8)
        out[i] = static_cast<std::uint8_t>(value);
}

[[nodiscard]] inline std::uint64_t get_number(std::span<const std::uint8_t> bytes) noexcept {
    std::uint64_t value = 0;
    for (std::uint8_t byte : bytes)
        value = value << 8 | byte;
    return value;
}

// A short run of bytes that is put together piece by piece. What does not fit is a mistake of the
// caller's: every use has a constant bound.
class octets {
public:
    void add(std::span<const std::uint8_t> bytes) noexcept {
        std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += bytes.size();
    }
    void add(std::string_view text) noexcept {
        add(std::span{reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
    }
    template <class Integer>
    void add_number(Integer value) noexcept {
        std::array<std::uint8_t, sizeof(Integer)> bytes;
        put_number(bytes, static_cast<std::uint64_t>(value));
        add(bytes);
    }
    // Two bytes of length, then the value, if there is one.
    void add_optional(const std::optional<uuid> &value) noexcept {
        add_number(static_cast<std::uint16_t>(value ? value->size() : 0));
        if (value)
            add(*value);
    }
    [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
        return std::span{bytes_}.first(size_);
    }

private:
    std::array<std::uint8_t, 192> bytes_;
    std::size_t size_ = 0;
};

} // namespace saas::core::encryption
