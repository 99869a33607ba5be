// SPDX-License-Identifier: PostgreSQL
#include "pg/settings.hpp"

#include <array>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/guc.h" // DefineCustomStringVariable
}

namespace saas::pg {
namespace {

enum role_index { k_app, k_anonymous, k_analyst, k_service, k_migrator, k_internal, k_role_count };

// `configured` is the variable that the setting writes to.
std::array<package_role, k_role_count> role_settings{{{"saas_app", nullptr},
                                                      {"saas_anonymous", nullptr},
                                                      {"saas_analyst", nullptr},
                                                      {"saas_service", nullptr},
                                                      {"saas_migrator", nullptr},
                                                      {"saas_internal", nullptr}}};

int trusted_setting = static_cast<int>(trusted_source::off);

// The first spelling of a value is the one that SHOW gives.
constexpr config_enum_entry option(const char *name, trusted_source source, bool hidden) {
    return {name, static_cast<int>(source), hidden};
}
constexpr std::array<config_enum_entry, 12> k_trusted_options{{
    option("off", trusted_source::off, false),
    option("app", trusted_source::app, false),
    option("jwt", trusted_source::jwt, false),
    option("both", trusted_source::both, false),
    option("on", trusted_source::app, true),
    option("true", trusted_source::app, true),
    option("yes", trusted_source::app, true),
    option("1", trusted_source::app, true),
    option("false", trusted_source::off, true),
    option("no", trusted_source::off, true),
    option("0", trusted_source::off, true),
    {nullptr, 0, false},
}};

// Long enough for a W3C traceparent (55 bytes) and for gateways that join several ids.
constexpr std::size_t k_request_id_bytes = 200;
char *request_id_setting = nullptr;

bool check_request_id(char **value, void **, GucSource) {
    if (*value == nullptr || std::strlen(*value) <= k_request_id_bytes)
        return true;
    GUC_check_errdetail("A request id has at most 200 bytes.");
    return false;
}

int fraud_list_memory_setting = 262'144;

void define_role(role_index index, const char *setting, const char *description) {
    package_role &role = role_settings[index];
    DefineCustomStringVariable(setting, description,
                               "Read when the extension is created and when it is deployed.",
                               const_cast<char **>(&role.configured), role.name, PGC_SUSET, 0,
                               nullptr, nullptr, nullptr);
}

} // namespace

std::span<const package_role> package_roles() { return role_settings; }

const char *configured_internal_role() noexcept { return role_settings[k_internal].configured; }

trusted_source trusted_settings() noexcept {
    return static_cast<trusted_source>(trusted_setting);
}

const char *request_id() noexcept {
    return request_id_setting == nullptr ? "" : request_id_setting;
}

int fraud_list_memory() noexcept { return fraud_list_memory_setting; }

void define_settings() {
    define_role(k_app, "saas.role_app", "Name of the role that applications use.");
    define_role(k_anonymous, "saas.role_anonymous", "Name of the role of visitors without account.");
    define_role(k_analyst, "saas.role_analyst", "Name of the role that reads masked data.");
    define_role(k_service, "saas.role_service", "Name of the role of workers, which vouch for users.");
    define_role(k_migrator, "saas.role_migrator", "Name of the role that deploys and migrates.");
    define_role(k_internal, "saas.role_internal", "Name of the role that owns SECURITY DEFINER functions.");
    DefineCustomEnumVariable(
        "saas.trusted_settings",
        "Which ordinary settings are honoured as the request context.",
        "app: app.current_user_id and app.current_team_id; jwt: request.jwt.claims; both; or off."
        " Anyone who can run SQL can then be anyone: only where each login is one application.",
        &trusted_setting, static_cast<int>(trusted_source::off), k_trusted_options.data(),
        PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable("saas.request_id",
                               "The application's id of the request, recorded in the audit trail.",
                               "At most 200 bytes.", &request_id_setting, "", PGC_USERSET,
                               GUC_NOT_IN_SAMPLE, check_request_id, nullptr, nullptr);
    DefineCustomIntVariable("saas.fraud_list_memory",
                            "Memory that the fraud lists kept by one session may take.",
                            "A list that alone is larger is looked up in its table.",
                            &fraud_list_memory_setting, 262'144, 64, 4'194'304, PGC_SUSET,
                            GUC_UNIT_KB, nullptr, nullptr, nullptr);
}

} // namespace saas::pg
