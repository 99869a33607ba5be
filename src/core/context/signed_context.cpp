// SPDX-License-Identifier: PostgreSQL
#include "core/context/signed_context.hpp"

#include <charconv>

#include "core/sha256.hpp"

namespace saas::core::context {
namespace {

constexpr std::string_view k_version = "v1";
constexpr std::array<std::string_view, 5> k_roles{"viewer", "member", "admin", "owner", "service"};
constexpr std::size_t k_fields = 9; // before the signature
constexpr std::size_t k_longest = 320 + k_most_scopes * (k_longest_scope + 1);

digest signature_of(std::string_view text, const signing_key &key) {
    std::span<const std::uint8_t> parts[] = {bytes_of(text)};
    return hmac_sha256(key, parts);
}

template <class Integer>
bool parse_integer(std::string_view text, Integer &value) noexcept {
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    return problem == std::errc{} && end == text.data() + text.size();
}

std::string optional_uuid(const std::optional<uuid> &value) {
    return value ? to_text(*value) : std::string{"-"};
}

// False when the text is neither a UUID nor `-`.
bool parse_optional_uuid(std::string_view text, std::optional<uuid> &value) noexcept {
    value = parse_uuid(text);
    return value || text == "-";
}

bool parse_scopes(std::string_view text, std::optional<scope_list> &value) {
    if (text == "-")
        return true;
    if (!text.starts_with('='))
        return false;
    value = split_scopes(text.substr(1));
    return value.has_value();
}

// Splits off what stands before the next dot.
std::string_view take_field(std::string_view &rest) noexcept {
    std::string_view field = rest.substr(0, rest.find('.'));
    rest.remove_prefix(std::min(field.size() + 1, rest.size()));
    return field;
}

} // namespace

std::string_view name_of(team_role role) noexcept { return k_roles[static_cast<std::size_t>(role)]; }

std::optional<team_role> parse_role(std::string_view name) noexcept {
    for (std::size_t i = 0; i < k_roles.size(); ++i) {
        if (k_roles[i] == name)
            return static_cast<team_role>(i);
    }
    return std::nullopt;
}

std::string sign(const request_context &context, const signing_key &key) {
    std::string text{k_version};
    text += '.' + to_text(context.team);
    text += '.' + optional_uuid(context.user);
    text += '.' + std::string{name_of(context.role)};
    text += '.' + std::to_string(context.binding.started_at);
    text += '.' + std::to_string(context.binding.pid);
    text += '.' + std::to_string(context.binding.number);
    text += '.' + optional_uuid(context.credential);
    text += context.scopes ? ".=" + join_scopes(*context.scopes) : std::string{".-"};
    return text + '.' + to_hex(signature_of(text, key));
}

std::optional<request_context> verify(std::string_view text, const signing_key &key) {
    std::size_t last = text.rfind('.');
    if (text.size() > k_longest || last == std::string_view::npos)
        return std::nullopt;
    digest claimed{};
    if (!from_hex(text.substr(last + 1), claimed) ||
        !equal_constant_time(claimed, signature_of(text.substr(0, last), key)))
        return std::nullopt;

    std::string_view rest = text.substr(0, last);
    std::array<std::string_view, k_fields> field;
    for (std::string_view &part : field)
        part = take_field(rest);
    auto team = parse_uuid(field[1]);
    auto role = parse_role(field[3]);
    request_context context{};
    bool whole = rest.empty() && field[0] == k_version && team && role &&
                 parse_optional_uuid(field[2], context.user) &&
                 parse_integer(field[4], context.binding.started_at) &&
                 parse_integer(field[5], context.binding.pid) &&
                 parse_integer(field[6], context.binding.number) &&
                 parse_optional_uuid(field[7], context.credential) && parse_scopes(field[8], context.scopes);
    if (!whole)
        return std::nullopt;
    context.team = *team;
    context.role = *role;
    return context;
}

} // namespace saas::core::context
