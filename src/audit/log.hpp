// SPDX-License-Identifier: PostgreSQL
// Writes rows of saas.audit_logs.
//
// The usual way goes straight into the month's partition and its indexes, which costs a third of an
// SQL statement. It is taken while the log looks as the package made it. When its owner has added a
// column, a trigger, a CHECK constraint or an unusual index, a saved INSERT statement is used, run
// as the owner of the log. Neither asks for rights of the user whose change is recorded.
#pragma once

#include "pg/prelude.hpp"

namespace saas::audit {

// The columns of saas.audit_logs in the order of log_columns in log.cpp.
enum log_column : int {
    c_team_id,
    c_created_at,
    c_id,
    c_xact_id,
    c_actor_id,
    c_row_id,
    c_operation,
    c_table_name,
    c_row_key,
    c_old_values,
    c_new_values,
    c_db_role,
    c_login_role,
    c_request_id,
    c_client_addr,
    c_payload_hash, // set when the payload is erased, never by the trigger
    k_log_columns
};

// One row to be; all NULL at first.
struct log_row {
    Datum values[k_log_columns];
    bool nulls[k_log_columns];

    log_row() {
        for (int i = 0; i < k_log_columns; ++i) {
            values[i] = 0;
            nulls[i] = true;
        }
    }
    void set(log_column column, Datum value) {
        values[column] = value;
        nulls[column] = false;
    }
};

// Fills in what is the same for every kind of change: team (`team` when it is given, else that of
// the request, else the platform's nil uuid), time of the statement, id, transaction, actor, roles,
// request, client. `operation` is one of I, U, D, T.
void describe_request(log_row &row, char operation, const Datum *team);

// Writes the row. Raises SA042 when saas.audit_logs does not exist. Plain frames only; a trigger
// that the owner put on the log may run.
void write_log(log_row &row);

// Statements find the log by its name, and whoever owns the database can let the name stand for
// something else: they must not run with a superuser's rights then. Raises SA003 when a superuser
// owns the log and somebody else the database.
void refuse_borrowed_rights(Oid log_owner);

} // namespace saas::audit
