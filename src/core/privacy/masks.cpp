// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/masks.hpp"

#include "core/error.hpp"
#include "core/privacy/plain_text.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace saas::core::privacy {
namespace {

using list = std::span<const std::string_view>;

constexpr std::array<std::string_view, 32> k_first_names{
    "Ada",   "Amir",  "Bela",   "Chiara", "Dana",  "Diego", "Elif",  "Emil",  "Fatou", "Femi",  "Greta",
    "Hana",  "Idris", "Ines",   "Jonas",  "Kaito", "Kofi",  "Lena",  "Linh",  "Mateo", "Maya",  "Nadia",
    "Niko",  "Omar",  "Priya",  "Rosa",   "Sam",   "Selma", "Tariq", "Tomas", "Vera",  "Yuki"};
constexpr std::array<std::string_view, 32> k_last_names{
    "Abbott", "Almeida", "Baker",  "Bauer",  "Costa",   "Diallo", "Dubois", "Eriksen", "Ferrari", "Fischer", "Garcia",
    "Haddad", "Hansen",  "Ito",    "Jansen", "Kaya",    "Khan",   "Kovacs", "Larsen",  "Lopez",   "Mensah",  "Moreau",
    "Nguyen", "Novak",   "Okafor", "Patel",  "Petrov",  "Rossi",  "Sato",   "Silva",   "Weber",   "Young"};
constexpr std::array<std::string_view, 16> k_companies{
    "Amber", "Birch", "Cobalt", "Delta", "Ember", "Falcon", "Granite", "Harbor",
    "Indigo", "Juniper", "Larch", "Meridian", "North", "Orchard", "Quartz", "River"};
constexpr std::array<std::string_view, 8> k_trades{"Works", "Trading", "Foods",   "Studio",
                                                   "Labs",  "Textiles", "Logistics", "Books"};
constexpr std::array<std::string_view, 16> k_streets{
    "Acacia", "Beech", "Castle", "Chapel", "Church", "Garden", "Hill",  "Lake",
    "Market", "Mill",  "Park",   "River",  "School", "Spring", "Station", "Tower"};
constexpr std::array<std::string_view, 16> k_cities{
    "Ashford", "Brookfield", "Clearwater", "Dunmore", "Eastport", "Fairview", "Glenwood", "Hartwell",
    "Kingsbury", "Lakeside", "Millbrook", "Northfield", "Oakdale", "Riverton", "Summerfield", "Westbridge"};
constexpr std::array<std::string_view, 16> k_countries{"AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI",
                                                       "FR", "IE", "IT", "NL", "NO", "PL", "PT", "SE"};
constexpr std::array<std::string_view, 16> k_words{"lorem", "ipsum", "dolor", "sit", "amet", "tempor",
                                                   "magna", "aliqua", "minim", "veniam", "quis", "nostrud",
                                                   "labore", "velit", "culpa", "anim"};

// Numbers one after the other out of a digest.
class dice {
  public:
    explicit dice(const digest &bytes) : bytes_{bytes} {}
    // 0 … bound - 1, for a bound of at most 65,536.
    std::size_t next(std::size_t bound) {
        const std::size_t high = bytes_[place_ % bytes_.size()];
        const std::size_t low = bytes_[(place_ + 1) % bytes_.size()];
        place_ += 2;
        return ((high << 8U) | low) % bound;
    }
    std::string_view one_of(list values) { return values[next(values.size())]; }
    std::string digits(std::size_t count) {
        std::string out;
        while (out.size() < count)
            out += static_cast<char>('0' + next(10));
        return out;
    }

  private:
    const digest &bytes_;
    std::size_t place_ = 0;
};

std::string lower(std::string_view ascii) {
    std::string out{ascii};
    for (char &c : out)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

constexpr bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// A bit for each byte of eight that goes on with a character.
std::uint64_t continuations(const char *bytes) noexcept {
    std::uint64_t eight;
    std::memcpy(&eight, bytes, sizeof(eight));
    return eight & ~(eight << 1) & 0x8080808080808080U;
}

std::size_t characters(std::string_view text) noexcept {
    std::size_t count = text.size();
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8)
        count -= static_cast<std::size_t>(std::popcount(continuations(text.data() + at)));
    for (; at < text.size(); ++at)
        count -= is_continuation(text[at]) ? 1 : 0;
    return count;
}

// Where the character of that number begins; the end for one that is not there.
std::size_t start_of(std::string_view text, std::size_t number) noexcept {
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        if (!is_continuation(text[at]) && number-- == 0)
            break;
    }
    return at;
}

// Where the last `count` characters begin, of a text that has them.
std::size_t start_of_last(std::string_view text, std::size_t count) noexcept {
    std::size_t at = text.size();
    while (count > 0)
        count -= is_continuation(text[--at]) ? 0 : 1;
    return at;
}

std::string words(dice &chosen) {
    std::string out;
    for (std::size_t left = 3 + chosen.next(6); left > 0; --left)
        out += (out.empty() ? "" : " ") + std::string{chosen.one_of(k_words)};
    return out;
}

} // namespace

shown_parts partial_parts(std::string_view text, std::size_t first, std::size_t last) noexcept {
    const std::size_t length = characters(text);
    if (first >= length || last >= length || length < first + last + 2)
        return {};
    return {text.substr(0, start_of(text, first)), text.substr(start_of_last(text, last))};
}

address_parts email_parts(std::string_view address) noexcept {
    const std::size_t at = address.rfind('@');
    const std::size_t dot = address.rfind('.');
    if (at == std::string_view::npos || at == 0 || dot == std::string_view::npos || dot < at + 2)
        return {};
    const std::string_view domain = address.substr(at + 1, dot - at - 1);
    return {address.substr(0, start_of(address.substr(0, at), 1)),
            domain.substr(0, start_of(domain, 1)), address.substr(dot)};
}

std::string partial(std::string_view text, std::size_t first, std::size_t last, std::string_view filler) {
    const shown_parts shown = partial_parts(text, first, last);
    std::string out{shown.head};
    for (int i = 0; i < 3; ++i)
        out += filler;
    out += shown.tail;
    return out;
}

std::string partial_email(std::string_view address) {
    const address_parts shown = email_parts(address);
    if (shown.name.empty())
        return "***";
    std::string out{shown.name};
    out.append("***@").append(shown.domain).append("***").append(shown.top_level);
    return out;
}

void write_pseudonym(std::string_view text, const hmac_key &key, char *out) noexcept {
    const digest full = key.sign(bytes_of(text));
    write_hexadecimal(std::span{full}.first(k_pseudonym_length / 2), out);
}

void write_pseudonymous_uuid(std::string_view text, const hmac_key &key, char *out) noexcept {
    digest full = key.sign(bytes_of(text));
    full[6] = static_cast<std::uint8_t>((full[6] & 0x0FU) | 0x80U);
    full[8] = static_cast<std::uint8_t>((full[8] & 0x3FU) | 0x80U);
    (void)write_uuid(full.data(), out);
}

std::string fake(std::string_view kind, std::string_view seed, const hmac_key &key) {
    const digest full = key.sign(bytes_of(seed));
    dice chosen{full};
    const std::string first{chosen.one_of(k_first_names)};
    const std::string last{chosen.one_of(k_last_names)};
    const std::string unique = to_hex(std::span{full}.last(8));
    if (kind == "first_name")
        return first;
    if (kind == "last_name")
        return last;
    if (kind == "full_name")
        return first + " " + last;
    if (kind == "email")
        return lower(first) + "." + lower(last) + "." + unique + "@example.com";
    if (kind == "url")
        return "https://example.com/" + unique;
    if (kind == "company")
        return std::string{chosen.one_of(k_companies)} + " " + std::string{chosen.one_of(k_trades)};
    if (kind == "street")
        return std::to_string(1 + chosen.next(199)) + " " + std::string{chosen.one_of(k_streets)} + " Street";
    if (kind == "city")
        return std::string{chosen.one_of(k_cities)};
    if (kind == "postal_code")
        return chosen.digits(5);
    if (kind == "country")
        return std::string{chosen.one_of(k_countries)};
    if (kind == "phone")
        return "+1" + std::to_string(201 + chosen.next(700)) + "55501" + chosen.digits(2);
    if (kind == "ip")
        return "198." + std::to_string(18 + chosen.next(2)) + "." + std::to_string(chosen.next(256)) + "." +
               std::to_string(chosen.next(256));
    if (kind == "text")
        return words(chosen);
    throw error{k_invalid_parameter_value, "there is no such kind of fake value",
                {},
                "Kinds are first_name, last_name, full_name, email, url, company, street, city, "
                "postal_code, country, phone, ip and text."};
}

} // namespace saas::core::privacy
