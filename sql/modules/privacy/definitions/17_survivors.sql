-- Rows that an erasure took for done, and that are there as they were: a trigger may have kept them.
CREATE OR REPLACE FUNCTION saas.surviving_rows(p_request uuid)
RETURNS TABLE (
    table_name text,
    column_name text,
    found_rows bigint
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
AS $$
DECLARE
    v_check record;
BEGIN
    FOR v_check IN
        SELECT s.step, s.table_name, NULL::text AS column_name, 'true' AS condition
        FROM saas.erasure_steps AS s
        -- Counted less than found: others may have deleted them, or nobody.
        WHERE s.request_id = p_request AND s.step BETWEEN 0 AND 999999 AND s.action = 'delete' AND s.done < s.found
        UNION ALL
        SELECT s.step, s.table_name, c.column_name, format('c.%I IS DISTINCT FROM %L::%s', c.column_name, c.value, format_type(a.atttypid, a.atttypmod))
        FROM saas.erasure_steps AS s
        JOIN saas.personal_columns AS c ON c.table_name = s.table_name AND c.action IN ('null', 'anonymise') AND COALESCE(c.value, '') NOT LIKE '%{random}%'
        JOIN pg_attribute AS a ON a.attrelid = saas.personal_table(s.table_name) AND a.attname = c.column_name AND a.attnum > 0
        WHERE s.request_id = p_request AND s.step BETWEEN 0 AND 999999 AND s.action = 'anonymise' AND s.party_link IS NULL
            AND s.found > 0 AND saas.may_resist(s.table_name)
    LOOP
        CONTINUE WHEN saas.personal_table(v_check.table_name) IS NULL;
        table_name := v_check.table_name;
        column_name := v_check.column_name;
        found_rows := saas.privacy_query(
            format(
                'SELECT count(*) FROM saas.erasure_rows AS r JOIN %s AS c ON %s WHERE r.run_id = $1 AND r.step = $2 AND %s',
                table_name, saas.personal_key_match(table_name, 'c', 'r'), v_check.condition
            ),
            p_request, v_check.step, NULL
        )::bigint;
        IF found_rows > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.surviving_rows(uuid) IS
'Rows that a request was to delete and that are still there (without a column), and columns that it was to empty and that are not empty.';
REVOKE ALL ON FUNCTION saas.surviving_rows(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.surviving_rows(uuid) TO saas_internal;
