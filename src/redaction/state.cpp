// SPDX-License-Identifier: PostgreSQL
#include "redaction/state.hpp"

#include "redaction/catalog.hpp"
#include "redaction/known_texts.hpp"
#include "redaction/met_names.hpp"

#include <array>
#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "pgstat.h"               // pgstat_track_activities
#include "tcop/tcopprot.h"        // debug_query_string
#include "utils/backend_status.h" // pgstat_report_activity
}

namespace saas::redaction {
namespace {

// Hashes of texts, each where it belongs by its lowest bits.
std::array<std::uint64_t, 8192> harmless{};
std::uint64_t harmless_activity = 0; // hash of what pg_stat_activity shows of the last one
bool secret_call = false;

std::uint64_t &place_of(std::uint64_t hash) noexcept { return harmless[hash % harmless.size()]; }

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

void found_harmless(const char *text) noexcept {
    const std::uint64_t hash = hash_text(text);
    place_of(hash) = hash;
    harmless_activity = MyBEEntry == nullptr ? 0 : hash_text(MyBEEntry->st_activity_raw);
}

bool is_harmless(const char *text) noexcept {
    const std::uint64_t hash = hash_text(text);
    return place_of(hash) == hash;
}

void hide_activity() noexcept {
    if (shows_text())
        report("/* redacted */ statement withheld");
}

void hide_unknown_activity() noexcept {
    if (!shows_text() || !may_have_package())
        return;
    const char *text = MyBEEntry->st_activity_raw; // the server has forgotten the statement by now
    if (hash_text(text) != harmless_activity && !is_harmless(text) && may_handle_secrets(text))
        hide_activity();
}

void found_secret_call() noexcept { secret_call = true; }
void forget_secret_call() noexcept { secret_call = false; }
bool in_secret_call() noexcept { return secret_call; }

} // namespace saas::redaction
