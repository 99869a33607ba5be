// SPDX-License-Identifier: PostgreSQL
// The one error type that crosses from algorithms to the server, and the cancellation poll.
#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace saas::core {

// Five characters that name a condition (SQL standard, PostgreSQL appendix A, or our class SA).
class sqlstate {
  public:
    consteval sqlstate(const char (&code)[6]) : code_{code[0], code[1], code[2], code[3], code[4]} {
        for (char c : code_) {
            if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')))
                throw "an SQLSTATE has five digits or upper-case letters";
        }
    }
    [[nodiscard]] constexpr std::string_view code() const noexcept {
        return {code_.data(), code_.size()};
    }

  private:
    std::array<char, 5> code_;
};

// Standard conditions that core raises. Our own class SA is listed in docs/errors.md.
inline constexpr sqlstate k_invalid_parameter_value{"22023"};
inline constexpr sqlstate k_numeric_value_out_of_range{"22003"};
inline constexpr sqlstate k_invalid_text_representation{"22P02"};
inline constexpr sqlstate k_feature_not_supported{"0A000"};
inline constexpr sqlstate k_internal_error{"XX000"};

// An expected failure: what was wrong (message), more about it (detail), what would be right (hint).
// Message: lower case, no final stop. Detail and hint: sentences. Never a secret in any of them.
class error : public std::exception {
  public:
    error(sqlstate state, std::string message, std::string detail = {}, std::string hint = {})
        : state_{state}, message_{std::move(message)}, detail_{std::move(detail)},
          hint_{std::move(hint)} {}

    [[nodiscard]] const char *what() const noexcept override { return message_.c_str(); }
    [[nodiscard]] sqlstate state() const noexcept { return state_; }
    [[nodiscard]] const std::string &message() const noexcept { return message_; }
    [[nodiscard]] const std::string &detail() const noexcept { return detail_; }
    [[nodiscard]] const std::string &hint() const noexcept { return hint_; }

  private:
    sqlstate state_;
    std::string message_;
    std::string detail_;
    std::string hint_;
};

// Thrown out of a long loop when the caller's poll asks to stop.
class cancelled : public std::exception {
  public:
    [[nodiscard]] const char *what() const noexcept override { return "cancelled"; }
};

// Asks the caller, every 1024 steps, whether to go on. Core knows no server: the function comes in.
class cancel_poll {
  public:
    using stop_requested = bool (*)();

    explicit cancel_poll(stop_requested ask = nullptr) noexcept : ask_{ask} {}

    // Counts one step. Throws cancelled when the caller wants to stop.
    void step() {
        if ((++steps_ & 1023U) == 0 && ask_ != nullptr && ask_())
            throw cancelled{};
    }

  private:
    stop_requested ask_;
    std::size_t steps_ = 0;
};

} // namespace saas::core
