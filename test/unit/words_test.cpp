// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/words.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace privacy = saas::core::privacy;

namespace {

TEST(Words, ReadersOfAllProcessorsReadTheSame) {
    std::string text;
    for (int c = 0; c < 256; ++c)
        text += static_cast<char>(c);
    std::mt19937 random{512};
    while (text.size() < 64 * privacy::k_block)
        text += static_cast<char>(random());
    const std::size_t count = text.size() / privacy::k_block;
    const auto readers = privacy::block_readers();
    ASSERT_GE(readers.size(), 1U);
    std::vector<privacy::word_block> expected(count), read(count);
    readers[0](text.data(), count, expected.data());
    for (const privacy::block_reader reader : readers) {
        reader(text.data(), count, read.data());
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_EQ(read[i].words, expected[i].words) << i;
            ASSERT_EQ(read[i].backslashes, expected[i].backslashes) << i;
        }
    }
    // The bytes 0 to 63, of which the digits are words, and 64 to 127.
    EXPECT_EQ(expected[0].words, 0x03ff000000000000U);
    EXPECT_EQ(expected[1].words, 0x07fffffe07fffffeU);
    EXPECT_EQ(expected[2].words, ~std::uint64_t{0});
    EXPECT_EQ(expected[1].backslashes, std::uint64_t{1} << ('\\' - 64));
}

TEST(Words, NothingIsReadBehindTheEnd) {
    for (std::size_t size = 1; size < 3 * privacy::k_block; ++size) {
        const std::vector<char> text(size, 'a'); // whose end the sanitizer knows
        std::vector<privacy::word_block> blocks((size + privacy::k_block - 1) / privacy::k_block);
        privacy::read_blocks(text.data(), size, blocks.data());
        std::size_t letters = 0;
        for (const privacy::word_block &block : blocks)
            letters += static_cast<std::size_t>(__builtin_popcountll(block.words));
        ASSERT_EQ(letters, size);
    }
}

TEST(Words, LettersOfEscapesAreTakenOut) {
    std::string text = R"(a\nb\\ta\xn)";
    text.resize(privacy::k_block, ' ');
    privacy::word_block block;
    privacy::read_blocks(text.data(), text.size(), &block);
    EXPECT_EQ(privacy::without_escapes(text.data(), block, false), 0b11010001001U);
    text[0] = 'n';
    EXPECT_EQ(privacy::without_escapes(text.data(), block, true) & 1U, 0U);
}

} // namespace
