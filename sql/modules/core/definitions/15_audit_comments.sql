-- What the tables of the audit trail and the activity log hold, with the data classification.
COMMENT ON TABLE saas.audit_logs IS 'Every change of an audited table: who, when, which row, the changed columns before and after. Append-only, partitioned by month of created_at; outlives the team.';
COMMENT ON COLUMN saas.audit_logs.team_id IS 'Team of the changed row, else of the request; the nil uuid for the platform. [internal]';
COMMENT ON COLUMN saas.audit_logs.created_at IS 'Start of the statement that made the change. [internal]';
COMMENT ON COLUMN saas.audit_logs.id IS 'Identifier; ascends in the order of the changes of a row. [internal]';
COMMENT ON COLUMN saas.audit_logs.xact_id IS 'Transaction that made the change. [internal]';
COMMENT ON COLUMN saas.audit_logs.actor_id IS 'User of the request context; NULL without one. [confidential]';
COMMENT ON COLUMN saas.audit_logs.row_id IS 'The changed row: its primary key without team_id when that is one uuid, else saas.audit_row_id(row_key). NULL without primary key. [internal]';
COMMENT ON COLUMN saas.audit_logs.operation IS 'I insert, U update, D delete, T truncate. [internal]';
COMMENT ON COLUMN saas.audit_logs.table_name IS 'Schema and name of the audited table. [internal]';
COMMENT ON COLUMN saas.audit_logs.row_key IS 'Primary key without team_id when it is not one uuid. [confidential]';
COMMENT ON COLUMN saas.audit_logs.old_values IS 'Before the change: the changed columns, or the whole row that was deleted; secrets are redacted. [confidential]';
COMMENT ON COLUMN saas.audit_logs.new_values IS 'After the change: the changed columns, or the whole new row; secrets are redacted. [confidential]';
COMMENT ON COLUMN saas.audit_logs.db_role IS 'Database role whose rights applied. [internal]';
COMMENT ON COLUMN saas.audit_logs.login_role IS 'Database role that logged in, when it is another one. [internal]';
COMMENT ON COLUMN saas.audit_logs.request_id IS 'Setting saas.request_id of the application. [internal]';
COMMENT ON COLUMN saas.audit_logs.client_addr IS 'Network address of the client; NULL for a local socket. [confidential]';
COMMENT ON TABLE saas.audit_logs_default IS 'Rows of saas.audit_logs for which no month''s partition exists.';

COMMENT ON TABLE saas.activity_logs IS 'What members of a team did, for them to read. Partitioned by month of created_at.';
COMMENT ON COLUMN saas.activity_logs.team_id IS 'Team. [internal]';
COMMENT ON COLUMN saas.activity_logs.created_at IS 'When it happened. [internal]';
COMMENT ON COLUMN saas.activity_logs.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.activity_logs.user_id IS 'Who did it; NULL for a worker and after the user was erased. [confidential]';
COMMENT ON COLUMN saas.activity_logs.subject_id IS 'What it was done to. [internal]';
COMMENT ON COLUMN saas.activity_logs.action IS 'What was done, such as project.created. [internal]';
COMMENT ON COLUMN saas.activity_logs.subject_type IS 'Kind of the subject, such as project. [internal]';
COMMENT ON COLUMN saas.activity_logs.details IS 'More about it, a JSON object. [confidential]';
COMMENT ON TABLE saas.activity_logs_default IS 'Rows of saas.activity_logs for which no month''s partition exists.';
