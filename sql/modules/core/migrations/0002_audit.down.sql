-- Audited tables could not be written without the log.
DO $$
DECLARE
    v_trigger record;
BEGIN
    FOR v_trigger IN
        SELECT t.tgname, t.tgrelid::regclass AS audited
        FROM pg_catalog.pg_trigger AS t
        WHERE t.tgfoid IN ('saas.audit_row_change()'::regprocedure, 'saas.audit_truncate()'::regprocedure)
            AND t.tgparentid = 0
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', v_trigger.tgname, v_trigger.audited);
    END LOOP;
END
$$;

DROP TABLE IF EXISTS saas.activity_logs;

DROP TABLE IF EXISTS saas.audit_logs;
