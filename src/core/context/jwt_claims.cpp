// SPDX-License-Identifier: PostgreSQL
#include "core/context/jwt_claims.hpp"

// The whole of Boost.JSON, compiled here: there is no library to link.
#include <boost/json/src.hpp>

namespace saas::core::context {
namespace {

namespace json = boost::json;

std::optional<uuid> uuid_of(const json::value *claim) {
    if (claim == nullptr || !claim->is_string())
        return std::nullopt;
    const json::string &text = claim->get_string();
    return parse_uuid(std::string_view{text.data(), text.size()});
}

// A team that is named but no UUID is not looked for elsewhere.
const json::value *team_of(const json::object &claims) {
    if (const json::value *team = claims.if_contains("team_id"))
        return team;
    const json::value *metadata = claims.if_contains("app_metadata");
    if (metadata == nullptr || !metadata->is_object())
        return nullptr;
    return metadata->get_object().if_contains("team_id");
}

} // namespace

std::optional<jwt_identity> parse_jwt_claims(std::string_view text) {
    if (text.size() > k_max_claims_bytes)
        return std::nullopt;
    json::error_code failed;
    json::monotonic_resource memory;
    const json::value claims = json::parse({text.data(), text.size()}, failed, &memory);
    if (failed || !claims.is_object())
        return std::nullopt;
    const json::object &object = claims.get_object();
    auto user = uuid_of(object.if_contains("sub"));
    auto team = uuid_of(team_of(object));
    if (!user || !team)
        return std::nullopt;
    return jwt_identity{*user, *team};
}

} // namespace saas::core::context
