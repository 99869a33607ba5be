// SPDX-License-Identifier: PostgreSQL
#include "encryption/blind_index.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "core/encryption/blind_index.hpp"
#include "encryption/data_keys.hpp"
#include "encryption/keystore.hpp"
#include "pg/boundary.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/parallel.h"     // IsInParallelMode
#include "access/xact.h"         // XactReadOnly
#include "catalog/pg_type.h"     // INT8OID
#include "common/unicode_norm.h" // unicode_normalize
#include "mb/pg_wchar.h"         // utf8_to_unicode
#include "utils/array.h"         // construct_array
}

namespace saas::encryption {
namespace {

using numbers = std::vector<std::uint64_t>;

constinit pg::watched_table keys_table{"encryption_keys"};

// Numbers of the keys of an index, the newest first. None is never kept: a new row is not announced.
struct kept_numbers {
    boost::unordered_flat_map<std::string, numbers> of_index;
    std::uint64_t generation = 0;
};
kept_numbers &kept() {
    static kept_numbers value;
    return value;
}

std::string name_of(const core::uuid &team, const core::uuid &asset) {
    std::string name(team.begin(), team.end());
    name.append(asset.begin(), asset.end());
    return name;
}

numbers read_numbers(const core::uuid &team, const core::uuid &asset) {
    std::vector<pg::text_row> rows;
    {
        pg::as_role reader{pg::internal_role_id()};
        pg::spi connection;
        rows = connection.query_newest(
            "SELECT k.key_no::pg_catalog.text FROM saas.encryption_keys AS k"
            " WHERE k.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
            " AND k.kind OPERATOR(pg_catalog.=) 'index' AND k.subject_id IS NULL"
            " AND k.asset_id OPERATOR(pg_catalog.=) $2::pg_catalog.uuid"
            " AND k.status OPERATOR(pg_catalog.=) ANY (ARRAY['active', 'decrypt_only'])"
            " ORDER BY k.version DESC",
            {core::to_text(team), core::to_text(asset)});
        connection.close();
    }
    numbers found;
    for (const pg::text_row &row : rows) {
        std::uint64_t number = 0;
        std::from_chars(row[0]->data(), row[0]->data() + row[0]->size(), number);
        found.push_back(number);
    }
    return found;
}

const numbers &numbers_of(const core::uuid &team, const core::uuid &asset) {
    kept_numbers &known = kept();
    if (known.generation != keys_table.generation()) {
        if (!keys_table.find())
            pg::refuse_not_deployed();
        known.of_index.clear();
        known.generation = keys_table.generation();
    }
    const std::string name = name_of(team, asset);
    auto found = known.of_index.find(name);
    if (found == known.of_index.end()) {
        found = known.of_index.emplace(name, read_numbers(team, asset)).first;
        if (found->second.empty()) {
            known.of_index.erase(found);
            static const numbers none;
            return none;
        }
    }
    return found->second;
}

core::encryption::index_hasher &hasher() {
    static core::encryption::index_hasher all;
    return all;
}

// A key that was made in a transaction that is rolled back was never there.
void ended(XactEvent event, void *) {
    if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)
        kept().of_index.clear();
}
void ended_inside(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (event == SUBXACT_EVENT_ABORT_SUB)
        kept().of_index.clear();
}

bool can_write() { return !XactReadOnly && !IsInParallelMode(); }

// NFKC. Bytes that are no text, which a column of type bytea may hold, stay as they are.
std::string normalised(std::span<const std::uint8_t> value) {
    std::string text{reinterpret_cast<const char *>(value.data()), value.size()};
    const char *begin = text.data();
    const int size = static_cast<int>(text.size());
    if (std::all_of(value.begin(), value.end(), [](std::uint8_t byte) { return byte < 0x80; }) ||
        !pg_verify_mbstr(PG_UTF8, begin, size, true))
        return text;
    const char *out = pg::call([=] {
        auto *characters = static_cast<pg_wchar *>(
            palloc(static_cast<Size>(size + 1) * sizeof(pg_wchar)));
        int count = 0;
        const auto *at = reinterpret_cast<const unsigned char *>(begin);
        for (const auto *end = at + size; at < end; at += pg_utf_mblen(at))
            characters[count++] = utf8_to_unicode(at);
        characters[count] = 0;
        const pg_wchar *composed = unicode_normalize(UNICODE_NFKC, characters);
        for (count = 0; composed[count] != 0; ++count) {
        }
        auto *bytes = static_cast<unsigned char *>(palloc(static_cast<Size>(count) * 4 + 1));
        unsigned char *next = bytes;
        for (int i = 0; i < count; ++i) {
            unicode_to_utf8(composed[i], next);
            next += pg_utf_mblen(next);
        }
        *next = '\0';
        return reinterpret_cast<char *>(bytes);
    });
    return out;
}

// What is indexed of the value; empty for nothing.
std::string indexed_part(const index_rule &rule, std::span<const std::uint8_t> value) {
    std::string folded = core::encryption::fold(normalised(value));
    if (rule.kind == index_kind::prefix)
        return std::string{core::encryption::first_characters(
            folded, static_cast<std::size_t>(rule.characters))};
    if (rule.kind == index_kind::last_four)
        return core::encryption::last_four(folded);
    return folded;
}

bool has_part(const index_rule &rule, const std::string &part) {
    return rule.kind == index_kind::exact || !part.empty();
}

} // namespace

void initialise_blind_index() {
    keys_table.watch();
    RegisterXactCallback(ended, nullptr);
    RegisterSubXactCallback(ended_inside, nullptr);
}

void forget_index_hasher() noexcept { hasher().forget(); }

void check_rule(const index_rule &rule) {
    if (rule.bits < 1 || rule.bits > core::encryption::k_most_index_bits)
        throw core::error{core::k_invalid_parameter_value, "a blind index has 1 to 63 bits"};
    if (rule.characters < 1 || rule.characters > 100)
        throw core::error{core::k_invalid_parameter_value, "a prefix has 1 to 100 characters"};
}

std::optional<std::int64_t> index_of(const core::uuid &team, const core::uuid &asset,
                                     const index_rule &rule, std::span<const std::uint8_t> value) {
    require_unsealed();
    const std::string part = indexed_part(rule, value);
    if (!has_part(rule, part) || (!can_write() && numbers_of(team, asset).empty()))
        return std::nullopt;
    const usable_key key = key_to_encrypt({team, "index", std::nullopt, asset}, key_use::index);
    return hasher().blind_index(key.bytes, part, rule.bits);
}

Datum index_candidates(const core::uuid &team, const core::uuid &asset, const index_rule &rule,
                       std::span<const std::uint8_t> value) {
    require_unsealed();
    std::vector<Datum> found;
    const std::string part = indexed_part(rule, value);
    if (has_part(rule, part)) {
        for (const std::uint64_t number : numbers_of(team, asset)) {
            if (const auto key = key_to_decrypt(team, number, key_use::index))
                found.push_back(
                    Int64GetDatum(hasher().blind_index(key->bytes, part, rule.bits)));
        }
    }
    Datum *values = found.data();
    const int count = static_cast<int>(found.size());
    return pg::call([=] {
        return PointerGetDatum(construct_array(values, count, INT8OID, sizeof(std::int64_t), true,
                                               TYPALIGN_DOUBLE));
    });
}

} // namespace saas::encryption
