-- Native parts of rollups: docs/modules/rollups.md.
CREATE OR REPLACE FUNCTION saas.hour_bucket(p_time timestamptz, p_time_zone text)
RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_hour_bucket';
COMMENT ON FUNCTION saas.hour_bucket(timestamptz, text) IS
'The start of the local hour that the time is in; of the two hours at the end of summer time each has its own. Infinity for times outside the years 1 to 9999 of UTC, which rollups do not have. 22023 for an unknown time zone.';

-- The table with such a trigger is what refreshes read: only who makes rollups puts it on a table.
CREATE OR REPLACE FUNCTION saas.record_rollup_change()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_record_rollup_change';
REVOKE ALL ON FUNCTION saas.record_rollup_change() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_rollup_change() TO pg_database_owner;
COMMENT ON FUNCTION saas.record_rollup_change() IS
'AFTER row trigger of sources of rollups: notes team and quarter of an hour of each row that comes, changes or goes, and writes them to saas.rollup_changes when the transaction commits. Made by saas.create_rollup(); SA130 when a column that it names is gone.';

CREATE OR REPLACE FUNCTION saas.record_rollup_truncate()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_record_rollup_truncate';
REVOKE ALL ON FUNCTION saas.record_rollup_truncate() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_rollup_truncate() TO pg_database_owner;
COMMENT ON FUNCTION saas.record_rollup_truncate() IS
'AFTER TRUNCATE trigger of sources of rollups: all buckets that there are have changed. Made by saas.create_rollup().';

CREATE OR REPLACE FUNCTION saas.write_rollup_changes()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_write_rollup_changes';
REVOKE ALL ON FUNCTION saas.write_rollup_changes() FROM PUBLIC;
COMMENT ON FUNCTION saas.write_rollup_changes() IS
'Writes what this transaction has changed in sources of rollups to saas.rollup_changes now instead of when it commits, so that it counts in this transaction, too. Called by saas.refresh_rollups().';

-- Statements run with the rights of whoever calls, so that they give none.
CREATE OR REPLACE FUNCTION saas.keeps_rollup_statement(p_key text)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_keeps_rollup_statement';
REVOKE ALL ON FUNCTION saas.keeps_rollup_statement(text) FROM PUBLIC;
COMMENT ON FUNCTION saas.keeps_rollup_statement(text) IS
'Whether this session has planned the statement of that name for the current role. Asked by refreshes of rollups.';

CREATE OR REPLACE FUNCTION saas.run_rollup_statement(p_key text, p_statement text, VARIADIC p_arguments "any")
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_run_rollup_statement';
REVOKE ALL ON FUNCTION saas.run_rollup_statement(text, text, VARIADIC "any") FROM PUBLIC;
COMMENT ON FUNCTION saas.run_rollup_statement(text, text, VARIADIC "any") IS
'Runs a statement with arguments, planned once a session and name; the text is read when there is no plan yet. Returns the first column of the first row if it is a bigint, else the number of rows. Run by refreshes of rollups. 26000 without plan and text.';
