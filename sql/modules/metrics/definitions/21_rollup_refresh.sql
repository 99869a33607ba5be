-- Keeping rollups up to date: what changed is computed anew, whole buckets of one team each.
--
-- A change of the source and its row in saas.rollup_changes commit together. A refresh takes such rows
-- away and computes their buckets in the same transaction, from a snapshot that sees what they announce: so
-- whatever it does not see, a later one will. One refresh of a source at a time, by a lock on its row: an
-- older snapshot never overwrites what a newer one wrote.

CREATE OR REPLACE FUNCTION saas.lock_rollup_source(p_source uuid, p_wait boolean)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_relation regclass;
BEGIN
    -- As an update, so that a transaction that keeps an older snapshot fails here and not later, silently.
    IF p_wait THEN
        PERFORM FROM saas.rollup_sources AS s WHERE s.id = p_source FOR UPDATE;
    ELSE
        PERFORM FROM saas.rollup_sources AS s WHERE s.id = p_source FOR UPDATE SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE saas.rollup_sources AS s SET refreshed_at = clock_timestamp() WHERE s.id = p_source;
    -- From here on it stays the table that it is.
    v_relation := saas.rollup_relation(p_source);
    IF v_relation IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', v_relation);
        -- An older snapshot sees no row of a table that ALTER TABLE has written anew since.
        IF current_setting('transaction_isolation') <> 'read committed' AND EXISTS (
            SELECT FROM pg_class AS c
            WHERE (c.oid = v_relation OR c.oid IN (SELECT t.relid FROM pg_partition_tree(v_relation) AS t))
                AND c.relfilenode <> pg_relation_filenode(c.oid)
        ) THEN
            RAISE EXCEPTION USING
                ERRCODE = '40001',
                MESSAGE = format('could not serialize access: %s was rewritten', v_relation),
                HINT = 'Try again in a new transaction, best READ COMMITTED.';
        END IF;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION saas.lock_rollup_source(uuid, boolean) IS
'Locks a source of rollups for a refresh until the end of the transaction; false when another one has it and p_wait is false.';
REVOKE ALL ON FUNCTION saas.lock_rollup_source(uuid, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.refresh_rollup_hours(
    p_rollup saas.rollups,
    p_source text,
    p_teams uuid[],
    p_hours timestamptz[],
    p_time_zones text[]
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_from timestamptz := COALESCE(now() - saas.rollup_frozen_after(p_rollup), '-infinity');
    v_teams uuid[];
    v_hours timestamptz[];
    v_zones text[];
    v_days date[];
BEGIN
    SELECT array_agg(h.team_id), array_agg(h.hour), array_agg(h.time_zone)
    INTO v_teams, v_hours, v_zones
    FROM unnest(p_teams, p_hours, p_time_zones) AS h (team_id, hour, time_zone)
    WHERE h.hour >= v_from;
    IF v_teams IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM saas.write_rollup_hours(p_rollup, p_source, v_teams, v_hours, v_zones);
    SELECT array_agg(d.team_id), array_agg(d.day)
    INTO v_teams, v_days
    FROM (
        SELECT DISTINCT h.team_id, (h.hour AT TIME ZONE h.time_zone)::date AS day
        FROM unnest(v_teams, v_hours, v_zones) AS h (team_id, hour, time_zone)
    ) AS d;
    PERFORM saas.refresh_coarser_buckets(p_rollup, v_teams, v_days);
    RETURN cardinality(v_hours);
END
$$;
COMMENT ON FUNCTION saas.refresh_rollup_hours(saas.rollups, text, uuid[], timestamptz[], text[]) IS
'Computes hours of teams anew from the source, and what is made from them. Returns how many hours; those that are frozen stay as they are.';
REVOKE ALL ON FUNCTION saas.refresh_rollup_hours(saas.rollups, text, uuid[], timestamptz[], text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.note_rollup_computation(p_source uuid)
RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- Taken after the buckets were computed, so that it sees whatever they have seen.
    UPDATE saas.rollup_sources AS s SET computed_as_of = pg_current_snapshot() WHERE s.id = p_source
$$;
COMMENT ON FUNCTION saas.note_rollup_computation(uuid) IS
'Notes that buckets of a source were computed from it: changes that were committed by now, and are not taken yet, may be in them.';
REVOKE ALL ON FUNCTION saas.note_rollup_computation(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.refresh_rollup_source(
    p_source uuid,
    p_limit integer,
    p_teams uuid[],
    OUT changes bigint,
    OUT hours bigint,
    OUT remaining boolean
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_taken record;
    v_open record;
    v_source text;
    v_rollup saas.rollups;
    v_from timestamptz;
    v_key text;
    v_missing bigint;
    v_added boolean;
    v_teams uuid[];
    v_hours timestamptz[];
    v_zones text[];
    v_count bigint;
    v_computed boolean := false;
BEGIN
    hours := 0;
    SELECT * INTO v_taken FROM saas.take_rollup_changes(p_source, p_limit, p_teams);
    changes := v_taken.changes;
    remaining := changes >= p_limit;
    IF v_taken.teams IS NULL THEN
        RETURN;
    END IF;
    v_source := saas.rollup_source_table(saas.rollup_relation(p_source));
    FOR v_rollup IN SELECT * FROM saas.rollups AS r WHERE r.source_id = p_source ORDER BY r.name LOOP
        v_from := COALESCE(now() - saas.rollup_frozen_after(v_rollup), '-infinity');
        v_added := false;
        IF v_source IS NOT NULL AND v_taken.row_ids IS NOT NULL AND saas.rollup_is_additive(v_rollup) THEN
            -- A day, week or month in which an hour is computed anew is made from its parts after that.
            SELECT array_agg(h.hour ORDER BY h.number) AS hours, array_agg(h.day ORDER BY h.number) AS days,
                array_agg(h.week ORDER BY h.number) AS weeks, array_agg(h.month ORDER BY h.number) AS months
            INTO v_open
            FROM (
                SELECT u.number, u.additive AND u.hour >= v_from AS hour,
                    bool_and(u.additive OR u.hour < v_from) OVER (PARTITION BY u.team_id, u.day) AS day,
                    bool_and(u.additive OR u.hour < v_from) OVER (PARTITION BY u.team_id, u.week) AS week,
                    bool_and(u.additive OR u.hour < v_from) OVER (PARTITION BY u.team_id, u.month) AS month
                FROM unnest(v_taken.teams, v_taken.hours, v_taken.days, v_taken.weeks, v_taken.months, v_taken.additive)
                    WITH ORDINALITY AS u (team_id, hour, day, week, month, additive, number)
            ) AS h;
            v_key := format('%s added from %s', v_rollup.id, v_source);
            -- The plan that is kept supposes a few of everything.
            IF cardinality(v_taken.row_ids) <= 200 AND cardinality(v_taken.hours) <= 200 THEN
                v_missing := saas.run_rollup_statement(
                    v_key,
                    CASE WHEN NOT saas.keeps_rollup_statement(v_key) THEN saas.rollup_addition_query(v_rollup, v_source) END,
                    v_taken.teams, v_taken.hours, v_taken.days, v_taken.weeks, v_taken.months,
                    v_open.hours, v_open.days, v_open.weeks, v_open.months, v_taken.span_hours, v_taken.spans,
                    v_taken.span_xacts, v_taken.span_relations, v_taken.row_spans, v_taken.row_ids);
            ELSE
                EXECUTE saas.rollup_addition_query(v_rollup, v_source)
                INTO v_missing
                USING v_taken.teams, v_taken.hours, v_taken.days, v_taken.weeks, v_taken.months,
                    v_open.hours, v_open.days, v_open.weeks, v_open.months, v_taken.span_hours, v_taken.spans,
                    v_taken.span_xacts, v_taken.span_relations, v_taken.row_spans, v_taken.row_ids;
            END IF;
            v_added := v_missing = 0;
        END IF;
        SELECT array_agg(h.team_id) FILTER (WHERE h.anew), array_agg(h.hour) FILTER (WHERE h.anew),
            array_agg(h.time_zone) FILTER (WHERE h.anew), count(*) FILTER (WHERE NOT h.anew)
        INTO v_teams, v_hours, v_zones, v_count
        FROM (
            SELECT u.team_id, u.hour, u.time_zone, NOT (u.additive AND v_added) AS anew
            FROM unnest(v_taken.teams, v_taken.hours, v_taken.time_zones, v_taken.additive) AS u (team_id, hour, time_zone, additive)
            WHERE u.hour >= v_from
        ) AS h;
        hours := hours + v_count;
        IF v_teams IS NOT NULL THEN
            hours := hours + saas.refresh_rollup_hours(v_rollup, v_source, v_teams, v_hours, v_zones);
            v_computed := true;
        END IF;
    END LOOP;
    IF v_computed THEN
        PERFORM saas.note_rollup_computation(p_source);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.refresh_rollup_source(uuid, integer, uuid[]) IS
'Takes up to p_limit noted changes of a source that is locked, of the given teams or NULL for all, and brings all its rollups up to date: rows that came are added, the other hours are computed anew.';
REVOKE ALL ON FUNCTION saas.refresh_rollup_source(uuid, integer, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.refresh_rollup_teams(
    p_source uuid,
    p_limit integer,
    p_teams uuid[],
    OUT changes bigint,
    OUT hours bigint,
    OUT remaining boolean,
    OUT problem text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_teams uuid[] := p_teams;
    v_half record;
BEGIN
    BEGIN
        SELECT s.changes, s.hours, s.remaining
        INTO changes, hours, remaining
        FROM saas.refresh_rollup_source(p_source, p_limit, p_teams) AS s;
        RETURN;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        problem := format('%s: %s', SQLSTATE, SQLERRM);
    END;
    changes := 0;
    hours := 0;
    remaining := true;
    -- Values whose sum overflows, for instance. What one team has written must not keep the others from being
    -- refreshed: those are found by halves.
    IF v_teams IS NULL THEN
        SELECT array_agg(DISTINCT c.team_id) INTO v_teams FROM saas.rollup_changes AS c WHERE c.source_id = p_source;
    END IF;
    IF cardinality(v_teams) < 2 THEN
        problem := format('team %s: %s', v_teams[1], problem);
        RETURN;
    END IF;
    problem := NULL;
    FOR v_half IN
        SELECT f.changes, f.hours, f.problem
        FROM (VALUES
            (v_teams[:cardinality(v_teams) / 2]), (v_teams[cardinality(v_teams) / 2 + 1:])
        ) AS h (teams)
        CROSS JOIN LATERAL saas.refresh_rollup_teams(p_source, p_limit, h.teams) AS f
    LOOP
        changes := changes + v_half.changes;
        hours := hours + v_half.hours;
        problem := concat_ws('; ', problem, v_half.problem);
    END LOOP;
    problem := NULLIF(problem, '');
END
$$;
COMMENT ON FUNCTION saas.refresh_rollup_teams(uuid, integer, uuid[]) IS
'As refresh_rollup_source(); where values of a team cannot be computed, all other teams are refreshed, and problem names that team.';
REVOKE ALL ON FUNCTION saas.refresh_rollup_teams(uuid, integer, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.refresh_rollups(p_name text DEFAULT NULL, p_limit integer DEFAULT 100000)
RETURNS TABLE (source text, changes bigint, hours bigint, remaining boolean, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v_source saas.rollup_sources;
BEGIN
    IF p_limit IS NULL OR p_limit < 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the number of changes to take must be positive',
            HINT = 'Leave p_limit out for 100,000.';
    END IF;
    IF p_name IS NOT NULL AND NOT EXISTS (SELECT FROM saas.rollups AS r WHERE r.name = p_name) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA132',
            MESSAGE = format('there is no rollup "%s"', p_name),
            HINT = 'SELECT * FROM saas.list_rollups() shows those that there are.';
    END IF;
    -- What this transaction itself has changed counts as well.
    PERFORM saas.write_rollup_changes();
    FOR v_source IN
        SELECT s.*
        FROM saas.rollup_sources AS s
        WHERE EXISTS (
            SELECT FROM saas.rollups AS r WHERE r.source_id = s.id AND (p_name IS NULL OR r.name = p_name)
        )
        ORDER BY s.refreshed_at NULLS FIRST
    LOOP
        source := v_source.source_name;
        changes := 0;
        hours := 0;
        remaining := false;
        problem := NULL;
        -- What fails for one source must not keep the others from being refreshed.
        BEGIN
            -- Whoever names a rollup wants it refreshed; a schedule passes by what another one is at.
            CONTINUE WHEN NOT saas.lock_rollup_source(v_source.id, p_name IS NOT NULL);
            SELECT f.changes, f.hours, f.remaining, f.problem
            INTO changes, hours, remaining, problem
            FROM saas.refresh_rollup_teams(v_source.id, p_limit, NULL) AS f;
        EXCEPTION WHEN OTHERS THEN
            problem := format('%s: %s', SQLSTATE, SQLERRM);
            remaining := true;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.refresh_rollups(text, integer) IS
'Computes anew what changed in the sources of all rollups, or of the one of that name, up to p_limit noted changes a source; remaining says that there are more. Run by a worker or pg_cron every minute; several at once pass by each other. SA132 for an unknown name.';
REVOKE ALL ON FUNCTION saas.refresh_rollups(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refresh_rollups(text, integer) TO saas_service, pg_database_owner;
