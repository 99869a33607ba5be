// SPDX-License-Identifier: PostgreSQL
#include "core/uuid_sequence.hpp"

namespace saas::core {

uuid_bytes next_uuid(uuid_sequence &sequence, std::int64_t unix_milliseconds,
                     std::uint64_t random) noexcept {
    if (sequence.milliseconds != unix_milliseconds) {
        sequence.milliseconds = unix_milliseconds;
        // Starts in the lower half, which leaves 2^31 increments before it could wrap.
        sequence.counter = static_cast<std::uint32_t>(random >> 33);
    } else {
        ++sequence.counter;
    }
    const auto time = static_cast<std::uint64_t>(unix_milliseconds);
    const std::uint64_t counter = sequence.counter;
    const auto byte = [](std::uint64_t value, int shift) {
        return static_cast<std::uint8_t>(value >> shift);
    };
    uuid_bytes out{};
    for (int i = 0; i < 6; ++i)
        out[static_cast<std::size_t>(i)] = byte(time, 40 - 8 * i);
    // 12 bits of the counter beside the version, 20 beside the variant, then 42 random bits.
    const std::uint64_t high = (counter >> 20) & 0xfff;
    const std::uint64_t low = ((counter & 0xfffff) << 42) | (random & 0x3ffffffffff);
    out[6] = static_cast<std::uint8_t>(0x70 | (high >> 8));
    out[7] = byte(high, 0);
    out[8] = static_cast<std::uint8_t>(0x80 | ((low >> 56) & 0x3f));
    for (int i = 1; i < 8; ++i)
        out[static_cast<std::size_t>(8 + i)] = byte(low, 56 - 8 * i);
    return out;
}

} // namespace saas::core
