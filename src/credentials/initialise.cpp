// SPDX-License-Identifier: PostgreSQL
#include "credentials/initialise.hpp"

#include "credentials/key_row.hpp"
#include "credentials/shared_attempts.hpp"
#include "credentials/shared_usage.hpp"
#include "credentials/webauthn.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/guc.h" // DefineCustomIntVariable
}

namespace saas::credentials {
namespace {

int password_cost = 10;
int password_min_length = 12;

} // namespace

void initialise() {
    DefineCustomIntVariable("saas.password_cost", "Work of hashing a password, as a power of two.",
                            "Cost of bcrypt. Passwords that were hashed with less are hashed again "
                            "at the next sign-in.",
                            &password_cost, password_cost, 4, 18, PGC_SUSET, 0, nullptr, nullptr,
                            nullptr);
    DefineCustomIntVariable(
        "saas.password_min_length", "Least number of characters of a new password.", nullptr,
        &password_min_length, password_min_length, 8, 64, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    define_webauthn_settings();
    request_shared_usage();
    request_shared_attempts();
    watch_tables();
}

} // namespace saas::credentials
