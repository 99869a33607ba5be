// SPDX-License-Identifier: PostgreSQL
// The values that fraud rules compute with: 16 bytes, trivially copyable, never owning their text.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace saas::core::fraud {

enum class value_type : std::uint8_t {
    none,    // not computed yet (the state of a register before its first use)
    missing, // no value; as a truth value: unknown
    failure, // a failed computation, see failure_kind
    boolean,
    integer,
    real,
    text
};

// Why a computation failed. A failure is recorded for its rule, which then does not hit.
enum class failure_kind : std::uint8_t {
    division_by_zero,
    out_of_range,
    type_mismatch,
    text_too_long,
    unavailable, // a list, model or table that this evaluation does not have
    unknown_list
};

// Attribute texts longer than this many bytes are failures: no rule needs them, and the time of
// pattern matching stays bounded.
inline constexpr std::size_t k_max_text_length = 65'536;

// One value. Texts are views: whoever made the value keeps the bytes alive.
struct value {
    union {
        std::int64_t integer; // also the truth value 0 or 1, and the failure_kind
        double real;
        const char *text;
    };
    std::uint32_t length; // bytes of text
    value_type type;

    constexpr value() noexcept : integer{0}, length{0}, type{value_type::none} {}

    [[nodiscard]] static constexpr value missing() noexcept {
        return tagged(value_type::missing, 0);
    }
    [[nodiscard]] static constexpr value failed(failure_kind kind) noexcept {
        return tagged(value_type::failure, static_cast<std::int64_t>(kind));
    }
    [[nodiscard]] static constexpr value of(bool truth) noexcept {
        return tagged(value_type::boolean, truth ? 1 : 0);
    }
    [[nodiscard]] static constexpr value of(std::int64_t number) noexcept {
        return tagged(value_type::integer, number);
    }
    [[nodiscard]] static constexpr value of(double number) noexcept {
        value v;
        v.type = value_type::real;
        v.real = number;
        return v;
    }
    // A view of `words`; a failure when it is longer than k_max_text_length.
    [[nodiscard]] static constexpr value of(std::string_view words) noexcept {
        if (words.size() > k_max_text_length)
            return failed(failure_kind::text_too_long);
        value v;
        v.type = value_type::text;
        v.text = words.data();
        v.length = static_cast<std::uint32_t>(words.size());
        return v;
    }
    static value of(const char *) = delete; // would become a boolean

    [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, length}; }
    [[nodiscard]] constexpr bool is_true() const noexcept {
        return type == value_type::boolean && integer != 0;
    }
    [[nodiscard]] constexpr bool is_false() const noexcept {
        return type == value_type::boolean && integer == 0;
    }
    [[nodiscard]] constexpr bool is_number() const noexcept {
        return type == value_type::integer || type == value_type::real;
    }
    [[nodiscard]] constexpr failure_kind kind() const noexcept {
        return static_cast<failure_kind>(integer);
    }

private:
    static constexpr value tagged(value_type type, std::int64_t payload) noexcept {
        value v;
        v.type = type;
        v.integer = payload;
        return v;
    }
};
static_assert(sizeof(value) == 16 && std::is_trivially_copyable_v<value>);

// A failure in words, for people: "division by zero".
[[nodiscard]] std::string_view describe(failure_kind kind) noexcept;

} // namespace saas::core::fraud
