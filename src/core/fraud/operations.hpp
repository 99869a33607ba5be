// SPDX-License-Identifier: PostgreSQL
// What the operators of the rule language compute.
//
// Every function takes any values and returns a value; none throws. A failure among the operands
// gives that failure, else a missing operand gives missing. Truth is Kleene's strong three-valued
// logic (S. C. Kleene, Introduction to Metamathematics, 1952, section 64) with failure as a fourth
// value that only a deciding operand hides: false AND x is false, true OR x is true, in either
// order.
#pragma once

#include "core/fraud/value.hpp"

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace saas::core::fraud {

// Memory for texts that a rule computes: handed out piecewise, taken back all at once and reused.
class text_arena {
public:
    // `size` bytes that stay valid until reset(). Throws std::bad_alloc.
    [[nodiscard]] char *take(std::size_t size);
    void reset() noexcept;

private:
    struct chunk {
        std::unique_ptr<char[]> bytes;
        std::size_t size;
    };
    std::vector<chunk> chunks_;
    std::size_t chunk_ = 0;
    std::size_t used_ = 0;
};

// Arithmetic. Integers stay exact: a result beyond int64 is a failure. A quotient of integers is an
// integer when it is whole. A real result that is not finite is a failure.
[[nodiscard]] value add(const value &a, const value &b) noexcept;
[[nodiscard]] value subtract(const value &a, const value &b) noexcept;
[[nodiscard]] value multiply(const value &a, const value &b) noexcept;
[[nodiscard]] value divide(const value &a, const value &b) noexcept;
[[nodiscard]] value modulo(const value &a, const value &b) noexcept;
[[nodiscard]] value negate(const value &a) noexcept;

// Comparison. Integers and reals compare exactly, texts byte by byte. A text against a number or a
// truth value is read as one ("12.5", "true"), which is how metadata arrives; else a type mismatch.
[[nodiscard]] value equal_slowly(const value &a, const value &b) noexcept;
[[nodiscard]] value less_slowly(const value &a, const value &b) noexcept;
[[nodiscard]] value less_equal_slowly(const value &a, const value &b) noexcept;

// One of `members`, which sort_members has put in order, equals `a`.
[[nodiscard]] value in_set(const value &a, std::span<const value> members) noexcept;
void sort_members(std::vector<value> &members);

// Patterns: % stands for any text, _ for one character (UTF-8), \ takes the next byte literally.
[[nodiscard]] value like(const value &a, const value &pattern) noexcept;
// The text `a` contains the text `part`.
[[nodiscard]] value includes(const value &a, const value &part) noexcept;

// Letters A–Z in lower case (ASCII only). May throw std::bad_alloc.
[[nodiscard]] value lower(const value &a, text_arena &arena);
// Letters a–z in upper case (ASCII only), for country and currency codes. May throw std::bad_alloc.
[[nodiscard]] value upper(const value &a, text_arena &arena);
// What follows the last @, in lower case; missing without @ or with nothing after it.
[[nodiscard]] value email_domain(const value &a, text_arena &arena);

// A truth value from a truth value or from the texts true and false (any case).
[[nodiscard]] value to_boolean(const value &a) noexcept;
// A number from a number or from a text that spells one.
[[nodiscard]] value to_number(const value &a) noexcept;

// The number that the whole of `words` spells, an integer when it fits; out_of_range when no double
// does; type_mismatch when it is no number.
[[nodiscard]] value number_from(std::string_view words) noexcept;

[[nodiscard]] inline value equal(const value &a, const value &b) noexcept {
    if (a.type == b.type) {
        if (a.type == value_type::text)
            return value::of(a.length == b.length && std::memcmp(a.text, b.text, a.length) == 0);
        if (a.type == value_type::integer)
            return value::of(a.integer == b.integer);
    }
    return equal_slowly(a, b);
}

[[nodiscard]] inline value less(const value &a, const value &b) noexcept {
    if (a.type == value_type::integer && b.type == value_type::integer)
        return value::of(a.integer < b.integer);
    return less_slowly(a, b);
}

[[nodiscard]] inline value less_equal(const value &a, const value &b) noexcept {
    if (a.type == value_type::integer && b.type == value_type::integer)
        return value::of(a.integer <= b.integer);
    return less_equal_slowly(a, b);
}

// Failure or missing among the operands, or type none when both are plain values.
[[nodiscard]] inline value obstacle(const value &a, const value &b) noexcept {
    if (a.type == value_type::failure)
        return a;
    if (b.type == value_type::failure)
        return b;
    if (a.type == value_type::missing || b.type == value_type::missing)
        return value::missing();
    return {};
}

// Whether `a` is missing; a failure stays one.
[[nodiscard]] inline value is_missing(const value &a) noexcept {
    return a.type == value_type::failure ? a : value::of(a.type == value_type::missing);
}

// The operands below are truth values, missing or failures.
[[nodiscard]] inline value logical_not(const value &a) noexcept {
    return a.type == value_type::boolean ? value::of(a.integer == 0) : a;
}

[[nodiscard]] inline value logical_and(const value &a, const value &b) noexcept {
    if (a.is_false() || b.is_false())
        return value::of(false);
    value found = obstacle(a, b);
    return found.type == value_type::none ? value::of(true) : found;
}

[[nodiscard]] inline value logical_or(const value &a, const value &b) noexcept {
    if (a.is_true() || b.is_true())
        return value::of(true);
    value found = obstacle(a, b);
    return found.type == value_type::none ? value::of(false) : found;
}

} // namespace saas::core::fraud
