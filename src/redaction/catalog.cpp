// SPDX-License-Identifier: PostgreSQL
#include "redaction/catalog.hpp"

#include "core/redaction/secrets.hpp"
#include "pg/invalidation.hpp"
#include "redaction/known_texts.hpp"
#include "redaction/met_names.hpp"

#include <cstring>
#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"        // systable_beginscan
#include "access/htup_details.h" // GETSTRUCT
#include "access/table.h"        // table_open
#include "access/transam.h"      // FirstNormalObjectId
#include "catalog/namespace.h"   // get_namespace_oid
#include "catalog/pg_class.h"    // Form_pg_class
#include "catalog/pg_depend.h"   // Form_pg_depend
#include "catalog/pg_language.h" // ClanguageId
#include "catalog/pg_proc.h"     // Form_pg_proc
#include "catalog/pg_rewrite.h"  // Form_pg_rewrite
#include "catalog/pg_trigger.h"  // Form_pg_trigger
#include "commands/prepare.h"    // FetchPreparedStatement
#include "funcapi.h"             // get_func_arg_info
#include "parser/parser.h"       // standard_conforming_strings
#include "utils/builtins.h"      // TextDatumGetCString
#include "utils/catcache.h"      // CatCList
#include "utils/fmgroids.h"      // F_OIDEQ
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
    bool secret;
};
struct relation_entry {
    Oid oid;
    bool valid;
    bool named; // by the body of a function
    relation_answer answer;
};

HTAB *functions = nullptr;
HTAB *relations = nullptr;
bool functions_valid = false;
bool schema_valid = false;
bool named_relation_changed = false;
Oid schema = InvalidOid;
int depth = 0;             // of answers that depend on each other
bool reading_body = false; // names are those in the body of a function

HTAB *make_table(const char *name, Size entry) {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = entry;
    control.hcxt = TopMemoryContext;
    return hash_create(name, 128, &control, HASH_BLOBS | HASH_ELEM | HASH_CONTEXT);
}

void function_changed(Datum, int, uint32) { functions_valid = false; }
void schema_changed(Datum, int, uint32) {
    schema_valid = false;
    functions_valid = false;
}

void mark_changed(relation_entry &entry) {
    entry.valid = false;
    named_relation_changed |= entry.named;
}

void relation_changed(Oid relation) {
    if (relations == nullptr)
        return;
    if (OidIsValid(relation)) {
        auto *entry =
            static_cast<relation_entry *>(hash_search(relations, &relation, HASH_FIND, nullptr));
        if (entry != nullptr)
            mark_changed(*entry);
        return;
    }
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, relations);
    while (auto *entry = static_cast<relation_entry *>(hash_seq_search(&scan)))
        mark_changed(*entry);
}

void prepare_caches() {
    if (relations == nullptr)
        relations = make_table("pg_saas relations with secrets", sizeof(relation_entry));
    if (functions_valid && functions != nullptr)
        return;
    HTAB *former = functions;
    functions = nullptr;
    if (former != nullptr)
        hash_destroy(former);
    functions = make_table("pg_saas functions with secrets", sizeof(function_entry));
    functions_valid = true;
}

// Runs the look-up of what an answer depends on. Beyond the limit nothing is looked up.
template <class Lookup>
auto at_depth(Lookup look_up) -> decltype(look_up()) {
    decltype(look_up()) answer{};
    if (depth >= k_depth)
        return answer;
    ++depth;
    PG_TRY();
    {
        answer = look_up();
    }
    PG_CATCH();
    {
        depth = 0;
        reading_body = false;
        functions_valid = false; // answers are unfinished
        PG_RE_THROW();
    }
    PG_END_TRY();
    --depth;
    return answer;
}

// Whether what the object depends on handles secrets: functions, and views that it reads.
bool depends_on_secrets(Oid catalog, Oid object) {
    ScanKeyData key[2];
    ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(catalog));
    ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(object));
    Relation depend = table_open(DependRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(depend, DependDependerIndexId, true, nullptr, 2, key);
    bool found = false;
    for (HeapTuple row; !found && HeapTupleIsValid(row = systable_getnext(scan));) {
        auto *entry = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
        if (entry->refclassid == ProcedureRelationId)
            found = function_handles_secrets_unsafe(entry->refobjid);
        else if (entry->refclassid == RelationRelationId && entry->refobjsubid != 0)
            found = relation_handles_secrets_unsafe(entry->refobjid).reading;
    }
    systable_endscan(scan);
    table_close(depend, AccessShareLock);
    return found;
}

bool has_secret_trigger(Oid relation) {
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(relation));
    Relation triggers = table_open(TriggerRelationId, AccessShareLock);
    SysScanDesc scan =
        systable_beginscan(triggers, TriggerRelidNameIndexId, true, nullptr, 1, &key);
    bool found = false;
    for (HeapTuple row; !found && HeapTupleIsValid(row = systable_getnext(scan));)
        found = function_handles_secrets_unsafe(
            reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row))->tgfoid);
    systable_endscan(scan);
    table_close(triggers, AccessShareLock);
    return found;
}

bool has_secret_rule(Oid relation) {
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(relation));
    Relation rules = table_open(RewriteRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(rules, RewriteRelRulenameIndexId, true, nullptr, 1, &key);
    bool found = false;
    for (HeapTuple row; !found && HeapTupleIsValid(row = systable_getnext(scan));)
        found = depends_on_secrets(RewriteRelationId,
                                   reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(row))->oid);
    systable_endscan(scan);
    table_close(rules, AccessShareLock);
    return found;
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

// A routine of the name in the schema, or in any.
bool finds_secret_function(const char *in, const char *name) {
    const Oid space = *in != '\0' ? get_namespace_oid(in, true) : InvalidOid;
    CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
    bool found = false;
    for (int i = 0; !found && i < list->n_members; ++i) {
        auto *entry = reinterpret_cast<Form_pg_proc>(GETSTRUCT(&list->members[i]->tuple));
        found = (*in == '\0' || entry->pronamespace == space) &&
                function_handles_secrets_unsafe(entry->oid);
    }
    ReleaseSysCacheList(list);
    return found;
}

bool finds_secret_relation(const core::name_use &use) {
    const Oid space = use.schema[0] != '\0' ? get_namespace_oid(use.schema, true) : InvalidOid;
    CatCList *list = SearchSysCacheList1(RELNAMENSP, CStringGetDatum(use.name));
    bool found = false;
    for (int i = 0; !found && i < list->n_members; ++i) {
        auto *entry = reinterpret_cast<Form_pg_class>(GETSTRUCT(&list->members[i]->tuple));
        if (use.schema[0] != '\0' && entry->relnamespace != space)
            continue;
        const relation_answer answer = relation_handles_secrets_unsafe(entry->oid);
        found = answer.reading || (use.target && answer.writing);
    }
    ReleaseSysCacheList(list);
    return found;
}

bool use_handles_secrets(const core::name_use &use) {
    return use.escaped || (use.called && finds_secret_function(use.schema, use.name)) ||
           ((use.source || use.target) && finds_secret_relation(use));
}

// Whether the code names something that handles secrets.
bool code_handles_secrets(const char *code) {
    core::name_scanner names{code, core::strings::code, !standard_conforming_strings};
    core::name_use use;
    while (names.next(use)) {
        if (use_handles_secrets(use))
            return true;
    }
    return false;
}

bool body_handles_secrets(HeapTuple row, Form_pg_proc function) {
    if (function->prolang == INTERNALlanguageId || function->prolang == ClanguageId)
        return false;
    bool missing = false;
    SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosqlbody, &missing);
    if (!missing) // BEGIN ATOMIC: its dependencies are recorded
        return depends_on_secrets(ProcedureRelationId, function->oid);
    const Datum source = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &missing);
    const bool outer = reading_body;
    reading_body = true;
    const bool found = !missing && code_handles_secrets(TextDatumGetCString(source));
    reading_body = outer;
    return found;
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

// Looks again at relations that bodies name and that have changed: what was found of the bodies
// depends on them.
void check_relations() {
    if (!named_relation_changed)
        return;
    named_relation_changed = false;
    List *changed = NIL;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, relations);
    while (auto *entry = static_cast<relation_entry *>(hash_seq_search(&scan))) {
        if (!entry->valid && entry->named)
            changed = lappend_oid(changed, entry->oid);
    }
    ListCell *cell = nullptr;
    foreach (cell, changed) {
        auto *entry = static_cast<relation_entry *>(
            hash_search(relations, &lfirst_oid(cell), HASH_FIND, nullptr));
        const relation_answer before = entry->answer;
        const relation_answer now = relation_handles_secrets_unsafe(lfirst_oid(cell));
        if (before.reading != now.reading || before.writing != now.writing)
            functions_valid = false;
    }
    list_free(changed);
}

void prepare_at_top() {
    prepare_caches();
    check_relations();
    prepare_caches();
}

// A statement prepared under that name, whose text is known to handle secrets.
bool is_secret_statement(const char *name) {
    PreparedStatement *prepared = FetchPreparedStatement(name, false);
    return prepared != nullptr && is_secret_text(prepared->plansource->query_string);
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

bool function_handles_secrets_unsafe(Oid function) {
    if (function < FirstNormalObjectId || !has_package_unsafe())
        return false;
    if (depth == 0)
        prepare_at_top();
    bool known = false;
    auto *entry =
        static_cast<function_entry *>(hash_search(functions, &function, HASH_ENTER, &known));
    if (known)
        return entry->secret;
    entry->secret = false; // what a function that calls itself sees
    const bool secret = at_depth([&] { return find_function(function); });
    entry = static_cast<function_entry *>(hash_search(functions, &function, HASH_ENTER, &known));
    entry->secret = secret;
    return secret;
}

relation_answer relation_handles_secrets_unsafe(Oid relation) {
    if (relation < FirstNormalObjectId || !has_package_unsafe())
        return {};
    if (depth == 0)
        prepare_caches();
    bool known = false;
    auto *entry =
        static_cast<relation_entry *>(hash_search(relations, &relation, HASH_ENTER, &known));
    entry->named = (known && entry->named) || reading_body;
    if (known && entry->valid)
        return entry->answer;
    entry->valid = true; // a change while it is looked at makes it invalid again
    entry->answer = {};
    const relation_answer answer = at_depth([relation] {
        return relation_answer{has_secret_trigger(relation), has_secret_rule(relation)};
    });
    entry = static_cast<relation_entry *>(hash_search(relations, &relation, HASH_ENTER, &known));
    entry->answer = answer;
    if (answer.writing || answer.reading)
        meet_name(get_rel_name(relation));
    return answer;
}

bool text_handles_secrets_unsafe(const char *sql) {
    if (!has_package_unsafe())
        return false;
    prepare_at_top();
    const core::statement_kind kind = core::kind_of(sql);
    if (kind == core::statement_kind::routine)
        return false;
    core::name_scanner names{
        sql, kind == core::statement_kind::code ? core::strings::code : core::strings::opaque,
        !standard_conforming_strings};
    core::name_use use;
    for (bool executed = false; names.next(use);) {
        if (use_handles_secrets(use) || (executed && is_secret_statement(use.name)))
            return true;
        executed = std::strcmp(use.name, "execute") == 0;
    }
    return false;
}

} // namespace saas::redaction
