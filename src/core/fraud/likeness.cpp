// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/likeness.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>
#include <span>
#include <string_view>

namespace saas::core::fraud {
namespace {

char folded(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// Failure or missing among the operands, or type none when both can be compared.
value likeness_obstacle(const value &a, const value &b) noexcept {
    value found = obstacle(a, b);
    if (found.type != value_type::none)
        return found;
    if (a.type != value_type::text || b.type != value_type::text)
        return value::failed(failure_kind::type_mismatch);
    if (a.length > k_max_compared_length || b.length > k_max_compared_length)
        return value::failed(failure_kind::text_too_long);
    return {};
}

using marks = std::bitset<k_max_compared_length>;

// Characters that both have within the window; marks where.
std::size_t match(std::string_view a, std::string_view b, marks &in_a, marks &in_b) noexcept {
    std::size_t longer = std::max(a.size(), b.size());
    std::size_t window = longer > 3 ? longer / 2 - 1 : 0;
    std::size_t matches = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t from = i > window ? i - window : 0;
        std::size_t to = std::min(b.size(), i + window + 1);
        for (std::size_t j = from; j < to; ++j) {
            if (!in_b[j] && folded(a[i]) == folded(b[j])) {
                in_a.set(i);
                in_b.set(j);
                ++matches;
                break;
            }
        }
    }
    return matches;
}

double jaro_winkler(std::string_view a, std::string_view b) noexcept {
    if (a.empty() && b.empty())
        return 1;
    marks in_a;
    marks in_b;
    auto matches = static_cast<double>(match(a, b, in_a, in_b));
    if (matches == 0)
        return 0;
    std::size_t swapped = 0;
    for (std::size_t i = 0, j = 0; i < a.size(); ++i) {
        if (!in_a[i])
            continue;
        while (!in_b[j])
            ++j;
        swapped += folded(a[i]) != folded(b[j]) ? 1 : 0;
        ++j;
    }
    double jaro = (matches / static_cast<double>(a.size()) +
                   matches / static_cast<double>(b.size()) +
                   (matches - static_cast<double>(swapped) / 2) / matches) /
                  3;
    std::size_t prefix = 0;
    while (prefix < 4 && prefix < a.size() && prefix < b.size() &&
           folded(a[prefix]) == folded(b[prefix]))
        ++prefix;
    return jaro + static_cast<double>(prefix) * 0.1 * (1 - jaro);
}

bool in_word(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
}

// The words of a text, sorted, each once. Views of its own copy, so it stays where it is.
class word_set {
public:
    explicit word_set(std::string_view text) noexcept {
        std::transform(text.begin(), text.end(), bytes_.begin(), folded);
        std::string_view copy{bytes_.data(), text.size()};
        for (std::size_t i = 0; i < copy.size();) {
            std::size_t end = i;
            while (end < copy.size() && in_word(copy[end]))
                ++end;
            if (end > i)
                words_[static_cast<std::size_t>(count_++)] = copy.substr(i, end - i);
            i = end + 1;
        }
        std::sort(words_.begin(), words_.begin() + count_);
        count_ = std::unique(words_.begin(), words_.begin() + count_) - words_.begin();
    }
    word_set(const word_set &) = delete;
    word_set &operator=(const word_set &) = delete;

    [[nodiscard]] std::span<const std::string_view> words() const noexcept {
        return {words_.data(), static_cast<std::size_t>(count_)};
    }
    [[nodiscard]] bool has(std::string_view word) const noexcept {
        return std::binary_search(words_.begin(), words_.begin() + count_, word);
    }

private:
    std::array<char, k_max_compared_length> bytes_;
    std::array<std::string_view, k_max_compared_length / 2 + 1> words_;
    std::ptrdiff_t count_ = 0;
};

// Words with a blank between them: never longer than the text they come from.
class joined_words {
public:
    void add(std::string_view word) noexcept {
        if (length_ > 0)
            bytes_[length_++] = ' ';
        length_ += word.copy(bytes_.data() + length_, word.size());
    }
    void add_common(const word_set &from, const word_set &other, bool common) noexcept {
        for (std::string_view word : from.words()) {
            if (other.has(word) == common)
                add(word);
        }
    }
    [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), length_}; }

private:
    std::array<char, k_max_compared_length + 1> bytes_;
    std::size_t length_ = 0;
};

// Twice the longest common subsequence over both lengths; 1 for two empty texts.
double ratio(std::string_view a, std::string_view b) noexcept {
    if (a.empty() && b.empty())
        return 1;
    std::array<std::uint16_t, k_max_compared_length + 2> row{};
    for (char c : a) {
        std::uint16_t diagonal = 0;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::uint16_t above = row[j];
            row[j] = c == b[j - 1] ? static_cast<std::uint16_t>(diagonal + 1)
                                   : std::max(row[j], row[j - 1]);
            diagonal = above;
        }
    }
    return 2.0 * row[b.size()] / static_cast<double>(a.size() + b.size());
}

bool is_gmail(std::string_view domain) noexcept {
    return domain == "gmail.com" || domain == "googlemail.com";
}

std::string_view trimmed(std::string_view words) noexcept {
    while (!words.empty() && (words.front() == ' ' || words.front() == '\t'))
        words.remove_prefix(1);
    while (!words.empty() && (words.back() == ' ' || words.back() == '\t'))
        words.remove_suffix(1);
    return words;
}

} // namespace

value similarity(const value &a, const value &b) noexcept {
    if (value found = likeness_obstacle(a, b); found.type != value_type::none)
        return found;
    return value::of(jaro_winkler(a.view(), b.view()));
}

value token_set(const value &a, const value &b) noexcept {
    if (value found = likeness_obstacle(a, b); found.type != value_type::none)
        return found;
    word_set left{a.view()};
    word_set right{b.view()};
    if (left.words().empty() || right.words().empty())
        return value::of(0.0);
    joined_words shared;
    shared.add_common(left, right, true);
    joined_words with_left = shared;
    with_left.add_common(left, right, false);
    joined_words with_right = shared;
    with_right.add_common(right, left, false);
    double best = ratio(with_left.view(), with_right.view());
    if (!shared.view().empty())
        best = std::max({best, ratio(shared.view(), with_left.view()),
                         ratio(shared.view(), with_right.view())});
    return value::of(best);
}

value luhn(const value &a) noexcept {
    if (a.type == value_type::missing || a.type == value_type::failure)
        return a;
    if (a.type != value_type::text)
        return value::failed(failure_kind::type_mismatch);
    unsigned sum = 0;
    unsigned digits = 0;
    std::string_view words = a.view();
    for (std::size_t i = words.size(); i > 0; --i) {
        char c = words[i - 1];
        if (c == ' ' || c == '-')
            continue;
        if (c < '0' || c > '9')
            return value::of(false);
        unsigned digit = static_cast<unsigned>(c - '0');
        unsigned doubled = digits % 2 == 1 ? digit * 2 : digit;
        sum += doubled > 9 ? doubled - 9 : doubled;
        ++digits;
    }
    return value::of(digits >= 2 && sum % 10 == 0);
}

value normalize_email(const value &a, text_arena &arena) {
    if (a.type != value_type::text)
        return lower(a, arena);
    std::string_view words = trimmed(a.view());
    std::size_t at = words.rfind('@');
    if (at == std::string_view::npos || at == 0 || at + 1 == words.size())
        return value::missing();
    value domain = lower(value::of(words.substr(at + 1)), arena);
    std::string_view local = words.substr(0, at);
    if (std::size_t plus = local.find('+'); plus != std::string_view::npos && plus > 0)
        local = local.substr(0, plus);
    bool gmail = is_gmail(domain.view());
    std::string_view place = gmail ? std::string_view{"gmail.com"} : domain.view();
    char *out = arena.take(local.size() + 1 + place.size());
    std::size_t length = 0;
    for (char c : local) {
        if (!gmail || c != '.')
            out[length++] = folded(c);
    }
    out[length++] = '@';
    std::memcpy(out + length, place.data(), place.size());
    return value::of(std::string_view{out, length + place.size()});
}

} // namespace saas::core::fraud
