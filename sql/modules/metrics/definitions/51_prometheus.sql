-- Figures of the platform for Prometheus, in its text exposition format 0.0.4.
CREATE OR REPLACE FUNCTION saas.prometheus_sample(p_name text, p_labels text[], p_value double precision)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT p_name || COALESCE((
        SELECT '{' || string_agg(
            format(
                '%s="%s"', p_labels[n * 2 + 1],
                replace(replace(replace(p_labels[n * 2 + 2], '\', '\\'), '"', '\"'), E'\n', '\n')
            ), ',' ORDER BY n
        ) || '}'
        FROM generate_series(0, cardinality(p_labels) / 2 - 1) AS s (n)
    ), '') || ' ' || CASE p_value
        WHEN 'Infinity' THEN '+Inf'
        WHEN '-Infinity' THEN '-Inf'
        ELSE p_value::text
    END
$$;
COMMENT ON FUNCTION saas.prometheus_sample(text, text[], double precision) IS
'One line of the exposition format: name, labels as an array of names and values, value.';
REVOKE ALL ON FUNCTION saas.prometheus_sample(text, text[], double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.prometheus_sample(text, text[], double precision) TO saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.prometheus_samples(p_at timestamptz)
RETURNS TABLE (family text, kind text, help text, sample text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH services AS (
        SELECT
            m.service,
            sum(m.requests) AS requests,
            sum(m.errors) AS errors,
            sum(m.seconds_down) AS down,
            sum(m.cache_hits) AS hits,
            sum(m.cache_misses) AS misses,
            saas.merge(m.latency) AS latency
        FROM saas.service_measurements AS m
        WHERE m.created_at >= p_at - interval '5 minutes' AND m.created_at < p_at
        GROUP BY m.service
    ), figures (family, kind, help, labels, value) AS (
        SELECT 'saas_teams', 'gauge', 'Teams that are not deleted.', '{}'::text[], count(*)::double precision
        FROM saas.teams AS t WHERE t.deleted_at IS NULL
        UNION ALL
        SELECT 'saas_users', 'gauge', 'Users that are not deleted.', '{}', count(*)
        FROM saas.users AS u WHERE u.deleted_at IS NULL
        UNION ALL
        SELECT 'saas_subscriptions', 'gauge', 'Subscriptions by state.', ARRAY['status', s.status], count(*)
        FROM saas.subscriptions AS s GROUP BY s.status
        UNION ALL
        SELECT 'saas_payments', 'gauge', 'Payments by state and provider.', ARRAY['status', p.status, 'provider', p.provider], count(*)
        FROM saas.payments AS p GROUP BY p.status, p.provider
        UNION ALL
        SELECT 'saas_webhook_events', 'gauge', 'Webhook deliveries by outcome and provider.',
            ARRAY['status', w.status, 'provider', w.provider], count(*)
        FROM saas.webhook_events AS w GROUP BY w.status, w.provider
        UNION ALL
        SELECT 'saas_provider_requests', 'gauge', 'Requests to providers by state.',
            ARRAY['status', r.status, 'provider', r.provider], count(*)
        FROM saas.provider_requests AS r GROUP BY r.status, r.provider
        UNION ALL
        SELECT 'saas_service_requests', 'gauge', 'Requests of a service in the last five minutes.', ARRAY['service', s.service], s.requests
        FROM services AS s
        UNION ALL
        SELECT 'saas_service_errors', 'gauge', 'Failed requests of a service in the last five minutes.', ARRAY['service', s.service], s.errors
        FROM services AS s
        UNION ALL
        SELECT 'saas_service_down_seconds', 'gauge', 'How long a service was down in the last five minutes.', ARRAY['service', s.service], s.down
        FROM services AS s
        UNION ALL
        SELECT 'saas_service_cache_hit_ratio', 'gauge', 'Look-ups that the cache answered, as a share, in the last five minutes.',
            ARRAY['service', s.service], s.hits / (s.hits + s.misses)
        FROM services AS s WHERE s.hits + s.misses > 0
        UNION ALL
        SELECT 'saas_service_duration_quantile_seconds', 'gauge', 'Quantiles of the duration of requests in the last five minutes.',
            ARRAY['service', s.service, 'percentile', q.name], saas.approx_percentile(s.latency, q.fraction) / 1000
        FROM services AS s
        CROSS JOIN (VALUES ('50', 0.5::double precision), ('95', 0.95), ('99', 0.99)) AS q (name, fraction)
        WHERE s.latency IS NOT NULL
    )
    SELECT f.family, f.kind, f.help, saas.prometheus_sample(f.family, f.labels, f.value)
    FROM figures AS f
$$;
COMMENT ON FUNCTION saas.prometheus_samples(timestamptz) IS
'The lines of saas.prometheus_metrics() with the family that each belongs to. Checks no caller.';
REVOKE ALL ON FUNCTION saas.prometheus_samples(timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.prometheus_metrics()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(string_agg(f.text, '' ORDER BY f.family), '')
    FROM (
        SELECT
            s.family,
            format(
                E'# HELP %s %s\n# TYPE %s %s\n%s\n', s.family, s.help, s.family, s.kind,
                string_agg(s.sample, E'\n' ORDER BY s.sample)
            ) AS text
        FROM saas.prometheus_samples(now()) AS s
        GROUP BY s.family, s.kind, s.help
    ) AS f
$$;
COMMENT ON FUNCTION saas.prometheus_metrics() IS
'Figures of the platform over all teams in Prometheus''s text exposition format: teams, users, subscriptions, payments, webhooks, requests to providers, services.';
REVOKE ALL ON FUNCTION saas.prometheus_metrics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.prometheus_metrics() TO saas_service;
