-- Runs in a savepoint: a statement that plants a fault, and what validate() must say of it.
CREATE FUNCTION pg_temp.finds(p_statement text, p_object text, p_finding text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_findings text;
BEGIN
    BEGIN
        EXECUTE p_statement;
        SELECT string_agg(v.object || ': ' || v.finding, E'\n') INTO v_findings FROM saas.validate() AS v
        WHERE v.object LIKE p_object AND v.finding LIKE p_finding AND v.remedy <> '';
        RAISE EXCEPTION USING ERRCODE = 'P9999', MESSAGE = 'undo';
    EXCEPTION WHEN SQLSTATE 'P9999' THEN
        RETURN ok(v_findings IS NOT NULL, p_finding);
    END;
END
$$;
