// SPDX-License-Identifier: PostgreSQL
// saas.find_provider_status() and saas.find_currency(): rows of reference tables by their keys,
// without a statement for each.
#include "payments/reference.hpp"

#include "payments/initialise.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"
#include "pg/tuple.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

using namespace saas; // NOLINT: entry points only

namespace {

constinit pg::watched_table status_table{"provider_status_map"};
constinit pg::watched_table currency_table{"currencies"};
constinit pg::watched_table exponent_table{"provider_currency_exponents"};

template <class Row>
struct kept_rows {
    std::uint64_t generation = 0;
    std::unordered_map<std::string, Row> rows;
};

struct provider_status {
    pg::text_value state;
    pg::text_value stage;
    pg::text_value machine;
    pg::text_value reason;
};

// No identifier of a provider, object or status has this character, which the tables cannot hold.
std::string key_of(std::string_view a, std::string_view b, std::string_view c) {
    std::string key;
    key.reserve(a.size() + b.size() + c.size() + 2);
    key.append(a).push_back('\0');
    key.append(b).push_back('\0');
    return key.append(c);
}

std::vector<pg::text_row> read_rows(const std::string &statement) {
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    std::vector<pg::text_row> rows = connection.query_newest(statement);
    connection.close();
    return rows;
}

const kept_rows<provider_status> &statuses() {
    static kept_rows<provider_status> kept;
    if (kept.generation == status_table.generation())
        return kept;
    if (!status_table.find())
        pg::refuse_not_deployed();
    const std::uint64_t before = status_table.generation(); // a change from here on counts
    kept_rows<provider_status> fresh{before, {}};
    for (pg::text_row &row :
         read_rows("SELECT m.provider, m.object, m.provider_status, m.state, m.stage,"
                   " m.machine, m.reason FROM saas.provider_status_map AS m"))
        fresh.rows.insert_or_assign(
            key_of(row[0].value_or(""), row[1].value_or(""), row[2].value_or("")),
            provider_status{std::move(row[3]), std::move(row[4]), std::move(row[5]),
                            std::move(row[6])});
    kept = std::move(fresh);
    return kept;
}

// Exponents of currencies by their code; of providers, by provider and code, where they count
// otherwise.
const kept_rows<int> &exponents() {
    static kept_rows<int> kept;
    if (kept.generation == currency_table.generation() + exponent_table.generation())
        return kept;
    if (!currency_table.find() || !exponent_table.find())
        pg::refuse_not_deployed();
    kept_rows<int> fresh{currency_table.generation() + exponent_table.generation(), {}};
    for (const pg::text_row &row :
         read_rows("SELECT '', c.code::pg_catalog.text, c.exponent::pg_catalog.text"
                   " FROM saas.currencies AS c WHERE c.exponent IS NOT NULL"
                   " UNION ALL SELECT p.provider, p.currency::pg_catalog.text, "
                   "p.exponent::pg_catalog.text"
                   " FROM saas.provider_currency_exponents AS p"
                   " WHERE p.purpose OPERATOR(pg_catalog.=) 'charge'")) {
        const std::string digits = row[2].value_or("");
        int exponent = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
        fresh.rows.insert_or_assign(key_of(row[0].value_or(""), row[1].value_or(""), {}), exponent);
    }
    kept = std::move(fresh);
    return kept;
}

void set_text(pg::tuple &out, int column, const pg::text_value &value) {
    if (value)
        out.set(column, pg::text_datum(*value));
}

} // namespace

void saas::payments::initialise_reference() {
    status_table.watch();
    currency_table.watch();
    exponent_table.watch();
}

std::optional<payments::known_currency>
saas::payments::find_currency(std::string_view provider, std::string_view given) {
    std::string code{given};
    const auto upper = [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    };
    std::transform(code.begin(), code.end(), code.begin(), upper);
    const auto &known = exponents().rows;
    known_currency out{};
    const auto found = known.find(key_of({}, code, {}));
    if (found == known.end() || code.size() != out.code.size())
        return {};
    const auto own = known.find(key_of(provider, code, {}));
    std::copy(code.begin(), code.end(), out.code.begin());
    out.exponent = found->second;
    out.provider_exponent = own == known.end() ? found->second : own->second;
    return out;
}

std::optional<std::string_view> saas::payments::find_state(std::string_view provider,
                                                           std::string_view object,
                                                           std::string_view status) {
    const auto &known = statuses().rows;
    const auto found = known.find(key_of(provider, object, status));
    if (found == known.end() || !found->second.state)
        return {};
    return *found->second.state;
}

SAAS_FUNCTION(saas_find_provider_status) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
        return pg::tuple{fcinfo, 4}.datum();
    const std::string_view provider = pg::text_view_unsafe(PG_GETARG_DATUM(0));
    const std::string_view object = pg::text_view_unsafe(PG_GETARG_DATUM(1));
    const std::string_view status = pg::text_view_unsafe(PG_GETARG_DATUM(2));
    const auto &known = statuses().rows;
    pg::tuple out{fcinfo, 4};
    if (auto found = known.find(key_of(provider, object, status)); found != known.end()) {
        set_text(out, 0, found->second.state);
        set_text(out, 1, found->second.stage);
        set_text(out, 2, found->second.machine);
        set_text(out, 3, found->second.reason);
    }
    return out.datum();
}

SAAS_FUNCTION(saas_find_currency) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
        return pg::tuple{fcinfo, 3}.datum();
    const std::string_view provider = pg::text_view_unsafe(PG_GETARG_DATUM(0));
    const std::string_view given = pg::text_view_unsafe(PG_GETARG_DATUM(1));
    const auto known = payments::find_currency(provider, given);
    pg::tuple out{fcinfo, 3};
    if (known) {
        out.set(0, pg::text_datum({known->code.data(), known->code.size()}));
        out.set(1, Int32GetDatum(known->exponent));
        out.set(2, Int32GetDatum(known->provider_exponent));
    }
    return out.datum();
}
