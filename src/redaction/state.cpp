// SPDX-License-Identifier: PostgreSQL
#include "redaction/state.hpp"

#include "redaction/known_texts.hpp"

#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "pgstat.h"               // pgstat_track_activities
#include "tcop/tcopprot.h"        // debug_query_string
#include "utils/backend_status.h" // pgstat_report_activity
}

namespace saas::redaction {
namespace {

std::uint64_t harmless = 0; // hash of a text

// Unlike the server at the beginning of a statement, keeps the identifier of the query.
void report(const char *text) {
    const uint64 query = static_cast<uint64>(pgstat_get_my_query_id());
    pgstat_report_activity(STATE_RUNNING, text);
    if (query != 0)
        pgstat_report_query_id(query, true);
}

bool shows_text() noexcept {
    return MyBEEntry != nullptr && pgstat_track_activities &&
           MyBEEntry->st_state == STATE_RUNNING && !is_masked(MyBEEntry->st_activity_raw);
}

} // namespace

void found_secret(const char *text) {
    if (!is_masked(text))
        remember_text(text);
    const char *statement = debug_query_string;
    if (statement == nullptr)
        return;
    if (statement != text && !is_masked(statement))
        remember_text(statement);
    if (shows_text())
        report(masked_text(statement));
}

void found_again() {
    const char *statement = debug_query_string;
    if (statement != nullptr && (shows_text() || !is_secret_text(statement)))
        found_secret(statement);
}

void found_harmless(const char *text) noexcept { harmless = hash_text(text); }

bool is_harmless(const char *text) noexcept { return harmless == hash_text(text); }

void hide_activity() noexcept {
    if (shows_text())
        report("/* redacted */ statement withheld");
}

} // namespace saas::redaction
