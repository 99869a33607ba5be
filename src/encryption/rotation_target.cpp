// SPDX-License-Identifier: PostgreSQL
#include "encryption/rotation_target.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"         // IsolationUsesXactSnapshot
#include "catalog/catalog.h"     // IsCatalogRelation
#include "catalog/pg_am.h"       // HEAP_TABLE_AM_OID
#include "catalog/pg_class.h"    // RELKIND_RELATION
#include "catalog/pg_trigger.h"  // TRIGGER_FOR_UPDATE
#include "catalog/pg_type.h"     // BYTEAOID
#include "commands/trigger.h"    // TRIGGER_DISABLED
#include "executor/executor.h"   // CheckCmdReplicaIdentity
#include "miscadmin.h"           // GetUserId
#include "nodes/bitmapset.h"     // bms_is_member
#include "nodes/value.h"         // makeString
#include "optimizer/optimizer.h" // pull_varattnos
#include "parser/parse_func.h"   // LookupFuncName
#include "utils/acl.h"           // pg_class_aclmask
#include "utils/relcache.h"      // RelationGetIndexAttrBitmap
#include "utils/reltrigger.h"    // TriggerDesc
#include "utils/rls.h"           // check_enable_rls
}

namespace saas::encryption {
namespace {

bool has_type(const rotation_target &target, AttrNumber column, Oid type) {
    const TupleDesc shape = RelationGetDescr(target.table);
    return column > 0 && column <= shape->natts &&
           TupleDescAttr(shape, column - 1)->atttypid == type &&
           !TupleDescAttr(shape, column - 1)->attisdropped;
}

bool has_form(const rotation_target &target) {
    const Form_pg_class form = target.table->rd_rel;
    return form->relkind == RELKIND_RELATION && form->relam == HEAP_TABLE_AM_OID &&
           !IsCatalogRelation(target.table) && !form->relispartition && !form->relhasrules &&
           has_type(target, target.value, BYTEAOID) &&
           (target.row == 0 || has_type(target, target.row, UUIDOID)) &&
           (target.team == 0 || has_type(target, target.team, UUIDOID));
}

bool may_change(Oid table) {
    const AclMode wanted = ACL_SELECT | ACL_UPDATE;
    return pg_class_aclmask(table, GetUserId(), wanted, ACLMASK_ALL) == wanted &&
           check_enable_rls(table, InvalidOid, true) != RLS_ENABLED;
}

// Foreign keys fire only when their columns change.
bool has_no_triggers(const TriggerDesc *triggers) {
    if (triggers == nullptr)
        return true;
    List *name = list_make2(makeString(pstrdup("saas")), makeString(pstrdup("encrypt_columns")));
    const Oid encrypts = LookupFuncName(name, 0, nullptr, true);
    for (int i = 0; i < triggers->numtriggers; ++i) {
        const Trigger &trigger = triggers->triggers[i];
        const bool matters = trigger.tgenabled != TRIGGER_DISABLED &&
                             TRIGGER_FOR_UPDATE(trigger.tgtype) && !trigger.tgisinternal &&
                             (!OidIsValid(encrypts) || trigger.tgfoid != encrypts);
        if (matters)
            return false;
    }
    return true;
}

bool is_in(const Bitmapset *columns, AttrNumber column) {
    return bms_is_member(column - FirstLowInvalidHeapAttributeNumber, columns) ||
           bms_is_member(-FirstLowInvalidHeapAttributeNumber, columns); // the row as a whole
}

bool is_constrained(const rotation_target &target) {
    const TupleConstr *constraints = RelationGetDescr(target.table)->constr;
    if (constraints == nullptr)
        return false;
    if (constraints->has_generated_stored)
        return true;
    for (int i = 0; i < constraints->num_check; ++i) {
        Bitmapset *columns = nullptr;
        pull_varattnos(static_cast<Node *>(stringToNode(constraints->check[i].ccbin)), 1, &columns);
        if (is_in(columns, target.value))
            return true;
    }
    return false;
}

bool is_indexed(const rotation_target &target) {
    Bitmapset *columns = nullptr;
#if PG_VERSION_NUM >= 160000
    columns = bms_union(RelationGetIndexAttrBitmap(target.table, INDEX_ATTR_BITMAP_HOT_BLOCKING),
                        RelationGetIndexAttrBitmap(target.table, INDEX_ATTR_BITMAP_SUMMARIZED));
#else
    columns = RelationGetIndexAttrBitmap(target.table, INDEX_ATTR_BITMAP_ALL);
#endif
    return is_in(columns, target.value);
}

bool is_reference(const rotation_target &target) {
    const ListCell *cell = nullptr;
    foreach (cell, RelationGetFKeyList(target.table)) {
        const auto *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        for (int i = 0; i < key->nkeys; ++i) {
            if (key->conkey[i] == target.value)
                return true;
        }
    }
    return false;
}

} // namespace

bool is_plain_target_unsafe(const rotation_target &target) {
    if (IsolationUsesXactSnapshot() || !has_form(target) ||
        !may_change(RelationGetRelid(target.table)) || !has_no_triggers(target.table->trigdesc) ||
        is_constrained(target) || is_indexed(target) || is_reference(target))
        return false;
    PreventCommandIfReadOnly("rotation");
    CheckCmdReplicaIdentity(target.table, CMD_UPDATE);
    return true;
}

} // namespace saas::encryption
