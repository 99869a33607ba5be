// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/json_text.hpp"
#include "core/privacy/numeric_bytes.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace privacy = saas::core::privacy;

namespace {

std::string escaped(const std::string &text) {
    std::string out(privacy::json_characters_room(text.size()), '#');
    out.resize(static_cast<std::size_t>(privacy::write_json_characters(text, out.data()) - out.data()));
    return out;
}

// One byte after another, by the letter of RFC 8259.
std::string escaped_plainly(const std::string &text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (byte >= 0x20) {
            out += c;
        } else if (const char *name = std::strchr("\bb\ff\nn\rr\tt", c); c != '\0' && name != nullptr) {
            out += {'\\', name[1]};
        } else {
            char code[8];
            std::snprintf(code, sizeof(code), "\\u%04x", static_cast<unsigned>(byte));
            out += code;
        }
    }
    return out;
}

TEST(JsonText, Characters) {
    EXPECT_EQ(escaped(""), "");
    EXPECT_EQ(escaped("plain"), "plain");
    EXPECT_EQ(escaped("\"\\/"), "\\\"\\\\/");
    EXPECT_EQ(escaped("\b\f\n\r\t"), "\\b\\f\\n\\r\\t");
    EXPECT_EQ(escaped(std::string{"\0\x01\x1f\x20\x7f", 5}), "\\u0000\\u0001\\u001f \x7f");
    EXPECT_EQ(escaped("é € 🙂 \xff"), "é € 🙂 \xff");
}

TEST(JsonText, EachByteAtEachPlace) {
    for (int byte = 0; byte < 256; ++byte) {
        for (std::size_t place = 0; place < 17; ++place) {
            std::string text(17, 'x');
            text[place] = static_cast<char>(byte);
            ASSERT_EQ(escaped(text), escaped_plainly(text)) << byte << " at " << place;
        }
    }
}

TEST(JsonText, RoomIsEnough) {
    const std::string text(1000, '\x01');
    EXPECT_EQ(escaped(text).size(), privacy::json_characters_room(text.size()));
}

TEST(JsonText, AnyBytes) {
    std::mt19937 random{8259};
    for (int round = 0; round < 2000; ++round) {
        std::string text(random() % 60, '\0');
        for (char &c : text)
            c = static_cast<char>(random() % 4 != 0 ? 'a' + random() % 26 : random() % 256);
        ASSERT_EQ(escaped(text), escaped_plainly(text));
    }
}

// What such bytes stand for, and whether no shorter ones would.
struct decoded {
    bool negative;
    std::uint64_t magnitude;
    bool is_shortest;
};

decoded decode(std::int64_t number) {
    char bytes[privacy::k_numeric_room];
    const std::size_t size = privacy::write_numeric(number, bytes);
    std::vector<std::uint16_t> words(size / 2);
    std::memcpy(words.data(), bytes, size);
    EXPECT_EQ(words[0] & 0x8000, 0x8000);
    EXPECT_EQ(words[0] & 0x5fc0, 0); // no digits after the point, no negative weight
    decoded out{(words[0] & 0x2000) != 0, 0, true};
    const std::size_t weight = words[0] & 0x3fU;
    for (std::size_t i = 0; i <= weight; ++i)
        out.magnitude = out.magnitude * 10'000 + (i + 1 < words.size() ? words[i + 1] : 0);
    out.is_shortest = words.size() == 1 || (words[1] != 0 && words.back() != 0 && words.size() <= weight + 2);
    return out;
}

void expect_number(std::int64_t number) {
    const decoded found = decode(number);
    const std::uint64_t magnitude =
        number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    ASSERT_EQ(found.magnitude, magnitude) << number;
    ASSERT_EQ(found.negative, number < 0) << number;
    ASSERT_TRUE(found.is_shortest) << number;
}

TEST(NumericBytes, KnownBytes) {
    char bytes[privacy::k_numeric_room];
    const auto words = [&](std::int64_t number) {
        std::vector<std::uint16_t> out(privacy::write_numeric(number, bytes) / 2);
        std::memcpy(out.data(), bytes, out.size() * 2);
        return out;
    };
    using values = std::vector<std::uint16_t>;
    EXPECT_EQ(words(0), values{0x8000});
    EXPECT_EQ(words(1), (values{0x8000, 1}));
    EXPECT_EQ(words(-10'000), (values{0xa001, 1}));
    EXPECT_EQ(words(123'456'789), (values{0x8002, 1, 2345, 6789}));
    EXPECT_EQ(words(50'000'000), (values{0x8001, 5000}));
}

TEST(NumericBytes, AnyNumber) {
    expect_number(std::numeric_limits<std::int64_t>::min());
    expect_number(std::numeric_limits<std::int64_t>::max());
    std::mt19937_64 random{10'000};
    for (int round = 0; round < 20'000; ++round) {
        auto number = static_cast<std::int64_t>(random() >> (random() % 64));
        if (round % 3 == 0)
            number = number / 10'000 * 10'000;
        expect_number(number);
        expect_number(-number);
    }
    std::int64_t power = 1;
    for (int exponent = 0; exponent < 18; ++exponent, power *= 10)
        for (const std::int64_t near : {power - 1, power, power + 1})
            expect_number(near);
}

} // namespace
