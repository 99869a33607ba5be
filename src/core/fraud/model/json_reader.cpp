// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/model/json_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <system_error>

#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {
namespace {

constexpr std::size_t k_max_nesting = k_max_tree_depth + 50;
constexpr std::size_t k_max_keys = 256; // of which duplicates are looked for in one object
constexpr std::size_t k_max_number = 512;

void append_utf8(std::string &out, unsigned code) {
    auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80U) {
        put(code);
    } else if (code < 0x800U) {
        put(0xC0U | (code >> 6U));
        put(0x80U | (code & 0x3FU));
    } else if (code < 0x10000U) {
        put(0xE0U | (code >> 12U));
        put(0x80U | ((code >> 6U) & 0x3FU));
        put(0x80U | (code & 0x3FU));
    } else {
        put(0xF0U | (code >> 18U));
        put(0x80U | ((code >> 12U) & 0x3FU));
        put(0x80U | ((code >> 6U) & 0x3FU));
        put(0x80U | (code & 0x3FU));
    }
}

bool is_number_char(char c) noexcept {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

} // namespace

void json_reader::fail(const std::string &what) const {
    refuse_malformed(what, "At byte " + std::to_string(at_ + 1) + ".");
}

void json_reader::skip_space() noexcept {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
        ++at_;
}

char json_reader::next_char() {
    skip_space();
    if (at_ >= text_.size())
        fail("the text ends early");
    return text_[at_];
}

json_token json_reader::peek() {
    switch (next_char()) {
    case '{':
        return json_token::object;
    case '[':
        return json_token::array;
    case '"':
        return json_token::string;
    case 't':
    case 'f':
        return json_token::truth;
    case 'n':
        return text_.substr(at_).starts_with("nan") ? json_token::number : json_token::null;
    default:
        return json_token::number;
    }
}

void json_reader::open(char bracket) {
    if (next_char() != bracket)
        fail(bracket == '{' ? "an object was expected" : "an array was expected");
    if (first_.size() >= k_max_nesting)
        fail("values nest too deeply");
    ++at_;
    first_.push_back(true);
    poll_.step();
}

// Before the next member: true with the comma passed, false with the closing bracket passed.
bool json_reader::next_member(char bracket) {
    char c = next_char();
    if (c == bracket) {
        ++at_;
        first_.pop_back();
        return false;
    }
    if (!first_.back()) {
        if (c != ',')
            fail("a comma was expected");
        ++at_;
    }
    first_.back() = false;
    poll_.step();
    return true;
}

void json_reader::begin_object() {
    open('{');
}

void json_reader::begin_array() {
    open('[');
}

bool json_reader::next_key(std::string &key) {
    if (!next_member('}'))
        return false;
    key = string();
    if (next_char() != ':')
        fail("a colon was expected");
    ++at_;
    return true;
}

bool json_reader::next_element() {
    return next_member(']');
}

unsigned json_reader::hex4() {
    unsigned code = 0;
    if (text_.size() - at_ < 4)
        fail("the text ends early");
    auto [end, status] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, code, 16);
    if (status != std::errc{} || end != text_.data() + at_ + 4)
        fail("four hexadecimal digits were expected");
    at_ += 4;
    return code;
}

// What follows a backslash.
void json_reader::append_escape(std::string &out) {
    static constexpr std::string_view letters = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (at_ >= text_.size())
        fail("the text ends early");
    char c = text_[at_++];
    if (std::size_t known = letters.find(c); known != std::string_view::npos) {
        out.push_back(meanings[known]);
        return;
    }
    if (c != 'u')
        fail("an escape was expected after the backslash");
    unsigned code = hex4();
    if (code >= 0xD800U && code < 0xDC00U && text_.substr(at_).starts_with("\\u")) {
        at_ += 2;
        unsigned low = hex4();
        if (low < 0xDC00U || low > 0xDFFFU)
            fail("half of a surrogate pair");
        code = 0x10000U + ((code - 0xD800U) << 10U) + (low - 0xDC00U);
    }
    if (code == 0 || (code >= 0xD800U && code <= 0xDFFFU))
        fail("a character that no text can hold");
    append_utf8(out, code);
}

std::string json_reader::string() {
    if (next_char() != '"')
        fail("a string was expected");
    ++at_;
    std::string out;
    while (true) {
        std::size_t stop = text_.find_first_of("\"\\", at_);
        if (stop == std::string_view::npos)
            fail("the text ends early");
        out.append(text_.substr(at_, stop - at_));
        at_ = stop + 1;
        if (text_[stop] == '"')
            return out;
        append_escape(out);
    }
}

void json_reader::skip_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word))
        fail("a value was expected");
    at_ += word.size();
}

bool json_reader::truth() {
    bool value = next_char() == 't';
    skip_word(value ? "true" : "false");
    return value;
}

void json_reader::null() {
    (void)next_char();
    skip_word("null");
}

std::string_view json_reader::number_token() {
    (void)next_char();
    std::string_view rest = text_.substr(at_);
    for (std::string_view word : {"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"}) {
        if (rest.starts_with(word)) {
            at_ += word.size();
            return word;
        }
    }
    std::size_t length = 0;
    while (length < rest.size() && is_number_char(rest[length]))
        ++length;
    if (length == 0 || length > k_max_number)
        fail("a number was expected");
    at_ += length;
    return rest.substr(0, length);
}

template <class Real>
Real json_reader::real() {
    std::size_t begin = at_;
    std::string_view token = number_token();
    Real value{};
    auto [end, status] = std::from_chars(token.data(), token.data() + token.size(), value);
    if (status == std::errc::result_out_of_range)
        value = static_cast<Real>(std::strtod(std::string{token}.c_str(), nullptr));
    at_ = status == std::errc::invalid_argument || end != token.data() + token.size() ? begin : at_;
    if (at_ == begin)
        fail("a number was expected");
    if (status == std::errc::result_out_of_range && std::isinf(value))
        fail("a number is out of range");
    return value;
}

float json_reader::float32() {
    return real<float>();
}

double json_reader::float64() {
    return real<double>();
}

std::int64_t json_reader::integer() {
    double value = 0;
    if (peek() == json_token::string) {
        std::string words = string();
        json_reader inner{words};
        value = inner.float64();
        inner.finish();
    } else {
        value = float64();
    }
    constexpr double limit = 9.0e15; // whole numbers below are exact
    if (!(value >= -limit && value <= limit) || value != std::trunc(value))
        fail("a whole number was expected");
    return static_cast<std::int64_t>(value);
}

void json_reader::skip_scalar() {
    switch (peek()) {
    case json_token::string:
        (void)string();
        return;
    case json_token::truth:
        (void)truth();
        return;
    case json_token::null:
        null();
        return;
    default:
        (void)number_token();
    }
}

// Without recursion: the brackets opened here are counted.
void json_reader::skip() {
    std::size_t outside = first_.size();
    std::vector<bool> objects;
    std::string key;
    do {
        json_token next = peek();
        if (next == json_token::object || next == json_token::array) {
            objects.push_back(next == json_token::object);
            open(objects.back() ? '{' : '[');
        } else {
            skip_scalar();
        }
        while (first_.size() > outside && !(objects.back() ? next_key(key) : next_element()))
            objects.pop_back();
    } while (first_.size() > outside);
}

void json_reader::finish() {
    skip_space();
    if (at_ != text_.size())
        fail("the text goes on after the value");
}

void seen_keys::add(const json_reader &in, const std::string &key) {
    if (std::find(keys_.begin(), keys_.end(), key) != keys_.end())
        in.fail("key \"" + key.substr(0, 60) + "\" stands there twice");
    if (keys_.size() < k_max_keys)
        keys_.push_back(key);
}

} // namespace saas::core::fraud
