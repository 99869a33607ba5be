-- What the redaction of logs knows. docs/modules/redaction.md
CREATE OR REPLACE FUNCTION saas.is_redacted(p_function regprocedure)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_is_redacted_function';
COMMENT ON FUNCTION saas.is_redacted(regprocedure) IS
'Whether statements that call this function are redacted in the log, in pg_stat_activity and in pg_stat_statements: functions of the package that are given secrets, and functions whose body calls one.';

CREATE OR REPLACE FUNCTION saas.is_redacted_relation(p_relation regclass)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_is_redacted_relation';
COMMENT ON FUNCTION saas.is_redacted_relation(regclass) IS
'Whether statements are redacted that write this table, since a trigger encrypts, or read this view, since it decrypts.';

CREATE OR REPLACE FUNCTION saas.is_preloaded()
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_is_preloaded';
COMMENT ON FUNCTION saas.is_preloaded() IS
'Whether the library was loaded with the server (shared_preload_libraries), so that redaction covers every statement of every session.';
