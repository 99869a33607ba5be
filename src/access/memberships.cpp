// SPDX-License-Identifier: PostgreSQL
#include "access/memberships.hpp"

#include <algorithm>
#include <map>

#include "context/context.hpp"
#include "pg/spi.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"   // UUIDOID
#include "nodes/pg_list.h"     // list_make2
#include "nodes/value.h"       // makeString
#include "parser/parse_func.h" // LookupFuncName
}

namespace saas::access {

constinit detail::last_answer detail::last{};

namespace {

using core::access::memberships;
using core::context::team_role;

constexpr std::size_t k_kept_users = 512;

// A change of any of them drops everything that is kept: memberships change far less often than
// they are asked for.
constinit pg::watched_table members_table{"team_members"};
constinit pg::watched_table teams_table{"teams"};
constinit pg::watched_table users_table{"users"};

std::uint64_t generation() noexcept {
    return members_table.generation() + teams_table.generation() + users_table.generation();
}

struct kept_user {
    memberships teams;
    std::uint64_t generation = 0;
    std::uint64_t used = 0;
};

std::map<core::uuid, kept_user> &users() {
    static std::map<core::uuid, kept_user> all;
    return all;
}

bool is_deployed() {
    bool tables = members_table.find() && teams_table.find() && users_table.find();
    return tables && pg::call([] {
               Oid argument = UUIDOID;
               List *name =
                   list_make2(makeString(pstrdup("saas")), makeString(pstrdup("active_teams")));
               return OidIsValid(LookupFuncName(name, 1, &argument, true));
           });
}

// As saas_internal: what is kept serves every later caller in this backend, so no one's row-level
// security may have filtered it.
memberships load(const core::uuid &user) {
    std::vector<pg::text_row> rows;
    {
        pg::as_role reader{pg::internal_role_id()};
        pg::spi connection;
        rows = connection.query_newest("SELECT a.team_id::pg_catalog.text, a.role"
                                       " FROM saas.active_teams($1::pg_catalog.uuid) AS a",
                                       {core::to_text(user)});
        connection.close();
    }
    std::vector<core::access::membership> found;
    found.reserve(rows.size());
    for (const pg::text_row &row : rows) {
        auto team = core::parse_uuid(row[0].value_or(""));
        auto role = core::context::parse_role(row[1].value_or(""));
        if (team && role)
            found.push_back({*team, *role});
    }
    return memberships{std::move(found)};
}

void forget_least_used() {
    auto oldest =
        std::min_element(users().begin(), users().end(), [](const auto &a, const auto &b) {
            return a.second.used < b.second.used;
        });
    if (oldest != users().end())
        users().erase(oldest);
}

// Asked for each row of a query, mostly about the same person: found without a look-up.
struct last_user {
    core::uuid user{};
    const kept_user *known = nullptr;
};
constinit last_user last;

const memberships &of_user(const core::uuid &user) {
    static const memberships none;
    static std::uint64_t uses = 0;
    if (last.known != nullptr && last.known->generation == generation() && last.user == user)
        return last.known->teams;
    last.known = nullptr; // what follows may drop it
    auto known = users().find(user);
    if (known == users().end() || known->second.generation != generation()) {
        if (!is_deployed())
            return none;
        // A change while the rows are read leaves them outdated from the start: the next call
        // reads again.
        std::uint64_t before = generation();
        memberships loaded = load(user);
        known = users().find(user);
        if (known == users().end() && users().size() >= k_kept_users)
            forget_least_used();
        known = users().insert_or_assign(user, kept_user{std::move(loaded), before, 0}).first;
    }
    known->second.used = ++uses;
    last = {user, &known->second};
    return known->second.teams;
}

// A worker, or an API key: nobody's membership, but the role of the context.
const memberships &of_nobody(const core::uuid &team, team_role role) {
    static memberships only;
    if (only.all().empty() || only.all().front().team != team || only.all().front().role != role)
        only = memberships{{{team, role}}};
    return only;
}

} // namespace

void initialise() {
    members_table.watch();
    teams_table.watch();
    users_table.watch();
}

const memberships &of_current_user() {
    static const memberships none;
    detail::last = {};
    const core::context::request_context *context = context::current();
    if (context == nullptr)
        return none;
    const std::uint64_t changes = pg::watched_table::all_changes(); // before they are read
    const memberships &teams =
        context->user ? of_user(core::uuid{*context->user}) : of_nobody(context->team, context->role);
    if (context::generation() != 0)
        detail::last = {context::generation(), changes, pg::current_transaction(), &teams};
    return teams;
}

} // namespace saas::access
