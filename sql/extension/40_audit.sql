-- Audit trail: trigger functions. Only roles that own the database may attach them, since a trigger's
-- arguments say which table and team a change is recorded for.
CREATE OR REPLACE FUNCTION saas.audit_row_change()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_audit_row_change';
REVOKE ALL ON FUNCTION saas.audit_row_change() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.audit_row_change() TO pg_database_owner;
COMMENT ON FUNCTION saas.audit_row_change() IS
'Records a row change in saas.audit_logs; attach it by saas.audit_table()';

CREATE OR REPLACE FUNCTION saas.audit_truncate()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_audit_truncate';
REVOKE ALL ON FUNCTION saas.audit_truncate() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.audit_truncate() TO pg_database_owner;
COMMENT ON FUNCTION saas.audit_truncate() IS
'Records a TRUNCATE in saas.audit_logs; attach it by saas.audit_table()';

CREATE OR REPLACE FUNCTION saas.append_only()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_append_only';
REVOKE ALL ON FUNCTION saas.append_only() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.append_only() TO pg_database_owner;
COMMENT ON FUNCTION saas.append_only() IS
'Trigger that refuses UPDATE, DELETE and TRUNCATE with SA041';

CREATE OR REPLACE FUNCTION saas.audit_row_id(p_key jsonb)
RETURNS uuid
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_audit_row_id';
COMMENT ON FUNCTION saas.audit_row_id(jsonb) IS
'row_id in saas.audit_logs of a row whose primary key, without team_id, is not a single uuid';
