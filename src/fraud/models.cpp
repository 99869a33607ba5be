// SPDX-License-Identifier: PostgreSQL
#include "fraud/models.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "pg/boundary.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {
namespace {

constexpr core::sqlstate k_damaged_model{"SA064"};
constexpr std::size_t k_kept_bytes = 268'435'456;
constexpr std::size_t k_kept_teams = 256;

constinit pg::watched_table models_table{"fraud_models"};

std::uint64_t next_use() {
    static std::uint64_t uses = 0;
    return ++uses;
}

struct kept_team {
    std::vector<model_entry> entries;
    std::uint64_t generation = 0;
    std::uint64_t used = 0;
};

// The bytes of a version never change, so it stays valid for as long as it is kept.
struct kept_model {
    std::unique_ptr<loaded_model> model;
    std::uint64_t used = 0;
};

using model_key = std::pair<core::uuid, core::uuid>; // team, model

std::map<core::uuid, kept_team> &teams() {
    static std::map<core::uuid, kept_team> all;
    return all;
}

std::map<model_key, kept_model> &models() {
    static std::map<model_key, kept_model> all;
    return all;
}

void find_table() {
    if (!models_table.find())
        pg::refuse_not_deployed();
}

// Reads as saas_internal, since what is kept serves every later caller in this backend, and with
// the newest snapshot, which an older one of a REPEATABLE READ transaction would outlive.
std::vector<pg::text_row> read_rows(const std::string &sql,
                                    const std::vector<pg::text_value> &arguments) {
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    std::vector<pg::text_row> rows = connection.query_newest(sql, arguments);
    connection.close();
    return rows;
}

std::string text_of(const pg::text_value &value) {
    return value.value_or(std::string{});
}

std::optional<model_entry> entry_of(const pg::text_row &row) {
    std::optional<core::uuid> id = core::parse_uuid(text_of(row[0]));
    std::string digits = text_of(row[2]);
    int version = 0;
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), version);
    if (!id)
        return std::nullopt;
    return model_entry{*id, text_of(row[1]), version, text_of(row[3]) == "champion"};
}

std::vector<model_entry> read_entries(const core::uuid &team) {
    std::vector<model_entry> out;
    for (const pg::text_row &row :
         read_rows("SELECT m.id::pg_catalog.text, m.name, m.version::pg_catalog.text, m.state"
                   " FROM saas.fraud_models AS m"
                   " WHERE m.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
                   " AND m.state OPERATOR(pg_catalog.<>) 'inactive' ORDER BY m.version",
                   {core::to_text(team)})) {
        if (std::optional<model_entry> entry = entry_of(row))
            out.push_back(std::move(*entry));
    }
    std::stable_sort(out.begin(), out.end(), [](const model_entry &a, const model_entry &b) {
        return a.name != b.name ? a.name < b.name : a.champion && !b.champion;
    });
    return out;
}

template <class Map>
void forget_least_used(Map &kept) {
    auto oldest = std::min_element(kept.begin(), kept.end(), [](const auto &a, const auto &b) {
        return a.second.used < b.second.used;
    });
    if (oldest != kept.end())
        kept.erase(oldest);
}

// Working memory and names weigh little beside the trees.
std::size_t kept_bytes() {
    std::size_t total = 0;
    for (const auto &each : models())
        total += each.second.model->model.bytes() + each.second.model->model.features * 256;
    return total;
}

std::string decode_bytes(const std::string &hex) {
    std::string bytes(hex.size() / 2, '\0');
    if (!core::from_hex(hex, {reinterpret_cast<std::uint8_t *>(bytes.data()), bytes.size()}))
        throw core::error{core::k_internal_error, "the server's hexadecimal digits are none"};
    return bytes;
}

std::unique_ptr<loaded_model> read_model_row(const core::uuid &team, const core::uuid &id) {
    std::vector<pg::text_row> rows =
        read_rows("SELECT m.format, pg_catalog.encode(m.model, 'hex'), m.features::pg_catalog.text,"
                  " m.options::pg_catalog.text, pg_catalog.encode(m.checksum, 'hex')"
                  " FROM saas.fraud_models AS m"
                  " WHERE m.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
                  " AND m.id OPERATOR(pg_catalog.=) $2::pg_catalog.uuid",
                  {core::to_text(team), core::to_text(id)});
    auto format = rows.empty() ? std::nullopt : core::fraud::model_format_of(text_of(rows[0][0]));
    std::string bytes = format ? decode_bytes(text_of(rows[0][1])) : std::string{};
    if (!format || core::to_hex(core::sha256(core::bytes_of(bytes))) != text_of(rows[0][4]))
        throw core::error{k_damaged_model,
                          "the stored fraud model is not the one that was imported",
                          "Model " + core::to_text(id) + ".", "Import the model again."};
    auto out = std::make_unique<loaded_model>();
    out->model =
        core::fraud::read_model(*format, bytes, core::fraud::read_options(text_of(rows[0][3])),
                                core::cancel_poll{pg::stop_requested});
    out->sources = core::fraud::read_feature_map(out->model, text_of(rows[0][2]));
    out->raw.resize(out->model.features);
    out->values.resize(out->model.features);
    return out;
}

} // namespace

void initialise_models() {
    models_table.watch();
}

const std::vector<model_entry> &models_in_use(const core::uuid &team) {
    pg::accept_changes();
    auto known = teams().find(team);
    if (known == teams().end() || known->second.generation != models_table.generation()) {
        find_table();
        // A change while the rows are read leaves them outdated from the start.
        std::uint64_t generation = models_table.generation();
        std::vector<model_entry> entries = read_entries(team);
        if (known == teams().end() && teams().size() >= k_kept_teams)
            forget_least_used(teams());
        known = teams().insert_or_assign(team, kept_team{std::move(entries), generation, 0}).first;
    }
    known->second.used = next_use();
    return known->second.entries;
}

const model_entry *champion(const core::uuid &team, std::string_view name) {
    for (const model_entry &entry : models_in_use(team)) {
        if (entry.champion && entry.name == name)
            return &entry;
    }
    return nullptr;
}

std::optional<model_entry> model_version(const core::uuid &team, const std::string &name,
                                         int version) {
    find_table();
    std::vector<pg::text_row> rows =
        read_rows("SELECT m.id::pg_catalog.text, m.name, m.version::pg_catalog.text, m.state"
                  " FROM saas.fraud_models AS m"
                  " WHERE m.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
                  " AND m.name OPERATOR(pg_catalog.=) $2 AND m.version OPERATOR(pg_catalog.=)"
                  " $3::pg_catalog.int4",
                  {core::to_text(team), name, std::to_string(version)});
    return rows.empty() ? std::nullopt : entry_of(rows[0]);
}

loaded_model &load(const core::uuid &team, const core::uuid &id) {
    auto known = models().find({team, id});
    if (known == models().end()) {
        std::unique_ptr<loaded_model> model = read_model_row(team, id);
        std::size_t bytes = model->model.bytes();
        while (!models().empty() && kept_bytes() + bytes > k_kept_bytes)
            forget_least_used(models());
        known = models().emplace(model_key{team, id}, kept_model{std::move(model), 0}).first;
    }
    known->second.used = next_use();
    return *known->second.model;
}

} // namespace saas::fraud
