// SPDX-License-Identifier: PostgreSQL
// Scans of an index that end with one row. Everything here may ereport: plain frames only.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"        // index_beginscan
#include "access/htup_details.h" // HeapTupleHeaderGetXmin
#include "access/skey.h"         // ScanKey
#include "access/transam.h"      // TransactionIdPrecedes
#include "utils/rel.h"           // Relation
#include "utils/snapmgr.h"       // TransactionXmin
}

namespace saas::pg {

// Whether the index has all rows of every snapshot that is in use: one that was made after rows had
// changed may lack what older ones see.
[[nodiscard]] inline bool is_usable(Relation index) {
    const Form_pg_index form = index->rd_index;
    return form->indisvalid &&
           (!form->indcheckxmin ||
            TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
                                  TransactionXmin));
}

// To be ended by index_endscan(). The snapshot is active or registered.
[[nodiscard]] inline IndexScanDesc begin_index_scan(Relation table, Relation index,
                                                    Snapshot snapshot, const ScanKeyData *keys,
                                                    int count) {
#if PG_VERSION_NUM >= 180000
    IndexScanDesc scan = index_beginscan(table, index, snapshot, nullptr, count, 0);
#else
    IndexScanDesc scan = index_beginscan(table, index, snapshot, count, 0);
#endif
    index_rescan(scan, const_cast<ScanKeyData *>(keys), count, nullptr, 0);
    return scan;
}

} // namespace saas::pg
