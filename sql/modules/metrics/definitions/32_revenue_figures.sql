-- Figures of revenue by month, from the movements.
CREATE OR REPLACE FUNCTION saas.is_period(p_from date, p_to date)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- Series of days and months up to infinity would not end.
    IF NOT isfinite(p_from) OR NOT isfinite(p_to) OR p_to - p_from > 36600 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a period has finite days, and not more than a hundred years of them',
            HINT = 'Give its first and its last day.';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION saas.is_period(date, date) IS
'True, or 22023 for days that are not finite or more than a hundred years apart; NULL for NULL. For functions that make a row of each.';
REVOKE ALL ON FUNCTION saas.is_period(date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_period(date, date) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.revenue_calendar(p_team uuid, p_from date, p_to date)
RETURNS TABLE (months timestamptz[], days date[])
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT array_agg(g.at AT TIME ZONE z.name ORDER BY g.at), array_agg(g.at::date ORDER BY g.at)
    FROM generate_series(
        CASE WHEN saas.is_period(p_from, p_to) THEN date_trunc('month', p_from::timestamp) END,
        date_trunc('month', p_to::timestamp) + interval '1 month',
        interval '1 month'
    ) AS g (at)
    CROSS JOIN (
        SELECT COALESCE((SELECT p.time_zone FROM saas.revenue_policies AS p WHERE p.team_id = p_team), 'UTC') AS name
    ) AS z
    HAVING count(*) > 1
$$;
COMMENT ON FUNCTION saas.revenue_calendar(uuid, date, date) IS
'When the months from that of p_from to that of p_to begin in the team''s time zone, and their first days; at last those of the month after. No row for no month. Under row-level security.';
REVOKE ALL ON FUNCTION saas.revenue_calendar(uuid, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.revenue_calendar(uuid, date, date)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.monthly_revenue(p_team uuid, p_from date, p_to date)
RETURNS TABLE (
    month date,
    currency char(3),
    start_mrr bigint,
    new_mrr bigint,
    expansion_mrr bigint,
    contraction_mrr bigint,
    churned_mrr bigint,
    reactivation_mrr bigint,
    end_mrr bigint,
    arr bigint,
    growth_rate numeric,
    start_customers bigint,
    new_customers bigint,
    churned_customers bigint,
    reactivated_customers bigint,
    end_customers bigint,
    customer_churn_rate numeric,
    revenue_churn_rate numeric,
    net_revenue_retention numeric,
    gross_revenue_retention numeric,
    quick_ratio numeric,
    arpa numeric,
    ltv numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
    WITH calendar AS MATERIALIZED (
        SELECT c.months, c.days FROM saas.revenue_calendar(p_team, p_from, p_to) AS c
    ), changes AS (
        -- Month 0 is all that was before the first.
        SELECT
            r.currency,
            m.f[i] AS n,
            m.f[i + 2] AS started_with,
            m.f[i + 3] AS new_mrr,
            m.f[i + 4] AS expansion,
            m.f[i + 5] AS contraction,
            m.f[i + 6] AS churned,
            m.f[i + 7] AS reactivation,
            m.f[i + 8] AS churns,
            m.f[i + 9] AS reactivations,
            m.f[i + 3] + m.f[i + 4] + m.f[i + 5] + m.f[i + 6] + m.f[i + 7] AS net
        FROM calendar AS c
        JOIN saas.customer_revenue AS r ON r.team_id = p_team
        CROSS JOIN LATERAL (SELECT saas.revenue_by_month(r.steps, c.months) AS f OFFSET 0) AS m
        CROSS JOIN LATERAL generate_series(1, cardinality(m.f), 10) AS s (i)
    ), flows AS MATERIALIZED (
        SELECT
            m.n,
            m.currency,
            sum(m.net) AS net,
            sum(m.new_mrr) AS new_mrr,
            sum(m.expansion) AS expansion,
            sum(m.contraction) AS contraction,
            sum(m.churned) AS churned,
            sum(m.reactivation) AS reactivation,
            count(*) FILTER (WHERE m.new_mrr <> 0) AS new_customers,
            sum(m.churns) AS churned_customers,
            sum(m.reactivations) AS reactivated_customers,
            COALESCE(sum(m.net) FILTER (WHERE m.started_with > 0), 0) AS kept_net,
            COALESCE(sum(least(m.net, 0)) FILTER (WHERE m.started_with > 0), 0) AS kept_lost,
            count(*) FILTER (WHERE m.started_with > 0 AND m.started_with + m.net = 0) AS lost_customers
        FROM changes AS m
        GROUP BY m.n, m.currency
    ), opening AS (
        SELECT
            f.currency,
            COALESCE(sum(f.net) FILTER (WHERE f.n = 0), 0) AS mrr,
            COALESCE(
                sum(f.new_customers + f.reactivated_customers - f.churned_customers) FILTER (WHERE f.n = 0), 0
            ) AS customers
        FROM flows AS f
        GROUP BY f.currency
    ), grid AS (
        SELECT
            g.month,
            o.currency,
            COALESCE(f.new_mrr, 0) AS new_mrr,
            COALESCE(f.expansion, 0) AS expansion,
            COALESCE(f.contraction, 0) AS contraction,
            COALESCE(f.churned, 0) AS churned,
            COALESCE(f.reactivation, 0) AS reactivation,
            COALESCE(f.new_customers, 0) AS new_customers,
            COALESCE(f.churned_customers, 0) AS churned_customers,
            COALESCE(f.reactivated_customers, 0) AS reactivated_customers,
            COALESCE(f.kept_net, 0) AS kept_net,
            COALESCE(f.kept_lost, 0) AS kept_lost,
            COALESCE(f.lost_customers, 0) AS lost_customers,
            o.mrr + sum(COALESCE(f.net, 0)) OVER running AS ending,
            o.mrr + sum(COALESCE(f.net, 0)) OVER running - COALESCE(f.net, 0) AS starting,
            o.customers
            + sum(COALESCE(f.new_customers + f.reactivated_customers - f.churned_customers, 0)) OVER running
                AS end_customers
        FROM calendar AS c
        CROSS JOIN LATERAL unnest(c.days) WITH ORDINALITY AS g (month, n)
        CROSS JOIN opening AS o
        LEFT JOIN flows AS f ON f.n = g.n AND f.currency = o.currency
        WHERE g.n < cardinality(c.days)
        WINDOW running AS (PARTITION BY o.currency ORDER BY g.month)
    ), rates AS (
        SELECT
            g.*,
            g.end_customers - g.new_customers - g.reactivated_customers + g.churned_customers AS start_customers,
            CASE COALESCE(p.churn_base, d.churn_base)
                WHEN 'start' THEN
                    g.lost_customers::numeric
                    / nullif(g.end_customers - g.new_customers - g.reactivated_customers + g.churned_customers, 0)
                ELSE
                    g.churned_customers::numeric
                    / nullif(g.end_customers - g.reactivated_customers + g.churned_customers, 0)
            END AS churn_rate,
            COALESCE(p.margin_basis_points, d.margin_basis_points) AS margin
        FROM grid AS g
        LEFT JOIN saas.revenue_policies AS p ON p.team_id = p_team
        JOIN saas.revenue_presets AS d ON d.preset = COALESCE(p.preset, 'stripe')
    )
    SELECT
        r.month,
        r.currency,
        r.starting::bigint,
        r.new_mrr::bigint,
        r.expansion::bigint,
        r.contraction::bigint,
        r.churned::bigint,
        r.reactivation::bigint,
        r.ending::bigint,
        (12 * r.ending)::bigint,
        round((r.ending - r.starting) / nullif(r.starting, 0), 4),
        r.start_customers::bigint,
        r.new_customers,
        r.churned_customers::bigint,
        r.reactivated_customers::bigint,
        r.end_customers::bigint,
        round(r.churn_rate, 4),
        round(-r.kept_lost / nullif(r.starting, 0), 4),
        round((r.starting + r.kept_net) / nullif(r.starting, 0), 4),
        round((r.starting + r.kept_lost) / nullif(r.starting, 0), 4),
        round(
            (r.new_mrr + r.expansion + r.reactivation) / nullif(-r.contraction - r.churned, 0), 4
        ),
        round(r.ending / nullif(r.end_customers, 0), 2),
        round(r.ending / nullif(r.end_customers, 0) * r.margin / 10000 / nullif(r.churn_rate, 0), 2)
    FROM rates AS r
    ORDER BY r.currency, r.month
$$;
COMMENT ON FUNCTION saas.monthly_revenue(uuid, date, date) IS
'Recurring revenue, its movements and rates for each month from that of p_from to that of p_to and each currency, in minor units; start_mrr plus the five movements is end_mrr. Rates without a base are NULL. Under row-level security: of another team, nothing.';
REVOKE ALL ON FUNCTION saas.monthly_revenue(uuid, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.monthly_revenue(uuid, date, date)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.revenue_cohorts(p_team uuid, p_from date, p_to date)
RETURNS TABLE (
    cohort date,
    currency char(3),
    month_number integer,
    customers bigint,
    active_customers bigint,
    starting_mrr bigint,
    mrr bigint,
    customer_retention numeric,
    revenue_retention numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
    WITH calendar AS MATERIALIZED (
        SELECT c.months, c.days FROM saas.revenue_calendar(p_team, p_from, p_to) AS c
    ), changes AS MATERIALIZED (
        -- What changed in a month for those who came in another, or in the same.
        SELECT
            m.f[i + 1] AS cohort,
            r.currency,
            m.f[i] AS n,
            count(*) FILTER (WHERE m.f[i + 3] <> 0) AS came,
            sum(m.f[i + 3]) AS starting_mrr,
            sum((m.f[i + 3] <> 0)::integer + m.f[i + 9] - m.f[i + 8]) AS customers,
            sum(m.f[i + 3] + m.f[i + 4] + m.f[i + 5] + m.f[i + 6] + m.f[i + 7]) AS mrr
        FROM calendar AS c
        JOIN saas.customer_revenue AS r ON r.team_id = p_team
        CROSS JOIN LATERAL (SELECT saas.revenue_by_month(r.steps, c.months) AS f OFFSET 0) AS m
        CROSS JOIN LATERAL generate_series(1, cardinality(m.f), 10) AS s (i)
        WHERE m.f[i + 1] > 0
        GROUP BY m.f[i + 1], r.currency, m.f[i]
    ), held AS (
        SELECT
            z.cohort,
            z.currency,
            g.n - z.cohort AS n,
            z.came,
            z.starting_mrr,
            sum(COALESCE(h.customers, 0)) OVER running AS customers,
            sum(COALESCE(h.mrr, 0)) OVER running AS mrr
        FROM calendar AS c
        JOIN changes AS z ON z.cohort = z.n
        CROSS JOIN LATERAL generate_series(z.cohort, cardinality(c.days) - 1) AS g (n)
        LEFT JOIN changes AS h ON h.cohort = z.cohort AND h.currency = z.currency AND h.n = g.n
        WINDOW running AS (PARTITION BY z.currency, z.cohort ORDER BY g.n)
    )
    SELECT
        c.days[h.cohort],
        h.currency,
        h.n::integer,
        h.came,
        h.customers::bigint,
        h.starting_mrr::bigint,
        h.mrr::bigint,
        round(h.customers / h.came, 4),
        round(h.mrr / h.starting_mrr, 4)
    FROM held AS h
    CROSS JOIN calendar AS c
    ORDER BY h.currency, h.cohort, h.n
$$;
COMMENT ON FUNCTION saas.revenue_cohorts(uuid, date, date) IS
'Customers by the month of their first revenue from p_from on, and what is left of them at the end of that month (0) and of each later one up to p_to: how many pay, and how much, as shares of customers and of revenue when they came.';
REVOKE ALL ON FUNCTION saas.revenue_cohorts(uuid, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.revenue_cohorts(uuid, date, date)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE VIEW saas.revenue_dashboard
WITH (security_invoker = true) AS
SELECT t.team_id, r.*
FROM (
    SELECT
        saas.current_team_id() AS team_id,
        (now() AT TIME ZONE COALESCE(
            (SELECT p.time_zone FROM saas.revenue_policies AS p WHERE p.team_id = saas.current_team_id()), 'UTC'
        ))::date AS today
) AS t
CROSS JOIN LATERAL saas.monthly_revenue(t.team_id, (t.today - interval '12 months')::date, t.today) AS r
WHERE t.team_id IS NOT NULL;
COMMENT ON VIEW saas.revenue_dashboard IS
'Recurring revenue of the team of the request context: this month so far and the twelve before, by currency.';
COMMENT ON COLUMN saas.revenue_dashboard.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.month IS 'First day of the month. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.currency IS 'Currency. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.start_mrr IS 'Revenue at the start, in minor units. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.new_mrr IS 'Of customers who never paid before. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.expansion_mrr IS 'Of customers who pay more. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.contraction_mrr IS 'Of customers who pay less; negative. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.churned_mrr IS 'Of customers who stopped; negative. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.reactivation_mrr IS 'Of customers who came back. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.end_mrr IS 'Revenue at the end. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.arr IS 'Twelve times as much. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.growth_rate IS 'Growth over the month as a fraction. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.start_customers IS 'Customers at the start. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.new_customers IS 'Who came. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.churned_customers IS 'Who stopped. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.reactivated_customers IS 'Who came back. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.end_customers IS 'Customers at the end. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.customer_churn_rate IS 'Lost customers as a fraction. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.revenue_churn_rate IS 'Lost revenue of customers at the start as a fraction. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.net_revenue_retention IS 'What customers at the start pay at the end, as a fraction. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.gross_revenue_retention IS 'The same without what they pay more. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.quick_ratio IS 'Gains by losses. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.arpa IS 'Average revenue a customer, in minor units. [internal]';
COMMENT ON COLUMN saas.revenue_dashboard.ltv IS 'Lifetime value of a customer, in minor units. [internal]';
GRANT SELECT ON saas.revenue_dashboard TO saas_app, saas_analyst, saas_service;
