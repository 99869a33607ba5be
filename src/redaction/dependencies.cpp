// SPDX-License-Identifier: PostgreSQL
#include "redaction/dependencies.hpp"

#include "redaction/catalog.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"          // systable_beginscan
#include "access/htup_details.h"   // GETSTRUCT
#include "access/table.h"          // table_open
#include "access/transam.h"        // FirstNormalObjectId
#include "catalog/pg_attrdef.h"    // Form_pg_attrdef
#include "catalog/pg_class.h"      // RELKIND_VIEW
#include "catalog/pg_constraint.h" // Form_pg_constraint
#include "catalog/pg_depend.h"     // Form_pg_depend
#include "catalog/pg_index.h"      // Form_pg_index
#include "catalog/pg_inherits.h"   // Form_pg_inherits
#include "catalog/pg_operator.h"   // OperatorRelationId
#include "catalog/pg_policy.h"     // Form_pg_policy
#include "catalog/pg_proc.h"       // ProcedureRelationId
#include "catalog/pg_rewrite.h"    // Form_pg_rewrite
#include "catalog/pg_trigger.h"    // Form_pg_trigger
#include "catalog/pg_type.h"       // TYPTYPE_DOMAIN
#include "utils/fmgroids.h"        // F_OIDEQ
#include "utils/lsyscache.h"       // get_opcode
}

namespace saas::redaction {
namespace {

// Whether the test holds for one of the rows that the index finds for these keys.
template <class Form, int Keys, class Test>
bool any_row(Oid catalog, Oid index, ScanKeyData (&keys)[Keys], Test test) {
    Relation relation = table_open(catalog, AccessShareLock);
    SysScanDesc scan = systable_beginscan(relation, index, true, nullptr, Keys, keys);
    bool found = false;
    for (HeapTuple row; !found && HeapTupleIsValid(row = systable_getnext(scan));)
        found = test(reinterpret_cast<Form>(GETSTRUCT(row)));
    systable_endscan(scan);
    table_close(relation, AccessShareLock);
    return found;
}

template <class Form, class Test>
bool any_row(Oid catalog, Oid index, AttrNumber column, Oid key, Test test) {
    ScanKeyData keys[1];
    ScanKeyInit(&keys[0], column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(key));
    return any_row<Form>(catalog, index, keys, test);
}

bool has_secret_trigger(Oid relation) {
    return any_row<Form_pg_trigger>(
        TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, relation,
        [](Form_pg_trigger row) { return function_handles_secrets_unsafe(row->tgfoid); });
}

bool has_secret_rule(Oid relation) {
    return any_row<Form_pg_rewrite>(
        RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, relation,
        [](Form_pg_rewrite row) { return depends_on_secrets_unsafe(RewriteRelationId, row->oid); });
}

bool has_secret_default(Oid relation) { // of a generated column as well
    return any_row<Form_pg_attrdef>(
        AttrDefaultRelationId, AttrDefaultIndexId, Anum_pg_attrdef_adrelid, relation,
        [](Form_pg_attrdef row) { return depends_on_secrets_unsafe(AttrDefaultRelationId, row->oid); });
}

bool has_secret_constraint(Oid relation) {
    return any_row<Form_pg_constraint>(
        ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, relation,
        [](Form_pg_constraint row) {
            return row->contype == CONSTRAINT_CHECK &&
                   depends_on_secrets_unsafe(ConstraintRelationId, row->oid);
        });
}

bool has_secret_index(Oid relation) {
    return any_row<Form_pg_index>(
        IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, relation, [](Form_pg_index row) {
            return depends_on_secrets_unsafe(RelationRelationId, row->indexrelid);
        });
}

bool has_secret_policy(Oid relation) {
    return any_row<Form_pg_policy>(
        PolicyRelationId, PolicyPolrelidPolnameIndexId, Anum_pg_policy_polrelid, relation,
        [](Form_pg_policy row) { return depends_on_secrets_unsafe(PolicyRelationId, row->oid); });
}

bool has_secret_partition(Oid relation) {
    return any_row<Form_pg_inherits>(
        InheritsRelationId, InheritsParentIndexId, Anum_pg_inherits_inhparent, relation,
        [](Form_pg_inherits row) { return relation_handles_secrets_unsafe(row->inhrelid, access::write); });
}

bool handles_secrets(Form_pg_depend use) {
    switch (use->refclassid) {
    case ProcedureRelationId:
        return function_handles_secrets_unsafe(use->refobjid);
    case OperatorRelationId:
        return function_handles_secrets_unsafe(get_opcode(use->refobjid));
    case RelationRelationId: // of a column, and so of a relation that is read
        return use->refobjsubid != 0 && relation_handles_secrets_unsafe(use->refobjid, access::read);
    default:
        return false;
    }
}

bool has_secret_domain(Oid relation) { // as the type of a column
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(RelationRelationId));
    ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    return any_row<Form_pg_depend>(DependRelationId, DependDependerIndexId, keys, [](Form_pg_depend use) {
        return use->refclassid == TypeRelationId && domain_runs_secrets_unsafe(use->refobjid);
    });
}

} // namespace

bool depends_on_secrets_unsafe(Oid catalog, Oid object) {
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(catalog));
    ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
    return any_row<Form_pg_depend>(DependRelationId, DependDependerIndexId, keys, handles_secrets);
}

bool domain_runs_secrets_unsafe(Oid type) {
    return type >= FirstNormalObjectId && get_typtype(type) == TYPTYPE_DOMAIN &&
           any_row<Form_pg_constraint>(ConstraintRelationId, ConstraintTypidIndexId,
                                       Anum_pg_constraint_contypid, type, [](Form_pg_constraint row) {
                                           return depends_on_secrets_unsafe(ConstraintRelationId, row->oid);
                                       });
}

bool writing_runs_secrets_unsafe(Oid relation) {
    return has_secret_trigger(relation) || has_secret_domain(relation) || has_secret_rule(relation) || has_secret_default(relation) ||
           has_secret_constraint(relation) || has_secret_index(relation) || has_secret_partition(relation);
}

bool reading_runs_secrets_unsafe(Oid relation) {
    const char kind = get_rel_relkind(relation);
    return ((kind == RELKIND_VIEW || kind == RELKIND_MATVIEW) && has_secret_rule(relation)) ||
           has_secret_policy(relation);
}

} // namespace saas::redaction
