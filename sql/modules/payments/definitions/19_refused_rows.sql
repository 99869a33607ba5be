-- What is said of a row that a constraint refuses. The server's own detail shows the whole row, to whoever calls and
-- in the log: names, notes, texts.
CREATE OR REPLACE FUNCTION saas.refuse_row(
    p_what text,
    p_sqlstate text,
    p_constraint text,
    p_column text,
    p_hint text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = p_sqlstate,
        MESSAGE = format('this is no %s', p_what),
        DETAIL = format('It does not fulfil %s.', COALESCE(NULLIF(p_constraint, ''), p_column || ' NOT NULL')),
        HINT = COALESCE(p_hint, 'The comment of the function says what is possible.');
END
$$;
COMMENT ON FUNCTION saas.refuse_row(text, text, text, text, text) IS
'Raises an error for a row that a constraint (or NOT NULL of a column) has refused, without the row.';
REVOKE ALL ON FUNCTION saas.refuse_row(text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refuse_row(text, text, text, text, text) TO saas_internal;
