// SPDX-License-Identifier: PostgreSQL
#include "redaction/catalog.hpp"

#include "core/redaction/sql_text.hpp"
#include "redaction/dependencies.hpp"
#include "redaction/query_walk.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // GETSTRUCT
#include "access/transam.h"      // FirstNormalObjectId
#include "catalog/namespace.h"   // LookupNamespaceNoError
#include "catalog/pg_class.h"    // Form_pg_class
#include "catalog/pg_operator.h" // Form_pg_operator
#include "catalog/pg_proc.h"     // Form_pg_proc
#include "catalog/pg_type.h"     // Form_pg_type
#include "parser/parser.h"       // standard_conforming_strings
#include "utils/catcache.h"      // CatCList
#include "utils/syscache.h"      // SearchSysCacheList1
}

namespace saas::redaction {
namespace {

namespace core = saas::core::redaction;

// Whether the schema is the one that is named, if one is; pg_temp is another one in each session.
bool is_space(const char *name, Oid schema_of_it) {
    return *name == '\0' || LookupNamespaceNoError(name) == schema_of_it;
}

// A domain of the name with a check that handles secrets.
bool finds_secret_domain(const core::name_use &use) {
    CatCList *list = SearchSysCacheList1(TYPENAMENSP, CStringGetDatum(use.name));
    bool found = false;
    for (int i = 0; !found && i < list->n_members; ++i) {
        auto *entry = reinterpret_cast<Form_pg_type>(GETSTRUCT(&list->members[i]->tuple));
        found = is_space(use.schema, entry->typnamespace) && domain_runs_secrets_unsafe(entry->oid);
    }
    ReleaseSysCacheList(list);
    return found;
}

// An operator of these symbols. What is written behind it may seem to be a part of it: a @>-1.
bool finds_secret_operator(const char *symbols) {
    char name[core::k_name_bytes];
    strlcpy(name, symbols, sizeof(name));
    bool found = false;
    for (std::size_t length = std::strlen(name); !found && length > 0;) {
        CatCList *list = SearchSysCacheList1(OPERNAMENSP, CStringGetDatum(name));
        for (int i = 0; !found && i < list->n_members; ++i) {
            auto *entry = reinterpret_cast<Form_pg_operator>(GETSTRUCT(&list->members[i]->tuple));
            found = entry->oid >= FirstNormalObjectId && function_handles_secrets_unsafe(entry->oprcode);
        }
        ReleaseSysCacheList(list);
        if (std::strchr("+-", name[length - 1]) == nullptr)
            break;
        name[--length] = '\0';
    }
    return found;
}

// A routine of the name in the schema, or in any.
bool finds_secret_function(const char *in, const char *name) {
    CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
    bool found = false;
    for (int i = 0; !found && i < list->n_members; ++i) {
        auto *entry = reinterpret_cast<Form_pg_proc>(GETSTRUCT(&list->members[i]->tuple));
        found = is_space(in, entry->pronamespace) &&
                function_handles_secrets_unsafe(entry->oid);
    }
    ReleaseSysCacheList(list);
    return found;
}

bool finds_secret_relation(const core::name_use &use) {
    CatCList *list = SearchSysCacheList1(RELNAMENSP, CStringGetDatum(use.name));
    bool found = false;
    for (int i = 0; !found && i < list->n_members; ++i) {
        auto *entry = reinterpret_cast<Form_pg_class>(GETSTRUCT(&list->members[i]->tuple));
        if (!is_space(use.schema, entry->relnamespace))
            continue;
        found = relation_handles_secrets_unsafe(entry->oid, access::read) ||
                (use.target && relation_handles_secrets_unsafe(entry->oid, access::write));
    }
    ReleaseSysCacheList(list);
    return found;
}

bool use_handles_secrets(const core::name_use &use) {
    if (use.symbol)
        return finds_secret_operator(use.name);
    return use.escaped || (use.called && finds_secret_function(use.schema, use.name)) ||
           ((use.source || use.target) && finds_secret_relation(use)) ||
           (use.type && finds_secret_domain(use));
}

} // namespace

bool code_handles_secrets_unsafe(const char *code) {
    core::name_scanner names{code, core::strings::code, !standard_conforming_strings};
    core::name_use use;
    while (names.next(use)) {
        if (use_handles_secrets(use))
            return true;
    }
    return false;
}

bool text_handles_secrets_unsafe(const char *sql) {
    if (!has_package_unsafe())
        return false;
    core::name_scanner names{sql, core::strings::opaque, !standard_conforming_strings};
    core::name_use use;
    for (bool executed = false; names.next(use);) {
        if (use_handles_secrets(use) || (executed && prepared_handles_secrets_unsafe(use.name)))
            return true;
        executed = std::strcmp(use.name, "execute") == 0;
    }
    return false;
}

} // namespace saas::redaction
