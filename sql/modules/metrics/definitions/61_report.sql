-- A team's revenue, movements, retention, latency and anomalies on one page.
CREATE OR REPLACE FUNCTION saas.report_revenue(p_months jsonb, p_currency text, p_id text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_unit double precision := 10 ^ COALESCE((SELECT c.exponent FROM saas.currencies AS c WHERE c.code = p_currency), 0);
    v_labels text[];
    v_last jsonb := p_months -> -1;
BEGIN
    SELECT array_agg(to_char((m.value ->> 'month')::date, 'Mon YY') ORDER BY m.n)
    INTO v_labels
    FROM jsonb_array_elements(p_months) WITH ORDINALITY AS m (value, n);
    RETURN format('<h3>%s</h3><dl>', saas.html_escape(p_currency)) || (
        SELECT string_agg(
            format('<div><dt>%s</dt><dd>%s</dd></div>', t.name, saas.html_escape(t.value)), '' ORDER BY t.n
        )
        FROM (
            VALUES
                (1, 'MRR', saas.report_money((v_last ->> 'end_mrr')::numeric, p_currency)),
                (2, 'ARR', saas.report_money((v_last ->> 'arr')::numeric, p_currency)),
                (3, 'Growth', saas.report_percent((v_last ->> 'growth_rate')::numeric)),
                (4, 'Customers', v_last ->> 'end_customers'),
                (5, 'Customer churn', saas.report_percent((v_last ->> 'customer_churn_rate')::numeric)),
                (6, 'Net retention', saas.report_percent((v_last ->> 'net_revenue_retention')::numeric)),
                (7, 'Gross retention', saas.report_percent((v_last ->> 'gross_revenue_retention')::numeric)),
                (8, 'Quick ratio', COALESCE(round((v_last ->> 'quick_ratio')::numeric, 2)::text, '–')),
                (9, 'Revenue a customer', saas.report_money((v_last ->> 'arpa')::numeric, p_currency)),
                (10, 'Lifetime value', saas.report_money((v_last ->> 'ltv')::numeric, p_currency))
        ) AS t (n, name, value)
    ) || '</dl>' || saas.report_chart(
        p_id || '-mrr', 'Monthly recurring revenue in ' || p_currency,
        format(
            'From %s at the end of %s to %s at the end of %s.',
            saas.report_money((p_months -> 0 ->> 'end_mrr')::numeric, p_currency), v_labels[1],
            saas.report_money((v_last ->> 'end_mrr')::numeric, p_currency), v_labels[cardinality(v_labels)]
        ),
        v_labels,
        jsonb_build_array(jsonb_build_object('name', 'MRR', 'kind', 'line', 'values', (
            SELECT jsonb_agg((m.value ->> 'end_mrr')::double precision / v_unit ORDER BY m.n)
            FROM jsonb_array_elements(p_months) WITH ORDINALITY AS m (value, n)
        )))
    ) || saas.report_chart(
        p_id || '-movements', 'Movements of recurring revenue in ' || p_currency,
        'Gains above the line and losses below it, month by month; the table has the figures.', v_labels,
        (
            SELECT jsonb_agg(jsonb_build_object('name', k.name, 'kind', 'bar', 'values', (
                SELECT jsonb_agg((m.value ->> k.key)::double precision / v_unit ORDER BY m.n)
                FROM jsonb_array_elements(p_months) WITH ORDINALITY AS m (value, n)
            )) ORDER BY k.n)
            FROM (
                VALUES
                    (1, 'New', 'new_mrr'), (2, 'Expansion', 'expansion_mrr'), (3, 'Reactivation', 'reactivation_mrr'),
                    (4, 'Contraction', 'contraction_mrr'), (5, 'Churn', 'churned_mrr')
            ) AS k (n, name, key)
        )
    ) || saas.report_table(
        'Movements in ' || p_currency,
        ARRAY['Month', 'Start', 'New', 'Expansion', 'Reactivation', 'Contraction', 'Churn', 'End', 'Customers', 'NRR', 'GRR'],
        (
            SELECT jsonb_agg(jsonb_build_array(
                v_labels[m.n],
                saas.report_money((m.value ->> 'start_mrr')::numeric, p_currency),
                saas.report_money((m.value ->> 'new_mrr')::numeric, p_currency),
                saas.report_money((m.value ->> 'expansion_mrr')::numeric, p_currency),
                saas.report_money((m.value ->> 'reactivation_mrr')::numeric, p_currency),
                saas.report_money((m.value ->> 'contraction_mrr')::numeric, p_currency),
                saas.report_money((m.value ->> 'churned_mrr')::numeric, p_currency),
                saas.report_money((m.value ->> 'end_mrr')::numeric, p_currency),
                m.value ->> 'end_customers',
                saas.report_percent((m.value ->> 'net_revenue_retention')::numeric),
                saas.report_percent((m.value ->> 'gross_revenue_retention')::numeric)
            ) ORDER BY m.n)
            FROM jsonb_array_elements(p_months) WITH ORDINALITY AS m (value, n)
        )
    );
END
$$;
COMMENT ON FUNCTION saas.report_revenue(jsonb, text, text) IS
'The part of the report about revenue in a currency, from the rows of saas.monthly_revenue() in order.';
REVOKE ALL ON FUNCTION saas.report_revenue(jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.report_revenue(jsonb, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.report_retention(p_team uuid, p_from date, p_to date)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH product AS (
        SELECT c.cohort, c.users, c.period_number AS n, c.retention FROM saas.retention_cohorts(p_team, p_from, p_to) AS c
    ), revenue AS (
        SELECT c.cohort, c.currency, c.customers, c.month_number AS n, c.revenue_retention AS retention
        FROM saas.revenue_cohorts(p_team, p_from, p_to) AS c
    ), product_rows AS (
        SELECT p.cohort, jsonb_build_array(to_char(p.cohort, 'Mon YY'), p.users::text) || jsonb_agg(
            jsonb_build_object('text', saas.report_percent(p.retention), 'shade', p.retention) ORDER BY p.n
        ) AS cells
        FROM product AS p WHERE p.n < 13 GROUP BY p.cohort, p.users
    ), revenue_rows AS (
        SELECT r.currency, r.cohort, jsonb_build_array(to_char(r.cohort, 'Mon YY') || ' ' || r.currency, r.customers::text) || jsonb_agg(
            jsonb_build_object('text', saas.report_percent(r.retention), 'shade', r.retention) ORDER BY r.n
        ) AS cells
        FROM revenue AS r WHERE r.n < 13 GROUP BY r.currency, r.cohort, r.customers
    )
    SELECT
        CASE WHEN EXISTS (SELECT FROM revenue_rows) THEN saas.report_table(
            'Share of revenue left, by months since the first payment',
            ARRAY['Cohort', 'Customers'] || (SELECT array_agg(g::text ORDER BY g) FROM generate_series(0, (SELECT least(max(r.n), 12) FROM revenue AS r)) AS g),
            (SELECT jsonb_agg(r.cells ORDER BY r.currency, r.cohort) FROM revenue_rows AS r)
        ) ELSE '<p class="soft">No customers came in this time.</p>' END
        || CASE WHEN EXISTS (SELECT FROM product_rows) THEN saas.report_table(
            'Share of users who came back, by months since their first event',
            ARRAY['Cohort', 'Users'] || (SELECT array_agg(g::text ORDER BY g) FROM generate_series(0, (SELECT least(max(p.n), 12) FROM product AS p)) AS g),
            (SELECT jsonb_agg(p.cells ORDER BY p.cohort) FROM product_rows AS p)
        ) ELSE '<p class="soft">No new users in this time.</p>' END
$$;
COMMENT ON FUNCTION saas.report_retention(uuid, date, date) IS
'The part of the report about cohorts. Checks no caller: for saas.report_html().';
REVOKE ALL ON FUNCTION saas.report_retention(uuid, date, date) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.report_service(p_team uuid, p_from date, p_to date, p_zone text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_from timestamptz := p_from::timestamp AT TIME ZONE p_zone;
    v_to timestamptz := (p_to + 1)::timestamp AT TIME ZONE p_zone;
    v_labels text[];
    v_series jsonb;
    v_rows jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(
        l.service, to_char(l.requests, 'FM999,999,999,999,999,999,990'), saas.report_percent(l.error_rate),
        saas.plain_number(round(l.p50)), saas.plain_number(round(l.p95)), saas.plain_number(round(l.p99)),
        COALESCE(l.apdex::text, '–'), COALESCE(to_char(100 * l.uptime, 'FM990.000') || ' %', '–'), COALESCE(l.burn_rate::text, '–'),
        saas.report_percent(l.cache_hit_rate)
    ) ORDER BY l.service)
    INTO v_rows
    FROM saas.service_levels(p_team, v_from, v_to) AS l;
    IF v_rows IS NULL THEN
        RETURN '<p class="soft">No service was measured in this time.</p>';
    END IF;
    WITH days AS (
        SELECT (m.created_at AT TIME ZONE p_zone)::date AS day, saas.merge(m.latency) AS latency
        FROM saas.service_measurements AS m
        WHERE m.team_id = p_team AND m.created_at >= v_from AND m.created_at < v_to
        GROUP BY 1
    ), every AS (
        SELECT g.at::date AS day, d.latency
        FROM generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') AS g (at)
        LEFT JOIN days AS d ON d.day = g.at::date
    )
    SELECT
        array_agg(to_char(e.day, 'FMDD Mon') ORDER BY e.day),
        jsonb_build_array(
            jsonb_build_object('name', 'p50', 'kind', 'line', 'values', jsonb_agg(saas.approx_percentile(e.latency, 0.5) ORDER BY e.day)),
            jsonb_build_object('name', 'p95', 'kind', 'line', 'values', jsonb_agg(saas.approx_percentile(e.latency, 0.95) ORDER BY e.day)),
            jsonb_build_object('name', 'p99', 'kind', 'line', 'values', jsonb_agg(saas.approx_percentile(e.latency, 0.99) ORDER BY e.day))
        )
    INTO v_labels, v_series
    FROM every AS e;
    RETURN saas.report_chart(
        'latency', 'Latency in milliseconds', 'What half, 95 and 99 of a hundred requests stayed below, day by day.',
        v_labels, v_series
    ) || saas.report_table(
        'Services',
        ARRAY['Service', 'Requests', 'Errors', 'p50 ms', 'p95 ms', 'p99 ms', 'Apdex', 'Uptime', 'Burn rate', 'Cache hits'],
        v_rows
    );
END
$$;
COMMENT ON FUNCTION saas.report_service(uuid, date, date, text) IS
'The part of the report about services. Checks no caller: for saas.report_html().';
REVOKE ALL ON FUNCTION saas.report_service(uuid, date, date, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.report_anomalies(p_team uuid, p_from date, p_to date, p_zone text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN count(*) = 0 THEN '<p class="soft">Nothing unusual.</p>'
        ELSE '<ul class="notes">' || string_agg(
            format(
                '<li><time datetime="%s">%s</time>, <strong>%s</strong>: %s</li>',
                to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                to_char(a.at AT TIME ZONE p_zone, 'FMDD Mon YYYY HH24:MI'), saas.html_escape(a.series),
                saas.html_escape(a.explanation)
            ), E'\n' ORDER BY a.at, a.series, a.kind
        ) || '</ul>' || CASE
            WHEN max(a.found) > 40 THEN format('<p class="soft">The most recent 40 of %s.</p>', max(a.found)) ELSE ''
        END
    END
    FROM (
        SELECT f.*, count(*) OVER () AS found
        FROM saas.team_anomalies(
            p_team,
            greatest(p_from, p_to - 89)::timestamp AT TIME ZONE p_zone,
            (p_to + 1)::timestamp AT TIME ZONE p_zone
        ) AS f
        ORDER BY f.at DESC, f.series, f.kind
        LIMIT 40
    ) AS a
$$;
COMMENT ON FUNCTION saas.report_anomalies(uuid, date, date, text) IS
'The part of the report about what was unusual in its last 90 days. Checks no caller: for saas.report_html().';
REVOKE ALL ON FUNCTION saas.report_anomalies(uuid, date, date, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.report_html(p_team uuid, p_from date, p_to date)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
DECLARE
    v_zone text := saas.product_time_zone(p_team);
    v_name text;
    v_revenue text;
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    IF p_from > p_to OR NOT isfinite(p_from) OR NOT isfinite(p_to) OR p_to - p_from > 3660 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a report is of at most ten years, the first day not after the last',
            HINT = 'Give its first and its last day.';
    ELSIF p_from IS NULL OR p_to IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT t.name INTO v_name FROM saas.teams AS t WHERE t.id = p_team;
    -- The history is read once, for all currencies; that of most subscriptions comes first.
    SELECT string_agg(saas.report_revenue(c.months, c.currency, 'c' || c.n), '' ORDER BY c.n)
    INTO v_revenue
    FROM (
        SELECT
            r.currency,
            jsonb_agg(to_jsonb(r) ORDER BY r.month) AS months,
            row_number() OVER (ORDER BY r.currency <> m.currency, r.currency) AS n
        FROM saas.monthly_revenue(p_team, p_from, p_to) AS r
        CROSS JOIN saas.main_currency(p_team) AS m (currency)
        GROUP BY r.currency, m.currency
    ) AS c;
    RETURN '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src ''none''; style-src ''unsafe-inline''">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>'
        || saas.html_escape(v_name) || ': report</title><style>' || saas.report_style()
        || '</style></head><body><header><h1>' || saas.html_escape(v_name) || '</h1><p class="soft">'
        || saas.html_escape(format(
            '%s to %s, %s', to_char(p_from, 'FMDD Month YYYY'), to_char(p_to, 'FMDD Month YYYY'), v_zone
        ))
        || '</p></header><main><section aria-labelledby="h-revenue"><h2 id="h-revenue">Revenue</h2>'
        || COALESCE(nullif(v_revenue, ''), '<p class="soft">No recurring revenue yet.</p>')
        || '</section><section aria-labelledby="h-retention"><h2 id="h-retention">Retention</h2>'
        || saas.report_retention(p_team, p_from, p_to)
        || '</section><section aria-labelledby="h-latency"><h2 id="h-latency">Latency</h2>'
        || saas.report_service(p_team, p_from, p_to, v_zone)
        || '</section><section aria-labelledby="h-anomalies"><h2 id="h-anomalies">Anomalies</h2>'
        || saas.report_anomalies(p_team, p_from, p_to, v_zone)
        || '</section></main></body></html>';
END
$$;
COMMENT ON FUNCTION saas.report_html(uuid, date, date) IS
'The team''s revenue with its movements, retention, latency and anomalies as one page of HTML that needs nothing else: charts with a table each, light and dark, fit to print, without script.';
REVOKE ALL ON FUNCTION saas.report_html(uuid, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.report_html(uuid, date, date) TO saas_app, saas_analyst, saas_service;
