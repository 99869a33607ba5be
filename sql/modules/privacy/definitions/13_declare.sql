-- Tables of one's own on the map: declared by the owner of the database, proposed by discovery.
CREATE OR REPLACE FUNCTION saas.declare_personal_data(
    p_table regclass,
    p_link text,
    p_columns text[],
    p_parent regclass DEFAULT 'saas.users',
    p_parent_columns text[] DEFAULT '{id}',
    p_kind text DEFAULT 'key',
    p_action text DEFAULT 'delete',
    p_anonymise_action text DEFAULT NULL,
    p_json_path text[] DEFAULT NULL,
    p_reassign_to text DEFAULT NULL,
    p_basis text DEFAULT NULL,
    p_kept_for interval DEFAULT NULL,
    p_section text DEFAULT 'other',
    p_origin text DEFAULT 'provided'
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_table text := saas.personal_table_name(p_table);
    v_problem text;
BEGIN
    IF NOT saas.acts_as_database_owner() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only the owner of the database declares personal data';
    END IF;
    SELECT CASE
        WHEN v_table LIKE 'saas.%' THEN 'the package declares its own tables'
        WHEN EXISTS (SELECT FROM pg_class AS c WHERE c.oid = p_table AND c.relkind NOT IN ('r', 'p')) THEN 'it is no table: declare those that it reads'
        WHEN NOT saas.is_trusted_table(p_table) THEN 'it belongs to somebody else than the owner of the database'
        WHEN p_parent::oid = p_table::oid AND p_kind = 'key' AND p_action NOT IN ('null', 'delete', 'keep', 'anonymise') THEN 'a row cannot take its own place'
        WHEN EXISTS (SELECT FROM pg_class AS c WHERE c.oid = p_table AND c.relispartition) THEN 'it is a partition: declare the table that it belongs to'
        WHEN saas.personal_key(v_table) IS NULL THEN 'the table has no primary key'
        WHEN EXISTS (
            SELECT FROM unnest(p_columns) AS c (name)
            WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attname = c.name AND a.attnum > 0)
        ) THEN 'it has no such column'
        WHEN EXISTS (
            SELECT FROM unnest(p_parent_columns) AS c (name)
            WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = p_parent AND a.attname = c.name AND a.attnum > 0)
        ) THEN 'the parent has no such column'
        WHEN p_parent <> 'saas.users'::regclass
            AND NOT EXISTS (SELECT FROM saas.personal_links AS l WHERE saas.personal_table(l.table_name) = p_parent)
            AND p_parent <> p_table THEN 'the parent is not on the map: declare it first'
    END
    INTO v_problem;
    IF v_problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA156',
            MESSAGE = 'the declaration makes no sense',
            DETAIL = format('Table %s: %s.', v_table, v_problem);
    END IF;
    INSERT INTO saas.personal_data_links (
        table_name, link_name, parent_table, columns, parent_columns, kind, json_path, action,
        anonymise_action, reassign_to, basis, kept_for, section, origin
    )
    VALUES (
        v_table, p_link, saas.personal_table_name(p_parent), p_columns, p_parent_columns, p_kind,
        p_json_path, p_action, p_anonymise_action, p_reassign_to, p_basis, p_kept_for, p_section, p_origin
    )
    ON CONFLICT (table_name, link_name) DO UPDATE
    SET parent_table = excluded.parent_table, columns = excluded.columns, parent_columns = excluded.parent_columns,
        kind = excluded.kind, json_path = excluded.json_path, action = excluded.action,
        anonymise_action = excluded.anonymise_action, reassign_to = excluded.reassign_to, basis = excluded.basis,
        kept_for = excluded.kept_for, section = excluded.section, origin = excluded.origin;
END
$$;
COMMENT ON FUNCTION saas.declare_personal_data(regclass, text, text[], regclass, text[], text, text, text, text[], text, text, interval, text, text) IS
'Declares how rows of a table of one''s own belong to a person, and what becomes of them: p_kind key, column, email or json; p_action delete, anonymise, null, reassign, shred or keep. For the owner of the database, who grants SELECT, UPDATE and DELETE on the table to saas_internal as well. SA156 when it makes no sense.';
REVOKE ALL ON FUNCTION saas.declare_personal_data(regclass, text, text[], regclass, text[], text, text, text, text[], text, text, interval, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.declare_personal_data(regclass, text, text[], regclass, text[], text, text, text, text[], text, text, interval, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.declare_personal_column(
    p_table regclass,
    p_column text,
    p_action text,
    p_value text DEFAULT NULL,
    p_identifying boolean DEFAULT false,
    p_basis text DEFAULT NULL,
    p_classification text DEFAULT 'confidential'
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_table text := saas.personal_table_name(p_table);
    v_problem text;
BEGIN
    IF NOT saas.acts_as_database_owner() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only the owner of the database declares personal data';
    END IF;
    IF v_table LIKE 'saas.%' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA156',
            MESSAGE = 'the declaration makes no sense',
            DETAIL = format('Table %s: the package declares its own tables.', v_table);
    END IF;
    SELECT CASE
        WHEN c.relispartition THEN 'it is a partition: declare the table that it belongs to'
        WHEN c.relkind NOT IN ('r', 'p') THEN 'it is no table: declare the columns of the tables that it reads'
        WHEN NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attname = p_column AND a.attnum > 0) THEN 'it has no such column'
    END
    INTO v_problem
    FROM pg_class AS c WHERE c.oid = p_table;
    IF v_problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA156',
            MESSAGE = 'the declaration makes no sense',
            DETAIL = format('Table %s, column %s: %s.', v_table, p_column, v_problem);
    END IF;
    PERFORM saas.register_asset(p_table, p_column::name, p_classification);
    INSERT INTO saas.personal_data_columns (table_name, column_name, action, value, is_identifying, basis)
    VALUES (v_table, p_column, p_action, p_value, p_identifying, p_basis)
    ON CONFLICT (table_name, column_name) DO UPDATE
    SET action = excluded.action, value = excluded.value, is_identifying = excluded.is_identifying,
        basis = excluded.basis;
END
$$;
COMMENT ON FUNCTION saas.declare_personal_column(regclass, text, text, text, boolean, text, text) IS
'Declares what becomes of a column of a table of one''s own: p_action delete (with its row), null, anonymise (to p_value, in which {random} stands for a new random text), shred, or keep with its basis. An identifying value is searched for after an erasure. For the owner of the database.';
REVOKE ALL ON FUNCTION saas.declare_personal_column(regclass, text, text, text, boolean, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.declare_personal_column(regclass, text, text, text, boolean, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.dismiss_personal_data(p_table regclass, p_column text, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.acts_as_database_owner() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only the owner of the database dismisses proposals';
    END IF;
    IF COALESCE(p_reason, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a reason is needed to dismiss a proposal';
    END IF;
    UPDATE saas.personal_data_proposals AS p
    SET status = 'dismissed', status_reason = p_reason
    WHERE p.table_name = saas.personal_table_name(p_table) AND p.column_name = p_column;
    IF NOT FOUND THEN
        INSERT INTO saas.personal_data_proposals (table_name, column_name, kind, why, status, status_reason)
        VALUES (saas.personal_table_name(p_table), p_column, 'none', 'name', 'dismissed', p_reason);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.dismiss_personal_data(regclass, text, text) IS
'Says that a column is not personal, whatever it looks like, and why. For the owner of the database.';
REVOKE ALL ON FUNCTION saas.dismiss_personal_data(regclass, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.dismiss_personal_data(regclass, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.personal_kind_of(p_value text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN length(p_value) > 400 THEN NULL
        WHEN p_value ~ '^[^@[:space:]]+@[^@[:space:]]+\.[A-Za-z]{2,}$' THEN 'email'
        WHEN p_value ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$' THEN 'iban'
        WHEN p_value ~ '^([0-9]{1,3}\.){3}[0-9]{1,3}$' OR p_value ~ '^[0-9A-Fa-f]*:[0-9A-Fa-f:]+:[0-9A-Fa-f:]*$' THEN 'ip'
        WHEN p_value ~ '^\+[0-9][0-9 ()./-]{6,20}$' THEN 'phone'
        WHEN p_value ~ '^[0-9]{4}([ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}$' THEN 'card'
        WHEN p_value ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
            AND EXISTS (SELECT FROM saas.users AS u WHERE u.id = p_value::uuid) THEN 'user_id'
    END
$$;
COMMENT ON FUNCTION saas.personal_kind_of(text) IS
'What kind of personal data a value looks like: email, iban, ip, phone, card, user_id; NULL for none.';
REVOKE ALL ON FUNCTION saas.personal_kind_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_kind_of(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.json_leaves(p_value jsonb)
RETURNS TABLE (path text, value text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH RECURSIVE walk (path, value, depth) AS (
        SELECT ''::text, p_value, 0
        UNION ALL
        SELECT concat_ws(',', NULLIF(w.path, ''), e.key), e.value, w.depth + 1
        FROM walk AS w
        CROSS JOIN LATERAL (
            SELECT o.key, o.value FROM jsonb_each(CASE jsonb_typeof(w.value) WHEN 'object' THEN w.value ELSE '{}' END) AS o
            UNION ALL
            SELECT '*', a.value FROM jsonb_array_elements(CASE jsonb_typeof(w.value) WHEN 'array' THEN w.value ELSE '[]' END) AS a
        ) AS e (key, value)
        WHERE w.depth < 12
    )
    SELECT w.path, w.value #>> '{}' FROM walk AS w WHERE jsonb_typeof(w.value) = 'string'
$$;
COMMENT ON FUNCTION saas.json_leaves(jsonb) IS
'The strings in a JSON value, with their paths; * stands for any element of an array.';
REVOKE ALL ON FUNCTION saas.json_leaves(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.json_leaves(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.note_personal_samples(
    p_table text,
    p_column text,
    p_type oid,
    p_samples integer
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_values text;
    v_noted bigint;
BEGIN
    v_values := format('SELECT t.%I AS value FROM %s AS t WHERE t.%I IS NOT NULL LIMIT $3', p_column, p_table::regclass, p_column);
    IF p_type = 'jsonb'::regtype THEN
        v_values := format('SELECT l.path, l.value FROM (%s) AS s CROSS JOIN LATERAL saas.json_leaves(s.value) AS l', v_values);
    ELSE
        v_values := format('SELECT %L::text AS path, s.value::text AS value FROM (%s) AS s', '', v_values);
    END IF;
    v_noted := saas.privacy_query(
        format(
            'WITH judged AS (SELECT v.path, saas.personal_kind_of(v.value) AS kind FROM (%s) AS v),
            counted AS (SELECT j.path, j.kind, count(*) AS hits, sum(count(*)) OVER (PARTITION BY j.path) AS seen FROM judged AS j GROUP BY j.path, j.kind),
            best AS (SELECT DISTINCT ON (c.path) c.path, c.kind, c.hits / c.seen AS share FROM counted AS c WHERE c.kind IS NOT NULL AND c.hits >= c.seen * 0.2 ORDER BY c.path, c.hits DESC),
            noted AS (
                INSERT INTO saas.personal_data_proposals (table_name, column_name, json_path, kind, why, share)
                SELECT %L, %L, b.path, b.kind, %L, b.share FROM best AS b
                ON CONFLICT (table_name, column_name, json_path) DO UPDATE SET kind = excluded.kind, why = excluded.why, share = excluded.share, found_at = now()
                RETURNING 1
            )
            SELECT count(*) FROM noted',
            v_values, p_table, p_column, 'samples'
        ),
        NULL, NULL, p_samples
    )::bigint;
    RETURN v_noted;
END
$$;
COMMENT ON FUNCTION saas.note_personal_samples(text, text, oid, integer) IS
'Part of saas.discover_personal_data(): looks at values of one column and notes what they look like.';
REVOKE ALL ON FUNCTION saas.note_personal_samples(text, text, oid, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.discover_personal_data(p_samples integer DEFAULT 1000)
RETURNS SETOF saas.personal_data_proposals
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_untrusted CONSTANT oid[] := ARRAY(
        SELECT u.oid FROM saas.untrusted_tables(ARRAY(SELECT c.oid FROM pg_class AS c WHERE c.relkind IN ('r', 'p'))) AS u (oid)
    );
    v_column record;
BEGIN
    IF NOT saas.acts_as_database_owner() AND NOT saas.acts_as_service() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only the owner of the database and workers discover personal data';
    END IF;
    INSERT INTO saas.personal_data_proposals AS o (table_name, column_name, kind, why)
    SELECT u.table_name, u.column_name, 'name', u.why
    FROM (SELECT DISTINCT ON (d.table_name, d.column_name) d.* FROM saas.undeclared_personal_data() AS d ORDER BY d.table_name, d.column_name, d.why) AS u
    ON CONFLICT (table_name, column_name, json_path) DO UPDATE SET found_at = now();
    FOR v_column IN
        SELECT saas.personal_table_name(c.oid::regclass) AS name, a.attname, a.atttypid
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p')
            AND NOT c.relispartition
            AND c.relpersistence <> 't'
            AND n.nspname !~ '^(pg_|information_schema$|saas$|cron$)'
            AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'jsonb'::regtype, 'uuid'::regtype)
            AND c.oid <> ALL (v_untrusted)
            AND has_table_privilege(c.oid, 'SELECT')
            AND has_schema_privilege(n.oid, 'USAGE')
            AND NOT EXISTS (
                SELECT FROM saas.personal_data_columns AS k
                WHERE saas.personal_table(k.table_name) = c.oid AND k.column_name = a.attname
            )
            AND NOT EXISTS (
                SELECT FROM saas.personal_data_links AS k
                WHERE saas.personal_table(k.table_name) = c.oid AND a.attname = ANY (k.columns)
            )
    LOOP
        PERFORM saas.note_personal_samples(v_column.name, v_column.attname, v_column.atttypid, p_samples);
    END LOOP;
    RETURN QUERY
    SELECT p.* FROM saas.personal_data_proposals AS p WHERE p.status = 'open' ORDER BY p.table_name, p.column_name, p.json_path;
END
$$;
COMMENT ON FUNCTION saas.discover_personal_data(integer) IS
'Looks for personal data in tables outside the package: by names and types, by samples of values that saas_internal may read, by paths in JSON values. Returns the open proposals; declare or dismiss them. For the owner of the database and workers.';
REVOKE ALL ON FUNCTION saas.discover_personal_data(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.discover_personal_data(integer) TO saas_service, pg_database_owner;
