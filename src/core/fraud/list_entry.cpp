// SPDX-License-Identifier: PostgreSQL
// What people write into lists, brought into one form.
#include "core/fraud/list_set.hpp"
#include "core/fraud/rule_error.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace saas::core::fraud {
namespace {

constexpr sqlstate k_invalid_list_value{"SA053"};

struct named_kind {
    std::string_view name;
    list_kind kind;
};
constexpr named_kind k_kinds[] = {
    {"string", list_kind::string},
    {"case_sensitive_string", list_kind::case_sensitive_string},
    {"email", list_kind::email},
    {"domain", list_kind::domain},
    {"ip", list_kind::ip},
    {"country", list_kind::country},
    {"bin", list_kind::bin},
    {"card_fingerprint", list_kind::card_fingerprint},
    {"customer", list_kind::customer}};

[[noreturn]] void refuse_entry(std::string_view written, std::string_view what, std::string hint) {
    throw error{k_invalid_list_value, quoted(written) + " is not " + std::string{what}, {},
                std::move(hint)};
}

std::string_view trimmed(std::string_view words) noexcept {
    constexpr std::string_view k_blanks = " \t\r\n";
    std::size_t first = words.find_first_not_of(k_blanks);
    if (first == std::string_view::npos)
        return {};
    return words.substr(first, words.find_last_not_of(k_blanks) - first + 1);
}

bool all_of(std::string_view words, bool (*fits)(char)) {
    return std::all_of(words.begin(), words.end(), fits);
}
bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_domain_byte(char c) noexcept {
    return is_digit(c) || is_letter(c) || c == '-' || c == '.' || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

std::string changed(std::string_view words, char first, char last, int by) {
    std::string out{words};
    for (char &c : out)
        c = c >= first && c <= last ? static_cast<char>(c + by) : c;
    return out;
}
std::string in_lower_case(std::string_view words) {
    return changed(words, 'A', 'Z', 32);
}

bool is_domain(std::string_view words) {
    return !words.empty() && words.size() <= 253 && all_of(words, is_domain_byte) &&
           words.front() != '.' && words.front() != '-' && words.back() != '-' && words.back() != '.' &&
           words.find("..") == std::string_view::npos;
}

std::string v4_text(const std::uint8_t *four) {
    std::string out;
    for (int i = 0; i < 4; ++i)
        out.append(i > 0 ? "." : "").append(std::to_string(four[i]));
    return out;
}

// RFC 5952: lower case, no leading zeros, the longest run of two zero groups or more as ::.
std::string v6_text(const std::array<std::uint8_t, 16> &address) {
    unsigned groups[8];
    for (std::size_t i = 0; i < 8; ++i)
        groups[i] = address[2 * i] * 256U + address[2 * i + 1];
    std::size_t best = 8;
    std::size_t best_length = 1;
    for (std::size_t i = 0; i < 8;) {
        std::size_t end = i;
        while (end < 8 && groups[end] == 0)
            ++end;
        if (end - i > best_length) {
            best = i;
            best_length = end - i;
        }
        i = end + 1;
    }
    std::string out;
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == best) {
            out += "::";
            i += best_length - 1;
            continue;
        }
        char hex[8];
        char *end = std::to_chars(hex, hex + sizeof(hex), groups[i], 16).ptr;
        out.append(out.empty() || out.back() == ':' ? "" : ":").append(hex, end);
    }
    return out;
}

std::string network_text(const network &net) {
    bool v4 = net.prefix >= 96 && net.address[10] == 0xFF && net.address[11] == 0xFF &&
              std::all_of(net.address.begin(), net.address.begin() + 10,
                          [](std::uint8_t b) { return b == 0; });
    std::string out = v4 ? v4_text(&net.address[12]) : v6_text(net.address);
    if (net.prefix < 128)
        out.append("/").append(std::to_string(net.prefix - (v4 ? 96 : 0)));
    return out;
}

std::string domain_entry(std::string_view written, std::string_view words) {
    if (words.starts_with('@'))
        words.remove_prefix(1);
    if (words.ends_with('.'))
        words.remove_suffix(1);
    if (!is_domain(words))
        refuse_entry(written, "a domain", "For instance mail.example; it holds its subdomains.");
    return in_lower_case(words);
}

std::string email_entry(std::string_view written, std::string_view words) {
    std::size_t at = words.rfind('@');
    bool blank = words.find_first_of(" \t\r\n") != std::string_view::npos;
    if (blank || at == std::string_view::npos || at == 0 || !is_domain(words.substr(at + 1)))
        refuse_entry(written, "an e-mail address",
                     "For instance eve@mail.example; whole domains go into a list of domains.");
    return in_lower_case(words);
}

} // namespace

std::string_view name_of(list_kind kind) noexcept {
    return k_kinds[static_cast<std::size_t>(kind)].name;
}

std::optional<list_kind> list_kind_of(std::string_view name) noexcept {
    const auto *found = std::find_if(std::begin(k_kinds), std::end(k_kinds),
                                     [&](const named_kind &k) { return k.name == name; });
    return found == std::end(k_kinds) ? std::nullopt : std::optional{found->kind};
}

std::string list_entry(list_kind kind, std::string_view written) {
    std::string_view words = trimmed(written);
    if (words.empty() || words.size() > k_max_list_value)
        refuse_entry(written, "an entry of a list", "An entry has 1 to 512 bytes.");
    switch (kind) {
    case list_kind::string:
        return in_lower_case(words);
    case list_kind::email:
        return email_entry(written, words);
    case list_kind::domain:
        return domain_entry(written, words);
    case list_kind::ip: {
        auto net = parse_network(words);
        if (!net)
            refuse_entry(written, "an internet address or network",
                         "For instance 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.");
        return network_text(*net);
    }
    case list_kind::country:
        if (words.size() != 2 || !all_of(words, is_letter))
            refuse_entry(written, "a country", "Countries are two letters (ISO 3166-1): DE.");
        return changed(words, 'a', 'z', -32);
    case list_kind::bin:
        if (words.size() < 4 || words.size() > 11 || !all_of(words, is_digit))
            refuse_entry(written, "a bank identification number",
                         "The first 4 to 11 digits of a card number.");
        return std::string{words};
    case list_kind::case_sensitive_string:
    case list_kind::card_fingerprint:
    case list_kind::customer:
        break;
    }
    return std::string{words};
}

std::vector<std::string> list_candidates(list_kind kind, std::string_view value) {
    std::vector<std::string> out;
    if (value.size() > k_max_list_value)
        return out;
    switch (kind) {
    case list_kind::ip:
        if (auto net = parse_network(value)) {
            int last = net->prefix;
            for (int prefix = last; prefix >= 0; --prefix)
                out.push_back(
                    network_text(shortened(*net, static_cast<std::uint8_t>(prefix))));
        }
        return out;
    case list_kind::domain: {
        std::string words = in_lower_case(value.substr(value.rfind('@') + 1));
        while (words.ends_with('.'))
            words.pop_back();
        for (std::size_t from = 0; from < words.size();) {
            out.push_back(words.substr(from));
            std::size_t dot = words.find('.', from);
            from = dot == std::string::npos ? words.size() : dot + 1;
        }
        return out;
    }
    case list_kind::bin:
        for (std::size_t length = 4; length <= value.size() && length <= 11; ++length)
            out.emplace_back(value.substr(0, length));
        return out;
    case list_kind::string:
    case list_kind::email:
        return {in_lower_case(value)};
    case list_kind::country:
        return {changed(value, 'a', 'z', -32)};
    default:
        return {std::string{value}};
    }
}

std::optional<value> unlisted(const value &wanted) noexcept {
    switch (wanted.type) {
    case value_type::text:
    case value_type::integer:
        return std::nullopt;
    case value_type::missing:
    case value_type::failure:
        return wanted;
    default:
        return value::failed(failure_kind::type_mismatch);
    }
}

std::string text_of(const value &a) {
    switch (a.type) {
    case value_type::text:
        return std::string{a.view()};
    case value_type::boolean:
        return a.is_true() ? "true" : "false";
    case value_type::integer:
        return std::to_string(a.integer);
    case value_type::real: {
        char digits[32];
        return {digits, std::to_chars(digits, digits + sizeof(digits), a.real).ptr};
    }
    default:
        return {};
    }
}

} // namespace saas::core::fraud
