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

// A digit, ASCII or full width (U+FF10 to U+FF19).
struct digit {
    char value = 0;         // '0' to '9', 0 where there is none
    std::size_t length = 0; // bytes

    constexpr explicit operator bool() const noexcept { return length > 0; }
};

constexpr digit digit_at(std::string_view text, std::size_t at) noexcept {
    if (at >= text.size())
        return {};
    if (is_digit(text[at]))
        return {text[at], 1};
    if (text.substr(at, 2) == "\xEF\xBC" && at + 2 < text.size()) {
        const auto last = static_cast<unsigned char>(text[at + 2]);
        if (last >= 0x90 && last <= 0x99)
            return {static_cast<char>('0' + (last - 0x90)), 3};
    }
    return {};
}

template <std::size_t Size>
constexpr std::size_t length_of_any(std::string_view text,
                                    const std::array<std::string_view, Size> &possible) noexcept {
    for (const std::string_view one : possible)
        if (text.substr(0, one.size()) == one)
            return one.size();
    return 0;
}

// What is not seen between two digits: soft hyphen, zero-width space and joiners, word joiner,
// zero-width space that does not break.
constexpr std::size_t invisible_length(std::string_view text) noexcept {
    constexpr std::array<std::string_view, 6> k_invisible{
        "\xC2\xAD", "\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D", "\xE2\x81\xA0", "\xEF\xBB\xBF"};
    if (text.empty() || static_cast<unsigned char>(text[0]) < 0x80)
        return 0;
    return length_of_any(text, k_invisible);
}

// The spaces and dashes of Unicode beyond ASCII: U+00A0, U+1680, U+2000 to U+200A, U+2010 to
// U+2015, U+202F, U+205F, U+2212, U+3000, U+FF0D.
constexpr std::size_t wide_separator_length(std::string_view text) noexcept {
    constexpr std::array<std::string_view, 7> k_others{
        "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\xAF", "\xE2\x81\x9F",
        "\xE2\x88\x92", "\xE3\x80\x80", "\xEF\xBC\x8D"};
    if (text.size() > 2 && text.substr(0, 2) == "\xE2\x80") {
        const auto last = static_cast<unsigned char>(text[2]);
        if (last <= 0x8A || (last >= 0x90 && last <= 0x95))
            return 3;
    }
    return length_of_any(text, k_others);
}

struct separator {
    std::size_t length = 0;  // bytes; 0 where there is none
    bool is_listing = false; // what also stands between the numbers of a list or a path
};

// What people and word processors write between groups. Line breaks and tabs also as JSON escapes
// them.
constexpr separator separator_at(std::string_view text) noexcept {
    constexpr std::array<std::string_view, 5> k_plain{"  ", " - ", " ", "-", "."};
    constexpr std::array<std::string_view, 10> k_listing{"\r\n", "\\r\\n", "\\n", "\\t", "\n",
                                                         "\t",   "\r",     ",",   "/",   "_"};
    if (text.empty())
        return {};
    if (static_cast<unsigned char>(text[0]) >= 0x80)
        return {wide_separator_length(text), false};
    if (const std::size_t plain = length_of_any(text, k_plain))
        return {plain, false};
    return {length_of_any(text, k_listing), true};
}

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

// Whether one character before `at` separates it from another digit.
bool follows_digit(std::string_view text, std::size_t at) noexcept {
    if (at == 0)
        return false;
    std::size_t before = at - 1;
    while (before > 0 && (static_cast<unsigned char>(text[before]) & 0xC0) == 0x80)
        before -= 1;
    return before > 0 && is_digit(text[before - 1]);
}

bool joined_by_hyphen(std::string_view text, std::size_t begin, std::size_t end) noexcept {
    return (begin > 1 && text[begin - 1] == '-' && is_word(text[begin - 2])) ||
           (end + 1 < text.size() && text[end] == '-' && is_word(text[end + 1]));
}

// Digits with separators between their groups, as far as they are read.
struct number {
    std::array<char, k_longest> digits{};
    std::array<std::size_t, k_longest> sizes{}; // of the groups
    std::size_t count = 0, groups = 0;
    bool is_listing = false; // a separator was
};

// Reads the group of digits at `at`: its end, or nothing where there are too many digits or a
// letter follows. Digits that something invisible separates are one group.
std::optional<std::size_t> read_group(std::string_view text, std::size_t at,
                                      number &read) noexcept {
    std::size_t size = 0, end = at;
    while (const digit next = digit_at(text, at)) {
        if (read.count == k_longest)
            return std::nullopt;
        read.digits[read.count++] = next.value;
        size += 1;
        end = at += next.length;
        while (const std::size_t skipped = invisible_length(text.substr(at)))
            at += skipped;
    }
    read.sizes[read.groups++] = size;
    const bool goes_on = end + 1 < text.size() && text[end] == '_' && is_digit(text[end + 1]);
    if (end < text.size() && is_word(text[end]) && !goes_on)
        return std::nullopt;
    return end;
}

// Groups as cards have them: the first of four digits, the others of three to seven, the last of
// one to seven. Between the separators of a list they are as the networks print them: by four, or
// four, six and the rest.
bool card_like_groups(const number &read) noexcept {
    const std::span<const std::size_t> sizes{read.sizes.data(), read.groups};
    if (sizes.front() != 4)
        return false;
    const bool by_six = sizes.size() == 3 && sizes[1] == 6 && sizes[2] >= 4 && sizes[2] <= 5;
    for (std::size_t i = 1; i < sizes.size(); i += 1) {
        const bool is_last = i + 1 == sizes.size();
        if (sizes[i] > 7 || (sizes[i] < 3 && !is_last))
            return false;
        if (read.is_listing && !by_six && (sizes[i] > 4 || (sizes[i] < 4 && !is_last)))
            return false;
    }
    return true;
}

// Whether what is read so far, from `begin` to `end`, is the number of a card.
bool is_number(std::string_view text, std::size_t begin, std::size_t end,
               const number &read) noexcept {
    if (read.count < k_shortest || !is_card_number({read.digits.data(), read.count}))
        return false;
    if (end < text.size() && text[end] == '_')
        return false;
    if (read.groups == read.count) // digit by digit
        return !read.is_listing && !follows_digit(text, begin);
    if (read.groups > 1 && !card_like_groups(read))
        return false;
    const bool one_long_group = read.groups == 1 && read.count > k_shortest;
    return one_long_group || !joined_by_hyphen(text, begin, end);
}

// Whether a number begins with the group at `begin`, and where it ends. All groups of it are
// tried, the shortest number first.
std::optional<std::size_t> number_end(std::string_view text, std::size_t begin) noexcept {
    number read;
    std::size_t at = begin;
    for (;;) {
        const auto end = read_group(text, at, read);
        if (!end)
            return std::nullopt;
        if (is_number(text, begin, *end, read))
            return *end;
        at = *end;
        while (const std::size_t skipped = invisible_length(text.substr(at)))
            at += skipped;
        const separator between = separator_at(text.substr(at));
        at += between.length;
        if (between.length == 0 || !digit_at(text, at) || read.count == k_longest)
            return std::nullopt;
        read.is_listing |= between.is_listing;
    }
}

// Overwrites a digit that is there.
void set_digit(std::span<char> text, std::size_t at, char value) noexcept {
    if (is_digit(text[at]))
        text[at] = value;
    else
        text[at + 2] = static_cast<char>(0x90 + (value - '0'));
}

// Overwrites the digits of a number but for the first and the last four.
void mask_number(std::span<char> text, text_range found) noexcept {
    constexpr std::size_t k_kept = 4;
    const std::string_view all{text.data(), text.size()};
    std::array<std::size_t, k_longest> places{};
    std::size_t count = 0;
    for (std::size_t at = found.begin; at < found.end && count < k_longest;) {
        const digit here = digit_at(all, at);
        if (here)
            places[count++] = at;
        at += here ? here.length : 1;
    }
    for (std::size_t i = 1; i + k_kept < count; i += 1) {
        // A number of JSON that has more digits does not begin with zero.
        const char before = text[places[i] - 1];
        const bool begins = before == ',' || before == '\n' || before == '\t' || before == '\r';
        set_digit(text, places[i], begins ? '1' : '0');
    }
    // By chance the check digit may fit what is left. For each of at most eight lengths that
    // a network uses it fits one second digit.
    for (char value = '1'; value <= '9' && count > 1 && number_end(all, found.begin); value += 1)
        set_digit(text, places[1], value);
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
        const digit here = digit_at(text, at);
        if (!here) {
            at += 1;
            continue;
        }
        if (begins_number(text, at))
            if (const auto end = number_end(text, at))
                return text_range{at, *end};
        while (const digit next = digit_at(text, at)) {
            at += next.length;
            while (const std::size_t skipped = invisible_length(text.substr(at)))
                at += skipped;
        }
    }
    return std::nullopt;
}

std::size_t mask_card_numbers(std::span<char> text) noexcept {
    // The last digits of one may begin the next, which changes them: then the former is read again.
    constexpr int k_passes = 16;
    const std::string_view all{text.data(), text.size()};
    std::size_t count = 0, before = 1;
    for (int pass = 0; pass < k_passes && count != before; pass += 1) {
        before = count;
        std::size_t from = 0;
        while (const auto found = find_card_number(all, from)) {
            count += 1;
            mask_number(text, *found);
            from = found->begin + 1;
        }
    }
    return count;
}

} // namespace saas::core::payments
