// SPDX-License-Identifier: PostgreSQL
#include "core/uuid_sequence.hpp"

#include <gtest/gtest.h>

namespace core = saas::core;

TEST(uuid_sequence, carries_time_version_and_variant) {
    core::uuid_sequence sequence;
    // The example time of RFC 9562, appendix A.6.
    const core::uuid_bytes id = core::next_uuid(sequence, 0x017F22E279B0, ~0ULL);
    const core::uuid_bytes expected{0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x77, 0xff,
                                    0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    EXPECT_EQ(id, expected);
}

TEST(uuid_sequence, grows_within_a_millisecond) {
    core::uuid_sequence sequence;
    core::uuid_bytes last = core::next_uuid(sequence, 1000, 0x123456789abcdef0ULL);
    for (std::uint64_t i = 0; i < 3'000'000; ++i) {
        // Adversarial randomness: it falls while the counter rises.
        const core::uuid_bytes next = core::next_uuid(sequence, 1000, ~i);
        ASSERT_LT(last, next);
        last = next;
    }
    EXPECT_LT(last, core::next_uuid(sequence, 1001, 0));
}

TEST(uuid_sequence, writers_differ_by_their_random_bits) {
    core::uuid_sequence one;
    core::uuid_sequence two;
    EXPECT_NE(core::next_uuid(one, 5, 1), core::next_uuid(two, 5, 2));
}
