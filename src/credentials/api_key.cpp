// SPDX-License-Identifier: PostgreSQL
// API keys: making them, telling them apart, and the request context that they stand for.
#include <algorithm>
#include <cstring>
#include <optional>

#include <sys/socket.h> // AF_INET, which utils/inet.h means

#include "context/context.hpp"
#include "core/credentials/api_key.hpp"
#include "core/error.hpp"
#include "credentials/key_row.hpp"
#include "credentials/keyed_hash.hpp"
#include "credentials/shared_usage.hpp"
#include "pg/datum.hpp"
#include "pg/tuple.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/inet.h"      // inet
#include "utils/timestamp.h" // GetCurrentTimestamp
#include "utils/uuid.h"      // pg_uuid_t
}

using namespace saas; // NOLINT: entry points only
using core::credentials::address;
using core::credentials::api_key;
using core::credentials::key_problem;

namespace {

constexpr core::sqlstate k_mistyped{"SA120"};
constexpr core::sqlstate k_not_valid{"SA121"};
constexpr core::sqlstate k_other_address{"SA122"};
constexpr core::sqlstate k_too_many{"SA123"};
constexpr std::string_view k_kind = "api_key";

core::uuid uuid_argument(Datum value) {
    core::uuid out{};
    std::memcpy(out.data(), DatumGetUUIDP(value)->data, UUID_LEN);
    return out;
}

address address_of(Datum value) {
    const inet *ip = pg::call([&] { return DatumGetInetPP(value); });
    address out{static_cast<std::uint8_t>(ip_addrsize(ip)), {}};
    std::copy_n(ip_addr(ip), out.length, out.bytes.begin());
    return core::credentials::unmapped(out);
}

// A new inet of the whole address.
Datum inet_datum(const address &from) {
    auto *out = static_cast<inet *>(pg::call([] { return palloc0(sizeof(inet)); }));
    ip_family(out) = from.length == 4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
    ip_bits(out) = static_cast<unsigned char>(from.length * 8);
    std::copy_n(from.bytes.begin(), from.length, ip_addr(out));
    SET_INET_VARSIZE(out);
    return InetPGetDatum(out);
}

std::optional<api_key> parsed(const std::string &token, std::optional<key_problem> &problem) {
    const auto result = core::credentials::parse_api_key(token);
    if (const auto *key = std::get_if<api_key>(&result))
        return *key;
    problem = std::get<key_problem>(result);
    return std::nullopt;
}

api_key require_form(const std::string &token) {
    std::optional<key_problem> problem;
    if (auto key = parsed(token, problem))
        return *key;
    throw core::error{
        k_mistyped,
        *problem == key_problem::mistyped ? "the API key is mistyped or cut off"
                                          : "this is no API key",
        "The checksum inside does not fit; no table was read.",
        "An API key has 96 characters and begins with sk_live_ or sk_test_: copy it again."};
}

[[noreturn]] void refuse(credentials::key_state state) {
    using enum credentials::key_state;
    switch (state) {
    case revoked:
        throw core::error{
            k_not_valid, "the API key was revoked", {}, "Ask an admin of the team for a new one."};
    case expired:
        throw core::error{
            k_not_valid, "the API key has expired", {}, "Ask an admin of the team for a new one."};
    case inactive_team:
        throw core::error{k_not_valid, "the team of the API key is not active"};
    case other_address:
        throw core::error{k_other_address, "the API key may not be used from this address",
                          "It is limited to certain networks.",
                          "Give the caller's address as p_ip, or change the key's networks."};
    case valid:
        break;
    }
    throw core::error{k_not_valid,
                      "the API key is not valid",
                      {},
                      "There is no such key: it was never there, or was deleted."};
}

[[noreturn]] void refuse_rate(std::int64_t retry_after) {
    const std::int64_t milliseconds = retry_after / 1'000'000 + 1;
    throw core::error{k_too_many,
                      "the rate limit of the API key is reached",
                      {},
                      "Try again in " + std::to_string(milliseconds) + " ms."};
}

// Compares and decides. For whoever has the right secret the error says what became of the key; for
// everybody else there is one answer, which takes the same work whether there is such a key or not.
void admit(const api_key &key, const std::string &token, const credentials::key_row &row,
           const address &from, std::optional<Datum> ip) {
    const std::int64_t now = GetCurrentTimestamp();
    const bool shared = credentials::has_shared_usage();
    const bool genuine = row.found ? credentials::matches(row.hash, k_kind, token)
                                   : credentials::hash_of(k_kind, token) == row.hash;
    if (!genuine || row.state != credentials::key_state::valid) {
        if (row.found && shared)
            credentials::count_refusal(key.key, key.team, from, now);
        refuse(genuine ? row.state : credentials::key_state::valid);
    }
    const auto limit = row.has_limit ? std::optional{row.limit} : std::nullopt;
    const auto answer = shared ? credentials::use_key(key.key, key.team, limit, from, now)
                               : credentials::use_key_row(key.team, key.key, row, ip);
    if (!answer.allowed)
        refuse_rate(answer.retry_after);
}

} // namespace

SAAS_FUNCTION(saas_authenticate_api_key) {
    if (PG_ARGISNULL(0))
        throw core::error{k_mistyped, "this is no API key"};
    const std::string token = pg::text_string(PG_GETARG_DATUM(0));
    const api_key key = require_form(token);
    const address from = PG_ARGISNULL(1) ? address{} : address_of(PG_GETARG_DATUM(1));
    const auto ip = from.length == 0 ? std::nullopt : std::optional{inet_datum(from)};
    const credentials::key_row row = credentials::read_key(key.team, key.key, ip);
    admit(key, token, row, from, ip);

    const auto role = core::context::parse_role(row.role);
    auto scopes = core::context::split_scopes(row.scopes);
    if (!role || !scopes)
        throw core::error{core::k_internal_error, "the row of the API key has another form"};
    pg::tuple answer{fcinfo, 4};
    answer.set(0, pg::uuid_datum(key.team));
    answer.set(1, pg::uuid_datum(key.key));
    answer.set(2, pg::text_datum(row.role));
    answer.set(3, pg::text_array_datum(*scopes));
    context::set({key.team, std::nullopt, *role, {}, key.key, std::move(scopes)});
    return answer.datum();
}

// What the text of a key says, without a look at any table.
SAAS_FUNCTION(saas_parse_api_key) {
    pg::tuple answer{fcinfo, 4};
    std::optional<key_problem> problem;
    const std::string token = PG_ARGISNULL(0) ? std::string{} : pg::text_string(PG_GETARG_DATUM(0));
    if (const auto key = parsed(token, problem)) {
        answer.set(
            0, pg::text_datum(key->mode == core::credentials::key_mode::live ? "live" : "test"));
        answer.set(1, pg::uuid_datum(key->team));
        answer.set(2, pg::uuid_datum(key->key));
    } else {
        answer.set(3,
                   pg::text_datum(*problem == key_problem::mistyped ? "mistyped" : "other form"));
    }
    return answer.datum();
}

SAAS_FUNCTION(saas_make_api_key) {
    api_key key{PG_GETARG_BOOL(2) ? core::credentials::key_mode::test
                                  : core::credentials::key_mode::live,
                uuid_argument(PG_GETARG_DATUM(1)),
                uuid_argument(PG_GETARG_DATUM(0)),
                {}};
    if (!pg_strong_random(key.secret.data(), key.secret.size()))
        throw core::error{core::k_internal_error, "could not generate random bytes"};
    const std::string token = core::credentials::to_text(key);
    pg::tuple answer{fcinfo, 3};
    answer.set(0, pg::text_datum(token));
    answer.set(1, pg::text_datum(token.substr(0, core::credentials::k_api_key_prefix)));
    answer.set(2, pg::bytea_datum(credentials::hash_of(k_kind, token)));
    return answer.datum();
}
