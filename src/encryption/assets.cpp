// SPDX-License-Identifier: PostgreSQL
#include "encryption/assets.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <charconv>
#include <string>

#include "encryption/errors.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/lsyscache.h" // get_attnum
}

namespace saas::encryption {
namespace {

constexpr core::sqlstate k_undefined_column{"42703"};

constinit pg::watched_table assets_table{"data_assets"};

using asset_map = boost::unordered_flat_map<std::uint64_t, core::uuid>;
struct kept_assets {
    asset_map columns;
    std::uint64_t generation = 0;
};
kept_assets &kept() {
    static kept_assets value;
    return value;
}

std::uint64_t column_key(Oid table, int number) noexcept {
    return std::uint64_t{table} << 16 | static_cast<std::uint16_t>(number);
}

std::uint64_t number_of(const pg::text_value &text) {
    std::uint64_t value = 0;
    if (text)
        std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

// As saas_internal; the view knows where columns are after a restore.
asset_map load() {
    std::vector<pg::text_row> rows;
    {
        pg::as_role reader{pg::internal_role_id()};
        pg::spi connection;
        rows = connection.query_newest(
            "SELECT a.id::pg_catalog.text, a.table_oid::pg_catalog.text,"
            " a.column_number::pg_catalog.text FROM saas.located_data_assets AS a"
            " WHERE a.variant OPERATOR(pg_catalog.=) '' AND a.column_number IS NOT NULL");
        connection.close();
    }
    asset_map columns;
    for (const pg::text_row &row : rows) {
        if (auto id = core::parse_uuid(row[0].value_or("")))
            columns.insert_or_assign(column_key(static_cast<Oid>(number_of(row[1])),
                                                static_cast<int>(number_of(row[2]))),
                                     *id);
    }
    return columns;
}

} // namespace

void initialise_assets() {
    assets_table.watch();
}

core::uuid asset_of(Oid table, const char *column) {
    const AttrNumber number = pg::call([&] { return get_attnum(table, column); });
    if (number <= 0)
        throw core::error{k_undefined_column, "the table has no such column"};
    kept_assets &known = kept();
    if (known.generation != assets_table.generation()) {
        if (!assets_table.find())
            pg::refuse_not_deployed();
        const std::uint64_t before = assets_table.generation();
        known.columns = load();
        known.generation = before;
    }
    auto found = known.columns.find(column_key(table, number));
    if (found == known.columns.end())
        throw core::error{k_no_asset,
                          "the column is not registered as an asset",
                          {},
                          "Register it with saas.register_asset()."};
    return found->second;
}

} // namespace saas::encryption
