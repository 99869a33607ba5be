-- Monthly recurring revenue from the history of subscriptions. Views, each from the one before: what
-- each state of a subscription is worth a month, what each customer's sum changed by, each change by
-- its kind, and the proof that both ways of adding up agree.

CREATE OR REPLACE VIEW saas.subscription_mrr
WITH (security_invoker = true) AS
WITH terms AS (
    SELECT
        c.*,
        COALESCE(p.time_zone, 'UTC') AS time_zone,
        COALESCE(p.netting, d.netting) AS netting,
        COALESCE(p.include_tax, d.include_tax) AS include_tax,
        COALESCE(p.discounts, d.discounts) AS discounts,
        CASE c.status
            WHEN 'active' THEN true
            WHEN 'trialing' THEN COALESCE(p.count_trialing, d.count_trialing)
            WHEN 'past_due' THEN COALESCE(p.count_past_due, d.count_past_due)
            WHEN 'unpaid' THEN COALESCE(p.count_unpaid, d.count_unpaid)
            WHEN 'paused' THEN COALESCE(p.count_paused, d.count_paused)
            ELSE false
        END
        AND (c.usage_type = 'licensed' OR COALESCE(p.count_metered, d.count_metered))
        AND NOT (c.cancel_at_period_end AND COALESCE(p.churn_at, d.churn_at) = 'requested') AS counts,
        CASE c.billing_interval
            WHEN 'week' THEN (100 * COALESCE(p.weeks_per_year, d.weeks_per_year))::integer
            WHEN 'day' THEN (100 * COALESCE(p.days_per_year, d.days_per_year))::integer
            WHEN 'month' THEN 1200
            ELSE 100
        END AS periods_per_year,
        CASE
            WHEN c.status IN ('canceled', 'expired') AND COALESCE(p.churn_at, d.churn_at) = 'period_end'
                THEN greatest(c.effective_at, c.current_period_end)
            ELSE c.effective_at
        END AS takes_effect_at
    FROM saas.subscription_changes AS c
    LEFT JOIN saas.revenue_policies AS p ON p.team_id = c.team_id
    JOIN saas.revenue_presets AS d ON d.preset = COALESCE(p.preset, 'stripe')
), amounts AS (
    -- The window, which nothing reads and which therefore is not computed, keeps the planner from
    -- merging this level into the next ones, where each expression would be evaluated several times.
    SELECT
        t.team_id,
        t.subscription_id,
        t.revision,
        t.customer_id,
        t.currency,
        t.status,
        t.time_zone,
        CASE t.netting
            WHEN 'change' THEN t.takes_effect_at
            ELSE date_trunc(t.netting, t.takes_effect_at, t.time_zone)
        END AS starts_at,
        CASE WHEN t.counts THEN saas.monthly_amount(
            t.unit_amount * t.quantity,
            CASE WHEN t.discounts = 'all' OR (t.discounts = 'forever' AND t.discount_ends_at IS NULL) THEN t.discount_basis_points ELSE 0 END,
            CASE WHEN t.discounts = 'all' OR (t.discounts = 'forever' AND t.discount_ends_at IS NULL) THEN t.discount_amount ELSE 0 END,
            t.periods_per_year,
            t.interval_count,
            10000 + CASE WHEN t.include_tax THEN t.tax_basis_points ELSE 0 END,
            10000 + CASE WHEN t.tax_inclusive THEN t.tax_basis_points ELSE 0 END
        ) ELSE 0 END AS mrr,
        CASE
            WHEN t.discount_ends_at IS NULL OR t.discounts <> 'all' THEN NULL
            WHEN t.discount_basis_points = 0 AND t.discount_amount = 0 THEN NULL
            WHEN t.netting = 'change' THEN t.discount_ends_at
            ELSE date_trunc(t.netting, t.discount_ends_at, t.time_zone)
        END AS discount_ends_at,
        CASE WHEN t.counts THEN saas.monthly_amount(
            t.unit_amount * t.quantity,
            0,
            0,
            t.periods_per_year,
            t.interval_count,
            10000 + CASE WHEN t.include_tax THEN t.tax_basis_points ELSE 0 END,
            10000 + CASE WHEN t.tax_inclusive THEN t.tax_basis_points ELSE 0 END
        ) ELSE 0 END AS mrr_without_discount,
        count(*) OVER (PARTITION BY t.team_id) AS barrier
    FROM terms AS t
)
SELECT
    a.team_id,
    a.subscription_id,
    a.revision,
    a.customer_id,
    a.currency,
    a.status,
    a.time_zone,
    a.starts_at,
    lead(a.starts_at) OVER (PARTITION BY a.team_id, a.subscription_id ORDER BY a.revision) AS ends_at,
    a.mrr,
    a.discount_ends_at,
    a.mrr_without_discount
FROM amounts AS a;
COMMENT ON VIEW saas.subscription_mrr IS
'What each state of each subscription is worth a month by the team''s policy, from when until when, in minor units.';
COMMENT ON COLUMN saas.subscription_mrr.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.subscription_id IS 'The subscription. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.revision IS 'Which state of its terms. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.customer_id IS 'The customer. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.currency IS 'Currency. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.status IS 'State of the subscription. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.time_zone IS 'Time zone of the policy. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.starts_at IS 'From when on it counts; begin of the day or month when the policy nets so. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.ends_at IS 'Until when; NULL for the last state. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.mrr IS 'Monthly recurring revenue in minor units. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.discount_ends_at IS 'When a counted discount ends. [internal]';
COMMENT ON COLUMN saas.subscription_mrr.mrr_without_discount IS 'Monthly recurring revenue from then on. [internal]';

CREATE OR REPLACE VIEW saas.customer_revenue
WITH (security_invoker = true) AS
SELECT
    m.team_id,
    m.customer_id,
    m.currency,
    m.time_zone,
    saas.revenue_steps_of(
        m.subscription_id, m.revision, m.starts_at, m.mrr, m.discount_ends_at, m.mrr_without_discount
    ) AS steps
FROM saas.subscription_mrr AS m
GROUP BY m.team_id, m.customer_id, m.currency, m.time_zone;
COMMENT ON VIEW saas.customer_revenue IS
'How each customer''s monthly recurring revenue in a currency changed, step by step.';
COMMENT ON COLUMN saas.customer_revenue.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.customer_revenue.customer_id IS 'The customer. [internal]';
COMMENT ON COLUMN saas.customer_revenue.currency IS 'Currency. [internal]';
COMMENT ON COLUMN saas.customer_revenue.time_zone IS 'Time zone of the policy. [internal]';
COMMENT ON COLUMN saas.customer_revenue.steps IS 'When, by how much, and the sum from then on. [internal]';

CREATE OR REPLACE VIEW saas.mrr_movements
WITH (security_invoker = true) AS
SELECT
    c.team_id,
    s.at,
    date_trunc('month', s.at AT TIME ZONE c.time_zone)::date AS month,
    c.customer_id,
    c.currency,
    CASE
        WHEN s.place = 1 THEN 'new'
        WHEN s.mrr_after = s.amount THEN 'reactivation'
        WHEN s.mrr_after = 0 THEN 'churn'
        WHEN s.amount > 0 THEN 'expansion'
        ELSE 'contraction'
    END AS kind,
    s.amount,
    s.mrr_after - s.amount AS mrr_before,
    s.mrr_after
FROM saas.customer_revenue AS c
CROSS JOIN LATERAL unnest((c.steps).times, (c.steps).amounts, (c.steps).sums)
    WITH ORDINALITY AS s (at, amount, mrr_after, place);
COMMENT ON VIEW saas.mrr_movements IS
'Every change of a customer''s monthly recurring revenue in a currency: new, expansion, contraction, churn, reactivation.';
COMMENT ON COLUMN saas.mrr_movements.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.mrr_movements.at IS 'When; begin of the day or month when the policy nets so. [internal]';
COMMENT ON COLUMN saas.mrr_movements.month IS 'First day of its month in the policy''s time zone. [internal]';
COMMENT ON COLUMN saas.mrr_movements.customer_id IS 'The customer. [internal]';
COMMENT ON COLUMN saas.mrr_movements.currency IS 'Currency. [internal]';
COMMENT ON COLUMN saas.mrr_movements.kind IS 'new, expansion, contraction, churn (of all that the customer paid) or reactivation. [internal]';
COMMENT ON COLUMN saas.mrr_movements.amount IS 'By how much, in minor units; churn and contraction are negative. [internal]';
COMMENT ON COLUMN saas.mrr_movements.mrr_before IS 'The customer''s revenue before. [internal]';
COMMENT ON COLUMN saas.mrr_movements.mrr_after IS 'And after. [internal]';

CREATE OR REPLACE VIEW saas.revenue_proof
WITH (security_invoker = true) AS
WITH pieces AS (
    -- Each state, and within it what a discount leaves and what comes after, from when until when.
    SELECT m.team_id, m.customer_id, m.currency, m.time_zone, p.mrr, p.since, p.until
    FROM saas.subscription_mrr AS m
    CROSS JOIN LATERAL (
        VALUES
            (1, m.mrr, m.starts_at, least(m.ends_at, m.discount_ends_at)),
            (2, m.mrr_without_discount, greatest(m.starts_at, m.discount_ends_at), m.ends_at)
    ) AS p (part, mrr, since, until)
    WHERE (p.part = 1 OR m.discount_ends_at IS NOT NULL)
        AND p.mrr <> 0
        AND (p.until IS NULL OR p.until > p.since)
), entries AS (
    -- A piece is part of the revenue at the end of its first month, and no longer from its last one on.
    SELECT
        p.team_id,
        p.customer_id,
        p.currency,
        date_trunc('month', p.since AT TIME ZONE p.time_zone) AS month,
        p.mrr AS held,
        0::bigint AS moved
    FROM pieces AS p
    UNION ALL
    SELECT
        p.team_id,
        p.customer_id,
        p.currency,
        date_trunc('month', p.until AT TIME ZONE p.time_zone),
        -p.mrr,
        0
    FROM pieces AS p
    WHERE p.until IS NOT NULL
    UNION ALL
    SELECT v.team_id, v.customer_id, v.currency, v.month, 0, v.amount
    FROM saas.mrr_movements AS v
), months AS (
    SELECT e.team_id, e.month, e.customer_id, e.currency, sum(e.held) AS held, sum(e.moved) AS moved
    FROM entries AS e
    GROUP BY e.team_id, e.month, e.customer_id, e.currency
), running AS (
    SELECT
        m.*,
        sum(m.held) OVER (PARTITION BY m.team_id, m.customer_id, m.currency ORDER BY m.month) AS end_mrr
    FROM months AS m
)
SELECT
    r.team_id,
    r.month::date AS month,
    r.customer_id,
    r.currency,
    r.end_mrr - r.held AS start_mrr,
    r.moved AS movements,
    r.end_mrr
FROM running AS r
WHERE r.held <> r.moved;
COMMENT ON VIEW saas.revenue_proof IS
'Months, customers and currencies for which revenue at the start, added up from what is in force in the history, plus the movements is not revenue at the end: always empty, or something is wrong.';
COMMENT ON COLUMN saas.revenue_proof.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.revenue_proof.month IS 'First day of the month. [internal]';
COMMENT ON COLUMN saas.revenue_proof.customer_id IS 'The customer. [internal]';
COMMENT ON COLUMN saas.revenue_proof.currency IS 'Currency. [internal]';
COMMENT ON COLUMN saas.revenue_proof.start_mrr IS 'Revenue at the start, in minor units. [internal]';
COMMENT ON COLUMN saas.revenue_proof.movements IS 'Sum of the movements. [internal]';
COMMENT ON COLUMN saas.revenue_proof.end_mrr IS 'Revenue at the end. [internal]';

GRANT SELECT ON saas.subscription_mrr, saas.customer_revenue, saas.mrr_movements, saas.revenue_proof
TO saas_app, saas_analyst, saas_service, saas_internal;
