// SPDX-License-Identifier: PostgreSQL
#include "credentials/keyed_hash.hpp"

#include <algorithm>
#include <optional>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/package.hpp"
#include "pg/secret_key.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/uuid.h" // DatumGetUUIDP
}

using namespace saas; // NOLINT: entry points below

namespace saas::credentials {
namespace {

constexpr const char *k_table = "credential_keys";

core::digest digest_of(const pg::secret_key &key, std::string_view kind, std::string_view text) {
    static constexpr std::uint8_t k_end = 0;
    const std::span<const std::uint8_t> parts[] = {
        core::bytes_of(kind), {&k_end, 1}, core::bytes_of(text)};
    return core::hmac_sha256(key.key, parts);
}

keyed_hash hash_with(const pg::secret_key &key, std::string_view kind, std::string_view text) {
    const core::digest digest = digest_of(key, kind, text);
    keyed_hash out{};
    std::copy(digest.begin(), digest.end(), std::copy(key.id.begin(), key.id.end(), out.begin()));
    return out;
}

// The key with this id. A row never changes, so what was read once is kept.
const pg::secret_key *key_of(const pg::secret_id &id) {
    static std::optional<pg::secret_key> last;
    if (!last || last->id != id) {
        const auto found = pg::read_secret_key(k_table, &id);
        if (!found)
            return nullptr;
        last = found;
    }
    return &*last;
}

} // namespace

keyed_hash hash_of(std::string_view kind, std::string_view text) {
    const auto key = pg::read_secret_key(k_table);
    if (!key)
        pg::refuse_not_deployed();
    return hash_with(*key, kind, text);
}

std::optional<keyed_hash> hash_under(const pg::secret_id &id, std::string_view kind,
                                     std::string_view text) {
    const pg::secret_key *key = key_of(id);
    if (key == nullptr)
        return std::nullopt;
    return hash_with(*key, kind, text);
}

bool matches(std::span<const std::uint8_t> stored, std::string_view kind, std::string_view text) {
    if (stored.size() != keyed_hash{}.size())
        return false;
    pg::secret_id id{};
    std::copy_n(stored.begin(), id.size(), id.begin());
    const pg::secret_key *key = key_of(id);
    return key != nullptr &&
           core::equal_constant_time(stored.subspan(id.size()), digest_of(*key, kind, text));
}

} // namespace saas::credentials

SAAS_FUNCTION(saas_credential_hash) {
    const auto hash = credentials::hash_of(pg::text_string(PG_GETARG_DATUM(0)),
                                           pg::text_string(PG_GETARG_DATUM(1)));
    return pg::bytea_datum(hash);
}

// (key, kind, text) -> the hash, NULL when there is no such key
SAAS_FUNCTION(saas_credential_hash_under) {
    std::array<std::uint8_t, 16> id{};
    std::copy_n(DatumGetUUIDP(PG_GETARG_DATUM(0))->data, id.size(), id.begin());
    const auto hash = credentials::hash_under(id, pg::text_string(PG_GETARG_DATUM(1)),
                                              pg::text_string(PG_GETARG_DATUM(2)));
    if (!hash)
        PG_RETURN_NULL();
    return pg::bytea_datum(*hash);
}

SAAS_FUNCTION(saas_credential_matches) {
    const auto stored = pg::bytes(PG_GETARG_DATUM(0));
    PG_RETURN_BOOL(credentials::matches(stored, pg::text_string(PG_GETARG_DATUM(1)),
                                        pg::text_string(PG_GETARG_DATUM(2))));
}
