-- Watch-lists: taken in from their publishers' JSON, and searched by name, date of birth and country.
CREATE OR REPLACE FUNCTION saas.watchlist_birth_date(p_text text)
RETURNS daterange
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_parts text[] := regexp_match(p_text, '^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?$');
    v_years text[] := regexp_match(p_text, '^([0-9]{4})/([0-9]{4})$');
    v_from date;
BEGIN
    IF v_years IS NOT NULL THEN
        RETURN daterange(
            make_date(v_years[1]::integer, 1, 1), make_date(v_years[2]::integer + 1, 1, 1), '[)'
        );
    END IF;
    v_from := make_date(
        v_parts[1]::integer, COALESCE(v_parts[2], '1')::integer, COALESCE(v_parts[3], '1')::integer
    );
    IF v_from IS NOT NULL THEN
        RETURN daterange(
            v_from,
            CASE
                WHEN v_parts[3] IS NOT NULL THEN v_from + 1
                WHEN v_parts[2] IS NOT NULL THEN (v_from + interval '1 month')::date
                ELSE (v_from + interval '1 year')::date
            END,
            '[)'
        );
    END IF;
    RAISE EXCEPTION USING ERRCODE = '22007', MESSAGE = 'a date of birth is not readable';
EXCEPTION WHEN datetime_field_overflow OR data_exception THEN
    RAISE EXCEPTION USING
        ERRCODE = 'SA096',
        MESSAGE = 'a date of birth on the list makes no sense',
        HINT = 'Write 1950, 1950-03, 1950-03-21, or 1950/1952 for one of several years.';
END
$$;
COMMENT ON FUNCTION saas.watchlist_birth_date(text) IS
'The days that a date of birth of a watch-list stands for: a day, a month, a year, or years as 1950/1952. SA096 for anything else.';
REVOKE ALL ON FUNCTION saas.watchlist_birth_date(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.watchlist_birth_date(text) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.read_watchlist(p_entries jsonb)
RETURNS TABLE (
    source_reference text,
    kind text,
    name text,
    aliases text[],
    birth_dates daterange[],
    countries text[],
    programme text
)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_bad text;
BEGIN
    IF jsonb_typeof(p_entries) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = 'SA096', MESSAGE = 'a watch-list is an array of objects';
    END IF;
    SELECT string_agg(DISTINCT b.problem, '; ') INTO v_bad
    FROM (
        SELECT CASE
            WHEN jsonb_typeof(e.entry) <> 'object' THEN 'entry ' || e.n || ' is no object'
            WHEN COALESCE(e.entry ->> 'reference', '') = '' THEN 'entry ' || e.n || ' has no reference'
            WHEN COALESCE(saas.normalize_name(left(e.entry ->> 'name', 250)), '') = '' THEN 'entry ' || e.n || ' has no name'
            WHEN EXISTS (
                SELECT
                FROM unnest('{aliases,birth_dates,countries}'::text[]) AS k (key)
                WHERE e.entry ? k.key
                    AND (
                        jsonb_typeof(e.entry -> k.key) <> 'array'
                        OR jsonb_path_exists(e.entry -> k.key, '$[*] ? (@.type() != "string")')
                    )
            ) THEN 'entry ' || e.n || ' has aliases, birth_dates or countries that are no array of texts'
            WHEN count(*) OVER (PARTITION BY e.entry ->> 'reference') > 1
                THEN 'entry ' || e.n || ' has the reference of another one'
        END AS problem
        FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS e (entry, n)
    ) AS b;
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA096', MESSAGE = 'the watch-list cannot be read', DETAIL = left(v_bad, 1000);
    END IF;
    RETURN QUERY
    SELECT
        e.entry ->> 'reference',
        COALESCE(e.entry ->> 'kind', 'person'),
        e.entry ->> 'name',
        ARRAY(
            SELECT a.alias FROM jsonb_array_elements_text(e.entry -> 'aliases') AS a (alias)
            WHERE a.alias <> ''
        ),
        ARRAY(
            SELECT saas.watchlist_birth_date(d.day)
            FROM jsonb_array_elements_text(e.entry -> 'birth_dates') AS d (day)
        ),
        ARRAY(
            SELECT upper(c.country) FROM jsonb_array_elements_text(e.entry -> 'countries') AS c (country)
        ),
        e.entry ->> 'programme'
    FROM jsonb_array_elements(p_entries) AS e (entry);
END
$$;
COMMENT ON FUNCTION saas.read_watchlist(jsonb) IS
'The entries of a watch-list in JSON, checked: objects with reference, name, and perhaps kind, aliases, birth_dates, countries, programme. SA096 says which entry cannot be read.';
REVOKE ALL ON FUNCTION saas.read_watchlist(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.read_watchlist(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.import_watchlist(
    p_source text,
    p_entries jsonb,
    p_complete boolean DEFAULT false,
    OUT added bigint,
    OUT changed bigint,
    OUT delisted bigint
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_constraint text;
    v_column text;
BEGIN
    -- The trail of a change belongs to the team of the request, whose admins read it.
    IF saas.current_team_id() IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA128',
            MESSAGE = 'what belongs to the platform is not changed in the name of a team',
            HINT = 'Call saas.clear_context() first, or saas.import_team_watchlist() for a list of the team.';
    END IF;
    IF p_source IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a watch-list has a source';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('saas watchlist ' || p_source, 0));
    delisted := 0;
    IF p_complete THEN
        UPDATE saas.watchlist_entries AS w
        SET delisted_at = now(), changed_at = now()
        WHERE w.source = p_source
            AND w.delisted_at IS NULL
            AND w.source_reference NOT IN (
                SELECT e.entry ->> 'reference' FROM jsonb_array_elements(p_entries) AS e (entry)
                WHERE e.entry ->> 'reference' IS NOT NULL
            );
        GET DIAGNOSTICS delisted = ROW_COUNT;
    END IF;
    UPDATE saas.watchlist_entries AS w
    SET kind = r.kind, name = r.name, aliases = r.aliases, birth_dates = r.birth_dates,
        countries = r.countries, programme = r.programme, changed_at = now(), delisted_at = NULL
    FROM saas.read_watchlist(p_entries) AS r
    WHERE w.source = p_source
        AND w.source_reference = r.source_reference
        AND (
            w.delisted_at IS NOT NULL
            OR (w.kind, w.name, w.aliases, w.birth_dates, w.countries, w.programme)
                IS DISTINCT FROM (r.kind, r.name, r.aliases, r.birth_dates, r.countries, r.programme)
        );
    GET DIAGNOSTICS changed = ROW_COUNT;
    INSERT INTO saas.watchlist_entries (
        source, source_reference, kind, name, aliases, birth_dates, countries, programme
    )
    SELECT
        p_source, r.source_reference, r.kind, r.name, r.aliases, r.birth_dates, r.countries, r.programme
    FROM saas.read_watchlist(p_entries) AS r
    ON CONFLICT (source, source_reference) DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'watch-list', SQLSTATE, v_constraint, v_column,
            'An entry is a person, organisation, vessel, aircraft or other; a source is written in lower case.'
        );
END
$$;
COMMENT ON FUNCTION saas.import_watchlist(text, jsonb, boolean) IS
'Takes a watch-list of the platform in, in one piece or in parts: new entries are added, those that differ are changed, others left. p_complete: these are all entries of the source, so the others are no longer listed. SA096 for what cannot be read; then nothing has changed. For workers, without a team: SA128 in the context of one.';
REVOKE ALL ON FUNCTION saas.import_watchlist(text, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.import_watchlist(text, jsonb, boolean) TO saas_service;

CREATE OR REPLACE FUNCTION saas.import_team_watchlist(
    p_team uuid,
    p_source text,
    p_entries jsonb,
    p_complete boolean DEFAULT false,
    OUT added bigint,
    OUT changed bigint,
    OUT delisted bigint
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF p_source IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a watch-list has a source';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('saas watchlist ' || p_team || p_source, 0));
    delisted := 0;
    IF p_complete THEN
        UPDATE saas.team_watchlist_entries AS w
        SET delisted_at = now(), changed_at = now()
        WHERE w.team_id = p_team
            AND w.source = p_source
            AND w.delisted_at IS NULL
            AND w.source_reference NOT IN (
                SELECT e.entry ->> 'reference' FROM jsonb_array_elements(p_entries) AS e (entry)
                WHERE e.entry ->> 'reference' IS NOT NULL
            );
        GET DIAGNOSTICS delisted = ROW_COUNT;
    END IF;
    UPDATE saas.team_watchlist_entries AS w
    SET kind = r.kind, name = r.name, aliases = r.aliases, birth_dates = r.birth_dates,
        countries = r.countries, programme = r.programme, changed_at = now(), delisted_at = NULL
    FROM saas.read_watchlist(p_entries) AS r
    WHERE w.team_id = p_team
        AND w.source = p_source
        AND w.source_reference = r.source_reference
        AND (
            w.delisted_at IS NOT NULL
            OR (w.kind, w.name, w.aliases, w.birth_dates, w.countries, w.programme)
                IS DISTINCT FROM (r.kind, r.name, r.aliases, r.birth_dates, r.countries, r.programme)
        );
    GET DIAGNOSTICS changed = ROW_COUNT;
    INSERT INTO saas.team_watchlist_entries (
        team_id, source, source_reference, kind, name, aliases, birth_dates, countries, programme
    )
    SELECT
        p_team, p_source, r.source_reference, r.kind, r.name, r.aliases, r.birth_dates, r.countries,
        r.programme
    FROM saas.read_watchlist(p_entries) AS r
    ON CONFLICT (team_id, source, source_reference) DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'watch-list', SQLSTATE, v_constraint, v_column,
            'An entry is a person, organisation, vessel, aircraft or other; a source is written in lower case.'
        );
END
$$;
COMMENT ON FUNCTION saas.import_team_watchlist(uuid, text, jsonb, boolean) IS
'Takes a watch-list of the team''s own in, as saas.import_watchlist() does one of the platform. For admins and workers.';
REVOKE ALL ON FUNCTION saas.import_team_watchlist(uuid, text, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.import_team_watchlist(uuid, text, jsonb, boolean) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.watchlist_score(
    p_likeness double precision,
    p_birth_dates daterange[],
    p_date_of_birth date,
    p_countries text[],
    p_country text
)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT greatest(0, least(100, round(100 * p_likeness)::integer
        + CASE
            WHEN p_date_of_birth IS NULL OR cardinality(p_birth_dates) = 0 THEN 0
            WHEN EXISTS (SELECT FROM unnest(p_birth_dates) AS d (days) WHERE d.days @> p_date_of_birth) THEN 5
            -- A slip of the pen, or a year that was guessed.
            WHEN EXISTS (
                SELECT FROM unnest(p_birth_dates) AS d (days)
                WHERE daterange(lower(d.days) - 366, upper(d.days) + 366) @> p_date_of_birth
            ) THEN -5
            ELSE -25
        END
        + CASE
            WHEN p_country IS NULL OR cardinality(p_countries) = 0 THEN 0
            WHEN upper(p_country) = ANY (p_countries) THEN 2
            ELSE -5
        END
    ))
$$;
COMMENT ON FUNCTION saas.watchlist_score(double precision, daterange[], date, text[], text) IS
'0 to 100: the likeness of the names in hundredths; 5 more when the date of birth fits, 5 less when it is within a year, 25 less when not; 2 more when the country fits, 5 less when not. What either side does not know counts nothing.';
REVOKE ALL ON FUNCTION saas.watchlist_score(double precision, daterange[], date, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.watchlist_score(double precision, daterange[], date, text[], text)
TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.find_watchlist_matches(
    p_team uuid,
    p_name text,
    p_date_of_birth date,
    p_country text,
    p_least_score integer
)
RETURNS TABLE (
    watchlist_entry_id uuid,
    team_watchlist_entry_id uuid,
    source text,
    source_reference text,
    kind text,
    name text,
    programme text,
    likeness double precision,
    score integer,
    changed_at timestamptz
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_keys integer[] := saas.name_keys(ARRAY[p_name], '', true);
    v_team_keys integer[] := saas.name_keys(ARRAY[p_name], p_team::text, true);
BEGIN
    -- The names are compared once; the score, which adds 7 at most, is worked out for the few that are alike.
    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT
            w.id AS entry, NULL::uuid AS team_entry, w.source, w.source_reference, w.kind, w.name,
            w.programme, w.birth_dates, w.countries, w.changed_at,
            saas.name_similarity(p_name, w.name || w.aliases) AS likeness
        FROM saas.watchlist_entries AS w
        WHERE w.name_keys && v_keys AND w.delisted_at IS NULL
        UNION ALL
        SELECT
            NULL::uuid, w.id, w.source, w.source_reference, w.kind, w.name,
            w.programme, w.birth_dates, w.countries, w.changed_at,
            saas.name_similarity(p_name, w.name || w.aliases)
        FROM saas.team_watchlist_entries AS w
        WHERE w.team_id = p_team AND w.name_keys && v_team_keys AND w.delisted_at IS NULL
    ), alike AS MATERIALIZED (
        SELECT
            f.*,
            saas.watchlist_score(f.likeness, f.birth_dates, p_date_of_birth, f.countries, p_country) AS score
        FROM found AS f
        WHERE f.likeness * 100 >= p_least_score - 8
    )
    SELECT
        a.entry, a.team_entry, a.source, a.source_reference, a.kind, a.name, a.programme, a.likeness,
        a.score, a.changed_at
    FROM alike AS a
    WHERE a.score >= p_least_score
    ORDER BY a.score DESC, a.source, a.source_reference
    LIMIT 100;
END
$$;
COMMENT ON FUNCTION saas.find_watchlist_matches(uuid, text, date, text, integer) IS
'The up to 100 entries of the platform''s and the team''s watch-lists that a name, date of birth and country fit best. Checks no caller.';
REVOKE ALL ON FUNCTION saas.find_watchlist_matches(uuid, text, date, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.find_watchlist_matches(uuid, text, date, text, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.search_watchlists(
    p_team uuid,
    p_name text,
    p_date_of_birth date DEFAULT NULL,
    p_country text DEFAULT NULL,
    p_least_score integer DEFAULT 70
)
RETURNS TABLE (
    watchlist_entry_id uuid,
    team_watchlist_entry_id uuid,
    source text,
    source_reference text,
    kind text,
    name text,
    programme text,
    likeness double precision,
    score integer
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    RETURN QUERY
    SELECT
        m.watchlist_entry_id, m.team_watchlist_entry_id, m.source, m.source_reference, m.kind, m.name,
        m.programme, m.likeness, m.score
    FROM saas.find_watchlist_matches(p_team, p_name, p_date_of_birth, p_country, p_least_score) AS m;
END
$$;
COMMENT ON FUNCTION saas.search_watchlists(uuid, text, date, text, integer) IS
'Who on the platform''s and the team''s watch-lists is like this name, date of birth and country, best first, up to 100. Raises no alert. For members and workers.';
REVOKE ALL ON FUNCTION saas.search_watchlists(uuid, text, date, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.search_watchlists(uuid, text, date, text, integer) TO saas_app, saas_service;
