// SPDX-License-Identifier: PostgreSQL
#include "core/payments/card_number.hpp"

#include <array>
#include <cstdint>

namespace saas::core::payments {
namespace {

constexpr std::size_t k_shortest = 12;
constexpr std::size_t k_longest = 19;
constexpr std::size_t k_prefix = 4;

// Numbers whose first four digits lie in the range, of the lengths whose bits are set.
struct issued_range {
    int first;
    int last;
    std::uint32_t lengths;
};

constexpr std::uint32_t lengths(std::size_t first, std::size_t last) noexcept {
    std::uint32_t bits = 0;
    for (std::size_t length = first; length <= last; length += 1)
        bits |= std::uint32_t{1} << length;
    return bits;
}

// Ranges that are published by the networks; those of one country alone that begin like the
// numbering of providers (81, 82) are left out.
constexpr std::array<issued_range, 17> k_issued{{
    {2200, 2204, lengths(16, 19)},                                     // Mir
    {2221, 2720, lengths(16, 16)},                                     // Mastercard
    {3000, 3059, lengths(14, 14)},                                     // Diners Club
    {3400, 3499, lengths(15, 15)},                                     // American Express
    {3528, 3589, lengths(16, 19)},                                     // JCB
    {3600, 3699, lengths(14, 14)},                                     // Diners Club
    {3700, 3799, lengths(15, 15)},                                     // American Express
    {3800, 3999, lengths(14, 14)},                                     // Diners Club
    {4000, 4999, lengths(13, 13) | lengths(16, 16) | lengths(19, 19)}, // Visa
    {5000, 5099, lengths(12, 19)},                                     // Maestro
    {5100, 5599, lengths(16, 16)},                                     // Mastercard
    {5600, 5899, lengths(12, 19)},                                     // Maestro
    {6000, 6199, lengths(12, 19)},                                     // Discover, Maestro, RuPay
    {6200, 6299, lengths(16, 19)},                                     // UnionPay
    {6300, 6399, lengths(12, 19)},                                     // Maestro
    {6400, 6599, lengths(16, 19)},                                     // Discover
    {6600, 6999, lengths(12, 19)},                                     // Maestro
}};

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

constexpr bool is_word(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// What people and word processors write between groups: a space or hyphen, two spaces, a dot, a
// space that does not break, a dash. Its length, 0 where there is none.
constexpr std::size_t separator_length(std::string_view text) noexcept {
    constexpr std::array<std::string_view, 11> k_separators{"  ",
                                                            " - ",
                                                            "\xC2\xA0",
                                                            "\xE2\x80\x87",
                                                            "\xE2\x80\x89",
                                                            "\xE2\x80\x91",
                                                            "\xE2\x80\x93",
                                                            "\xE2\x80\xAF",
                                                            " ",
                                                            "-",
                                                            "."};
    for (const std::string_view separator : k_separators)
        if (text.substr(0, separator.size()) == separator)
            return separator.size();
    return 0;
}

// Digits with separators between their groups, each of which is a whole word.
struct run {
    std::size_t begin;
    std::size_t end;
};

// Whether digits at `at` begin a number rather than go on with something else.
bool begins_number(std::string_view text, std::size_t at) noexcept {
    if (at == 0)
        return true;
    const char before = text[at - 1];
    // A line break or tab as JSON escapes it.
    if (at > 1 && text[at - 2] == '\\' && (before == 'n' || before == 'r' || before == 't'))
        return true;
    if (is_word(before) || before == '+')
        return false;
    return !(before == '.' && at > 1 && is_digit(text[at - 2]));
}

// The group of digits at `at`: its end, or nothing where a letter follows.
std::optional<std::size_t> group_end(std::string_view text, std::size_t at) noexcept {
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end]))
        end += 1;
    if (end < text.size() && is_word(text[end]))
        return std::nullopt;
    return end;
}

bool joined_by_hyphen(std::string_view text, std::size_t begin, std::size_t end) noexcept {
    return (begin > 1 && text[begin - 1] == '-' && is_word(text[begin - 2])) ||
           (end + 1 < text.size() && text[end] == '-' && is_word(text[end + 1]));
}

// Groups as cards have them: the first of four digits, the others of three to seven, the last of
// one to seven.
bool card_like_groups(std::span<const std::size_t> sizes) noexcept {
    if (sizes.front() != 4)
        return false;
    for (std::size_t i = 1; i < sizes.size(); i += 1)
        if (sizes[i] > 7 || (sizes[i] < 3 && i + 1 < sizes.size()))
            return false;
    return true;
}

// Whether a number begins with the group at `begin`, and where it ends. All groups of it are
// tried, the shortest number first.
std::optional<std::size_t> number_end(std::string_view text, std::size_t begin) noexcept {
    std::array<char, k_longest> digits{};
    std::array<std::size_t, k_longest> sizes{};
    std::size_t count = 0, groups = 0, at = begin;
    for (;;) {
        const auto end = group_end(text, at);
        if (!end || *end - at > k_longest - count)
            return std::nullopt;
        sizes[groups++] = *end - at;
        for (; at < *end; at += 1)
            digits[count++] = text[at];
        if (count >= k_shortest && is_card_number({digits.data(), count})) {
            const bool one_long_group = groups == 1 && count > k_shortest;
            if (groups == 1 || card_like_groups({sizes.data(), groups}))
                if (one_long_group || !joined_by_hyphen(text, begin, *end))
                    return *end;
        }
        const std::size_t between = separator_length(text.substr(*end));
        at = *end + between;
        if (between == 0 || at >= text.size() || !is_digit(text[at]))
            return std::nullopt;
    }
}

} // namespace

bool is_card_number(std::string_view digits) noexcept {
    if (digits.size() < k_shortest || digits.size() > k_longest)
        return false;
    int prefix = 0;
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); i += 1) {
        if (!is_digit(digits[i]))
            return false;
        const int digit = digits[i] - '0';
        if (i < k_prefix)
            prefix = prefix * 10 + digit;
        const bool doubled = (digits.size() - i) % 2 == 0;
        const int twice = digit * 2;
        sum += doubled ? (twice > 9 ? twice - 9 : twice) : digit;
    }
    if (sum % 10 != 0)
        return false;
    for (const issued_range &range : k_issued)
        if (prefix >= range.first && prefix <= range.last)
            return (range.lengths >> digits.size() & 1) != 0;
    return false;
}

std::optional<text_range> find_card_number(std::string_view text, std::size_t from) noexcept {
    std::size_t at = from;
    while (at + k_shortest <= text.size()) {
        if (!is_digit(text[at])) {
            at += 1;
            continue;
        }
        if (begins_number(text, at))
            if (const auto end = number_end(text, at))
                return text_range{at, *end};
        while (at < text.size() && is_digit(text[at]))
            at += 1;
    }
    return std::nullopt;
}

std::size_t mask_card_numbers(std::span<char> text) noexcept {
    constexpr std::size_t k_kept = 4;
    std::size_t count = 0, from = 0;
    for (;;) {
        const auto found = find_card_number({text.data(), text.size()}, from);
        if (!found)
            return count;
        count += 1;
        std::size_t kept = 0, at = found->end;
        while (kept < k_kept)
            kept += is_digit(text[--at]) ? 1 : 0;
        std::size_t second = found->begin + 1;
        while (!is_digit(text[second]))
            second += 1;
        for (std::size_t i = second; i < at; i += 1)
            if (is_digit(text[i]))
                text[i] = '0';
        // By chance the check digit may fit what is left; then it fits no other second digit.
        if (number_end({text.data(), text.size()}, found->begin))
            text[second] = '1';
        from = found->end;
    }
}

} // namespace saas::core::payments
