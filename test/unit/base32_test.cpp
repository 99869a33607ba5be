// SPDX-License-Identifier: PostgreSQL
#include "core/base32.hpp"

#include <gtest/gtest.h>

#include "core/sha256.hpp"

using saas::core::bytes_of;
using saas::core::from_base32;
using saas::core::to_base32;

// RFC 4648, section 10.
TEST(base32, encodes_and_reads_the_vectors) {
    const std::pair<std::string_view, std::string_view> vectors[] = {
        {"", ""},
        {"f", "MY======"},
        {"fo", "MZXQ===="},
        {"foo", "MZXW6==="},
        {"foob", "MZXW6YQ="},
        {"fooba", "MZXW6YTB"},
        {"foobar", "MZXW6YTBOI======"},
    };
    for (const auto &[plain, encoded] : vectors) {
        EXPECT_EQ(to_base32(bytes_of(plain)), encoded);
        const auto read = from_base32(encoded);
        ASSERT_TRUE(read) << encoded;
        EXPECT_EQ(std::string(read->begin(), read->end()), plain);
        const std::string_view bare =
            encoded.substr(0, std::min(encoded.find('='), encoded.size()));
        EXPECT_EQ(to_base32(bytes_of(plain), false), bare);
        EXPECT_EQ(from_base32(bare), read);
    }
}

TEST(base32, takes_either_case) {
    EXPECT_EQ(from_base32("mzxw6ytb"), from_base32("MZXW6YTB"));
}

TEST(base32, refuses_what_no_encoder_writes) {
    for (const char *text : {"M", "MZX", "MZXW6Y", "M=", "MY=====", "MY=======", "=",
                             "========", "MY======MY======", "MZ======", "MZXW6===B", "0ZXW6YTB",
                             "1ZXW6YTB", "8ZXW6YTB", "MZXW 6YTB", "MZXW6YT\xc3\xa9"})
        EXPECT_FALSE(from_base32(text)) << text;
    EXPECT_FALSE(from_base32(std::string_view{"MY\0", 3}));
}

TEST(base32, reads_back_every_length) {
    std::vector<std::uint8_t> bytes;
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(from_base32(to_base32(bytes)), bytes);
        EXPECT_EQ(from_base32(to_base32(bytes, false)), bytes);
        bytes.push_back(static_cast<std::uint8_t>(i * 37 + 11));
    }
}
