// SPDX-License-Identifier: PostgreSQL
#include "core/hmac_key.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace core = saas::core;

namespace {

std::string hex(std::string_view key, std::string_view text) {
    return core::to_hex(core::hmac_key{core::bytes_of(key)}.sign(core::bytes_of(text)));
}

// RFC 4231, test cases 1, 2 and 6.
TEST(HmacKey, KnownAnswers) {
    EXPECT_EQ(hex(std::string(20, '\x0b'), "Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hex("Jefe", "what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacKey, SignsAsTheLibraryDoes) {
    std::mt19937 random{2104};
    std::string bytes;
    while (bytes.size() < 300)
        bytes += static_cast<char>(random());
    const std::string_view all{bytes};
    for (std::size_t length = 0; length <= 140; length += length < 60 || length > 68 ? 7 : 1) {
        const core::hmac_key key{core::bytes_of(all.substr(0, length))};
        for (std::size_t size = 0; size <= all.size(); ++size) {
            const std::array parts{core::bytes_of(all.substr(0, size))};
            ASSERT_EQ(key.sign(parts[0]), core::hmac_sha256(core::bytes_of(all.substr(0, length)), parts)) << length << ' ' << size;
        }
    }
}

} // namespace
