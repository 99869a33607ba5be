-- Looking for personal data in tables that nobody has declared: by names, by samples of values, by places in JSON values.
CREATE OR REPLACE FUNCTION saas.is_iban(p_value text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- ISO 13616: the country and the check digits to the end, letters from 10 on, and the remainder by 97 is 1.
    SELECT CASE
        WHEN x.value ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$' THEN (
            SELECT string_agg(CASE WHEN c.letter ~ '[A-Z]' THEN (ascii(c.letter) - 55)::text ELSE c.letter END, '' ORDER BY c.place)::numeric % 97 = 1
            FROM regexp_split_to_table(substr(x.value, 5) || left(x.value, 4), '') WITH ORDINALITY AS c (letter, place)
        )
        ELSE false
    END
    FROM (SELECT replace(p_value, ' ', '') AS value) AS x
$$;
COMMENT ON FUNCTION saas.is_iban(text) IS 'Whether a text is an account number of ISO 13616, with or without spaces.';
REVOKE ALL ON FUNCTION saas.is_iban(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_iban(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.personal_kind_of(p_value text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN length(p_value) <= 400 THEN CASE
            WHEN p_value ~ '^[^@[:space:]]+@[^@[:space:]]+\.[A-Za-z]{2,}$' THEN 'email'
            WHEN p_value ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9 ]{11,40}$' AND saas.is_iban(p_value) THEN 'iban'
            WHEN p_value ~ '^((25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})$' OR p_value ~ '^[0-9A-Fa-f]*:[0-9A-Fa-f:]+:[0-9A-Fa-f:]*$' THEN 'ip'
            WHEN p_value ~ '^\+[0-9][0-9 ()./-]{6,20}$' THEN 'phone'
            WHEN p_value ~ '^(00[1-9]|0[1-9][0-9]|[1-8][0-9]{2})-(0[1-9]|[1-9][0-9])-[0-9]{4}$' THEN 'ssn'
            WHEN p_value ~ '^[0-9]{4}([ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}$' AND saas.contains_card_number(p_value) THEN 'card'
            WHEN p_value ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
                AND EXISTS (SELECT FROM saas.users AS u WHERE u.id = p_value::uuid) THEN 'user_id'
            -- As people write numbers at home; many a number of something else looks so.
            WHEN p_value ~ '^(\(?0[0-9]{2,4}\)? ?[/. -] ?|\([2-9][0-9]{2}\) ?)[0-9][0-9 /.-]{3,12}[0-9]$' OR p_value ~ '^[2-9][0-9]{2}[-. ][0-9]{3}[-. ][0-9]{4}$' OR p_value ~ '^0[1-9]([ .][0-9]{2}){4}$'
            THEN 'local phone'
        END
    END
$$;
COMMENT ON FUNCTION saas.personal_kind_of(text) IS
'What kind of personal data a value looks like: email, iban, ip, phone, ssn, card, user_id, local phone; NULL for none.';
REVOKE ALL ON FUNCTION saas.personal_kind_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_kind_of(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.personal_kind_inside(p_value text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN v.value ~ '[[:alnum:]._%+-]+@[[:alnum:]-]+(\.[[:alnum:]-]+)*\.[[:alpha:]]{2,}' THEN 'text with email'
        WHEN v.value ~ '(^|[^[:alnum:]])\+[1-9][0-9]{0,2}[ (./-]*[0-9][0-9 ()./-]{6,16}[0-9]' THEN 'text with phone'
    END
    FROM (SELECT left(p_value, 4000) AS value) AS v
$$;
COMMENT ON FUNCTION saas.personal_kind_inside(text) IS
'Whether an address or a telephone number stands somewhere in a text: text with email, text with phone; NULL for none.';
REVOKE ALL ON FUNCTION saas.personal_kind_inside(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_kind_inside(text) TO saas_internal;

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
    p_samples integer,
    p_deleted boolean
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_values text;
BEGIN
    v_values := format('SELECT t.%I AS value FROM %s AS t WHERE t.%I IS NOT NULL LIMIT $3', p_column, p_table::regclass, p_column);
    IF p_type = 'jsonb'::regtype THEN
        v_values := format('SELECT l.path, l.value FROM (%s) AS s CROSS JOIN LATERAL saas.json_leaves(s.value) AS l', v_values);
    ELSE
        v_values := format('SELECT %L::text AS path, s.value::text AS value FROM (%s) AS s', '', v_values);
    END IF;
    RETURN saas.privacy_query(
        format(
            'WITH judged AS MATERIALIZED (
                SELECT v.path, COALESCE(saas.personal_kind_of(v.value), saas.personal_kind_inside(v.value)) AS kind FROM (%s) AS v WHERE v.value <> %L
            ),
            paths AS MATERIALIZED (
                SELECT p.path, p.seen, p.leaf, regexp_replace(p.path, %L, %L) AS parent, saas.personal_name_rank(p.leaf, %s) AS rank
                FROM (SELECT j.path, count(*) AS seen, regexp_replace(j.path, %L, %L) AS leaf FROM judged AS j GROUP BY j.path) AS p
            ),
            counted AS (
                SELECT j.path, j.kind, count(*)::real / p.seen AS share FROM judged AS j JOIN paths AS p ON p.path = j.path
                WHERE j.kind IS NOT NULL
                    -- A number of an article, a version or a parcel is none of a person.
                    AND (j.kind NOT IN (%L, %L, %L, %L, %L, %L) OR CASE p.path WHEN %L THEN %L ELSE p.leaf END !~* %L)
                GROUP BY j.path, j.kind, p.seen
                UNION ALL
                -- Keys in a JSON value speak as names of columns do.
                SELECT p.path, %L, 1 FROM (SELECT q.*, max(q.rank) OVER (PARTITION BY q.parent) AS highest FROM paths AS q) AS p
                WHERE p.path <> %L AND (p.rank = 2 OR p.rank = 1 AND p.highest = 2)
            ),
            best AS (
                SELECT DISTINCT ON (c.path) c.path, c.kind, c.share FROM counted AS c
                WHERE c.share >= CASE WHEN c.kind LIKE %L THEN 0.01 WHEN c.kind = %L THEN 0.6 ELSE 0.2 END AND (NOT %L::boolean OR c.kind = %L)
                ORDER BY c.path, c.kind = %L, c.kind LIKE %L, c.share DESC, c.kind
            ),
            noted AS (
                INSERT INTO saas.personal_data_proposals (table_name, column_name, json_path, kind, why, share)
                SELECT %L, %L, b.path, replace(b.kind, %L, %L), CASE b.kind WHEN %L THEN %L ELSE %L END, CASE WHEN b.kind <> %L THEN b.share END FROM best AS b
                ON CONFLICT (table_name, column_name, json_path) DO UPDATE SET kind = excluded.kind, why = excluded.why, share = excluded.share, found_at = now()
                RETURNING 1
            )
            SELECT count(*) FROM noted',
            v_values, '',
            ',?[^,]*$', '', 'text'::regtype::oid, '^.*,', '',
            'phone', 'local phone', 'card', 'iban', 'ip', 'ssn', '', p_column,
            '(^|[_.-])(version|sku|ean|gtin|upc|isbn|barcode|lot|batch|serial|tracking|article|artikel|part|shelf|hash|checksum|build|release|prefix|formats?|model)($|[_.-])',
            'name', '',
            'text with %', 'local phone', p_deleted, 'user_id',
            'name', 'text with %',
            p_table, p_column, 'local phone', 'phone', 'name', 'it is named like personal data', 'samples', 'name'
        ),
        NULL, NULL, p_samples
    )::bigint;
END
$$;
COMMENT ON FUNCTION saas.note_personal_samples(text, text, oid, integer, boolean) IS
'Part of saas.discover_personal_data(): looks at values of one column and notes what they look like; p_deleted: its rows go with a person, so that only ids of users tell something new.';
REVOKE ALL ON FUNCTION saas.note_personal_samples(text, text, oid, integer, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.forget_settled_proposals()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    DELETE FROM saas.personal_data_proposals AS p
    WHERE p.status = 'open'
        AND (
            NOT EXISTS (
                SELECT FROM pg_attribute AS a
                WHERE a.attrelid = saas.personal_table(p.table_name) AND a.attname = p.column_name AND a.attnum > 0 AND NOT a.attisdropped
            )
            AND p.why <> 'it was declared, and is gone or renamed'
            OR EXISTS (SELECT FROM saas.personal_data_columns AS k WHERE k.table_name = p.table_name AND k.column_name = p.column_name)
            OR EXISTS (
                SELECT FROM saas.personal_data_links AS l
                WHERE l.table_name = p.table_name
                    AND (
                        l.action = 'delete' AND p.kind <> 'user_id'
                        OR p.column_name = ANY (l.columns) AND (p.json_path = '' OR p.json_path = array_to_string(l.json_path, ','))
                    )
            )
        )
$$;
COMMENT ON FUNCTION saas.forget_settled_proposals() IS
'Removes open proposals about what was declared since, and about columns that are gone.';
REVOKE ALL ON FUNCTION saas.forget_settled_proposals() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.forget_settled_proposals() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.discover_personal_data(p_samples integer DEFAULT 1000)
RETURNS SETOF saas.personal_data_proposals
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
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
    PERFORM saas.forget_settled_proposals();
    INSERT INTO saas.personal_data_proposals AS o (table_name, column_name, kind, why)
    SELECT u.table_name, u.column_name, 'name', u.why
    FROM (SELECT DISTINCT ON (d.table_name, d.column_name) d.* FROM saas.undeclared_personal_data() AS d ORDER BY d.table_name, d.column_name, d.why) AS u
    ON CONFLICT (table_name, column_name, json_path) DO UPDATE SET found_at = now();
    FOR v_column IN
        SELECT t.name, a.attname, y.type, EXISTS (SELECT FROM saas.personal_data_links AS k WHERE k.table_name = t.name AND k.action = 'delete') AS is_deleted
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        CROSS JOIN LATERAL (SELECT saas.personal_table_name(c.oid::regclass) AS name) AS t
        CROSS JOIN LATERAL (SELECT saas.plain_type(a.atttypid) AS type) AS y
        WHERE c.relkind IN ('r', 'p')
            AND NOT c.relispartition
            AND c.relpersistence <> 't'
            AND n.nspname !~ '^(pg_|information_schema$|saas$|cron$)'
            AND y.type IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'jsonb'::regtype, 'uuid'::regtype)
            AND (y.type <> 'jsonb'::regtype OR a.attndims = 0)
            AND c.oid <> ALL (v_untrusted)
            AND has_table_privilege(c.oid, 'SELECT')
            AND has_schema_privilege(n.oid, 'USAGE')
            AND NOT EXISTS (
                SELECT FROM saas.personal_data_columns AS k WHERE k.table_name = t.name AND k.column_name = a.attname
            )
            AND NOT EXISTS (
                SELECT FROM saas.personal_data_links AS k WHERE k.table_name = t.name AND a.attname = ANY (k.columns)
            )
        ORDER BY t.name, a.attnum
    LOOP
        PERFORM saas.note_personal_samples(v_column.name, v_column.attname, v_column.type, p_samples, v_column.is_deleted);
    END LOOP;
    RETURN QUERY
    SELECT p.* FROM saas.personal_data_proposals AS p WHERE p.status = 'open' ORDER BY p.table_name, p.column_name, p.json_path;
END
$$;
COMMENT ON FUNCTION saas.discover_personal_data(integer) IS
'Looks for personal data in tables outside the package: by names and types, by samples of values that saas_internal may read, by places in JSON values. Returns the open proposals; declare or dismiss them. For the owner of the database and workers.';
REVOKE ALL ON FUNCTION saas.discover_personal_data(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.discover_personal_data(integer) TO saas_service, pg_database_owner;
