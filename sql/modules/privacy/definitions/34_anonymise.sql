-- Tables made anonymous, in place or as a copy, and how anonymous they are.
CREATE OR REPLACE FUNCTION saas.masked_value(p_column text, p_data_type regtype, p_rule jsonb, p_type text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE p_rule ->> 'strategy'
        WHEN 'keep' THEN pg_catalog.format('t.%I', p_column)
        WHEN 'required' THEN pg_catalog.format(
            '(CASE WHEN t.%1$I IS NOT NULL THEN %2$s %3$s END)::%4$s', p_column,
            -- What has to be the team's id is no person's.
            CASE
                WHEN (p_rule ->> 'or_team')::boolean
                THEN pg_catalog.format('CASE WHEN t.%1$I = t.team_id::text THEN t.%1$I ELSE', p_column)
                ELSE ''
            END,
            saas.required_mask(pg_catalog.format('t.%I', p_column), p_data_type)
                || CASE WHEN (p_rule ->> 'or_team')::boolean THEN ' END' ELSE '' END,
            p_type)
        ELSE pg_catalog.format(
            '(%s)::%s',
            saas.masking_expression(
                pg_catalog.format('t.%I', p_column), p_data_type, p_rule, NULL, '(SELECT k.key FROM pg_temp.masking_key AS k)'
            ),
            p_type)
    END;
END
$$;
COMMENT ON FUNCTION saas.masked_value(text, regtype, jsonb, text) IS
'The expression for a masked column of a row t, of the type that the column has; not for shuffling.';
REVOKE ALL ON FUNCTION saas.masked_value(text, regtype, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.masked_value(text, regtype, jsonb, text) TO pg_database_owner;

DROP FUNCTION IF EXISTS saas.masked_select(regclass, jsonb, boolean);
CREATE OR REPLACE FUNCTION saas.masked_select(
    p_table regclass,
    p_rules jsonb DEFAULT '{}',
    p_with_place boolean DEFAULT false,
    p_only boolean DEFAULT false
)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from text := CASE WHEN p_only THEN 'ONLY ' ELSE '' END || p_table::text;
    v_columns text;
    v_shuffled text;
BEGIN
    -- Each shuffled column is numbered by chance, the rows by their place, and both are joined by number. What is put
    -- in a value's place is as long as the column allows.
    SELECT
        string_agg(
            CASE m.rule ->> 'strategy'
                WHEN 'shuffle' THEN pg_catalog.format('%I.value AS %I', 's_' || a.attnum, m.column_name)
                ELSE pg_catalog.format(
                    '%s AS %I', saas.masked_value(m.column_name, m.data_type, m.rule, format_type(b.base_type, b.modifier)), m.column_name)
            END, ', '),
        string_agg(
            pg_catalog.format(
                ' JOIN (SELECT x.%1$I AS value, row_number() OVER (ORDER BY gen_random_uuid()) AS number FROM %2$s AS x)
                    AS %3$I ON %3$I.number = t.saas_number',
                m.column_name, v_from, 's_' || a.attnum),
            '') FILTER (WHERE m.rule ->> 'strategy' = 'shuffle')
    INTO v_columns, v_shuffled
    FROM saas.masking_of(p_table, true, p_rules) AS m
    JOIN pg_attribute AS a ON a.attrelid = p_table AND a.attname = m.column_name
    CROSS JOIN LATERAL saas.made_of(a.atttypid, a.atttypmod) AS b
    WHERE NOT m.is_generated;
    RETURN pg_catalog.format(
        'SELECT %s%s FROM (SELECT x.*, x.tableoid AS saas_table, x.ctid AS saas_place%s FROM %s AS x) AS t%s',
        CASE WHEN p_with_place THEN 't.saas_table, t.saas_place, ' ELSE '' END,
        v_columns,
        CASE WHEN v_shuffled IS NOT NULL THEN ', row_number() OVER () AS saas_number' ELSE '' END,
        v_from,
        COALESCE(v_shuffled, ''));
END
$$;
COMMENT ON FUNCTION saas.masked_select(regclass, jsonb, boolean, boolean) IS
'The query that reads a table with its columns masked; with p_with_place each row''s tableoid and ctid come first; with p_only without tables that inherit from it. It takes the key of the pseudonyms from pg_temp.masking_key.';
REVOKE ALL ON FUNCTION saas.masked_select(regclass, jsonb, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.masked_select(regclass, jsonb, boolean, boolean) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.set_masking_key(p_seed text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF to_regclass('pg_temp.masking_key') IS NOT NULL THEN
        EXECUTE 'DROP TABLE pg_temp.masking_key';
    END IF;
    EXECUTE 'CREATE TEMPORARY TABLE masking_key (key bytea NOT NULL)';
    EXECUTE pg_catalog.format('INSERT INTO pg_temp.%I (key) VALUES ($1)', 'masking_key')
    USING CASE
        WHEN p_seed IS NOT NULL THEN sha256(convert_to(p_seed, 'UTF8'))
        ELSE sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
    END;
END
$$;
COMMENT ON FUNCTION saas.set_masking_key(text) IS
'Takes a key of pseudonyms for this session: one by chance, which nobody knows afterwards, or one from a seed, so that a later copy has the same pseudonyms.';
REVOKE ALL ON FUNCTION saas.set_masking_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_masking_key(text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.take_masking_key(p_statement text, p_seed text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- A table made and dropped costs more than to mask some thousand rows.
    IF p_statement LIKE '%pg_temp.masking_key%' THEN
        PERFORM saas.set_masking_key(p_seed);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.take_masking_key(text, text) IS
'saas.set_masking_key() for a statement that asks for the key.';
REVOKE ALL ON FUNCTION saas.take_masking_key(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.take_masking_key(text, text) TO pg_database_owner;

DROP FUNCTION IF EXISTS saas.anonymise_in_place(regclass, jsonb);
CREATE OR REPLACE FUNCTION saas.anonymise_in_place(p_table regclass, p_rules jsonb, p_seed text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_statement text;
BEGIN
    SELECT
        CASE
            -- Only values that come from other rows need a second look at the table.
            WHEN bool_or(m.rule ->> 'strategy' = 'shuffle') THEN pg_catalog.format(
                'UPDATE %s AS o SET %s FROM (%s) AS n WHERE o.tableoid = n.saas_table AND o.ctid = n.saas_place', p_table,
                string_agg(pg_catalog.format('%1$I = n.%1$I', m.column_name), ', '), saas.masked_select(p_table, p_rules, true)
            )
            ELSE pg_catalog.format(
                'UPDATE %s AS t SET %s', p_table,
                string_agg(pg_catalog.format('%I = %s', m.column_name, saas.masked_value(m.column_name, m.data_type, m.rule, format_type(b.base_type, b.modifier))), ', ')
                    FILTER (WHERE m.rule ->> 'strategy' <> 'shuffle')
            )
        END
    INTO v_statement
    FROM saas.masking_of(p_table, true, p_rules) AS m
    JOIN pg_attribute AS a ON a.attrelid = p_table AND a.attname = m.column_name
    CROSS JOIN LATERAL saas.made_of(a.atttypid, a.atttypmod) AS b
    WHERE NOT m.is_generated AND m.rule ->> 'strategy' <> 'keep'
    HAVING count(*) > 0;
    IF v_statement IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM saas.take_masking_key(v_statement, p_seed);
    EXECUTE pg_catalog.format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', p_table);
    -- As an erasure: no trail repeats what is taken out.
    RETURN saas.erase_by(v_statement, NULL, NULL, NULL)::bigint;
END
$$;
COMMENT ON FUNCTION saas.anonymise_in_place(regclass, jsonb, text) IS
'Masks the columns of a table where they are. Returns the number of rows.';
REVOKE ALL ON FUNCTION saas.anonymise_in_place(regclass, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.anonymise_in_place(regclass, jsonb, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.anonymise_table(
    p_table regclass,
    p_rules jsonb DEFAULT '{}',
    p_copy_to text DEFAULT NULL,
    p_seed text DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_unknown text;
    v_select text;
    v_rows bigint;
BEGIN
    IF row_security_active(p_table) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA161',
            MESSAGE = pg_catalog.format('row-level security would hide rows of %s from being anonymised', p_table),
            HINT = 'Run it as a role with BYPASSRLS, on a copy of the database.';
    END IF;
    SELECT k INTO v_unknown
    FROM jsonb_object_keys(p_rules) AS k
    WHERE NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = p_table AND a.attname = k AND a.attnum > 0 AND NOT a.attisdropped
    );
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '42703', MESSAGE = pg_catalog.format('table %s has no column %I', p_table, v_unknown);
    END IF;
    IF p_copy_to IS NULL THEN
        v_rows := saas.anonymise_in_place(p_table, p_rules, p_seed);
    ELSE
        v_select := saas.masked_select(p_table, p_rules);
        PERFORM saas.take_masking_key(v_select, p_seed);
        EXECUTE pg_catalog.format('CREATE TABLE %s AS %s',
            array_to_string(ARRAY(SELECT quote_ident(i) FROM unnest(parse_ident(p_copy_to)) AS i), '.'), v_select);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
    END IF;
    IF to_regclass('pg_temp.masking_key') IS NOT NULL THEN
        EXECUTE 'DROP TABLE pg_temp.masking_key';
    END IF;
    RETURN v_rows;
END
$$;
COMMENT ON FUNCTION saas.anonymise_table(regclass, jsonb, text, text) IS
'Masks the personal columns of a table: in place, or, with p_copy_to, as a new table. p_rules says for columns how ({"column": {"strategy": …}}), saas.masking_rules and the map for the others. With a seed the pseudonyms are the same as in other tables masked with it; without, under a key that is thrown away. Run it on a copy of the database. Returns the number of rows. For the owner of the database.';
REVOKE ALL ON FUNCTION saas.anonymise_table(regclass, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.anonymise_table(regclass, jsonb, text, text) TO pg_database_owner;

-- Samarati and Sweeney, Protecting privacy when disclosing information (1998): rows that share the values by which a
-- person could be found elsewhere are a class.
CREATE OR REPLACE FUNCTION saas.k_anonymity(
    p_table regclass,
    p_columns text[],
    p_k integer DEFAULT 5
)
RETURNS TABLE (
    row_count bigint,
    classes bigint,
    smallest bigint,
    classes_below bigint,
    rows_below bigint,
    unique_rows bigint,
    highest_risk double precision,
    average_risk double precision
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_table IS NULL
        OR COALESCE(p_k < 2, true)
        OR COALESCE(cardinality(p_columns), 0) = 0
        OR array_position(p_columns, NULL) IS NOT NULL
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a class needs columns, and at least two rows to hide in',
            HINT = 'Name the columns by which a person could be recognised, such as year of birth, sex and postal code.';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT
            COALESCE(sum(n), 0)::bigint, count(*), min(n), count(*) FILTER (WHERE n < $1),
            COALESCE(sum(n) FILTER (WHERE n < $1), 0)::bigint, count(*) FILTER (WHERE n = 1),
            1.0::float8 / min(n), count(*)::float8 / NULLIF(sum(n), 0)::float8
        FROM (SELECT count(*) AS n FROM %s GROUP BY %s) AS class',
        p_table, (SELECT string_agg(quote_ident(c), ', ') FROM unnest(p_columns) AS c)
    ) USING p_k;
END
$$;
COMMENT ON FUNCTION saas.k_anonymity(regclass, text[], integer) IS
'How well people hide in a table, given columns by which they could be recognised: rows with equal values are a class; a class of fewer than p_k rows is one too small to hide in. The risk of a row is one divided by the size of its class.';
REVOKE ALL ON FUNCTION saas.k_anonymity(regclass, text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.k_anonymity(regclass, text[], integer)
TO saas_app, saas_service, saas_analyst, pg_database_owner;

-- Machanavajjhala and others, l-diversity (2007), in its distinct form.
CREATE OR REPLACE FUNCTION saas.l_diversity(
    p_table regclass,
    p_columns text[],
    p_sensitive text,
    p_l integer DEFAULT 2
)
RETURNS TABLE (
    row_count bigint,
    classes bigint,
    smallest bigint,
    classes_below bigint,
    rows_below bigint
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_table IS NULL
        OR COALESCE(p_l < 2, true)
        OR COALESCE(cardinality(p_columns), 0) = 0
        OR array_position(p_columns, NULL) IS NOT NULL
        OR p_sensitive IS NULL
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'diversity needs columns of a class, a sensitive column, and at least two values';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT
            COALESCE(sum(n), 0)::bigint, count(*), min(d), count(*) FILTER (WHERE d < $1),
            COALESCE(sum(n) FILTER (WHERE d < $1), 0)::bigint
        FROM (
            SELECT count(*) AS n, count(DISTINCT %2$I) + (count(*) > count(%2$I))::integer AS d
            FROM %1$s GROUP BY %3$s
        ) AS class',
        p_table, p_sensitive, (SELECT string_agg(quote_ident(c), ', ') FROM unnest(p_columns) AS c)
    ) USING p_l;
END
$$;
COMMENT ON FUNCTION saas.l_diversity(regclass, text[], text, integer) IS
'Whether rows that cannot be told apart by the given columns differ in a sensitive one: a class with fewer than p_l different values gives the value away, however large it is. NULL counts as a value.';
REVOKE ALL ON FUNCTION saas.l_diversity(regclass, text[], text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.l_diversity(regclass, text[], text, integer)
TO saas_app, saas_service, saas_analyst, pg_database_owner;
