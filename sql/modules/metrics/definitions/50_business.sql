-- Everything about a team in one document.
CREATE OR REPLACE FUNCTION saas.main_currency(p_team uuid)
RETURNS char(3)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT s.currency
    FROM saas.subscriptions AS s
    WHERE s.team_id = p_team
    GROUP BY s.currency
    ORDER BY count(*) DESC, s.currency
    LIMIT 1
$$;
COMMENT ON FUNCTION saas.main_currency(uuid) IS
'The currency of most of the team''s subscriptions. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.main_currency(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.business_revenue(p_team uuid, p_from date, p_to date)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH months AS MATERIALIZED (
        SELECT r.* FROM saas.monthly_revenue(p_team, p_from, p_to) AS r
    ), latest AS (
        SELECT m.*
        FROM months AS m
        WHERE m.month = date_trunc('month', p_to::timestamp)::date
    ), documents AS (
        SELECT
            l.currency,
            jsonb_build_object(
                'currency', l.currency,
                'mrr', l.end_mrr,
                'arr', l.arr,
                'growth_rate', l.growth_rate,
                'churn_rate', l.revenue_churn_rate,
                'customer_churn_rate', l.customer_churn_rate,
                'net_revenue_retention', l.net_revenue_retention,
                'gross_revenue_retention', l.gross_revenue_retention,
                'quick_ratio', l.quick_ratio,
                'arpa', l.arpa,
                'ltv', l.ltv,
                'customers', l.end_customers
            ) AS document
        FROM latest AS l
    )
    SELECT COALESCE(
        (SELECT d.document FROM documents AS d WHERE d.currency = saas.main_currency(p_team)),
        '{"currency": null, "mrr": 0, "arr": 0, "growth_rate": null, "churn_rate": null}'::jsonb
    ) || jsonb_build_object(
        'by_currency', (SELECT COALESCE(jsonb_object_agg(d.currency, d.document - 'currency'), '{}') FROM documents AS d)
    )
$$;
COMMENT ON FUNCTION saas.business_revenue(uuid, date, date) IS
'Revenue of the month of p_to as a document. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.business_revenue(uuid, date, date) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.business_product(p_team uuid, p_from date, p_to date, p_zone text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT jsonb_build_object(
        'active_users', jsonb_build_object(
            'daily', a.daily, 'weekly', a.weekly, 'monthly', a.monthly, 'stickiness', a.stickiness
        ),
        'engagement', (
            SELECT jsonb_build_object(
                'projects_generated', count(*) FILTER (WHERE e.name = 'project.generated'),
                'templates_used', count(*) FILTER (WHERE e.name = 'template.used'),
                'export_rate', round(
                    count(*) FILTER (WHERE e.name = 'project.exported')::numeric
                    / nullif(count(*) FILTER (WHERE e.name = 'project.generated'), 0), 4
                )
            )
            FROM saas.product_events AS e
            WHERE e.team_id = p_team
                AND e.created_at >= p_from::timestamp AT TIME ZONE p_zone
                AND e.created_at < (p_to + 1)::timestamp AT TIME ZONE p_zone
        )
    )
    FROM saas.active_users(p_team, p_to, p_to) AS a
$$;
COMMENT ON FUNCTION saas.business_product(uuid, date, date, text) IS
'Use of the product as a document. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.business_product(uuid, date, date, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.business_technical(p_team uuid, p_from timestamptz, p_to timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT jsonb_build_object(
        'performance', jsonb_build_object(
            'response_time_p95', saas.approx_percentile(s.latency, 0.95),
            'error_rate', round(s.errors / nullif(s.requests, 0), 6),
            'uptime', round((1 - s.down / s.seconds)::numeric, 6),
            'apdex', saas.apdex(s.latency, 500),
            'cache_hit_rate', round(s.hits / nullif(s.lookups, 0), 4)
        ),
        'usage', jsonb_build_object(
            'api_calls', COALESCE(s.requests, 0),
            'storage_used', (
                SELECT sum(b.bytes_stored)
                FROM (
                    SELECT DISTINCT ON (m.service) m.bytes_stored
                    FROM saas.service_measurements AS m
                    WHERE m.team_id = p_team
                        AND m.created_at >= p_from
                        AND m.created_at < p_to
                        AND m.bytes_stored IS NOT NULL
                    ORDER BY m.service, m.created_at DESC, m.id DESC
                ) AS b
            ),
            'bandwidth', COALESCE(s.sent, 0)
        )
    )
    FROM (
        SELECT
            saas.merge(m.latency) AS latency,
            sum(m.requests) AS requests,
            sum(m.errors) AS errors,
            sum(m.seconds) AS seconds,
            sum(m.seconds_down) AS down,
            sum(m.cache_hits) AS hits,
            sum(m.cache_hits + m.cache_misses) AS lookups,
            sum(m.bytes_sent) AS sent
        FROM saas.service_measurements AS m
        WHERE m.team_id = p_team AND m.created_at >= p_from AND m.created_at < p_to
    ) AS s
$$;
COMMENT ON FUNCTION saas.business_technical(uuid, timestamptz, timestamptz) IS
'How well services did, as a document. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.business_technical(uuid, timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.business_metrics(p_team uuid, p_from date, p_to date)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_zone text := saas.product_time_zone(p_team);
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    IF p_from > p_to OR NOT isfinite(p_from) OR NOT isfinite(p_to) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a period has finite days, the first not after the last',
            HINT = 'Give its first and its last day.';
    ELSIF p_from IS NULL OR p_to IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object(
        'period', jsonb_build_object('from', p_from, 'to', p_to, 'time_zone', v_zone),
        'revenue', saas.business_revenue(p_team, p_from, p_to),
        'product', saas.business_product(p_team, p_from, p_to, v_zone),
        'technical', saas.business_technical(
            p_team, p_from::timestamp AT TIME ZONE v_zone, (p_to + 1)::timestamp AT TIME ZONE v_zone
        )
    );
END
$$;
COMMENT ON FUNCTION saas.business_metrics(uuid, date, date) IS
'The team in figures, from the first to the last day: revenue (mrr, arr, growth_rate, churn_rate of the last month, in the main currency and by currency), product (active_users of the last day, engagement), technical (performance, usage). Amounts are minor units, durations milliseconds, sizes bytes.';
REVOKE ALL ON FUNCTION saas.business_metrics(uuid, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.business_metrics(uuid, date, date) TO saas_app, saas_analyst, saas_service;
