-- Every table whose rows mention something, by a plain LIKE of the test's own through the text of all their columns,
-- bytes as the characters they spell: with how many rows, and a digest of them. NULL and tables that are left out: none.
CREATE FUNCTION pg_temp.mentions(p_needles text[], p_schemas text[] DEFAULT '{saas}', p_without text[] DEFAULT '{}')
RETURNS TABLE (name text, hits bigint, digest text) LANGUAGE plpgsql AS $$
DECLARE
    v_patterns text[] := ARRAY(SELECT '%' || lower(n) || '%' FROM unnest(p_needles) AS n);
    v_bytes text;
BEGIN
    FOR name, v_bytes IN
        SELECT format('%I.%I', n.nspname, c.relname),
            (SELECT string_agg(format(' || COALESCE(encode(t.%I, %L), %L)', a.attname, 'escape', ''), '') FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'bytea'::regtype)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY (p_schemas) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL (p_without)
        ORDER BY 1
    LOOP
        EXECUTE format('SELECT count(*), md5(string_agg(t::text, %L ORDER BY t::text)) FROM %s AS t WHERE lower(t::text%s) LIKE ANY ($1)', '|', name, v_bytes)
        INTO hits, digest USING v_patterns;
        IF hits > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
