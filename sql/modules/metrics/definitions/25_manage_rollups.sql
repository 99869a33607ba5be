-- Rollups that there are: list, settings, retention, end.

CREATE OR REPLACE FUNCTION saas.drop_rollup(p_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rollup saas.rollups := saas.find_rollup(p_name);
    v_relation regclass := saas.rollup_relation(v_rollup.source_id);
    v_granularity text;
BEGIN
    IF v_rollup.table_schema = 'saas' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA131',
            MESSAGE = format('rollup "%s" belongs to the package', p_name),
            HINT = 'saas.rollback() takes the module back with all its rollups.';
    END IF;
    PERFORM FROM saas.rollup_sources AS s WHERE s.id = v_rollup.source_id FOR UPDATE;
    FOREACH v_granularity IN ARRAY ARRAY['month', 'week', 'day', 'hour'] LOOP
        EXECUTE format('DROP VIEW IF EXISTS %I.%I', v_rollup.table_schema, v_rollup.name || '_' || v_granularity || '_live');
        EXECUTE format('DROP TABLE IF EXISTS %s', saas.rollup_table(v_rollup, quote_ident(v_granularity)));
    END LOOP;
    DELETE FROM saas.rollups AS r WHERE r.id = v_rollup.id;
    IF NOT EXISTS (SELECT FROM saas.rollups AS r WHERE r.source_id = v_rollup.source_id) THEN
        IF v_relation IS NOT NULL THEN
            EXECUTE format('DROP TRIGGER %I ON %s', saas.rollup_trigger_name(v_rollup.source_id), v_relation);
            EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', saas.rollup_trigger_name(v_rollup.source_id) || '_truncate', v_relation);
        END IF;
        PERFORM saas.forget_rollup_changes(v_rollup.source_id);
        DELETE FROM saas.rollup_sources AS s WHERE s.id = v_rollup.source_id;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.drop_rollup(text) IS
'Drops a rollup with its tables and views, and the triggers on its source with the last one. Run by whoever made it. SA132 for an unknown name.';
REVOKE ALL ON FUNCTION saas.drop_rollup(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.drop_rollup(text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.forget_rollup_changes(p_source uuid)
RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    DELETE FROM saas.rollup_changes AS c WHERE c.source_id = p_source
$$;
COMMENT ON FUNCTION saas.forget_rollup_changes(uuid) IS 'What changed in a source without rollups is of no interest.';
REVOKE ALL ON FUNCTION saas.forget_rollup_changes(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.forget_rollup_changes(uuid) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.set_rollup_retention(
    p_name text,
    p_retention jsonb,
    p_source_retention interval DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rollup saas.rollups := saas.find_rollup(p_name);
    v_granularity text;
BEGIN
    PERFORM saas.check_rollup_retention(p_name, v_rollup.granularities, p_retention, p_source_retention);
    UPDATE saas.rollups AS r
    SET retention = p_retention, source_retention = p_source_retention
    WHERE r.id = v_rollup.id
    RETURNING * INTO v_rollup;
    -- The views know from which age on buckets are frozen.
    FOREACH v_granularity IN ARRAY v_rollup.granularities LOOP
        PERFORM saas.create_rollup_view(v_rollup, v_granularity);
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.set_rollup_retention(text, jsonb, interval) IS
'How long the granularities of a rollup are kept (those that are not named: for ever), and from which age on rows of the source may be gone. SA131 for what makes no sense, SA132 for an unknown name.';
REVOKE ALL ON FUNCTION saas.set_rollup_retention(text, jsonb, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_rollup_retention(text, jsonb, interval) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.list_rollups()
RETURNS TABLE (
    name text, source text, granularities text[], dimensions text[], measures jsonb, retention jsonb,
    source_retention interval, refreshed_at timestamptz, pending_changes bigint, lag interval, problem text
)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT r.name, COALESCE(saas.rollup_relation(s.id)::text, s.source_name), r.granularities, r.dimensions, r.measures,
        r.retention, r.source_retention, s.refreshed_at, c.pending,
        COALESCE(greatest(clock_timestamp() - c.oldest, INTERVAL '0'), INTERVAL '0'),
        CASE WHEN saas.rollup_relation(s.id) IS NULL THEN 'the source is gone, or its trigger' END
    FROM saas.rollups AS r
    JOIN saas.rollup_sources AS s ON s.id = r.source_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS pending, min(n.changed_at) AS oldest
        FROM saas.rollup_changes AS n
        WHERE n.source_id = s.id
    ) AS c
    ORDER BY r.name
$$;
COMMENT ON FUNCTION saas.list_rollups() IS
'All rollups with what they are made from, the number of noted changes that no refresh has taken, and their lag: the age of the oldest of these.';
REVOKE ALL ON FUNCTION saas.list_rollups() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.list_rollups() TO saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.expire_rollups()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rollup saas.rollups;
    v_granularity text;
    v_deleted bigint;
    v_all bigint := 0;
BEGIN
    FOR v_rollup IN SELECT * FROM saas.rollups AS r ORDER BY r.name LOOP
        FOREACH v_granularity IN ARRAY ARRAY['day', 'week', 'month'] LOOP
            CONTINUE WHEN NOT (v_granularity = ANY (v_rollup.granularities) AND v_rollup.retention ? v_granularity);
            EXECUTE format('DELETE FROM %s AS r WHERE r.bucket < (now() - $1)::date', saas.rollup_table(v_rollup, quote_ident(v_granularity)))
            USING (v_rollup.retention ->> v_granularity)::interval;
            GET DIAGNOSTICS v_deleted = ROW_COUNT;
            v_all := v_all + v_deleted;
        END LOOP;
    END LOOP;
    RETURN v_all;
END
$$;
COMMENT ON FUNCTION saas.expire_rollups() IS
'Deletes days, weeks and months that are older than their retention. Returns how many rows. Part of saas.maintain_rollups().';
REVOKE ALL ON FUNCTION saas.expire_rollups() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.expire_rollups() TO saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.drop_month_partitions(p_table regclass, p_before timestamptz)
RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
SET datestyle = 'ISO, YMD' -- other styles write time zones in ways that they do not read
AS $$
DECLARE
    v_partition regclass;
    v_dropped integer := 0;
BEGIN
    FOR v_partition IN
        SELECT c.oid
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''(.*)''\)$') AS b (bounds)
        WHERE i.inhparent = p_table AND b.bounds IS NOT NULL AND b.bounds[1]::timestamptz <= p_before
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE %s', v_partition);
        v_dropped := v_dropped + 1;
    END LOOP;
    RETURN v_dropped;
END
$$;
COMMENT ON FUNCTION saas.drop_month_partitions(regclass, timestamptz) IS
'Drops the partitions of a table whose rows are all older; run by its owner. Returns how many.';
REVOKE ALL ON FUNCTION saas.drop_month_partitions(regclass, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.drop_month_partitions(regclass, timestamptz) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.maintain_rollups()
RETURNS TABLE (rollup text, partitions_made integer, partitions_dropped integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v_rollup saas.rollups;
    v_hours regclass;
BEGIN
    FOR v_rollup IN SELECT * FROM saas.rollups AS r ORDER BY r.name LOOP
        rollup := v_rollup.name;
        partitions_made := 0;
        partitions_dropped := 0;
        v_hours := saas.rollup_table(v_rollup, 'hour')::regclass;
        FOR v_month IN 0..3 LOOP
            IF saas.ensure_month_partition(v_hours, date_trunc('month', now(), 'UTC') + make_interval(months => v_month, days => 1)) THEN
                partitions_made := partitions_made + 1;
            END IF;
        END LOOP;
        -- Two days more, so that no day loses some of its hours while it can still change.
        IF v_rollup.retention ? 'hour' THEN
            partitions_dropped := saas.drop_month_partitions(
                v_hours, now() - (v_rollup.retention ->> 'hour')::interval - INTERVAL '2 days');
        END IF;
        -- The points are the package's own, so that it drops them, too.
        IF v_rollup.table_schema = 'saas' AND v_rollup.source_retention IS NOT NULL THEN
            partitions_dropped := partitions_dropped + saas.drop_month_partitions(
                saas.rollup_relation(v_rollup.source_id), now() - v_rollup.source_retention - INTERVAL '2 days');
        END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM saas.expire_rollups();
END
$$;
COMMENT ON FUNCTION saas.maintain_rollups() IS
'Makes partitions three months ahead and drops what is older than its retention; run by the owner of the tables, daily by pg_cron.';
REVOKE ALL ON FUNCTION saas.maintain_rollups() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.maintain_rollups() TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.set_rollup_calendar(
    p_team uuid,
    p_time_zone text DEFAULT 'UTC',
    p_week_start integer DEFAULT 1
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rollup saas.rollups;
    v_source saas.rollup_sources;
    v_granularity text;
    v_relation regclass;
    v_from timestamptz;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF NOT EXISTS (SELECT FROM pg_timezone_names AS z WHERE z.name = p_time_zone) OR p_week_start IS NULL
        OR p_week_start NOT BETWEEN 1 AND 7
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the calendar makes no sense',
            HINT = 'The time zone is a name of pg_timezone_names, such as Europe/Berlin; the week starts on a day from 1, Monday, to 7.';
    END IF;
    -- In one order, as refreshes that are under way have them.
    FOR v_source IN SELECT * FROM saas.rollup_sources AS s ORDER BY s.id LOOP
        PERFORM saas.lock_rollup_source(v_source.id, true);
    END LOOP;
    PERFORM saas.write_rollup_changes();
    UPDATE saas.rollup_calendars AS k
    SET time_zone = p_time_zone, week_start = p_week_start, updated_at = now()
    WHERE k.team_id = p_team;
    IF NOT FOUND THEN
        INSERT INTO saas.rollup_calendars (team_id, time_zone, week_start) VALUES (p_team, p_time_zone, p_week_start);
    END IF;
    FOR v_rollup IN SELECT * FROM saas.rollups AS r ORDER BY r.name LOOP
        v_from := COALESCE(now() - saas.rollup_frozen_after(v_rollup), '-infinity');
        FOREACH v_granularity IN ARRAY v_rollup.granularities LOOP
            EXECUTE format(
                'DELETE FROM %s AS r WHERE r.team_id = $1 AND r.bucket >= $2', saas.rollup_table(v_rollup, quote_ident(v_granularity)))
            USING p_team, v_from;
        END LOOP;
        SELECT * INTO v_source FROM saas.rollup_sources AS s WHERE s.id = v_rollup.source_id;
        v_relation := saas.rollup_relation(v_source.id);
        CONTINUE WHEN v_relation IS NULL;
        EXECUTE format(
            'INSERT INTO saas.rollup_changes (team_id, source_id, span, xact_id, batch, changed_at) '
            'SELECT DISTINCT $1, $2, to_timestamp(floor(extract(epoch FROM s.%1$s) / 900) * 900), pg_current_xact_id(), -1, now() '
            'FROM %2$s AS s WHERE s.%3$s = $1 AND s.%1$s >= $3 AND isfinite(saas.hour_bucket(s.%1$s, ''UTC''))',
            quote_ident(v_source.time_column), v_relation, quote_ident(v_source.team_column))
        USING p_team, v_source.id, v_from;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.set_rollup_calendar(uuid, text, integer) IS
'Sets time zone and first day of the week (1 Monday, 7 Sunday) of a team for all rollups, by its admins; what is not frozen is computed anew by the next refresh, and at once by the real-time views.';
REVOKE ALL ON FUNCTION saas.set_rollup_calendar(uuid, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_rollup_calendar(uuid, text, integer) TO saas_app, saas_service;
