// SPDX-License-Identifier: PostgreSQL
// Texts and needles of any bytes: what is packed is read back, a needle is found where word by word it stands, few and many
// needles find the same, and so do readings of UTF-16 and their texts in UTF-8.
#include "core/error.hpp"
#include "core/privacy/letter_forms.hpp"
#include "core/privacy/needles.hpp"
#include "core/privacy/utf8.hpp"
#include "core/privacy/words.hpp"

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace privacy = saas::core::privacy;

namespace {

const privacy::siphash_key k_key{};
const saas::core::cancel_poll k_poll{};

void require(bool condition) {
    if (!condition)
        std::abort();
}

using words = std::vector<std::string>;

words words_of(std::string_view text) {
    words all;
    for (std::size_t at = privacy::next_word(text, 0); at < text.size();) {
        const std::string_view word = privacy::word_at(text, at);
        std::vector<std::uint8_t> plain;
        privacy::append_plain_form(word, plain);
        all.emplace_back(plain.begin(), plain.end());
        at = privacy::next_word(text, at + word.size());
    }
    return all;
}

// Without hashes, tags and lengths. The search knows the first word in the forms that people write alone.
bool stands_in(std::string_view value, std::string_view text) {
    words sought = words_of(value);
    sought.resize(std::min(sought.size(), privacy::k_most_words));
    const words all = words_of(text);
    return !sought.empty() && std::search(all.begin(), all.end(), sought.begin(), sought.end()) != all.end();
}

std::string reading(std::string_view bytes, bool big_endian) {
    std::string text;
    const auto unit = [&](std::size_t at) {
        const auto first = static_cast<unsigned char>(bytes[at]), second = static_cast<unsigned char>(bytes[at + 1]);
        return static_cast<char32_t>(big_endian ? first << 8 | second : second << 8 | first);
    };
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        char32_t letter = unit(at);
        if (letter - 0xd800 < 0x400 && at + 3 < bytes.size() && unit(at + 2) - 0xdc00 < 0x400) {
            letter = 0x10000 + ((letter - 0xd800) << 10) + (unit(at + 2) - 0xdc00);
            at += 2;
        }
        char out[privacy::k_letter_room];
        text.append(out, privacy::write_letter(letter, out));
    }
    return text;
}

bool finds(const privacy::needle_set &set, std::string_view text) {
    std::vector<privacy::occurrence> all;
    (void)set.find_all(text, k_poll, all);
    for (const privacy::occurrence &one : all)
        require(one.place < text.size());
    require(all.empty() != set.occurs_in(text, k_poll));
    return !all.empty();
}

void search_utf16(const privacy::needle_set &set, std::string_view bytes) {
    bool expected = false;
    for (const bool big_endian : {false, true})
        for (const std::size_t first : {0U, 1U})
            expected = finds(set, reading(bytes.substr(std::min(first, bytes.size())), big_endian)) || expected;
    std::vector<std::uint64_t> hashes;
    set.find_hashes_utf16(bytes, k_poll, hashes);
    require(hashes.empty() != expected && set.occurs_in_utf16(bytes, k_poll) == expected);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::span<const std::uint8_t> bytes{data, size};
    try {
        (void)privacy::unpack_needles(bytes);
    } catch (const saas::core::error &) {
    }
    if (size < 2)
        return 0;
    const std::string_view text{reinterpret_cast<const char *>(data) + 2, size - 2};
    const std::size_t from = text.empty() ? 0 : data[0] % text.size();
    std::string value{text.substr(from, data[1] & 0x7fU)};
    if (data[1] > 0x7f)
        value = reading(value, (data[0] & 1U) != 0);
    auto needles = privacy::make_needles(k_key, value);
    std::vector<std::uint8_t> packed(k_key.begin(), k_key.end());
    for (const privacy::needle &one : needles) {
        const auto nine = privacy::pack_needle(one);
        packed.insert(packed.end(), nine.begin(), nine.end());
    }
    const auto few = privacy::unpack_needles(packed);
    const bool found = finds(few, text);
    require(!found || stands_in(value, text));
    // Texts of ASCII are written in one form, and what it is taken from holds it unless it begins within a word.
    if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
        require(found == stands_in(value, text));
    search_utf16(few, text);
    for (std::size_t length = 1; length <= 20; ++length)
        for (const privacy::needle &one : privacy::make_needles(k_key, std::string(length, 'z') + "y"))
            needles.push_back(one);
    std::vector<privacy::occurrence> all;
    (void)privacy::needle_set{k_key, needles}.find_all(text, k_poll, all);
    require(found == std::any_of(all.begin(), all.end(), [&](const privacy::occurrence &one) {
                return std::any_of(needles.begin(), needles.end() - 20, [&](const privacy::needle &sought) { return sought.hash == one.hash; });
            }));
    return 0;
}
