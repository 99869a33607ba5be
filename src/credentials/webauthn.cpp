// SPDX-License-Identifier: PostgreSQL
#include "credentials/webauthn.hpp"

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/webauthn/ceremony.hpp"
#include "pg/datum.hpp"
#include "pg/tuple.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/guc.h" // DefineCustomStringVariable
}

using namespace saas; // NOLINT: entry points

namespace {

namespace webauthn = core::webauthn;

constexpr core::sqlstate k_not_set_up{"SA098"};

char *id_setting = nullptr;
char *name_setting = nullptr;
char *origins_setting = nullptr;
int verification_setting = 0;
bool ignores_attestation = true;

constexpr int k_required = 2;
const config_enum_entry k_verifications[] = {{"discouraged", 0, false},
                                             {"preferred", 1, false},
                                             {"required", k_required, false},
                                             {nullptr, 0, false}};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

webauthn::relying_party party() {
    webauthn::relying_party out;
    out.id = trimmed(id_setting);
    if (out.id.empty())
        throw core::error{
            k_not_set_up,
            "hardware keys are not set up",
            {},
            "Set saas.webauthn_rp_id to the domain that users sign in at, for example by ALTER "
            "DATABASE … SET saas.webauthn_rp_id = 'example.com'."};
    std::string_view rest = origins_setting;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        if (const auto origin = trimmed(rest.substr(0, end)); !origin.empty())
            out.origins.emplace_back(origin);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (out.origins.empty())
        out.origins.push_back("https://" + out.id);
    out.requires_user_verification = verification_setting == k_required;
    out.believes_others = ignores_attestation;
    return out;
}

std::string bytes_argument(FunctionCallInfo fcinfo, int at) {
    const auto bytes = pg::bytes(PG_GETARG_DATUM(at));
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

Datum bytes_datum(std::string_view bytes) {
    return pg::bytea_datum({reinterpret_cast<const std::uint8_t *>(bytes.data()), bytes.size()});
}

const char *algorithm_name(std::int64_t number) {
    return number == -7 ? "ES256" : number == -8 ? "EdDSA" : "RS256";
}

} // namespace

namespace saas::credentials {

void define_webauthn_settings() {
    DefineCustomStringVariable(
        "saas.webauthn_rp_id", "Domain that hardware keys are registered for.",
        "The relying party's id of Web Authentication: the domain that users sign in at, or "
        "one above it. Keys work for no other one.",
        &id_setting, "", PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable("saas.webauthn_rp_name",
                               "Name that is shown when a hardware key is registered.",
                               "Empty for that of the domain.", &name_setting, "", PGC_SUSET, 0,
                               nullptr, nullptr, nullptr);
    DefineCustomStringVariable(
        "saas.webauthn_origins", "Origins of the pages that hardware keys are used on.",
        "As browsers write them, with commas between them: https://example.com. Empty for https "
        "on the domain itself.",
        &origins_setting, "", PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomEnumVariable("saas.webauthn_user_verification",
                             "Whether a hardware key asks for a PIN or a fingerprint.",
                             "With required, an answer without it is refused.",
                             &verification_setting, 0, k_verifications, PGC_SUSET, 0, nullptr,
                             nullptr, nullptr);
    DefineCustomBoolVariable("saas.webauthn_ignore_attestation",
                             "Whether attestation in a format that is not verified is passed over.",
                             "Otherwise a key with it is refused.", &ignores_attestation, true,
                             PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

} // namespace saas::credentials

// Id, name, what is asked of user verification.
SAAS_FUNCTION(saas_webauthn_party) {
    const auto asked = party();
    const std::string_view name = trimmed(name_setting);
    pg::tuple answer{fcinfo, 3};
    answer.set(0, pg::text_datum(asked.id));
    answer.set(1, pg::text_datum(name.empty() ? std::string_view{asked.id} : name));
    answer.set(2, pg::text_datum(k_verifications[verification_setting].name));
    return answer.datum();
}

// Response, challenge: the reason of a refusal, or the credential.
SAAS_FUNCTION(saas_webauthn_registration) {
    const auto result = webauthn::check_registration(pg::text_string(PG_GETARG_DATUM(0)),
                                                     bytes_argument(fcinfo, 1), party());
    pg::tuple answer{fcinfo, 11};
    if (const auto *why = std::get_if<webauthn::refusal>(&result)) {
        answer.set(0, pg::text_datum(name_of(*why)));
        return answer.datum();
    }
    const auto &made = std::get<webauthn::registration>(result);
    answer.set(1, bytes_datum(made.credential_id));
    answer.set(2, bytes_datum(made.public_key));
    answer.set(3, pg::text_datum(algorithm_name(made.algorithm)));
    answer.set(4, Int64GetDatum(made.sign_count));
    answer.set(5, BoolGetDatum(made.user_verified));
    answer.set(6, BoolGetDatum(made.backup_eligible));
    answer.set(7, BoolGetDatum(made.backed_up));
    answer.set(8, pg::uuid_datum(made.model));
    answer.set(9, pg::text_datum(name_of(made.attested)));
    answer.set(10, pg::text_array_datum(made.transports));
    return answer.datum();
}

// Response: whose it says it is, and the challenge it answers.
SAAS_FUNCTION(saas_webauthn_claim) {
    const auto claimed = webauthn::read_assertion(pg::text_string(PG_GETARG_DATUM(0)));
    pg::tuple answer{fcinfo, 3};
    if (claimed) {
        answer.set(0, bytes_datum(claimed->credential_id));
        answer.set(1, bytes_datum(claimed->challenge));
        if (claimed->user_handle)
            answer.set(2, bytes_datum(*claimed->user_handle));
    }
    return answer.datum();
}

// Response, challenge, public key, counter, whether the key can be backed up.
SAAS_FUNCTION(saas_webauthn_assertion) {
    const std::string key = bytes_argument(fcinfo, 2);
    const webauthn::credential kept{key, static_cast<std::uint32_t>(PG_GETARG_INT64(3)),
                                    PG_GETARG_BOOL(4)};
    const auto result = webauthn::check_assertion(pg::text_string(PG_GETARG_DATUM(0)),
                                                  bytes_argument(fcinfo, 1), kept, party());
    pg::tuple answer{fcinfo, 4};
    if (const auto *why = std::get_if<webauthn::refusal>(&result)) {
        answer.set(0, pg::text_datum(name_of(*why)));
        return answer.datum();
    }
    const auto &proved = std::get<webauthn::assertion>(result);
    answer.set(1, Int64GetDatum(proved.sign_count));
    answer.set(2, BoolGetDatum(proved.user_verified));
    answer.set(3, BoolGetDatum(proved.backed_up));
    return answer.datum();
}
