-- Figures of the platform, and of one team, for Prometheus, in its text exposition format 0.0.4.
CREATE OR REPLACE FUNCTION saas.prometheus_sample(p_name text, p_labels text[], p_value double precision)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_labels text := '';
BEGIN
    IF p_value IS NULL THEN
        RETURN NULL;
    ELSIF p_name IS NULL OR p_name !~ '^[a-zA-Z_:][a-zA-Z0-9_:]*$' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a metric of Prometheus has a name of letters, digits, _ and :',
            HINT = 'For example http_requests_total.';
    ELSIF array_ndims(p_labels) > 1 OR cardinality(p_labels) % 2 <> 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'labels are names and values in turn',
            HINT = 'For example ARRAY[''service'', ''api''].';
    END IF;
    FOR n IN 1 .. COALESCE(cardinality(p_labels), 0) BY 2 LOOP
        -- Names that begin with __ are Prometheus's own.
        IF p_labels[n] IS NULL OR p_labels[n] !~ '^[a-zA-Z_][a-zA-Z0-9_]*$' OR p_labels[n] LIKE '\_\_%' THEN
            RAISE EXCEPTION USING
                ERRCODE = '22023',
                MESSAGE = 'a label of Prometheus has a name of letters, digits and _, which does not begin with __',
                HINT = 'Labels are names and values in turn, for example ARRAY[''service'', ''api''].';
        ELSIF EXISTS (SELECT FROM generate_series(1, n - 2, 2) AS s (i) WHERE p_labels[s.i] = p_labels[n]) THEN
            RAISE EXCEPTION USING
                ERRCODE = '22023', MESSAGE = 'a series has each label once', HINT = 'Leave out all but one of its values.';
        END IF;
        v_labels := v_labels || CASE WHEN n > 1 THEN ',' ELSE '' END || p_labels[n] || '="' || replace(replace(replace(
            COALESCE(p_labels[n + 1], ''), '\', '\\'), '"', '\"'), E'\n', '\n') || '"';
    END LOOP;
    RETURN p_name || CASE WHEN v_labels = '' THEN '' ELSE '{' || v_labels || '}' END || ' ' || CASE p_value
        WHEN 'Infinity' THEN '+Inf'
        WHEN '-Infinity' THEN '-Inf'
        ELSE p_value::text
    END;
END
$$;
COMMENT ON FUNCTION saas.prometheus_sample(text, text[], double precision) IS
'One line of the exposition format: name, labels as an array of names and values in turn (NULL: an empty value), value. NULL for no value; 22023 for names that Prometheus does not take.';
REVOKE ALL ON FUNCTION saas.prometheus_sample(text, text[], double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.prometheus_sample(text, text[], double precision) TO saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.prometheus_services(p_at timestamptz, p_team uuid)
RETURNS TABLE (family text, help text, labels text[], value double precision)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- A service is a team's own: those of two teams have nothing in common but a name.
    WITH services AS (
        SELECT
            ARRAY['team', m.team_id::text, 'service', m.service] AS labels,
            sum(m.requests) AS requests,
            sum(m.errors) AS errors,
            sum(m.seconds_down) AS down,
            sum(m.cache_hits) AS hits,
            sum(m.cache_misses) AS misses,
            saas.merge(m.latency) AS latency
        FROM saas.service_measurements AS m
        WHERE m.created_at >= p_at - interval '5 minutes' AND m.created_at < p_at
            AND (p_team IS NULL OR m.team_id = p_team)
        GROUP BY m.team_id, m.service
    )
    SELECT f.family, f.help, f.labels, f.value
    FROM services AS s
    CROSS JOIN LATERAL (
        VALUES
            ('saas_service_requests', 'Requests of a service in the last five minutes.', s.labels, s.requests),
            ('saas_service_errors', 'Failed requests of a service in the last five minutes.', s.labels, s.errors),
            ('saas_service_down_seconds', 'How long a service was down in the last five minutes.', s.labels, s.down),
            (
                'saas_service_cache_hit_ratio', 'Look-ups that the cache answered, as a share, in the last five minutes.',
                s.labels, s.hits / nullif(s.hits + s.misses, 0)
            )
    ) AS f (family, help, labels, value)
    UNION ALL
    SELECT
        'saas_service_duration_quantile_seconds',
        'Quantiles of the duration of requests in the last five minutes.',
        s.labels || ARRAY['percentile', q.name],
        saas.approx_percentile(s.latency, q.fraction) / 1000
    FROM services AS s
    CROSS JOIN (VALUES ('50', 0.5::double precision), ('95', 0.95), ('99', 0.99)) AS q (name, fraction)
$$;
COMMENT ON FUNCTION saas.prometheus_services(timestamptz, uuid) IS
'What services did in the five minutes before p_at, of one team or of all when p_team is NULL. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.prometheus_services(timestamptz, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.prometheus_samples(p_at timestamptz, p_team uuid)
RETURNS TABLE (family text, help text, sample text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH platform (family, help, labels, value) AS (
        SELECT 'saas_teams', 'Teams that are not deleted.', '{}'::text[], count(*)::double precision
        FROM saas.teams AS t WHERE t.deleted_at IS NULL
        UNION ALL
        SELECT 'saas_users', 'Users that are not deleted.', '{}', count(*)
        FROM saas.users AS u WHERE u.deleted_at IS NULL
        UNION ALL
        SELECT 'saas_subscriptions', 'Subscriptions by state.', ARRAY['status', s.status], count(*)
        FROM saas.subscriptions AS s GROUP BY s.status
        UNION ALL
        SELECT 'saas_payments', 'Payments by state and provider.', ARRAY['status', p.status, 'provider', p.provider], count(*)
        FROM saas.payments AS p GROUP BY p.status, p.provider
        UNION ALL
        SELECT 'saas_webhook_events', 'Webhook deliveries by outcome and provider.',
            ARRAY['status', w.status, 'provider', w.provider], count(*)
        FROM saas.webhook_events AS w GROUP BY w.status, w.provider
        UNION ALL
        SELECT 'saas_provider_requests', 'Requests to providers by state.',
            ARRAY['status', r.status, 'provider', r.provider], count(*)
        FROM saas.provider_requests AS r GROUP BY r.status, r.provider
    ), team (family, help, labels, value) AS (
        -- Names of their own, so that who reads both pages counts nothing twice.
        SELECT 'saas_team_members', 'Active members of the team by role.', ARRAY['team', p_team::text, 'role', m.role],
            count(*)::double precision
        FROM saas.team_members AS m WHERE m.team_id = p_team AND m.status = 'active' GROUP BY m.role
        UNION ALL
        SELECT 'saas_team_subscriptions', 'Subscriptions of the team by state.',
            ARRAY['team', p_team::text, 'status', s.status], count(*)
        FROM saas.subscriptions AS s WHERE s.team_id = p_team GROUP BY s.status
        UNION ALL
        SELECT 'saas_team_payments', 'Payments of the team by state and provider.',
            ARRAY['team', p_team::text, 'status', p.status, 'provider', p.provider], count(*)
        FROM saas.payments AS p WHERE p.team_id = p_team GROUP BY p.status, p.provider
    ), figures AS (
        SELECT p.* FROM platform AS p WHERE p_team IS NULL
        UNION ALL
        SELECT t.* FROM team AS t WHERE p_team IS NOT NULL
        UNION ALL
        SELECT s.family, s.help, s.labels, s.value FROM saas.prometheus_services(p_at, p_team) AS s
    )
    SELECT f.family, f.help, saas.prometheus_sample(f.family, f.labels, f.value)
    FROM figures AS f
    WHERE f.value IS NOT NULL
$$;
COMMENT ON FUNCTION saas.prometheus_samples(timestamptz, uuid) IS
'The lines of saas.prometheus_metrics() with the family that each belongs to: of the platform when p_team is NULL, else of the team. Checks no caller.';
REVOKE ALL ON FUNCTION saas.prometheus_samples(timestamptz, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.prometheus_page(p_team uuid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(string_agg(f.text, '' ORDER BY f.family), '')
    FROM (
        SELECT
            s.family,
            format(
                E'# HELP %s %s\n# TYPE %s gauge\n%s\n', s.family, s.help, s.family,
                string_agg(s.sample, E'\n' ORDER BY s.sample)
            ) AS text
        FROM saas.prometheus_samples(now(), p_team) AS s
        GROUP BY s.family, s.help
    ) AS f
$$;
COMMENT ON FUNCTION saas.prometheus_page(uuid) IS
'The page of the platform when p_team is NULL, else of the team. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.prometheus_page(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.prometheus_metrics()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT saas.prometheus_page(NULL)
$$;
COMMENT ON FUNCTION saas.prometheus_metrics() IS
'Figures of the platform in Prometheus''s text exposition format, for its operator: teams, users, subscriptions, payments, webhooks, requests to providers, and the services of each team under its id.';
REVOKE ALL ON FUNCTION saas.prometheus_metrics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.prometheus_metrics() TO saas_service;

CREATE OR REPLACE FUNCTION saas.prometheus_metrics(p_team uuid)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- Refuses NULL as well, which would mean all teams.
    PERFORM saas.require_team(p_team, 'viewer');
    RETURN saas.prometheus_page(p_team);
END
$$;
COMMENT ON FUNCTION saas.prometheus_metrics(uuid) IS
'Figures of one team in Prometheus''s text exposition format, for its members: members, subscriptions, payments, services.';
REVOKE ALL ON FUNCTION saas.prometheus_metrics(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.prometheus_metrics(uuid) TO saas_app, saas_analyst, saas_service;
