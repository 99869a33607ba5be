// SPDX-License-Identifier: PostgreSQL
#include "fraud/lists.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/fraud/list_set.hpp"
#include "fraud/list_reader.hpp"
#include "pg/datum.hpp"
#include "pg/package.hpp"
#include "pg/settings.hpp"
#include "pg/spi.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {
namespace {

namespace engine = core::fraud;

constexpr std::size_t k_kept_names = 10'000;

constinit pg::watched_table lists_table{"fraud_lists"};
constinit pg::watched_table changes_table{"fraud_list_changes"};

// What an alias stands for; asked anew when fraud_lists has changed.
struct named_list {
    std::optional<std::pair<core::uuid, engine::list_kind>> list;
    std::uint64_t generation = 0;
};

struct kept_list {
    explicit kept_list(engine::list_kind kind) : entries{kind} {}

    engine::list_set entries;
    list_state state;             // as of which the entries were read
    std::uint64_t generation = 0; // of changes_table, when the changes were read
    std::uint64_t used = 0;
    bool too_large = false;
    bool complete = false; // all entries were read
};

using list_key = std::pair<core::uuid, core::uuid>; // team, list
using name_key = std::pair<core::uuid, std::string>;

std::map<name_key, named_list, std::less<>> &names() {
    static std::map<name_key, named_list, std::less<>> all;
    return all;
}
std::map<list_key, std::unique_ptr<kept_list>> &lists() {
    static std::map<list_key, std::unique_ptr<kept_list>> all;
    return all;
}

std::size_t memory_limit() {
    return static_cast<std::size_t>(pg::fraud_list_memory()) * 1'024;
}

const named_list &find_list(const core::uuid &team, std::string_view alias) {
    name_key key{team, std::string{alias}};
    auto known = names().find(key);
    if (known != names().end() && known->second.generation == lists_table.generation())
        return known->second;
    if (!lists_table.find())
        pg::refuse_not_deployed();
    std::uint64_t generation = lists_table.generation();
    if (names().size() >= k_kept_names)
        names().clear();
    return names()
        .insert_or_assign(std::move(key), named_list{read_list(team, alias), generation})
        .first->second;
}

// Lists that were not used for longest go until the others fit.
void make_room(const kept_list &staying) {
    std::size_t total = 0;
    for (const auto &[key, list] : lists())
        total += list->entries.footprint();
    while (total > memory_limit() && lists().size() > 1) {
        auto oldest = std::min_element(
            lists().begin(), lists().end(), [&](const auto &a, const auto &b) {
                bool a_stays = a.second.get() == &staying;
                bool b_stays = b.second.get() == &staying;
                return a_stays != b_stays ? b_stays : a.second->used < b.second->used;
            });
        if (oldest->second.get() == &staying)
            return;
        total -= oldest->second->entries.footprint();
        lists().erase(oldest);
    }
}

void load(const core::uuid &team, const core::uuid &id, kept_list &list) {
    list.entries = engine::list_set{list.entries.kind()};
    list.complete = false; // until then an error on the way leaves a part of the entries
    list.too_large = !read_entries(team, id, list.entries, memory_limit(), list.state);
    if (list.too_large)
        list.entries = engine::list_set{list.entries.kind()};
    list.complete = true;
    make_room(list);
}

// Brings the list up to what is committed by now, and what this transaction did itself.
void refresh(const core::uuid &team, const core::uuid &id, kept_list &list) {
    if (!changes_table.find())
        pg::refuse_not_deployed();
    std::uint64_t generation = changes_table.generation();
    // Entries that this transaction has not committed may be taken back: then everything is read again.
    if (!list.complete || list.state.own_changes) {
        load(team, id, list);
    } else if (!list.too_large) {
        list.entries.clear_changes();
        read_changes(team, id, list.state, list.entries);
        if (list.entries.change_count() > 1'000 + list.entries.size() / 8)
            load(team, id, list);
    }
    list.generation = generation;
}

std::uint64_t next_use() {
    static std::uint64_t uses = 0;
    return ++uses;
}

} // namespace

void initialise_lists() {
    lists_table.watch();
    changes_table.watch();
}

engine::value list_holds(const core::uuid &team, std::string_view alias,
                         const engine::value &wanted, engine::moment at) {
    const named_list &named = find_list(team, alias);
    if (!named.list)
        return engine::value::failed(engine::failure_kind::unknown_list);
    auto [id, kind] = *named.list;
    std::unique_ptr<kept_list> &kept = lists()[{team, id}];
    if (kept == nullptr)
        kept = std::make_unique<kept_list>(kind);
    kept->used = next_use();
    if (!kept->complete || kept->generation != changes_table.generation())
        refresh(team, id, *kept);
    if (!kept->too_large)
        return kept->entries.holds(wanted, at);
    return probe_list(team, id, kind, wanted, at);
}

} // namespace saas::fraud
