// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/operations.hpp"

#include "core/fraud/pattern.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <compare>
#include <limits>

namespace saas::core::fraud {
namespace {

// 2^63 is a double; the largest int64 is not.
constexpr double k_two_to_63 = 9223372036854775808.0;

std::partial_ordering compare_mixed(std::int64_t i, double d) noexcept {
    if (std::isnan(d))
        return std::partial_ordering::unordered;
    if (d >= k_two_to_63)
        return std::partial_ordering::less;
    if (d < -k_two_to_63)
        return std::partial_ordering::greater;
    double whole = std::trunc(d);
    auto truncated = static_cast<std::int64_t>(whole);
    if (i != truncated)
        return i < truncated ? std::partial_ordering::less : std::partial_ordering::greater;
    return whole <=> d;
}

std::partial_ordering compare_numbers(const value &a, const value &b) noexcept {
    if (a.type == value_type::integer)
        return b.type == value_type::integer ? std::partial_ordering{a.integer <=> b.integer}
                                             : compare_mixed(a.integer, b.real);
    return b.type == value_type::integer ? 0 <=> compare_mixed(b.integer, a.real)
                                         : a.real <=> b.real;
}

bool same_class(const value &a, const value &b) noexcept {
    return a.type == b.type || (a.is_number() && b.is_number());
}

// Reads a text as what it is compared with. False when it is no such thing.
bool adapt(value &text, const value &other) noexcept {
    text = other.is_number() ? number_from(text.view()) : to_boolean(text);
    return text.type != value_type::failure;
}

// Compares and hands the ordering to `judge`.
template <class Judge>
value compare(value a, value b, Judge judge) noexcept {
    if (value found = obstacle(a, b); found.type != value_type::none)
        return found;
    if (!same_class(a, b)) {
        bool adapted = a.type == value_type::text   ? adapt(a, b)
                       : b.type == value_type::text ? adapt(b, a)
                                                    : false;
        if (!adapted)
            return value::failed(failure_kind::type_mismatch);
    }
    auto order = std::partial_ordering::equivalent;
    if (a.type == value_type::text)
        order = a.view() <=> b.view();
    else if (a.type == value_type::boolean)
        order = a.integer <=> b.integer;
    else
        order = compare_numbers(a, b);
    if (order == std::partial_ordering::unordered)
        return value::failed(failure_kind::out_of_range);
    return value::of(static_cast<bool>(judge(order)));
}

double as_real(const value &a) noexcept {
    return a.type == value_type::integer ? static_cast<double>(a.integer) : a.real;
}

value finite(double d) noexcept {
    return std::isfinite(d) ? value::of(d) : value::failed(failure_kind::out_of_range);
}

// Makes numbers of both operands, then hands them to `whole` (may fail) or `broken`.
template <class Whole, class Broken>
value arithmetic(const value &left, const value &right, Whole whole, Broken broken) noexcept {
    if (value found = obstacle(left, right); found.type != value_type::none)
        return found;
    value a = to_number(left);
    value b = to_number(right);
    if (value found = obstacle(a, b); found.type != value_type::none)
        return found;
    if (a.type == value_type::integer && b.type == value_type::integer)
        return whole(a.integer, b.integer);
    return broken(as_real(a), as_real(b));
}

value checked(bool overflow, std::int64_t result) noexcept {
    return overflow ? value::failed(failure_kind::out_of_range) : value::of(result);
}

bool member_before(const value &a, const value &b) noexcept {
    if (a.type == value_type::text && b.type == value_type::text)
        return a.view() < b.view();
    if (a.is_number() && b.is_number())
        return compare_numbers(a, b) < 0;
    return a.type < b.type;
}

template <class Change>
value changed_case(const value &a, text_arena &arena, char first, char last, Change change) {
    if (a.type != value_type::text)
        return a.type == value_type::missing || a.type == value_type::failure
                   ? a
                   : value::failed(failure_kind::type_mismatch);
    auto wrong = [=](char c) { return c >= first && c <= last; };
    std::string_view words = a.view();
    if (std::none_of(words.begin(), words.end(), wrong))
        return a;
    char *copy = arena.take(words.size());
    std::transform(words.begin(), words.end(), copy,
                   [&](char c) { return wrong(c) ? change(c) : c; });
    return value::of(std::string_view{copy, words.size()});
}

// Failure or missing for a text function, or type none when both are texts.
value text_obstacle(const value &a, const value &b) noexcept {
    value found = obstacle(a, b);
    if (found.type == value_type::none &&
        (a.type != value_type::text || b.type != value_type::text))
        found = value::failed(failure_kind::type_mismatch);
    return found;
}

} // namespace

std::string_view describe(failure_kind kind) noexcept {
    switch (kind) {
    case failure_kind::division_by_zero:
        return "division by zero";
    case failure_kind::out_of_range:
        return "number out of range";
    case failure_kind::type_mismatch:
        return "value of the wrong type";
    case failure_kind::text_too_long:
        return "text too long";
    case failure_kind::unavailable:
        return "needs a team's tables, which are not available here";
    case failure_kind::unknown_list:
        return "the list does not exist";
    }
    return "unknown failure";
}

char *text_arena::take(std::size_t size) {
    constexpr std::size_t k_chunk = 16'384;
    while (chunk_ < chunks_.size() && chunks_[chunk_].size - used_ < size) {
        ++chunk_;
        used_ = 0;
    }
    if (chunk_ == chunks_.size()) {
        std::size_t length = std::max(size, k_chunk);
        chunks_.push_back({std::make_unique<char[]>(length), length});
    }
    char *out = chunks_[chunk_].bytes.get() + used_;
    used_ += size;
    return out;
}

void text_arena::reset() noexcept {
    chunk_ = 0;
    used_ = 0;
}

value add(const value &a, const value &b) noexcept {
    return arithmetic(
        a, b,
        [](std::int64_t x, std::int64_t y) {
            std::int64_t sum = 0;
            bool overflow = __builtin_add_overflow(x, y, &sum);
            return checked(overflow, sum);
        },
        [](double x, double y) { return finite(x + y); });
}

value subtract(const value &a, const value &b) noexcept {
    return arithmetic(
        a, b,
        [](std::int64_t x, std::int64_t y) {
            std::int64_t difference = 0;
            bool overflow = __builtin_sub_overflow(x, y, &difference);
            return checked(overflow, difference);
        },
        [](double x, double y) { return finite(x - y); });
}

value multiply(const value &a, const value &b) noexcept {
    return arithmetic(
        a, b,
        [](std::int64_t x, std::int64_t y) {
            std::int64_t product = 0;
            bool overflow = __builtin_mul_overflow(x, y, &product);
            return checked(overflow, product);
        },
        [](double x, double y) { return finite(x * y); });
}

value divide(const value &a, const value &b) noexcept {
    return arithmetic(
        a, b,
        [](std::int64_t x, std::int64_t y) {
            if (y == 0)
                return value::failed(failure_kind::division_by_zero);
            if (y == -1)
                return negate(value::of(x));
            if (x % y == 0)
                return value::of(x / y);
            return finite(static_cast<double>(x) / static_cast<double>(y));
        },
        [](double x, double y) {
            return y == 0 ? value::failed(failure_kind::division_by_zero) : finite(x / y);
        });
}

value modulo(const value &a, const value &b) noexcept {
    return arithmetic(
        a, b,
        [](std::int64_t x, std::int64_t y) {
            if (y == 0)
                return value::failed(failure_kind::division_by_zero);
            return value::of(y == -1 ? std::int64_t{0} : x % y);
        },
        [](double x, double y) {
            return y == 0 ? value::failed(failure_kind::division_by_zero) : finite(std::fmod(x, y));
        });
}

value negate(const value &a) noexcept {
    return subtract(value::of(std::int64_t{0}), a);
}

value equal_slowly(const value &a, const value &b) noexcept {
    return compare(a, b, [](auto order) { return order == 0; });
}

value less_slowly(const value &a, const value &b) noexcept {
    return compare(a, b, [](auto order) { return order < 0; });
}

value less_equal_slowly(const value &a, const value &b) noexcept {
    return compare(a, b, [](auto order) { return order <= 0; });
}

void sort_members(std::vector<value> &members) {
    std::sort(members.begin(), members.end(), member_before);
}

value in_set(const value &a, std::span<const value> members) noexcept {
    if (a.type == value_type::missing || a.type == value_type::failure || members.empty())
        return a.type == value_type::missing || a.type == value_type::failure ? a
                                                                              : value::of(false);
    if (same_class(a, members.front())) {
        bool found = std::binary_search(members.begin(), members.end(), a, member_before);
        return value::of(found);
    }
    value failure = value::of(false);
    for (const value &member : members) {
        value answer = equal(a, member);
        if (answer.is_true())
            return answer;
        if (answer.type == value_type::failure)
            failure = answer;
    }
    return failure;
}

value like(const value &a, const value &pattern) noexcept {
    if (value found = text_obstacle(a, pattern); found.type != value_type::none)
        return found;
    return value::of(matches_pattern(a.view(), pattern.view()));
}

value includes(const value &a, const value &part) noexcept {
    if (value found = text_obstacle(a, part); found.type != value_type::none)
        return found;
    return value::of(contains_text(a.view(), part.view()));
}

value lower(const value &a, text_arena &arena) {
    return changed_case(a, arena, 'A', 'Z', [](char c) { return static_cast<char>(c + 32); });
}

value upper(const value &a, text_arena &arena) {
    return changed_case(a, arena, 'a', 'z', [](char c) { return static_cast<char>(c - 32); });
}

value email_domain(const value &a, text_arena &arena) {
    if (a.type != value_type::text)
        return lower(a, arena);
    std::size_t at = a.view().rfind('@');
    if (at == std::string_view::npos || at + 1 == a.length)
        return value::missing();
    return lower(value::of(a.view().substr(at + 1)), arena);
}

value to_boolean(const value &a) noexcept {
    if (a.type == value_type::boolean || a.type == value_type::missing ||
        a.type == value_type::failure)
        return a;
    auto spells = [&](std::string_view word) {
        return a.length == word.size() &&
               std::equal(word.begin(), word.end(), a.text, [](char w, char c) {
                   return w == (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
               });
    };
    if (a.type == value_type::text && spells("true"))
        return value::of(true);
    if (a.type == value_type::text && spells("false"))
        return value::of(false);
    return value::failed(failure_kind::type_mismatch);
}

value to_number(const value &a) noexcept {
    if (a.type == value_type::text)
        return number_from(a.view());
    return a.type == value_type::boolean ? value::failed(failure_kind::type_mismatch) : a;
}

value number_from(std::string_view words) noexcept {
    const char *end = words.data() + words.size();
    std::int64_t whole = 0;
    auto [stop, problem] = std::from_chars(words.data(), end, whole);
    if (problem == std::errc{} && stop == end)
        return value::of(whole);
    double broken = 0;
    auto [real_stop, real_problem] = std::from_chars(words.data(), end, broken);
    if (real_problem == std::errc::result_out_of_range && real_stop == end)
        return value::failed(failure_kind::out_of_range);
    if (real_problem != std::errc{} || real_stop != end || !std::isfinite(broken))
        return value::failed(failure_kind::type_mismatch);
    return value::of(broken);
}

} // namespace saas::core::fraud
