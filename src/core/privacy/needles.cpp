// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/needles.hpp"

#include "core/privacy/letter_forms.hpp"
#include "core/privacy/utf16.hpp"
#include "core/privacy/words.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

namespace saas::core::privacy {
namespace {

constexpr std::uint64_t k_tag_mask = 0xffff;
constexpr std::size_t k_batch = 32; // blocks that are read at once

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

// Hashes of the words of a text from a place on, as many as there are and fit.
std::size_t hash_words(const siphash_key &key, std::string_view text, std::size_t place,
                       word_hashes &hashes) {
    std::vector<std::uint8_t> plain;
    std::size_t count = 0;
    for (; count < k_most_words && place < text.size(); ++count) {
        const std::string_view word = word_at(text, place);
        plain.clear();
        append_plain_form(word, plain);
        hashes[count] = siphash(key, plain);
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

// A text may hold a needle as often as it has words.
bool note(std::uint64_t hash, std::vector<std::uint64_t> &hashes) {
    const auto at = std::lower_bound(hashes.begin(), hashes.end(), hash);
    if (at == hashes.end() || *at != hash)
        hashes.insert(at, hash);
    return false;
}

} // namespace

std::vector<needle> make_needles(const siphash_key &key, std::string_view value) {
    const std::size_t place = next_word(value, 0);
    word_hashes hashes{};
    const std::size_t count = hash_words(key, value, place, hashes);
    std::vector<needle> needles;
    if (count == 0)
        return needles;
    const std::uint64_t hash = sequence_hash(key, hashes, count) & ~k_tag_mask;
    for (const std::string &first : written_forms(word_at(value, place)))
        needles.push_back({hash | tag_of(odd_number(key), first.data(), first.size(), first.size()),
                           static_cast<std::uint8_t>(count),
                           static_cast<std::uint8_t>(std::min(first.size(), k_long_word))});
    return needles;
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
                           const Found &found) const {
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
inline std::uint64_t needle_set::of_right_length(std::uint64_t words,
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

// A text of bytes, and where a needle may begin in it.
class needle_set::plain_source {
  public:
    static constexpr bool lengths_are_bytes = true;

    plain_source(const needle_set &set, std::string_view text) noexcept : set_{set}, text_{text} {}
    [[nodiscard]] std::size_t size() const noexcept { return text_.size(); }
    [[nodiscard]] const char *bytes(std::size_t at, std::size_t) noexcept { return text_.data() + at; }

    template <class Found>
    bool begins(std::size_t place, std::size_t length, const Found &found) const {
        if (!set_.has_length(length))
            return false;
        const std::uint64_t tag = tag_of(set_.odd_, text_.data() + place, length, text_.size() - place);
        return set_.has_tag(tag) && set_.begins_at(text_, place, tag, [&](std::uint64_t hash) { return found(hash, place); });
    }

  private:
    const needle_set &set_;
    std::string_view text_;
};

// The same of UTF-16: only words that may be a needle's first one are written in UTF-8.
class needle_set::utf16_source {
  public:
    static constexpr bool lengths_are_bytes = false;

    utf16_source(const needle_set &set, utf16_text text) noexcept : set_{set}, text_{text} {}
    [[nodiscard]] std::size_t size() const noexcept { return text_.size(); }
    [[nodiscard]] const char *bytes(std::size_t at, std::size_t count) noexcept {
        text_.narrow(at, count, narrow_.data());
        return narrow_.data();
    }

    template <class Found>
    bool begins(std::size_t place, std::size_t length, const Found &found) const {
        // In UTF-8 it is as long or longer.
        if (length >= k_long_word && !set_.has_length(k_long_word))
            return false;
        std::array<char, 8> head;
        const std::size_t bytes = text_.head(place, length, head);
        if (!set_.has_length(bytes))
            return false;
        const std::uint64_t tag = tag_of(set_.odd_, head.data(), bytes, head.size());
        if (!set_.has_tag(tag))
            return false;
        const std::string words = text_.words_from(place, k_most_words);
        return set_.begins_at(words, 0, tag, [&](std::uint64_t hash) { return found(hash, place); });
    }

  private:
    const needle_set &set_;
    utf16_text text_;
    std::array<char, k_batch * k_block> narrow_;
};

template <class Source, class Found>
needle_set::glance needle_set::search(Source source, cancel_poll &poll, Found found) const {
    if (hashes_.empty())
        return {false, false};
    constexpr std::size_t k_none = static_cast<std::size_t>(-1);
    std::size_t open = k_none; // where the word began that goes on behind the block
    bool escaped = false;
    std::uint64_t backslashes = 0;
    word_block blocks[k_batch];
    for (std::size_t batch = 0; batch < source.size(); batch += k_batch * k_block) {
        const std::size_t size = std::min(source.size() - batch, k_batch * k_block);
        const char *const bytes = source.bytes(batch, size);
        read_blocks(bytes, size, blocks);
        for (std::size_t in = 0; in < size; in += k_block) {
            poll.step();
            const word_block &block = blocks[in / k_block];
            std::uint64_t words = block.words;
            backslashes |= block.backslashes;
            if ((block.backslashes | std::uint64_t{escaped}) != 0)
                words = without_escapes(bytes + in, block, escaped);
            escaped = (block.backslashes >> 63) != 0;
            if (~words == 0 && open != k_none)
                continue;
            const std::size_t at = batch + in;
            std::uint64_t left = words & ~(words << 1 | std::uint64_t{open != k_none});
            if (open != k_none &&
                source.begins(open, at - open + static_cast<std::size_t>(__builtin_ctzll(~words)), found))
                return {true, backslashes != 0};
            open = k_none;
            if (words >> 63 != 0) {
                const int last = 63 - __builtin_clzll(left);
                open = at + static_cast<std::size_t>(last);
                left ^= std::uint64_t{1} << last;
            }
            if (Source::lengths_are_bytes && !first_.empty())
                left = of_right_length(words, left);
            for (; left != 0; left &= left - 1) {
                const int bit = __builtin_ctzll(left);
                if (source.begins(at + static_cast<std::size_t>(bit),
                                  static_cast<std::size_t>(__builtin_ctzll(~words >> bit)), found))
                    return {true, backslashes != 0};
            }
        }
    }
    const bool at_end = open != k_none && source.begins(open, source.size() - open, found);
    return {at_end, backslashes != 0};
}

template <class Found>
bool needle_set::search_utf16(std::string_view bytes, cancel_poll &poll, Found found) const {
    for (const bool big_endian : {false, true})
        for (const bool from_second : {false, true})
            if (search(utf16_source{*this, utf16_text{bytes, big_endian, from_second}}, poll, found).is_found)
                return true;
    return false;
}

needle_set::glance needle_set::look_for(std::string_view text, cancel_poll poll) const {
    return search(plain_source{*this, text}, poll, [](std::uint64_t, std::size_t) { return true; });
}

bool needle_set::occurs_in_utf16(std::string_view bytes, cancel_poll poll) const {
    return search_utf16(bytes, poll, [](std::uint64_t, std::size_t) { return true; });
}

void needle_set::find_hashes(std::string_view text, cancel_poll poll, std::vector<std::uint64_t> &hashes) const {
    (void)search(plain_source{*this, text}, poll, [&hashes](std::uint64_t hash, std::size_t) { return note(hash, hashes); });
}

void needle_set::find_hashes_utf16(std::string_view bytes, cancel_poll poll, std::vector<std::uint64_t> &hashes) const {
    (void)search_utf16(bytes, poll, [&hashes](std::uint64_t hash, std::size_t) { return note(hash, hashes); });
}

bool needle_set::find_all(std::string_view text, cancel_poll poll, std::vector<occurrence> &found) const {
    return search(plain_source{*this, text}, poll, [&found](std::uint64_t hash, std::size_t place) {
               found.push_back({hash, place});
               return false;
           }).has_backslashes;
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
