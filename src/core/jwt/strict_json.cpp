// SPDX-License-Identifier: PostgreSQL
#include "core/jwt/strict_json.hpp"

#include <cmath>
#include <cstdint>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

namespace saas::core::jwt {
namespace {

namespace json = boost::json;

// Whether the exponent of a number has more than three digits. Such a number is too large, or too close
// to zero for numeric, which takes 16383 digits after the point.
bool has_huge_exponent(json::string_view number) {
    const std::size_t mark = number.find_first_of("eE");
    if (mark == json::string_view::npos)
        return false;
    const std::size_t digit = number.find_first_of("123456789", mark);
    return digit != json::string_view::npos && number.size() - digit > 3;
}

// Builds values as json::parser does, and counts the members of all objects as they come. An object
// keeps the last of two members of one name, so that it then holds fewer.
struct builder {
    static constexpr std::size_t max_object_size = json::object::max_size();
    static constexpr std::size_t max_array_size = json::array::max_size();
    static constexpr std::size_t max_key_size = json::string::max_size();
    static constexpr std::size_t max_string_size = json::string::max_size();

    json::value_stack stack;
    std::size_t members = 0;
    bool nul = false;
    bool too_large = false;

    bool on_document_begin(json::error_code &) {
        stack.reset();
        return true;
    }
    bool on_document_end(json::error_code &) { return true; }
    bool on_object_begin(json::error_code &) { return true; }
    bool on_object_end(std::size_t count, json::error_code &) {
        members += count;
        stack.push_object(count);
        return true;
    }
    bool on_array_begin(json::error_code &) { return true; }
    bool on_array_end(std::size_t count, json::error_code &) {
        stack.push_array(count);
        return true;
    }
    bool on_key_part(json::string_view text, std::size_t, json::error_code &) {
        look_for_nul(text);
        stack.push_chars(text);
        return true;
    }
    bool on_key(json::string_view text, std::size_t, json::error_code &) {
        look_for_nul(text);
        stack.push_key(text);
        return true;
    }
    bool on_string_part(json::string_view text, std::size_t, json::error_code &) {
        look_for_nul(text);
        stack.push_chars(text);
        return true;
    }
    bool on_string(json::string_view text, std::size_t, json::error_code &) {
        look_for_nul(text);
        stack.push_string(text);
        return true;
    }
    bool on_number_part(json::string_view, json::error_code &) { return true; }
    bool on_int64(std::int64_t number, json::string_view, json::error_code &) {
        stack.push_int64(number);
        return true;
    }
    bool on_uint64(std::uint64_t number, json::string_view, json::error_code &) {
        stack.push_uint64(number);
        return true;
    }
    bool on_double(double number, json::string_view text, json::error_code &) {
        too_large = too_large || !std::isfinite(number) || has_huge_exponent(text);
        stack.push_double(number);
        return true;
    }
    bool on_bool(bool truth, json::error_code &) {
        stack.push_bool(truth);
        return true;
    }
    bool on_null(json::error_code &) {
        stack.push_null();
        return true;
    }
    bool on_comment_part(json::string_view, json::error_code &) { return true; }
    bool on_comment(json::string_view, json::error_code &) { return true; }

    void look_for_nul(json::string_view text) noexcept {
        nul = nul || text.find('\0') != json::string_view::npos;
    }
};

// Members of all objects in `value`, which is at most k_max_json_depth deep.
std::size_t count_members(const json::value &value) {
    std::size_t members = 0;
    if (const json::object *object = value.if_object()) {
        members = object->size();
        for (const auto &member : *object)
            members += count_members(member.value());
    } else if (const json::array *array = value.if_array()) {
        for (const json::value &element : *array)
            members += count_members(element);
    }
    return members;
}

} // namespace

std::optional<json::object> parse_object(std::string_view text, std::string &reason) {
    json::parse_options options;
    options.max_depth = k_max_json_depth;
    json::basic_parser<builder> parser{options};
    json::error_code failed;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), failed);
    if (failed || read != text.size()) {
        reason = failed == json::error::too_deep ? "is nested too deeply" : "is no JSON in UTF-8";
        return std::nullopt;
    }
    const builder &built = parser.handler();
    json::value value = parser.handler().stack.release();
    if (!value.is_object())
        reason = "is no JSON object";
    else if (built.nul)
        reason = "has a NUL character in a string";
    else if (built.too_large)
        reason = "has a number that is too large or too small";
    else if (count_members(value) != built.members)
        reason = "has a name twice within one object";
    else
        return std::move(value.get_object());
    return std::nullopt;
}

const json::string *string_member(const json::object &object, std::string_view name, bool &wrong) {
    const json::value *member = object.if_contains({name.data(), name.size()});
    if (member == nullptr)
        return nullptr;
    if (!member->is_string()) {
        wrong = true;
        return nullptr;
    }
    return &member->get_string();
}

} // namespace saas::core::jwt
