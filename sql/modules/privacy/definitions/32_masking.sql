-- Columns with another value in the place of the personal one: for views, copies and dumps.

-- What is done to a column of which saas.masking_rules says nothing. A key is there in copies and dumps, where equal
-- values have to stay equal; a view has none.
CREATE OR REPLACE FUNCTION saas.default_masking(
    p_class text,
    p_name text,
    p_type regtype,
    p_keyed boolean
)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN COALESCE(p_class, 'confidential') IN ('public', 'internal') THEN '{"strategy": "keep"}'::jsonb
        WHEN p_class = 'restricted' THEN '{"strategy": "null"}'
        WHEN p_type IN ('text'::regtype, 'varchar'::regtype) THEN
            CASE
                WHEN NOT p_keyed AND p_name ~ 'e_?mail' THEN '{"strategy": "partial", "as": "email"}'::jsonb
                WHEN p_name ~ 'e_?mail' THEN '{"strategy": "fake", "kind": "email"}'
                WHEN p_name ~ 'first_?name|given_?name' THEN '{"strategy": "fake", "kind": "first_name"}'
                WHEN p_name ~ 'last_?name|surname|family_?name' THEN '{"strategy": "fake", "kind": "last_name"}'
                WHEN p_name ~ '(display|full|user|cardholder|recipient)_?name|^(recipient|name)$'
                THEN '{"strategy": "fake", "kind": "full_name"}'
                WHEN p_name ~ 'company' THEN '{"strategy": "fake", "kind": "company"}'
                WHEN p_name ~ 'phone|mobile|fax' THEN '{"strategy": "fake", "kind": "phone"}'
                WHEN p_name ~ 'street|^(address_?)?line_?[12]$' THEN '{"strategy": "fake", "kind": "street"}'
                WHEN p_name ~ '^city$' THEN '{"strategy": "fake", "kind": "city"}'
                WHEN p_name ~ 'zip|post(al)?_?code' THEN '{"strategy": "generalise", "first": 2}'
                WHEN p_name ~ '_url$|^url$' THEN '{"strategy": "fake", "kind": "url"}'
                ELSE '{"strategy": "null"}'
            END
        WHEN p_type = 'inet'::regtype THEN '{"strategy": "generalise", "ipv4": 24, "ipv6": 48}'
        WHEN p_type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
        THEN '{"strategy": "generalise", "to": "year"}'
        ELSE '{"strategy": "null"}'
    END
$$;
COMMENT ON FUNCTION saas.default_masking(text, text, regtype, boolean) IS
'How a column is masked of which saas.masking_rules says nothing: by its class, its name and its type. A column without a class counts as confidential.';
REVOKE ALL ON FUNCTION saas.default_masking(text, text, regtype, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.default_masking(text, text, regtype, boolean) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.generalised(p_column text, p_type regtype, p_rule jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
        AND p_rule ->> 'to' IN ('day', 'week', 'month', 'quarter', 'year', 'decade', 'century')
    THEN
        RETURN CASE p_type
            WHEN 'timestamptz'::regtype
            THEN pg_catalog.format('date_trunc(%L, %s, ''UTC'')', p_rule ->> 'to', p_column)
            ELSE pg_catalog.format('date_trunc(%L, %s::timestamp)::%s', p_rule ->> 'to', p_column, p_type)
        END;
    END IF;
    IF p_type IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype)
        AND (p_rule ->> 'step')::numeric > 0
    THEN
        RETURN pg_catalog.format('(floor(%s / %L::numeric) * %L::numeric)::%s',
            p_column, p_rule ->> 'step', p_rule ->> 'step', p_type);
    END IF;
    IF p_type = 'inet'::regtype
        AND COALESCE((p_rule ->> 'ipv4')::integer, 24) BETWEEN 0 AND 32
        AND COALESCE((p_rule ->> 'ipv6')::integer, 48) BETWEEN 0 AND 128
    THEN
        RETURN pg_catalog.format(
            'network(set_masklen(%1$s, CASE family(%1$s) WHEN 4 THEN %2$s ELSE %3$s END))::inet', p_column,
            COALESCE((p_rule ->> 'ipv4')::integer, 24), COALESCE((p_rule ->> 'ipv6')::integer, 48));
    END IF;
    IF p_type IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) AND (p_rule ->> 'first')::integer >= 0 THEN
        RETURN pg_catalog.format('left(%s, %s)', p_column, (p_rule ->> 'first')::integer);
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '22023',
        MESSAGE = pg_catalog.format('column %s of type %s cannot be generalised so', p_column, p_type),
        HINT = 'Dates take "to" (day to century), numbers "step", addresses of the internet "ipv4" and "ipv6", texts "first".';
END
$$;
COMMENT ON FUNCTION saas.generalised(text, regtype, jsonb) IS
'The SQL expression that generalises a column.';
REVOKE ALL ON FUNCTION saas.generalised(text, regtype, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.generalised(text, regtype, jsonb) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.with_noise(p_column text, p_type regtype, p_rule jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
        AND (p_rule ->> 'interval')::interval > INTERVAL '0'
    THEN
        RETURN pg_catalog.format('(%s + (2 * random() - 1) * %L::interval)::%s', p_column, p_rule ->> 'interval', p_type);
    END IF;
    IF p_type IN (
            'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'real'::regtype,
            'double precision'::regtype
        )
        AND (p_rule ->> 'ratio')::double precision > 0
        AND (p_rule ->> 'ratio')::double precision <= 1
    THEN
        RETURN pg_catalog.format('(%s::numeric * (1 + (2 * random() - 1)::numeric * %L::numeric))::%s', p_column,
            p_rule ->> 'ratio', p_type);
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '22023',
        MESSAGE = pg_catalog.format('column %s of type %s cannot take such noise', p_column, p_type),
        HINT = 'Dates take "interval", numbers "ratio" (above 0, at most 1).';
END
$$;
COMMENT ON FUNCTION saas.with_noise(text, regtype, jsonb) IS
'The SQL expression that moves a column by chance.';
REVOKE ALL ON FUNCTION saas.with_noise(text, regtype, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.with_noise(text, regtype, jsonb) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.masking_expression(
    p_column text,
    p_type regtype,
    p_rule jsonb,
    p_row text,
    p_key text DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_strategy text := p_rule ->> 'strategy';
    -- With -1 a character is of any length, not of one.
    v_type text := pg_catalog.format_type(p_type, -1);
    v_is_text boolean := p_type IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype);
BEGIN
    IF p_key IS NULL AND v_strategy IN ('keyed_hash', 'noise', 'shuffle') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = pg_catalog.format('column %s needs a strategy that a view can follow', p_column),
            DETAIL = 'Keyed hashes, noise and shuffling are for copies: who reads a view could try values out, or read again and again.',
            HINT = 'Give it null, constant, partial, generalise or fake.';
    END IF;
    IF v_strategy = 'keep' THEN
        RETURN p_column;
    ELSIF v_strategy = 'null' THEN
        RETURN pg_catalog.format('NULL::%s', v_type);
    ELSIF v_strategy = 'constant' THEN
        RETURN pg_catalog.format('%L::%s', p_rule ->> 'value', v_type);
    ELSIF v_strategy = 'generalise' THEN
        RETURN saas.generalised(p_column, p_type, p_rule);
    ELSIF v_strategy = 'noise' THEN
        RETURN saas.with_noise(p_column, p_type, p_rule);
    ELSIF v_strategy = 'keyed_hash' AND p_type = 'uuid'::regtype THEN
        RETURN pg_catalog.format('saas.mask_uuid(%s::text, %s)::uuid', p_column, p_key);
    ELSIF v_strategy = 'keyed_hash' AND v_is_text THEN
        RETURN pg_catalog.format('saas.mask_pseudonym(%s, %s)', p_column, p_key);
    ELSIF v_strategy = 'partial' AND v_is_text AND p_rule ->> 'as' = 'email' THEN
        RETURN pg_catalog.format('saas.mask_email(%s)', p_column);
    ELSIF v_strategy = 'partial' AND v_is_text THEN
        RETURN pg_catalog.format('saas.mask_partial(%s, %s, %s, %L)', p_column,
            COALESCE((p_rule ->> 'first')::integer, 0), COALESCE((p_rule ->> 'last')::integer, 0),
            COALESCE(p_rule ->> 'filler', '*'));
    ELSIF v_strategy = 'fake' AND (v_is_text OR p_type = 'inet'::regtype) THEN
        -- In a view the row is the seed, so that nothing of the value can be tried out.
        RETURN pg_catalog.format(
            'CASE WHEN %s IS NOT NULL THEN saas.mask_fake(%L, %s, %s)::%s END', p_column,
            COALESCE(p_rule ->> 'kind', 'text'), CASE WHEN p_key IS NULL THEN p_row ELSE p_column || '::text' END,
            COALESCE(p_key, '''\x''::bytea'), v_type);
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '22023',
        MESSAGE = pg_catalog.format('column %s of type %s cannot be masked so: %s', p_column, p_type, p_rule),
        HINT = 'Strategies are keep, null, constant, keyed_hash, partial, generalise, fake, shuffle and noise; keyed_hash, partial and fake are for texts.';
END
$$;
COMMENT ON FUNCTION saas.masking_expression(text, regtype, jsonb, text, text) IS
'The SQL expression that stands in a column''s place. p_row is an expression that is different for every row, p_key one of a key, NULL in views.';
REVOKE ALL ON FUNCTION saas.masking_expression(text, regtype, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.masking_expression(text, regtype, jsonb, text, text)
TO saas_internal, pg_database_owner;

-- A domain is masked as what it is made of, through domains over domains.
CREATE OR REPLACE FUNCTION saas.made_of(
    p_type oid,
    p_modifier integer,
    OUT base_type regtype,
    OUT modifier integer,
    OUT is_not_null boolean
)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE below (id, modifier, is_not_null, depth) AS (
        SELECT p_type, p_modifier, false, 0
        UNION ALL
        SELECT t.typbasetype, t.typtypmod, b.is_not_null OR t.typnotnull, b.depth + 1
        FROM below AS b
        JOIN pg_type AS t ON t.oid = b.id AND t.typtype = 'd'
    )
    SELECT b.id::regtype, b.modifier, b.is_not_null FROM below AS b ORDER BY b.depth DESC LIMIT 1
$$;
COMMENT ON FUNCTION saas.made_of(oid, integer) IS
'The type below a domain with its modifier, and whether a domain on the way refuses NULL; any other type is itself.';
REVOKE ALL ON FUNCTION saas.made_of(oid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.made_of(oid, integer) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.masking_of(
    p_table regclass,
    p_keyed boolean,
    p_rules jsonb DEFAULT '{}'
)
RETURNS TABLE (
    column_name text,
    data_type regtype,
    is_not_null boolean,
    is_generated boolean,
    classification text,
    rule jsonb
)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT
        a.attname::text,
        b.base_type,
        a.attnotnull OR b.is_not_null,
        a.attgenerated <> '' OR a.attidentity = 'a',
        c.class,
        COALESCE(
            p_rules -> a.attname::text,
            (
                SELECT r.arguments || jsonb_build_object('strategy', r.strategy)
                FROM saas.masking_rules AS r
                WHERE to_regclass(r.table_name) = p_table AND r.column_name = a.attname
            ),
            saas.default_masking(c.class, a.attname::text, b.base_type, p_keyed)
        )
    FROM pg_attribute AS a
    CROSS JOIN LATERAL saas.made_of(a.atttypid, a.atttypmod) AS b
    LEFT JOIN saas.located_data_assets AS d
        ON d.table_name = p_table AND d.column_number = a.attnum AND d.variant = ''
    CROSS JOIN LATERAL (
        SELECT COALESCE(
            d.classification,
            substring(col_description(p_table, a.attnum) FROM '\[(public|internal|confidential|restricted)\]$'),
            -- Outside the package a name tells more than nothing.
            CASE WHEN NOT saas.is_named_personal(a.attname::text, a.atttypid) THEN 'internal' END
        ) AS class
    ) AS c
    WHERE a.attrelid = p_table AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
$$;
COMMENT ON FUNCTION saas.masking_of(regclass, boolean, jsonb) IS
'How each column of a table is masked: by the rules given (an object by column), else by saas.masking_rules, else by its class, name and type.';
REVOKE ALL ON FUNCTION saas.masking_of(regclass, boolean, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.masking_of(regclass, boolean, jsonb) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.set_masking_rule(
    p_table regclass,
    p_column name,
    p_strategy text,
    p_arguments jsonb DEFAULT '{}'
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_name text;
    v_type regtype;
BEGIN
    PERFORM saas.require_platform_admin();
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) INTO v_name
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = p_table;
    SELECT m.data_type INTO v_type FROM saas.masking_of(p_table, true) AS m WHERE m.column_name = p_column;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = '42703', MESSAGE = pg_catalog.format('table %s has no column %I', v_name, p_column);
    END IF;
    PERFORM saas.require_one_of(
        'strategy of masking', p_strategy,
        '{keep,null,constant,keyed_hash,partial,generalise,fake,shuffle,noise}'::text[]
    );
    IF p_strategy <> 'shuffle' THEN
        PERFORM saas.masking_expression(
            quote_ident(p_column), v_type, p_arguments || jsonb_build_object('strategy', p_strategy), '''''', ''''''
        );
    END IF;
    -- What is no value of the type, or no kind, is told now and not to who reads a view.
    BEGIN
        IF p_strategy = 'constant' THEN
            EXECUTE format('SELECT %L::%s', p_arguments ->> 'value', format_type(v_type, -1));
        ELSIF p_strategy = 'fake' THEN
            PERFORM saas.mask_fake(COALESCE(p_arguments ->> 'kind', 'text'), '');
        ELSIF p_strategy = 'partial' AND p_arguments ->> 'as' IS DISTINCT FROM 'email' THEN
            PERFORM saas.mask_partial('', COALESCE((p_arguments ->> 'first')::integer, 0), COALESCE((p_arguments ->> 'last')::integer, 0));
        END IF;
    EXCEPTION
        WHEN data_exception THEN
            RAISE EXCEPTION USING
                ERRCODE = '22023',
                MESSAGE = pg_catalog.format('column %I of type %s cannot be masked so: %s', p_column, v_type, p_arguments),
                DETAIL = SQLERRM;
    END;
    UPDATE saas.masking_rules AS r
    SET strategy = p_strategy, arguments = p_arguments, updated_at = now()
    WHERE r.table_name = v_name AND r.column_name = p_column;
    IF NOT FOUND THEN
        INSERT INTO saas.masking_rules (table_name, column_name, strategy, arguments)
        VALUES (v_name, p_column, p_strategy, p_arguments);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.set_masking_rule(regclass, name, text, jsonb) IS
'Says how a column is masked in views, copies and dumps: keep, null, constant {"value"}, keyed_hash, partial {"first", "last", "filler"} or {"as": "email"}, generalise {"to"} or {"step"} or {"ipv4", "ipv6"} or {"first"}, fake {"kind"}, shuffle, noise {"ratio"} or {"interval"}. For admins of the platform.';
REVOKE ALL ON FUNCTION saas.set_masking_rule(regclass, name, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_masking_rule(regclass, name, text, jsonb) TO saas_app, saas_service;
