// SPDX-License-Identifier: PostgreSQL
#include "redaction/catalog.hpp"

#include "core/redaction/secrets.hpp"
#include "pg/invalidation.hpp"
#include "redaction/dependencies.hpp"
#include "redaction/met_names.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // GETSTRUCT
#include "access/transam.h"      // FirstNormalObjectId
#include "catalog/namespace.h"   // get_namespace_oid
#include "catalog/pg_language.h" // ClanguageId
#include "catalog/pg_proc.h"     // Form_pg_proc
#include "funcapi.h"             // get_func_arg_info
#include "utils/builtins.h"      // TextDatumGetCString
#include "utils/hsearch.h"       // hash_create
#include "utils/lsyscache.h"     // get_rel_name
#include "utils/inval.h"         // CacheRegisterSyscacheCallback
#include "utils/memutils.h"      // TopMemoryContext
#include "utils/syscache.h"      // SearchSysCache1
}

namespace saas::redaction {
namespace {

namespace core = saas::core::redaction;

constexpr int k_depth = 16; // of functions that call functions, and of views on views

struct function_entry {
    Oid oid;
    bool done; // else it is being looked at
    bool secret;
};
struct relation_key {
    Oid oid;
    access use;
};
struct relation_entry {
    relation_key key;
    bool used; // by another answer: that of a function whose body names it, or of a view on it
    std::uint64_t as_of; // the generation that the answer is from
    bool done;
    bool secret;
};

HTAB *functions = nullptr;
HTAB *relations = nullptr;
bool functions_valid = false;
bool schema_valid = false;
bool used_relation_changed = false;
std::uint64_t generation = 1; // of answers on relations; none is from generation 0
Oid schema = InvalidOid;
int depth = 0;             // of answers that depend on each other

HTAB *make_table(const char *name, Size key, Size entry) {
    HASHCTL control{};
    control.keysize = key;
    control.entrysize = entry;
    control.hcxt = TopMemoryContext;
    return hash_create(name, 128, &control, HASH_BLOBS | HASH_ELEM | HASH_CONTEXT);
}

// Answers depend on each other.
void forget_all() {
    functions_valid = false;
    ++generation;
}

void function_changed(Datum, int, uint32) { forget_all(); }
void schema_changed(Datum, int, uint32) {
    schema_valid = false;
    forget_all();
}

void mark_changed(relation_entry &entry) {
    entry.as_of = 0;
    used_relation_changed |= entry.used;
}

void relation_changed(Oid relation) {
    if (relations == nullptr)
        return;
    if (OidIsValid(relation)) {
        for (const access use : {access::read, access::write}) {
            const relation_key key{relation, use};
            auto *entry =
                static_cast<relation_entry *>(hash_search(relations, &key, HASH_FIND, nullptr));
            if (entry != nullptr)
                mark_changed(*entry);
        }
        return;
    }
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, relations);
    while (auto *entry = static_cast<relation_entry *>(hash_seq_search(&scan)))
        mark_changed(*entry);
}

void prepare_caches() {
    if (relations == nullptr)
        relations = make_table("pg_saas relations with secrets", sizeof(relation_key),
                               sizeof(relation_entry));
    if (functions_valid && functions != nullptr)
        return;
    HTAB *former = functions;
    functions = nullptr;
    if (former != nullptr)
        hash_destroy(former);
    functions = make_table("pg_saas functions with secrets", sizeof(Oid), sizeof(function_entry));
    functions_valid = true;
}

// Runs the look-up of what an answer depends on. What is too deep to be looked at may handle secrets.
template <class Lookup>
bool at_depth(Lookup look_up) {
    if (depth >= k_depth)
        return true;
    bool answer = false;
    ++depth;
    PG_TRY();
    {
        answer = look_up();
    }
    PG_CATCH();
    {
        depth = 0;
        forget_all(); // answers are unfinished
        PG_RE_THROW();
    }
    PG_END_TRY();
    --depth;
    return answer;
}

// Answers of objects that depend on each other were given before that of the first was known.
bool met_cycle = false;

function_entry *enter_function(Oid function, bool *known) {
    return static_cast<function_entry *>(hash_search(functions, &function, HASH_ENTER, known));
}

bool has_secret_parameter(HeapTuple function) {
    Oid *types = nullptr;
    char **names = nullptr;
    char *modes = nullptr;
    const int count = get_func_arg_info(function, &types, &names, &modes);
    for (int i = 0; names != nullptr && i < count; ++i) {
        if (names[i] != nullptr && core::names_secret_parameter(names[i]))
            return true;
    }
    return false;
}

bool body_handles_secrets(HeapTuple row, Form_pg_proc function) {
    if (function->prokind != PROKIND_AGGREGATE &&
        (function->prolang == INTERNALlanguageId || function->prolang == ClanguageId))
        return false;
    bool missing = false;
    SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosqlbody, &missing);
    // Of BEGIN ATOMIC and of aggregates the dependencies are recorded.
    if (!missing || function->prokind == PROKIND_AGGREGATE)
        return depends_on_secrets_unsafe(ProcedureRelationId, function->oid);
    const Datum source = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &missing);
    return !missing && code_handles_secrets_unsafe(TextDatumGetCString(source));
}

bool find_function(Oid function) {
    HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(row))
        return false;
    auto *form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(row));
    // What functions of the package are given is known; what they call tells nothing of it.
    const bool secret = form->pronamespace == schema
                            ? core::names_secret_function(NameStr(form->proname)) ||
                                  has_secret_parameter(row)
                            : body_handles_secrets(row, form);
    if (secret)
        meet_name(NameStr(form->proname));
    ReleaseSysCache(row);
    return secret;
}

// Looks again at relations that have changed and that other answers depend on.
void check_relations() {
    if (!used_relation_changed)
        return;
    used_relation_changed = false;
    List *changed = NIL;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, relations);
    while (auto *entry = static_cast<relation_entry *>(hash_seq_search(&scan))) {
        if (entry->as_of != generation && entry->used)
            changed = lappend(changed, entry); // which stays where it is
    }
    ListCell *cell = nullptr;
    foreach (cell, changed) {
        const auto *entry = static_cast<relation_entry *>(lfirst(cell));
        const bool before = entry->secret;
        if (at_depth([=] {
                return relation_handles_secrets_unsafe(entry->key.oid, entry->key.use);
            }) != before)
            forget_all();
    }
    list_free(changed);
}

void prepare_at_top() {
    prepare_caches();
    check_relations();
    prepare_caches();
}

// At the top, when the answer is that secrets are handled: forgets the answers that were given before that
// was known. Whether there were any.
bool forget_cycle(bool secret) {
    if (depth > 0)
        return false;
    const bool forget = met_cycle && secret;
    met_cycle = false;
    if (forget) {
        forget_all();
        prepare_caches();
    }
    return forget;
}

} // namespace

void watch_catalog() {
    pg::watch_relations(relation_changed);
    CacheRegisterSyscacheCallback(PROCOID, function_changed, 0);
    CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, 0);
}

bool has_package_unsafe() {
    if (!schema_valid) {
        schema_valid = true; // before the look-up, which may take in a change
        schema = get_namespace_oid("saas", true);
    }
    return OidIsValid(schema);
}

bool may_have_package() noexcept {
    return OidIsValid(MyDatabaseId) && (!schema_valid || OidIsValid(schema));
}

bool function_handles_secrets_unsafe(Oid function) {
    if (function < FirstNormalObjectId || !has_package_unsafe())
        return false;
    if (depth == 0)
        prepare_at_top();
    bool known = false;
    function_entry *entry = enter_function(function, &known);
    met_cycle |= known && !entry->done;
    if (known)
        return entry->secret;
    entry->done = false;
    entry->secret = false;
    const bool secret = at_depth([=] { return find_function(function); });
    forget_cycle(secret);
    entry = enter_function(function, &known);
    entry->done = true;
    entry->secret = secret;
    return secret;
}

bool relation_handles_secrets_unsafe(Oid relation, access use) {
    if (relation < FirstNormalObjectId || !has_package_unsafe())
        return false;
    if (depth == 0)
        prepare_at_top();
    bool known = false;
    const relation_key key{relation, use};
    auto *entry = static_cast<relation_entry *>(hash_search(relations, &key, HASH_ENTER, &known));
    entry->used = (known && entry->used) || depth > 0;
    if (known && entry->as_of == generation) {
        met_cycle |= !entry->done;
        return entry->secret;
    }
    const std::uint64_t as_of = generation; // a change while it is looked at makes it invalid again
    entry->as_of = as_of;
    entry->done = false;
    entry->secret = false;
    const bool secret = at_depth([=] {
        return use == access::read ? reading_runs_secrets_unsafe(relation)
                                   : writing_runs_secrets_unsafe(relation);
    });
    if (forget_cycle(secret) && entry->as_of == as_of)
        entry->as_of = generation;
    entry->done = true;
    entry->secret = secret;
    if (secret)
        meet_name(get_rel_name(relation));
    return secret;
}

} // namespace saas::redaction
