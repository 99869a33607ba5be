// SPDX-License-Identifier: PostgreSQL
// Reads JSON (RFC 8259) value by value, without keeping it: model files have millions of numbers.
// Besides JSON it takes the bare NaN and Infinity that model files hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace saas::core::fraud {

enum class json_token : std::uint8_t { object, array, string, number, truth, null };

// A text being read from its beginning. Every function throws core::error SA060, with the byte
// (from 1) in the detail, for what is no JSON, is of another type, or nests deeper than the limit.
class json_reader {
public:
    // The bytes stay with the caller. `poll` is asked while reading.
    explicit json_reader(std::string_view text, cancel_poll poll = cancel_poll{}) noexcept
        : text_{text}, poll_{poll} {}

    // The type of the value that comes next.
    [[nodiscard]] json_token peek();

    //     r.begin_object(); while (r.next_key(key)) { … read or skip one value … }
    void begin_object();
    [[nodiscard]] bool next_key(std::string &key);

    //     r.begin_array(); while (r.next_element()) { … read or skip one value … }
    void begin_array();
    [[nodiscard]] bool next_element();

    [[nodiscard]] std::string string();
    [[nodiscard]] bool truth();
    void null();
    // A number rounded once to the type; NaN and infinities as the file has them. A number beyond
    // the range of the type is an error, one too small for it is zero.
    [[nodiscard]] float float32();
    [[nodiscard]] double float64();
    // A whole number, also one written as 3.0 or inside a string.
    [[nodiscard]] std::int64_t integer();

    // Reads the next value, whatever it is, and forgets it.
    void skip();
    // The text ends here but for white space.
    void finish();

    // Throws SA060 for this place in the text.
    [[noreturn]] void fail(const std::string &what) const;

private:
    void skip_space() noexcept;
    [[nodiscard]] char next_char();
    void open(char bracket);
    [[nodiscard]] bool next_member(char bracket);
    void skip_scalar();
    void append_escape(std::string &out);
    [[nodiscard]] unsigned hex4();
    void skip_word(std::string_view word);
    [[nodiscard]] std::string_view number_token();
    template <class Real>
    [[nodiscard]] Real real();

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<bool> first_; // one entry an open bracket: nothing was read in it yet
    cancel_poll poll_;
};

// Keys of one object that were read already.
class seen_keys {
public:
    // Throws SA060 when the key was there before: which of the two counts would be a guess.
    void add(const json_reader &in, const std::string &key);

private:
    std::vector<std::string> keys_;
};

} // namespace saas::core::fraud
