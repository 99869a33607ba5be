-- Rollups made anew from the whole source.
CREATE OR REPLACE FUNCTION saas.rebuild_rollup(p_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rollup saas.rollups;
    v_from timestamptz;
    v_teams uuid[];
    v_days date[];
BEGIN
    SELECT * INTO v_rollup FROM saas.rollups AS r WHERE r.name = p_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA132',
            MESSAGE = format('there is no rollup "%s"', p_name),
            HINT = 'SELECT * FROM saas.list_rollups() shows those that there are.';
    END IF;
    PERFORM saas.lock_rollup_source(v_rollup.source_id, true);
    -- What this transaction itself has changed is computed as well, and must not be added later.
    PERFORM saas.write_rollup_changes();
    v_from := COALESCE(now() - saas.rollup_frozen_after(v_rollup), '-infinity');
    EXECUTE format('DELETE FROM %s WHERE bucket >= $1', saas.rollup_table(v_rollup, 'hour')) USING v_from;
    EXECUTE format(
        'INSERT INTO %s SELECT * FROM (%s) AS a WHERE a.bucket >= $1',
        saas.rollup_table(v_rollup, 'hour'), saas.rollup_raw_query(v_rollup, NULL))
    USING v_from;
    -- Days that have lost their last row go as well.
    EXECUTE format(
        'SELECT array_agg(d.team_id), array_agg(d.day) FROM ('
        'SELECT h.team_id, (h.bucket AT TIME ZONE COALESCE(k.time_zone, ''UTC''))::date AS day FROM %s AS h '
        'LEFT JOIN saas.rollup_calendars AS k ON k.team_id = h.team_id WHERE h.bucket >= $1%s) AS d',
        saas.rollup_table(v_rollup, 'hour'),
        CASE WHEN 'day' = ANY (v_rollup.granularities) THEN format(
            ' UNION SELECT o.team_id, o.bucket FROM %s AS o WHERE o.bucket >= $1::date',
            saas.rollup_table(v_rollup, 'day'))
        ELSE '' END)
    INTO v_teams, v_days
    USING v_from;
    IF v_teams IS NOT NULL THEN
        PERFORM saas.refresh_coarser_buckets(v_rollup, v_teams, v_days);
    END IF;
    PERFORM saas.note_rollup_computation(v_rollup.source_id);
END
$$;
COMMENT ON FUNCTION saas.rebuild_rollup(text) IS
'Computes a whole rollup anew from its source, but for what is frozen. Nobody has to wait meanwhile but other refreshes. SA132 for an unknown name.';
REVOKE ALL ON FUNCTION saas.rebuild_rollup(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rebuild_rollup(text) TO saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.invalidate_rollup_source(p_source uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rollup saas.rollups;
BEGIN
    -- A transaction that keeps an older snapshot than the last refresh does not see all the hours: it fails (40001).
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM saas.lock_rollup_source(p_source, true);
    END IF;
    FOR v_rollup IN SELECT * FROM saas.rollups AS r WHERE r.source_id = p_source LOOP
        EXECUTE format(
            'INSERT INTO saas.rollup_changes (team_id, source_id, span, xact_id, batch, changed_at) '
            'SELECT DISTINCT h.team_id, $1, to_timestamp(floor(extract(epoch FROM h.bucket) / 900) * 900), '
            'pg_current_xact_id(), -1, now() FROM %s AS h',
            saas.rollup_table(v_rollup, 'hour'))
        USING p_source;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.invalidate_rollup_source(uuid) IS
'Notes all hours that the rollups of a source have as changed: after TRUNCATE.';
REVOKE ALL ON FUNCTION saas.invalidate_rollup_source(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.invalidate_rollup_source(uuid) TO saas_internal;
