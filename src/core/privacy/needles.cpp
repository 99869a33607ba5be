// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/needles.hpp"

#include "core/privacy/letter_case.hpp"
#include "core/privacy/words.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace saas::core::privacy {
namespace {

constexpr std::uint64_t k_tag_mask = 0xffff;

using word_hashes = std::array<std::uint64_t, k_most_words>;

std::uint64_t odd_number(const siphash_key &key) noexcept {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i)
        number = number << 8 | key[i];
    return number | 1U;
}

// Sixteen bits of a word's first eight bytes and its length, whatever its case. Cheap: what has the
// right ones is hashed and compared.
std::uint64_t tag_of(std::uint64_t odd, const char *word, std::size_t length,
                     std::size_t readable) noexcept {
    std::uint64_t head = 0;
    if (readable >= 8)
        std::memcpy(&head, word, 8);
    else
        std::memcpy(&head, word, std::min(length, readable));
    if constexpr (std::endian::native == std::endian::big)
        head = __builtin_bswap64(head);
    head |= 0x2020202020202020U;
    // Of other letters no more than where they stand: their case does not matter either.
    const std::uint64_t others = head & 0x8080808080808080U;
    head = (head & ~((others >> 7) * 0xff)) | others;
    if (length < 8)
        head &= (std::uint64_t{1} << (8 * length)) - 1;
    head ^= std::uint64_t{length} << 57;
    head *= odd;
    head ^= head >> 29;
    return (head * odd) >> 48;
}

// Letters of two bytes of UTF-8 as well.
void append_small(std::string_view word, std::vector<std::uint8_t> &out) {
    for (std::size_t i = 0; i < word.size(); ++i) {
        const auto c = static_cast<std::uint8_t>(word[i]);
        const auto next = static_cast<std::uint8_t>(i + 1 < word.size() ? word[i + 1] : 0);
        if ((c & 0xe0U) != 0xc0 || (next & 0xc0U) != 0x80) {
            out.push_back(c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c | 0x20) : c);
            continue;
        }
        const char32_t letter = small_letter(char32_t{c & 0x1fU} << 6 | (next & 0x3fU));
        out.push_back(static_cast<std::uint8_t>(0xc0U | letter >> 6));
        out.push_back(static_cast<std::uint8_t>(0x80U | (letter & 0x3fU)));
        ++i;
    }
}

// Hashes of the words of a text from a place on, as many as there are and fit.
std::size_t hash_words(const siphash_key &key, std::string_view text, std::size_t place,
                       word_hashes &hashes) {
    std::vector<std::uint8_t> lower;
    std::size_t count = 0;
    for (; count < k_most_words && place < text.size(); ++count) {
        const std::string_view word = word_at(text, place);
        lower.clear();
        append_small(word, lower);
        hashes[count] = siphash(key, lower);
        place = next_word(text, place + word.size());
    }
    return count;
}

// The hash of the first so many of them.
std::uint64_t sequence_hash(const siphash_key &key, const word_hashes &hashes, std::size_t words) {
    std::array<std::uint8_t, 8 * k_most_words> bytes;
    for (std::size_t i = 0; i < words; ++i) {
        for (std::size_t b = 0; b < 8; ++b)
            bytes[8 * i + b] = static_cast<std::uint8_t>(hashes[i] >> (8 * b));
    }
    return siphash(key, {bytes.data(), 8 * words});
}

} // namespace

needle make_needle(const siphash_key &key, std::string_view value) {
    const std::size_t place = next_word(value, 0);
    word_hashes hashes{};
    const std::size_t count = hash_words(key, value, place, hashes);
    if (count == 0)
        return {};
    const std::string_view first = word_at(value, place);
    const std::uint64_t tag =
        tag_of(odd_number(key), first.data(), first.size(), value.size() - place);
    return {(sequence_hash(key, hashes, count) & ~k_tag_mask) | tag,
            static_cast<std::uint8_t>(count),
            static_cast<std::uint8_t>(std::min(first.size(), k_long_word))};
}

needle_set::needle_set(const siphash_key &key, std::span<const needle> needles)
    : key_{key}, odd_{odd_number(key)}, tags_((k_tag_mask + 1) / 64) {
    for (const needle &one : needles) {
        if (one.words == 0 || one.words > k_most_words)
            continue;
        lengths_ |= 1U << one.words;
        tags_[(one.hash & k_tag_mask) / 64] |= std::uint64_t{1} << (one.hash % 64);
        hashes_.push_back(one.hash);
        first_lengths_ |= one.length == 0 ? k_any_length : 1U << one.length;
    }
    std::sort(hashes_.begin(), hashes_.end());
    // Looking for many lengths costs more than the words that it spares.
    constexpr int k_few = 4;
    for (unsigned length = 1; std::popcount(first_lengths_) <= k_few && length <= k_long_word; ++length)
        if ((first_lengths_ >> length & 1U) != 0)
            first_.push_back(length);
}

template <class Found>
bool needle_set::begins_at(std::string_view text, std::size_t place, std::uint64_t tag,
                           Found &found) const {
    word_hashes hashes{};
    const std::size_t count = hash_words(key_, text, place, hashes);
    for (std::size_t n = 1; n <= count; ++n) {
        if ((lengths_ >> n & 1U) == 0)
            continue;
        const std::uint64_t hash = (sequence_hash(key_, hashes, n) & ~k_tag_mask) | tag;
        if (std::binary_search(hashes_.begin(), hashes_.end(), hash) && found(hash))
            return true;
    }
    return false;
}

// Of the places where words of a block start, those of words as long as the first one of a needle.
std::uint64_t needle_set::of_right_length(std::uint64_t words,
                                          std::uint64_t starts) const noexcept {
    std::uint64_t right = 0;
    for (const unsigned length : first_) {
        std::uint64_t runs = words; // so many letters from here on, or more
        unsigned covered = 1;
        for (; covered * 2 <= length; covered *= 2)
            runs &= runs >> covered;
        runs &= runs >> (length - covered);
        right |= starts & runs & (length == k_long_word ? ~std::uint64_t{0} : ~(words >> length));
    }
    return right;
}

template <class Found>
bool needle_set::search(std::string_view text, cancel_poll &poll, Found found) const {
    if (hashes_.empty())
        return false;
    const auto begins = [&](std::size_t place, std::size_t length) {
        const std::uint64_t tag = tag_of(odd_, text.data() + place, length, text.size() - place);
        return (tags_[tag / 64] >> (tag % 64) & 1U) != 0 && begins_at(text, place, tag, found);
    };
    constexpr std::size_t k_none = static_cast<std::size_t>(-1);
    std::size_t open = k_none; // where the word began that goes on behind the block
    bool escaped = false;
    for (std::size_t at = 0; at < text.size(); at += 64) {
        poll.step();
        const word_block block =
            read_words(text.data() + at, std::min<std::size_t>(64, text.size() - at), escaped);
        const std::uint64_t words = block.words;
        escaped = (block.backslashes >> 63) != 0;
        if (~words == 0 && open != k_none)
            continue;
        std::uint64_t left = words & ~(words << 1 | std::uint64_t{open != k_none});
        if (open != k_none &&
            begins(open, at - open + static_cast<std::size_t>(__builtin_ctzll(~words))))
            return true;
        open = k_none;
        if (words >> 63 != 0) {
            const int last = 63 - __builtin_clzll(left);
            open = at + static_cast<std::size_t>(last);
            left ^= std::uint64_t{1} << last;
        }
        if (!first_.empty())
            left = of_right_length(words, left);
        for (; left != 0; left &= left - 1) {
            const int bit = __builtin_ctzll(left);
            if (begins(at + static_cast<std::size_t>(bit),
                       static_cast<std::size_t>(__builtin_ctzll(~words >> bit))))
                return true;
        }
    }
    return open != k_none && begins(open, text.size() - open);
}

bool needle_set::occurs_in(std::string_view text, cancel_poll poll) const {
    return search(text, poll, [](std::uint64_t) { return true; });
}

void needle_set::find_all(std::string_view text, cancel_poll poll,
                          std::vector<std::uint64_t> &hashes) const {
    search(text, poll, [&hashes](std::uint64_t hash) {
        hashes.push_back(hash);
        return false;
    });
}

std::vector<std::uint8_t> pack_needle(const needle &value) {
    std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(value.words | value.length << 4)};
    for (int i = 0; i < 8; ++i)
        bytes.push_back(static_cast<std::uint8_t>(value.hash >> (8 * i)));
    return bytes;
}

needle_set unpack_needles(std::span<const std::uint8_t> bytes) {
    siphash_key key;
    if (bytes.size() < key.size() || (bytes.size() - key.size()) % k_needle_bytes != 0)
        throw error{k_invalid_parameter_value, "the bytes are no set of needles"};
    std::copy_n(bytes.begin(), key.size(), key.begin());
    std::vector<needle> needles;
    for (std::size_t at = key.size(); at < bytes.size(); at += k_needle_bytes) {
        needle one{0, static_cast<std::uint8_t>(bytes[at] & 15U),
                   static_cast<std::uint8_t>(bytes[at] >> 4)};
        if (one.words == 0 || one.words > k_most_words)
            throw error{k_invalid_parameter_value, "the bytes are no set of needles"};
        for (std::size_t i = 0; i < 8; ++i)
            one.hash |= std::uint64_t{bytes[at + 1 + i]} << (8 * i);
        needles.push_back(one);
    }
    return {key, needles};
}

} // namespace saas::core::privacy
