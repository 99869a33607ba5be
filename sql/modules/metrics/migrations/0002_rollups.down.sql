-- Sources could not be written without the log of their changes.
DO $$
DECLARE
    v_trigger record;
BEGIN
    FOR v_trigger IN
        SELECT t.tgname, t.tgrelid::regclass AS source
        FROM pg_catalog.pg_trigger AS t
        WHERE t.tgfoid IN ('saas.record_rollup_change()'::regprocedure, 'saas.record_rollup_truncate()'::regprocedure)
            AND t.tgparentid = 0
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', v_trigger.tgname, v_trigger.source);
    END LOOP;
END
$$;

DROP SCHEMA IF EXISTS saas_rollups CASCADE;

DROP TABLE IF EXISTS saas.usage_metrics_month, saas.usage_metrics_week, saas.usage_metrics_day, saas.usage_metrics_hour,
    saas.usage_metrics, saas.rollup_changes, saas.rollup_calendars, saas.rollups, saas.rollup_sources CASCADE;
