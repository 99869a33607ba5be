-- What there is to say about rules: indexes that are missing, rules that stand in each other's way.
CREATE OR REPLACE FUNCTION saas.fraud_index_exists(p_table text, p_columns text[])
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET standard_conforming_strings = on
AS $$
    -- The catalog prints expressions with more parentheses and casts than anybody writes. Within quotes, in the
    -- keys of documents, every character counts.
    SELECT EXISTS (
        SELECT
        FROM pg_index AS i
        CROSS JOIN (SELECT '(''(?:[^'']|'''')*'')|[()\s"]|::text|pg_catalog\.') AS f (furniture)
        WHERE i.indrelid = to_regclass('saas.' || quote_ident(p_table))
            AND i.indisvalid
            AND i.indpred IS NULL
            AND i.indnkeyatts >= cardinality(p_columns)
            AND NOT EXISTS (
                SELECT
                FROM unnest(p_columns) WITH ORDINALITY AS c (wanted, place)
                WHERE regexp_replace(pg_get_indexdef(i.indexrelid, c.place::integer, false), f.furniture, '\1', 'g')
                    <> regexp_replace(
                        CASE WHEN strpos(c.wanted, '\') = 0 THEN c.wanted
                            ELSE replace(replace(c.wanted, '> E''', '> '''), '\\', '\') END,
                        f.furniture, '\1', 'g'
                    )
            )
    )
$$;
COMMENT ON FUNCTION saas.fraud_index_exists(text, text[]) IS
'Whether a table of schema saas has a valid index that begins with these columns, as saas.fraud_rule_indexes() writes them.';
REVOKE ALL ON FUNCTION saas.fraud_index_exists(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_index_exists(text, text[]) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.fraud_rule_warnings(
    p_team uuid,
    p_rule_id uuid,
    p_rule text,
    p_warnings jsonb
)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_warnings jsonb := p_warnings;
    v_others text[];
    v_names text[];
BEGIN
    IF v_warnings @? '$[*].statement' THEN
        SELECT COALESCE(jsonb_agg(w.warning ORDER BY w.place), '[]') INTO v_warnings
        FROM jsonb_array_elements(p_warnings) WITH ORDINALITY AS w (warning, place)
        WHERE NOT EXISTS (
            SELECT
            FROM saas.fraud_rule_indexes(p_rule) AS i
            WHERE i.statement = w.warning ->> 'statement'
                AND saas.fraud_index_exists(i.table_name, i.index_columns)
        );
    END IF;
    -- Rules that decide the same way or before; with very many a comparison with each would make saving slow.
    SELECT array_agg(o.rule ORDER BY o.id), array_agg(o.name ORDER BY o.id)
    INTO v_others, v_names
    FROM (
        SELECT r.id, r.rule, r.name
        FROM saas.fraud_detection_rules AS r
        WHERE r.team_id = p_team AND r.enabled AND r.id <> p_rule_id
        ORDER BY r.id
        LIMIT 200
    ) AS o;
    RETURN v_warnings || COALESCE(
        (
            SELECT jsonb_agg(jsonb_build_object('message', c.message, 'position', 1))
            FROM unnest(saas.fraud_rule_conflicts(p_rule, v_others, v_names)) AS c (message)
        ),
        '[]'
    );
END
$$;
COMMENT ON FUNCTION saas.fraud_rule_warnings(uuid, uuid, text, jsonb) IS
'The warnings of a rule of a team: of those given the ones whose index is missing, and what is to be said beside the team''s other rules. Checks no caller.';
REVOKE ALL ON FUNCTION saas.fraud_rule_warnings(uuid, uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_rule_warnings(uuid, uuid, text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.check_rule(
    p_team uuid,
    p_rule text,
    OUT valid boolean,
    OUT message text,
    OUT "position" integer,
    OUT hint text,
    OUT warnings jsonb
)
RETURNS record
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    SELECT v.valid, v.message, v."position", v.hint, v.warnings
    INTO valid, message, "position", hint, warnings
    FROM saas.validate_rule(p_rule) AS v;
    IF valid THEN
        warnings := saas.fraud_rule_warnings(p_team, saas.uuid_v7(), p_rule, warnings);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.check_rule(uuid, text) IS
'What saas.validate_rule() says, and how the rule stands to the team''s other rules and to the indexes that there are. Needs viewer.';
REVOKE ALL ON FUNCTION saas.check_rule(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.check_rule(uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.fraud_index_advice(
    OUT table_name text,
    OUT rules bigint,
    OUT statement text
)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT i.table_name, count(*), i.statement
    FROM saas.fraud_detection_rules AS r
    CROSS JOIN LATERAL saas.validate_rule(r.rule) AS v
    CROSS JOIN LATERAL saas.fraud_rule_indexes(CASE WHEN v.valid THEN r.rule END) AS i
    WHERE r.enabled
        AND cardinality(i.index_columns) > 2
        AND NOT saas.fraud_index_exists(i.table_name, i.index_columns)
    GROUP BY i.table_name, i.statement
    ORDER BY 2 DESC, 1, 3
$$;
COMMENT ON FUNCTION saas.fraud_index_advice() IS
'The indexes that enabled rules of all teams need and that are missing: table, how many terms of rules, and the statement that makes the index.';
REVOKE ALL ON FUNCTION saas.fraud_index_advice() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_index_advice() TO saas_service, saas_migrator;
