-- Single rows, for functions that write many of them a second.
CREATE OR REPLACE FUNCTION saas.insert_row(p_row anyelement)
RETURNS anyelement
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_insert_row';
COMMENT ON FUNCTION saas.insert_row(anyelement) IS
'Inserts a row of a table''s row type with all that belongs to it (triggers, constraints, indexes, foreign keys) and returns it as it was stored. A column that is NULL gets its default, if it has one. What an INSERT prepares anew each time is kept for the next row of the table. Needs the right to insert; refuses tables that row-level security would filter.';
REVOKE ALL ON FUNCTION saas.insert_row(anyelement) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.update_row(p_row anyelement)
RETURNS anyelement
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_update_row';
COMMENT ON FUNCTION saas.update_row(anyelement) IS
'Stores a row of a table''s row type in the place of the one with its primary key, which the transaction has locked, likewise; returns it as it was stored. Nothing is written where no column differs, and triggers UPDATE OF see the columns that do. P0002 for an unknown key, 40001 when the row was not locked and has changed since the statement began.';
REVOKE ALL ON FUNCTION saas.update_row(anyelement) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.with_columns(p_row anyelement, p_columns text[], VARIADIC p_values "any")
RETURNS anyelement
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_with_columns';
COMMENT ON FUNCTION saas.with_columns(anyelement, text[], "any") IS
'A row of a table''s row type (NULL: an empty one) with the columns of these names replaced by the values: one expression instead of an assignment for each. 42703 for a column that the row does not have, 42804 for a value of another type; one that its column is too short for is refused as in an assignment (22001, 22003).';
REVOKE ALL ON FUNCTION saas.with_columns(anyelement, text[], "any") FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.find_row(p_of anyelement, p_index text, VARIADIC p_values "any")
RETURNS anyelement
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_find_row';
COMMENT ON FUNCTION saas.find_row(anyelement, text, "any") IS
'The row of a table that has these values in the columns of one of its btree indexes, or in the first of them; NULL when there is none. What a SELECT of the row would answer, without a statement around it. p_of: of which table, as NULL of its row type. A partial index finds its own rows alone; NULL finds nothing, but in an index with NULLS NOT DISTINCT; where several rows fit, one of them. 42704 for an index that the table does not have, 42804 for a value of another type than its column. Needs the right to read; refuses tables that row-level security would filter.';
REVOKE ALL ON FUNCTION saas.find_row(anyelement, text, "any") FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.has_row(p_of anyelement, p_index text, VARIADIC p_values "any")
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_has_row';
COMMENT ON FUNCTION saas.has_row(anyelement, text, "any") IS
'Whether there is such a row, as EXISTS: nothing of it is copied.';
REVOKE ALL ON FUNCTION saas.has_row(anyelement, text, "any") FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.lock_row(p_of anyelement, p_lock text, p_index text, VARIADIC p_values "any")
RETURNS anyelement
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_lock_row';
COMMENT ON FUNCTION saas.lock_row(anyelement, text, text, "any") IS
'What saas.find_row() finds, with a lock: FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE or FOR KEY SHARE. Waits for whoever has locked the row, and returns it as it is then; NULL when it has gone or has other values by then. 40001 where the isolation level hides the change. Needs also the right to update.';
REVOKE ALL ON FUNCTION saas.lock_row(anyelement, text, text, "any") FROM PUBLIC;
