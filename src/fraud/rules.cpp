// SPDX-License-Identifier: PostgreSQL
#include "fraud/rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "core/error.hpp"
#include "fraud/answer.hpp"
#include "fraud/json_text.hpp"
#include "fraud/lists.hpp"
#include "pg/datum.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h" // RegisterXactCallback
}

namespace saas::fraud {
namespace {

constexpr std::size_t k_kept_arrays = 4;
constexpr std::size_t k_kept_array_size = 1'048'576;
constexpr std::size_t k_kept_teams = 256;

// A team's set that was read before the table changed is dropped when it is next asked for.
constinit pg::watched_table rules_table{"fraud_detection_rules"};
constinit pg::watched_table platform_table{"platform_fraud_rules"};
constinit pg::watched_table settings_table{"fraud_settings"};

// Each goes up only, so their sum tells every change.
std::uint64_t generation() {
    return rules_table.generation() + platform_table.generation() + settings_table.generation();
}

std::uint64_t next_use() {
    static std::uint64_t uses = 0;
    return ++uses;
}

struct kept_texts {
    std::string texts; // the bytes of the array
    std::string names;
    int deciding = 0;
    std::unique_ptr<compiled_rules> compiled;
    std::uint64_t used = 0;
};

// The large ones: a backtest may go over two such sets for many attempts.
std::array<kept_texts, 2> &large_texts() {
    static std::array<kept_texts, 2> kept;
    return kept;
}

struct kept_team {
    std::unique_ptr<compiled_rules> compiled;
    std::uint64_t generation = 0;
    std::uint64_t used = 0;
};

std::map<core::uuid, kept_team> &teams() {
    static std::map<core::uuid, kept_team> all;
    return all;
}

std::unique_ptr<compiled_rules> compile(const std::vector<core::fraud::rule_source> &sources,
                                        core::fraud::on_broken broken) {
    core::fraud::rule_set rules =
        core::fraud::compile(sources, broken, core::cancel_poll{pg::stop_requested});
    std::vector<json_container> descriptions = describe_rules(rules);
    return std::make_unique<compiled_rules>(std::move(rules), std::move(descriptions));
}

std::unique_ptr<compiled_rules> compile_texts(const rule_texts &wanted) {
    std::vector<std::string> texts = pg::text_array(PointerGetDatum(wanted.texts));
    std::vector<std::string> names(texts.size());
    if (wanted.names != nullptr)
        names = pg::text_array(PointerGetDatum(wanted.names));
    if (names.size() != texts.size())
        throw core::error{core::k_invalid_parameter_value, "the arrays are not equally long"};
    std::vector<std::string> ids;
    ids.reserve(texts.size());
    for (std::size_t i = 1; i <= texts.size(); ++i)
        ids.push_back(std::to_string(i));
    std::vector<core::fraud::rule_source> sources;
    sources.reserve(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        bool asked_only = wanted.deciding <= static_cast<std::int64_t>(i);
        sources.push_back({ids[i], texts[i], names[i], false, asked_only});
    }
    return compile(sources, core::fraud::on_broken::refuse);
}

std::string_view bytes_of(ArrayType *array) {
    return array == nullptr ? std::string_view{}
                            : std::string_view{reinterpret_cast<const char *>(array), VARSIZE(array)};
}

void find_table() {
    if (!rules_table.find() || !platform_table.find() || !settings_table.find())
        pg::refuse_not_deployed();
}

std::string_view text_of(const pg::text_value &value) {
    return value ? std::string_view{*value} : std::string_view{};
}

int number_of(const pg::text_value &value, int otherwise) {
    int number = otherwise;
    if (value)
        std::from_chars(value->data(), value->data() + value->size(), number);
    return number;
}

// Thresholds of the team, and the rules as they are kept with the version of the set.
void read_settings(pg::spi &connection, const core::uuid &team, compiled_rules &out) {
    auto rows = connection.query_newest(
        "SELECT s.review_from, s.block_from, s.challenge_from, s.on_error"
        " FROM saas.fraud_settings AS s"
        " WHERE s.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid",
        {core::to_text(team)});
    if (rows.empty())
        return;
    const pg::text_row &row = rows.front();
    out.limits = {number_of(row[0], 50), number_of(row[1], 75), number_of(row[2], 101),
                  on_error_of(text_of(row[3]))};
}

std::string sources_json(const std::vector<pg::text_row> &rows) {
    std::string out = "[";
    for (const pg::text_row &row : rows) {
        out += out.size() > 1 ? ",{" : "{";
        static constexpr const char *k_keys[] = {"\"id\":", ",\"name\":", ",\"rule\":", ",\"scope\":"};
        for (std::size_t i = 0; i < 4; ++i) {
            out += k_keys[i];
            append_quoted(out, text_of(row[i]));
        }
        out += '}';
    }
    return out + "]";
}

// Reads as saas_internal: what is kept serves every later caller in this backend, so no one's
// row-level security may have filtered it. The newest snapshot, because a set read through the
// older one of a REPEATABLE READ transaction would outlive it.
std::unique_ptr<compiled_rules> load(const core::uuid &team) {
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    std::vector<pg::text_row> rows = connection.query_newest(
        "SELECT r.id::pg_catalog.text, r.name, r.rule, 'team'"
        " FROM saas.fraud_detection_rules AS r"
        " WHERE r.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid AND r.enabled"
        " UNION ALL SELECT p.id::pg_catalog.text, p.name, p.rule, 'platform'"
        " FROM saas.platform_fraud_rules AS p WHERE p.enabled"
        " ORDER BY 1",
        {core::to_text(team)});
    std::vector<core::fraud::rule_source> sources;
    sources.reserve(rows.size());
    // The owner may have dropped a NOT NULL: a row without rule is a broken one, named as such.
    for (const pg::text_row &row : rows)
        sources.push_back(
            {text_of(row[0]), text_of(row[2]), text_of(row[1]), text_of(row[3]) == "platform"});
    auto out = compile(sources, core::fraud::on_broken::keep);
    out->sources = sources_json(rows);
    read_settings(connection, team, *out);
    connection.close();
    return out;
}

void forget_least_used() {
    auto oldest =
        std::min_element(teams().begin(), teams().end(), [](const auto &a, const auto &b) {
            return a.second.used < b.second.used;
        });
    if (oldest != teams().end())
        teams().erase(oldest);
}

bool &is_assessing() noexcept {
    static bool now = false;
    return now;
}

} // namespace

assessment_guard::assessment_guard() {
    if (is_assessing())
        throw core::error{core::sqlstate{"55000"}, "a team's rules cannot be evaluated by what they read"};
    is_assessing() = true;
}

assessment_guard::~assessment_guard() {
    is_assessing() = false;
}

void initialise() {
    rules_table.watch();
    platform_table.watch();
    settings_table.watch();
    initialise_lists();
    RegisterXactCallback(
        [](XactEvent event, void *) {
            if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
                return; // still runs
            for (kept_texts &large : large_texts())
                large = {};
        },
        nullptr);
}

compiled_rules &rules_of_texts(const rule_texts &wanted) {
    static std::array<kept_texts, k_kept_arrays> small;
    std::string_view texts = bytes_of(wanted.texts);
    std::string_view names = bytes_of(wanted.names);
    bool large = texts.size() + names.size() > k_kept_array_size;
    std::span<kept_texts> kept{small};
    if (large)
        kept = large_texts();
    for (kept_texts &known : kept) {
        if (known.compiled != nullptr && known.deciding == wanted.deciding &&
            known.texts == texts && known.names == names) {
            known.used = next_use();
            return *known.compiled;
        }
    }
    auto oldest = std::min_element(kept.begin(), kept.end(),
                                   [](const auto &a, const auto &b) { return a.used < b.used; });
    oldest->compiled.reset();
    auto compiled = compile_texts(wanted);
    *oldest = {std::string{texts}, std::string{names}, wanted.deciding, std::move(compiled), next_use()};
    return *oldest->compiled;
}

compiled_rules &rules_of_team(const core::uuid &team) {
    pg::accept_changes();
    auto known = teams().find(team);
    if (known == teams().end() || known->second.generation != generation()) {
        find_table();
        // A change while the rules are read leaves the set outdated from the start: the next call
        // reads again.
        std::uint64_t before = generation();
        auto compiled = load(team);
        if (known == teams().end() && teams().size() >= k_kept_teams)
            forget_least_used();
        known = teams().insert_or_assign(team, kept_team{std::move(compiled), before, 0}).first;
    }
    known->second.used = next_use();
    return *known->second.compiled;
}

const compiled_rules *kept_rules_of_team(const core::uuid &team) {
    auto known = teams().find(team);
    return known == teams().end() ? nullptr : known->second.compiled.get();
}

std::unique_ptr<compiled_rules> rules_of_sources(const std::vector<std::string> &ids,
                                                 const std::vector<std::string> &texts,
                                                 const std::vector<std::string> &names,
                                                 const std::vector<std::string> &scopes) {
    if (texts.size() != ids.size() || names.size() != ids.size() || scopes.size() != ids.size())
        throw core::error{core::k_invalid_parameter_value, "the arrays are not equally long"};
    std::vector<core::fraud::rule_source> sources;
    sources.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i)
        sources.push_back({ids[i], texts[i], names[i], scopes[i] == "platform"});
    return compile(sources, core::fraud::on_broken::keep);
}

core::fraud::on_error on_error_of(std::string_view name) noexcept {
    using core::fraud::on_error;
    if (name == "block")
        return on_error::block;
    return name == "review" ? on_error::review : on_error::ignore;
}

} // namespace saas::fraud
