// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/needles.hpp"

#include <algorithm>
#include <array>

namespace saas::core::privacy {
namespace {

constexpr std::size_t k_filter_words = 256;
constexpr std::uint64_t k_filter_mask = k_filter_words * 64 - 1;

constexpr bool is_word(unsigned char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c > 127;
}

constexpr bool is_escape(char c) noexcept {
    return c == 'n' || c == 'r' || c == 't' || c == 'b' || c == 'f';
}

// Goes through the words of a text.
class word_reader {
  public:
    word_reader(const siphash_key &key, std::string_view text) : key_{key}, text_{text} {}

    // The hash of the next word; false at the end.
    bool next(std::uint64_t &hash) {
        skip_separators();
        if (place_ == text_.size())
            return false;
        lower_.clear();
        for (; place_ < text_.size() && is_word(static_cast<unsigned char>(text_[place_])); ++place_) {
            const auto c = static_cast<std::uint8_t>(text_[place_]);
            lower_.push_back(c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c | 0x20) : c);
        }
        hash = siphash(key_, lower_);
        return true;
    }

  private:
    // An escape's letter is no part of the word behind it. Backslashes may be doubled, as they are
    // where a row is written as text.
    void skip_separators() {
        while (place_ < text_.size() && !is_word(static_cast<unsigned char>(text_[place_]))) {
            const bool escape = text_[place_] == '\\';
            ++place_;
            if (escape && place_ < text_.size() && is_escape(text_[place_]))
                ++place_;
        }
    }

    const siphash_key &key_;
    std::string_view text_;
    std::size_t place_ = 0;
    std::vector<std::uint8_t> lower_;
};

// The hash of so many words, the last of which is number `last` of a ring of hashes.
std::uint64_t sequence_hash(const siphash_key &key,
                            const std::array<std::uint64_t, k_most_words> &ring, std::size_t last,
                            std::size_t words) {
    std::array<std::uint8_t, 8 * k_most_words> bytes;
    for (std::size_t i = 0; i < words; ++i) {
        const std::uint64_t hash = ring[(last + 1 + i + k_most_words - words) % k_most_words];
        for (std::size_t b = 0; b < 8; ++b)
            bytes[8 * i + b] = static_cast<std::uint8_t>(hash >> (8 * b));
    }
    return siphash(key, {bytes.data(), 8 * words});
}

} // namespace

needle make_needle(const siphash_key &key, std::string_view value) {
    word_reader words{key, value};
    std::array<std::uint64_t, k_most_words> ring{};
    std::size_t count = 0;
    while (count < k_most_words && words.next(ring[count]))
        ++count;
    if (count == 0)
        return {};
    return {sequence_hash(key, ring, count - 1, count), static_cast<std::uint8_t>(count)};
}

needle_set::needle_set(const siphash_key &key, std::span<const needle> needles)
    : key_{key}, filter_(k_filter_words) {
    for (const needle &one : needles) {
        if (one.words == 0 || one.words > k_most_words)
            continue;
        lengths_ |= 1U << one.words;
        filter_[(one.hash & k_filter_mask) / 64] |= std::uint64_t{1} << (one.hash % 64);
        hashes_.push_back(one.hash);
    }
    std::sort(hashes_.begin(), hashes_.end());
}

bool needle_set::holds(std::uint64_t hash) const noexcept {
    return (filter_[(hash & k_filter_mask) / 64] >> (hash % 64) & 1U) != 0 &&
           std::binary_search(hashes_.begin(), hashes_.end(), hash);
}

bool needle_set::occurs_in(std::string_view text, cancel_poll poll) const {
    if (hashes_.empty())
        return false;
    word_reader words{key_, text};
    std::array<std::uint64_t, k_most_words> ring{};
    std::size_t last = 0;
    for (std::size_t count = 1; words.next(ring[last]); ++count) {
        poll.step();
        const std::size_t most = std::min(count, k_most_words);
        for (std::size_t n = 1; n <= most; ++n) {
            if ((lengths_ >> n & 1U) != 0 && holds(sequence_hash(key_, ring, last, n)))
                return true;
        }
        last = (last + 1) % k_most_words;
    }
    return false;
}

std::vector<std::uint8_t> pack_needle(const needle &value) {
    std::vector<std::uint8_t> bytes{value.words};
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
        needle one{0, bytes[at]};
        if (one.words == 0 || one.words > k_most_words)
            throw error{k_invalid_parameter_value, "the bytes are no set of needles"};
        for (std::size_t i = 0; i < 8; ++i)
            one.hash |= std::uint64_t{bytes[at + 1 + i]} << (8 * i);
        needles.push_back(one);
    }
    return {key, needles};
}

} // namespace saas::core::privacy
