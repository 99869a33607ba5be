-- Monthly recurring revenue from the history of subscriptions. Three views, each from the one before:
-- what each state of a subscription is worth a month, what each customer's sum changed by, and the
-- proof that both ways of adding up agree.

CREATE OR REPLACE VIEW saas.subscription_mrr
WITH (security_invoker = true) AS
WITH policies AS (
    SELECT
        c.*,
        COALESCE(p.time_zone, 'UTC') AS time_zone,
        COALESCE(p.churn_at, d.churn_at) AS churn_at,
        COALESCE(p.netting, d.netting) AS netting,
        COALESCE(p.discounts, d.discounts) AS discounts,
        COALESCE(p.include_tax, d.include_tax) AS include_tax,
        CASE c.status
            WHEN 'active' THEN true
            WHEN 'trialing' THEN COALESCE(p.count_trialing, d.count_trialing)
            WHEN 'past_due' THEN COALESCE(p.count_past_due, d.count_past_due)
            WHEN 'unpaid' THEN COALESCE(p.count_unpaid, d.count_unpaid)
            WHEN 'paused' THEN COALESCE(p.count_paused, d.count_paused)
            ELSE false
        END AND (c.usage_type = 'licensed' OR COALESCE(p.count_metered, d.count_metered)) AS counts,
        CASE c.billing_interval
            WHEN 'week' THEN COALESCE(p.weeks_per_year, d.weeks_per_year)
            WHEN 'day' THEN COALESCE(p.days_per_year, d.days_per_year)
            WHEN 'month' THEN 12
            ELSE 1
        END AS periods_per_year
    FROM saas.subscription_changes AS c
    LEFT JOIN saas.revenue_policies AS p ON p.team_id = c.team_id
    JOIN saas.revenue_presets AS d ON d.preset = COALESCE(p.preset, 'stripe')
), amounts AS (
    SELECT
        s.*,
        CASE
            WHEN s.churn_at = 'period_end' AND s.status IN ('canceled', 'expired')
                THEN greatest(s.effective_at, s.current_period_end)
            ELSE s.effective_at
        END AS takes_effect_at,
        s.counts AND NOT (s.churn_at = 'requested' AND s.cancel_at_period_end) AS is_counted,
        s.unit_amount::numeric * s.quantity AS full_price,
        CASE
            WHEN s.discounts = 'all' OR (s.discounts = 'forever' AND s.discount_ends_at IS NULL)
                THEN greatest(
                    s.unit_amount::numeric * s.quantity * (10000 - s.discount_basis_points) / 10000
                    - s.discount_amount,
                    0
                )
            ELSE s.unit_amount::numeric * s.quantity
        END AS price,
        CASE
            WHEN s.include_tax AND NOT s.tax_inclusive THEN 10000 + s.tax_basis_points
            WHEN NOT s.include_tax AND s.tax_inclusive THEN 10000
            ELSE 10000 + CASE WHEN s.tax_inclusive THEN s.tax_basis_points ELSE 0 END
        END AS tax_numerator,
        10000 + CASE WHEN s.tax_inclusive THEN s.tax_basis_points ELSE 0 END AS tax_denominator
    FROM policies AS s
)
SELECT
    a.team_id,
    a.subscription_id,
    a.revision,
    a.customer_id,
    a.currency,
    a.status,
    a.time_zone,
    CASE a.netting
        WHEN 'change' THEN a.takes_effect_at
        ELSE date_trunc(a.netting, a.takes_effect_at, a.time_zone)
    END AS starts_at,
    lead(
        CASE a.netting
            WHEN 'change' THEN a.takes_effect_at
            ELSE date_trunc(a.netting, a.takes_effect_at, a.time_zone)
        END
    ) OVER (PARTITION BY a.team_id, a.subscription_id ORDER BY a.revision) AS ends_at,
    CASE
        WHEN NOT a.is_counted THEN 0
        ELSE round(
            a.price * a.periods_per_year * a.tax_numerator / (12 * a.interval_count * a.tax_denominator)
        )
    END::bigint AS mrr,
    CASE
        WHEN a.discounts <> 'all' OR a.price = a.full_price THEN NULL
        WHEN a.netting = 'change' THEN a.discount_ends_at
        ELSE date_trunc(a.netting, a.discount_ends_at, a.time_zone)
    END AS discount_ends_at,
    CASE
        WHEN NOT a.is_counted THEN 0
        ELSE round(
            a.full_price * a.periods_per_year * a.tax_numerator / (12 * a.interval_count * a.tax_denominator)
        )
    END::bigint AS mrr_without_discount
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

CREATE OR REPLACE VIEW saas.mrr_movements
WITH (security_invoker = true) AS
WITH points AS (
    SELECT m.team_id, m.subscription_id, m.customer_id, m.currency, m.time_zone, p.at, p.mrr, m.revision, p.part
    FROM saas.subscription_mrr AS m
    CROSS JOIN LATERAL (
        VALUES
            (m.starts_at, CASE WHEN m.discount_ends_at <= m.starts_at THEN m.mrr_without_discount ELSE m.mrr END, 1),
            (m.discount_ends_at, m.mrr_without_discount, 2)
    ) AS p (at, mrr, part)
    WHERE p.part = 1
        OR (p.at > m.starts_at AND (m.ends_at IS NULL OR p.at < m.ends_at))
), lasting AS (
    -- Of several states that begin at one moment, the last one counts.
    SELECT
        p.*,
        lead(p.at) OVER (PARTITION BY p.team_id, p.subscription_id ORDER BY p.revision, p.part) AS next_at
    FROM points AS p
), deltas AS (
    SELECT
        l.team_id,
        l.customer_id,
        l.currency,
        l.time_zone,
        l.at,
        l.mrr - lag(l.mrr, 1, 0::bigint) OVER (
            PARTITION BY l.team_id, l.subscription_id ORDER BY l.revision, l.part
        ) AS delta
    FROM lasting AS l
    WHERE l.next_at IS NULL OR l.next_at > l.at
), sums AS (
    SELECT d.team_id, d.customer_id, d.currency, d.time_zone, d.at, sum(d.delta)::bigint AS amount
    FROM deltas AS d
    GROUP BY d.team_id, d.customer_id, d.currency, d.time_zone, d.at
    HAVING sum(d.delta) <> 0
), running AS (
    SELECT
        s.*,
        sum(s.amount) OVER customer::bigint AS mrr_after,
        row_number() OVER customer AS place
    FROM sums AS s
    WINDOW customer AS (PARTITION BY s.team_id, s.customer_id, s.currency ORDER BY s.at)
)
SELECT
    r.team_id,
    r.at,
    date_trunc('month', r.at AT TIME ZONE r.time_zone)::date AS month,
    r.customer_id,
    r.currency,
    CASE
        WHEN r.place = 1 THEN 'new'
        WHEN r.mrr_after = r.amount THEN 'reactivation'
        WHEN r.mrr_after = 0 THEN 'churn'
        WHEN r.amount > 0 THEN 'expansion'
        ELSE 'contraction'
    END AS kind,
    r.amount,
    r.mrr_after - r.amount AS mrr_before,
    r.mrr_after
FROM running AS r;
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
WITH spans AS (
    SELECT
        m.team_id,
        m.time_zone,
        date_trunc('month', min(m.starts_at) AT TIME ZONE m.time_zone) AS first_month,
        date_trunc(
            'month', max(greatest(m.starts_at, m.discount_ends_at)) AT TIME ZONE m.time_zone
        ) + interval '1 month' AS last_month
    FROM saas.subscription_mrr AS m
    GROUP BY m.team_id, m.time_zone
), boundaries AS (
    SELECT s.team_id, b.month, b.month AT TIME ZONE s.time_zone AS at, s.first_month, s.last_month
    FROM spans AS s
    CROSS JOIN LATERAL generate_series(s.first_month, s.last_month, interval '1 month') AS b (month)
), held AS (
    -- What was in force just before the month began, looked up without the movements.
    SELECT
        b.month,
        b.last_month,
        m.team_id,
        m.customer_id,
        m.currency,
        CASE WHEN m.discount_ends_at < b.at THEN m.mrr_without_discount ELSE m.mrr END AS mrr
    FROM boundaries AS b
    JOIN saas.subscription_mrr AS m
        ON m.team_id = b.team_id AND m.starts_at < b.at AND (m.ends_at IS NULL OR m.ends_at >= b.at)
), entries AS (
    SELECT h.team_id, h.customer_id, h.currency, h.month, h.mrr AS start_mrr, 0::bigint AS movements, 0::bigint AS end_mrr
    FROM held AS h
    WHERE h.month < h.last_month
    UNION ALL
    SELECT h.team_id, h.customer_id, h.currency, h.month - interval '1 month', 0, 0, h.mrr
    FROM held AS h
    UNION ALL
    SELECT v.team_id, v.customer_id, v.currency, v.month, 0, v.amount, 0
    FROM saas.mrr_movements AS v
)
SELECT
    e.team_id,
    e.month::date AS month,
    e.customer_id,
    e.currency,
    sum(e.start_mrr) AS start_mrr,
    sum(e.movements) AS movements,
    sum(e.end_mrr) AS end_mrr
FROM entries AS e
GROUP BY e.team_id, e.month, e.customer_id, e.currency
HAVING sum(e.start_mrr) + sum(e.movements) <> sum(e.end_mrr);
COMMENT ON VIEW saas.revenue_proof IS
'Months, customers and currencies for which revenue at the start, looked up in the history, plus the movements is not revenue at the end: always empty, or something is wrong.';
COMMENT ON COLUMN saas.revenue_proof.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.revenue_proof.month IS 'First day of the month. [internal]';
COMMENT ON COLUMN saas.revenue_proof.customer_id IS 'The customer. [internal]';
COMMENT ON COLUMN saas.revenue_proof.currency IS 'Currency. [internal]';
COMMENT ON COLUMN saas.revenue_proof.start_mrr IS 'Revenue at the start, in minor units. [internal]';
COMMENT ON COLUMN saas.revenue_proof.movements IS 'Sum of the movements. [internal]';
COMMENT ON COLUMN saas.revenue_proof.end_mrr IS 'Revenue at the end. [internal]';

GRANT SELECT ON saas.subscription_mrr, saas.mrr_movements, saas.revenue_proof
TO saas_app, saas_analyst, saas_service, saas_internal;
