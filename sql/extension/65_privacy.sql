-- The privacy engine: the order of an erasure, statements that it runs, and the search for what should be gone.
CREATE OR REPLACE FUNCTION saas.erasure_order(
    p_tables text[],
    p_edges text[],
    p_root integer,
    OUT step integer,
    OUT table_number integer,
    OUT hops integer,
    OUT group_number integer,
    OUT circle text,
    OUT estimated_rows double precision,
    OUT route integer[],
    OUT null_edges integer[]
)
RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_erasure_order';
COMMENT ON FUNCTION saas.erasure_order(text[], text[], integer) IS
'The order in which rows that belong to a row of the table number p_root can go, children before parents. For each table "rows pages"; for each edge "child parent flags rows_per_key" with the flags k key, n nullable, d deferrable, i indexed, or -. circle: none, or how rows go although keys form one: null_first, defer, together.';

CREATE OR REPLACE FUNCTION saas.erasure_costs(
    p_tables text[],
    p_edges text[],
    p_root integer,
    OUT edge_number integer,
    OUT cost double precision,
    OUT saved_by_index double precision
)
RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_erasure_costs';
COMMENT ON FUNCTION saas.erasure_costs(text[], text[], integer) IS
'What it costs to find rows along each edge of the graph of saas.erasure_order(), in units of the server''s planner, and how much of it a missing index would spare.';

CREATE OR REPLACE FUNCTION saas.erase_by(p_statement text, p_run uuid, p_step integer, p_number bigint)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_erase_by';
REVOKE ALL ON FUNCTION saas.erase_by(text, uuid, integer, bigint) FROM PUBLIC;
COMMENT ON FUNCTION saas.erase_by(text, uuid, integer, bigint) IS
'Runs a statement of the privacy engine with parameters $1, $2 and $3 and returns the first value of its first row, or the number of rows that a statement without an answer changed. While it runs saas.is_erasing() is true: triggers that keep columns let them go, and the audit trail does not repeat values. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.privacy_query(p_statement text, p_run uuid, p_step integer, p_number bigint)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_privacy_query';
REVOKE ALL ON FUNCTION saas.privacy_query(text, uuid, integer, bigint) FROM PUBLIC;
COMMENT ON FUNCTION saas.privacy_query(text, uuid, integer, bigint) IS
'Runs a statement of the privacy engine with parameters $1, $2 and $3 and returns the first value of its first row. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.privacy_state()
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_privacy_state';
REVOKE ALL ON FUNCTION saas.privacy_state() FROM PUBLIC;
COMMENT ON FUNCTION saas.privacy_state() IS
'A number that is another one whenever anything changed that the plan of an erasure is made of: the catalog, rights, comments, and what was declared. Statistics do not count.';

CREATE OR REPLACE FUNCTION saas.privacy_answer(p_state bigint, p_statement text)
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_privacy_answer';
REVOKE ALL ON FUNCTION saas.privacy_answer(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.privacy_answer(bigint, text) IS
'The first value of a statement that follows from saas.privacy_state() alone: run once in a session for each state. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.erase_people(
    p_mode text,
    p_state bigint,
    p_people uuid[],
    p_requests uuid[],
    p_salts bytea[],
    p_key bytea,
    p_change boolean,
    p_most_rows bigint,
    OUT person integer,
    OUT step integer,
    OUT found bigint,
    OUT done bigint,
    OUT value bytea
)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_erase_people';
REVOKE ALL ON FUNCTION saas.erase_people(text, bigint, uuid[], uuid[], bytea[], bytea, boolean, bigint) FROM PUBLIC;
COMMENT ON FUNCTION saas.erase_people(text, bigint, uuid[], uuid[], bytea[], bytea, boolean, bigint) IS
'Carries out saas.erasure_program() for many people at once, or (p_change false) counts what it would do. For each person, by their place in p_people: rows by step (-1: entries of the audit trail); step -2: needles under p_key; step -3: number of leaves, and edge, of the Merkle tree of rows deleted, salted by p_salts. SA133 when there are more than p_most_rows rows, SA134 when some of them form circles. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.insert_together(p_statement text, VARIADIC p_values "any")
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_insert_together';
REVOKE ALL ON FUNCTION saas.insert_together(text, "any") FROM PUBLIC;
COMMENT ON FUNCTION saas.insert_together(text, "any") IS
'Executes an INSERT … RETURNING with these parameters, with the rights of the caller; planned once a session. Foreign keys whose columns RETURNING has are looked after once for all rows. Returns how many. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.is_erasing()
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'saas_is_erasing';
COMMENT ON FUNCTION saas.is_erasing() IS
'Whether the statement that runs erases personal data on a person''s request. For triggers that otherwise refuse changes.';

CREATE OR REPLACE FUNCTION saas.plain_type(p_type oid)
RETURNS oid
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_plain_type';
COMMENT ON FUNCTION saas.plain_type(oid) IS
'The type that a domain or an array is made of; text for citext. NULL when there is no such type.';

CREATE OR REPLACE FUNCTION saas.personal_name_rank(p_name text, p_type oid)
RETURNS integer
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_personal_name_rank';
COMMENT ON FUNCTION saas.personal_name_rank(text, oid) IS
'2 when a column of this name and type looks like personal data, 1 when it does beside others that do (name, login, photo), 0 when not. Names are known in the languages of Europe and as abbreviations; a word about a value, such as sent or type, makes it 0. Addresses of machines are 2 whatever their name.';

CREATE OR REPLACE FUNCTION saas.erasure_needle(p_key bytea, p_value text)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_erasure_needle';
REVOKE ALL ON FUNCTION saas.erasure_needle(bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.erasure_needle(bytea, text) IS
'What is kept of an erased value so that it can be found again: number of words, and a keyed hash of them (SipHash-2-4, key of 16 bytes), nine bytes for each way to write the first word with its marks together or apart. NULL for a value without letters and digits.';

CREATE OR REPLACE FUNCTION saas.holds_needle(p_text text, p_needles bytea)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'saas_holds_needle';
REVOKE ALL ON FUNCTION saas.holds_needle(text, bytea) FROM PUBLIC;
COMMENT ON FUNCTION saas.holds_needle(text, bytea) IS
'Whether a value of saas.erasure_needle() occurs in a text, word by word, without regard to case, punctuation and whether marks are apart. p_needles: the key of 16 bytes, and the needles after it.';

CREATE OR REPLACE FUNCTION saas.needle_columns(p_row record, p_needles bytea)
RETURNS text[]
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 200
AS 'MODULE_PATHNAME', 'saas_needle_columns';
REVOKE ALL ON FUNCTION saas.needle_columns(record, bytea) FROM PUBLIC;
COMMENT ON FUNCTION saas.needle_columns(record, bytea) IS
'The columns of a row in which a needle occurs (see saas.holds_needle), NULL for none: texts, bytea and bytea[] by their bytes, these also as UTF-16, JSON values by their keys, texts and numbers, other types by their text.';

CREATE OR REPLACE FUNCTION saas.search_table(
    p_table oid,
    p_needles bytea[],
    OUT request integer,
    OUT column_name text,
    OUT found_rows bigint
)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_search_table';
REVOKE ALL ON FUNCTION saas.search_table(oid, bytea[]) FROM PUBLIC;
COMMENT ON FUNCTION saas.search_table(oid, bytea[]) IS
'Reads a table with its partitions, but without tables that inherit from it, once for the needles of many requests, each as saas.needle_columns() takes them: by the number of the request and the column the number of rows in which one of them occurs; request 0: all rows. No row for a table that is not a heap. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.gdpr_export_user_data(user_uuid uuid, portable boolean DEFAULT false)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
AS 'MODULE_PATHNAME', 'saas_gdpr_export_user_data';
REVOKE ALL ON FUNCTION saas.gdpr_export_user_data(uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION saas.gdpr_export_user_data(uuid, boolean) IS
'Everything that the map says belongs to a person, decrypted, by sections: personal_info, projects, templates, activity_history, billing_history, team_memberships, further ones of declared tables, and export_metadata. portable: only what the person provided (GDPR Art. 20). For the person and workers.';

CREATE OR REPLACE FUNCTION saas.gdpr_export_user_json(user_uuid uuid, portable boolean DEFAULT false)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
AS 'MODULE_PATHNAME', 'saas_gdpr_export_user_json';
REVOKE ALL ON FUNCTION saas.gdpr_export_user_json(uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION saas.gdpr_export_user_json(uuid, boolean) IS
'What saas.gdpr_export_user_data() returns, as text: for those who send it on or store it as it is, which takes a fraction of the time, and for exports of up to 1 GB. For the person and workers.';

CREATE OR REPLACE FUNCTION saas.rows_as_json(p_statement text, p_table text, p_run uuid, p_step integer, p_number bigint)
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_rows_as_json';
REVOKE ALL ON FUNCTION saas.rows_as_json(text, text, uuid, integer, bigint) FROM PUBLIC;
COMMENT ON FUNCTION saas.rows_as_json(text, text, uuid, integer, bigint) IS
'Runs a statement of the privacy engine with parameters $1, $2 and $3; the number of its rows in ten digits, a space, and the rows as the text of a JSON array, each with the name of the table as "_table". Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.leaf_hashes(p_salt bytea, p_table text, p_keys text[])
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_leaf_hashes';
REVOKE ALL ON FUNCTION saas.leaf_hashes(bytea, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION saas.leaf_hashes(bytea, text, text[]) IS
'Leaf hashes (RFC 6962) of the salted primary keys of rows of a table, one after another: SHA-256 of a zero byte, the salt, the table''s name, a space and the key.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.erase_by(text, uuid, integer, bigint),
            saas.privacy_query(text, uuid, integer, bigint), saas.privacy_state(),
            saas.privacy_answer(bigint, text), saas.insert_together(text, "any"),
            saas.erase_people(text, bigint, uuid[], uuid[], bytea[], bytea, boolean, bigint), saas.erasure_needle(bytea, text),
            saas.holds_needle(text, bytea), saas.needle_columns(record, bytea),
            saas.search_table(oid, bytea[]), saas.leaf_hashes(bytea, text, text[]),
            saas.rows_as_json(text, text, uuid, integer, bigint) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.gdpr_export_user_data(uuid, boolean), saas.gdpr_export_user_json(uuid, boolean) TO %I, %I',
        pg_catalog.current_setting('saas.role_app'),
        pg_catalog.current_setting('saas.role_service')
    );
END
$$;
-- Anonymising a table in place is the owner's, to whom the guards belong as well.
GRANT EXECUTE ON FUNCTION saas.erase_by(text, uuid, integer, bigint) TO pg_database_owner;
