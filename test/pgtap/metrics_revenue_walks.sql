-- Movements and months of random histories against a second way of counting them: at every moment at
-- which anything may change, look up which terms of each subscription hold, price them, and compare
-- the customer's sum with the one a moment before.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_team('Walks', 'walks', :'ann') AS walks \gset
SELECT saas.set_context(:'walks', :'ann') \g /dev/null
SET LOCAL TimeZone = 'UTC';
SET LOCAL jit = off;
SELECT saas.save_subscription_plan(:'walks', 'month', 'Month', 4900, 'EUR', p_tax_basis_points => 1900, p_tax_inclusive => true) AS month,
    saas.save_subscription_plan(:'walks', 'year', 'Year', 99999, 'EUR', 'year') AS year,
    saas.save_subscription_plan(:'walks', 'week', 'Week', 777, 'EUR', 'week', 2, p_tax_basis_points => 700) AS week,
    saas.save_subscription_plan(:'walks', 'day', 'Day', 33, 'JPY', 'day') AS day \gset

CREATE FUNCTION pg_temp.walk(p_team uuid, p_plans uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_at timestamptz;
    v_id uuid;
    v_row saas.subscriptions;
BEGIN
    FOR n IN 1..24 LOOP
        v_at := '2025-09-20'::timestamptz + floor(random() * 60) * interval '11 hours';
        v_id := saas.subscribe(p_team, md5('c' || n % 7)::uuid, p_plans[1 + floor(random() * cardinality(p_plans))::integer],
            floor(random() * 3)::bigint, v_at, CASE WHEN random() < 0.3 THEN 14 ELSE 0 END, floor(random() * 6000)::integer,
            floor(random() * 900)::bigint, CASE WHEN random() < 0.6 THEN v_at + floor(random() * 60) * interval '1 day' END);
        FOR step IN 1..6 LOOP
            v_at := v_at + (ARRAY[interval '0', interval '5 hours', interval '9 days', interval '31 days'])[1 + floor(random() * 4)::integer];
            SELECT s.* INTO v_row FROM saas.subscriptions AS s WHERE s.team_id = p_team AND s.id = v_id;
            EXIT WHEN v_row.ended_at IS NOT NULL;
            IF random() < 0.5 THEN
                PERFORM saas.set_subscription_status(p_team, v_id, (
                    SELECT t.to_state FROM saas.state_transitions AS t
                    WHERE t.machine = 'subscription' AND t.from_state = v_row.status ORDER BY random() LIMIT 1), v_at);
            ELSIF random() < 0.2 THEN
                PERFORM saas.cancel_at_period_end(p_team, v_id, random() < 0.6, v_at);
            ELSE
                PERFORM saas.change_subscription(p_team, v_id, p_quantity => floor(random() * 3)::bigint,
                    p_discount_amount => floor(random() * 4000)::bigint,
                    p_discount_ends_at => CASE WHEN random() < 0.6 THEN v_at + floor(random() * 50 - 9) * interval '1 day' END, p_at => v_at);
            END IF;
        END LOOP;
    END LOOP;
END
$$;
SELECT setseed(0.7) \g /dev/null
SELECT pg_temp.walk(:'walks', ARRAY[:'month', :'year', :'week', :'day']::uuid[]) \g /dev/null
SELECT cmp_ok((SELECT count(*)::integer FROM saas.subscription_changes WHERE team_id = :'walks'), '>', 80, 'there is a history');

-- By the policy, in words of the test: which states count, which discounts, tax, when churn counts, netting.
CREATE TEMPORARY TABLE terms (subscription uuid, revision integer, customer uuid, currency text, since timestamptz, discount_until timestamptz, with_discount bigint, without bigint);
CREATE TEMPORARY TABLE expected (customer uuid, currency text, at timestamptz, before bigint, after bigint, earlier boolean);
CREATE FUNCTION pg_temp.price(c saas.subscription_changes, p_discount boolean, p_tax boolean) RETURNS bigint LANGUAGE sql AS $$
    SELECT round(
        greatest(c.unit_amount * c.quantity * CASE WHEN p_discount THEN 1 - c.discount_basis_points / 10000.0 ELSE 1 END
            - CASE WHEN p_discount THEN c.discount_amount ELSE 0 END, 0)
        * CASE c.billing_interval WHEN 'year' THEN 1 WHEN 'week' THEN 52 WHEN 'day' THEN 365 ELSE 12 END
        * CASE WHEN p_tax THEN 10000 + c.tax_basis_points ELSE 10000 END
        / (12 * c.interval_count * CASE WHEN c.tax_inclusive THEN 10000 + c.tax_basis_points ELSE 10000 END)
    )::bigint
$$;
CREATE FUNCTION pg_temp.count_again(p_team uuid, p_counted text[], p_all_discounts boolean, p_tax boolean, p_churn text, p_netting text, p_zone text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_moment record;
    v_after bigint;
    v_before bigint;
    v_who text := '';
    v_earlier boolean;
BEGIN
    TRUNCATE terms, expected;
    INSERT INTO terms
    SELECT c.subscription_id, c.revision, c.customer_id, c.currency,
        CASE p_netting WHEN 'change' THEN x.at ELSE date_trunc(p_netting, x.at AT TIME ZONE p_zone) AT TIME ZONE p_zone END,
        CASE WHEN NOT p_all_discounts THEN NULL WHEN p_netting = 'change' THEN c.discount_ends_at ELSE date_trunc(p_netting, c.discount_ends_at AT TIME ZONE p_zone) AT TIME ZONE p_zone END,
        CASE WHEN x.counts THEN pg_temp.price(c, p_all_discounts OR c.discount_ends_at IS NULL, p_tax) ELSE 0 END,
        CASE WHEN x.counts THEN pg_temp.price(c, false, p_tax) ELSE 0 END
    FROM saas.subscription_changes AS c
    CROSS JOIN LATERAL (SELECT
        CASE WHEN p_churn = 'period_end' AND c.status IN ('canceled', 'expired') THEN greatest(c.effective_at, c.current_period_end) ELSE c.effective_at END AS at,
        c.status = ANY (p_counted) AND NOT (p_churn = 'requested' AND c.cancel_at_period_end) AS counts) AS x
    WHERE c.team_id = p_team;
    FOR v_moment IN
        SELECT DISTINCT t.customer, t.currency, m.at
        FROM terms AS t CROSS JOIN LATERAL (VALUES (t.since), (t.discount_until)) AS m (at)
        WHERE m.at IS NOT NULL ORDER BY t.customer, t.currency, m.at
    LOOP
        IF v_who <> v_moment.customer || v_moment.currency THEN
            v_who := v_moment.customer || v_moment.currency;
            v_before := 0;
            v_earlier := false;
        END IF;
        SELECT COALESCE(sum(CASE WHEN h.discount_until <= v_moment.at THEN h.without ELSE h.with_discount END), 0) INTO v_after
        FROM (
            SELECT DISTINCT ON (t.subscription) t.* FROM terms AS t
            WHERE t.customer = v_moment.customer AND t.currency = v_moment.currency AND t.since <= v_moment.at
            ORDER BY t.subscription, t.revision DESC
        ) AS h;
        IF v_after <> v_before THEN
            INSERT INTO expected VALUES (v_moment.customer, v_moment.currency, v_moment.at, v_before, v_after, v_earlier);
            v_earlier := true;
        END IF;
        v_before := v_after;
    END LOOP;
END
$$;
CREATE VIEW pg_temp.named AS
SELECT e.customer, e.currency, e.at, e.before, e.after,
    CASE WHEN NOT e.earlier THEN 'new' WHEN e.before = 0 THEN 'reactivation' WHEN e.after = 0 THEN 'churn' WHEN e.after > e.before THEN 'expansion' ELSE 'contraction' END AS kind
FROM expected AS e;
CREATE VIEW pg_temp.months AS
SELECT r.currency::text, r.month, r.start_mrr, r.new_mrr, r.expansion_mrr, r.contraction_mrr, r.churned_mrr, r.reactivation_mrr, r.end_mrr
FROM saas.monthly_revenue(saas.current_team_id(), '2025-09-01', '2026-12-01') AS r;
CREATE FUNCTION pg_temp.compare(p_team uuid, p_zone text, p_label text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT set_eq(
        format('SELECT v.customer_id, v.currency::text, v.at, v.mrr_before, v.mrr_after, v.kind FROM saas.mrr_movements AS v WHERE v.team_id = %L', p_team),
        'SELECT * FROM pg_temp.named', 'movements' || p_label);
    RETURN NEXT set_eq(
        'SELECT * FROM pg_temp.months',
        format($q$SELECT c.currency, g.month::date,
            (SELECT COALESCE(sum(n.after - n.before), 0)::bigint FROM pg_temp.named AS n WHERE n.currency = c.currency AND n.at < g.month AT TIME ZONE %1$L) AS opening,
            k.new, k.expansion, k.contraction, k.churn, k.reactivation,
            (SELECT COALESCE(sum(n.after - n.before), 0)::bigint FROM pg_temp.named AS n WHERE n.currency = c.currency AND n.at < (g.month + interval '1 month') AT TIME ZONE %1$L) AS closing
        FROM (SELECT DISTINCT currency FROM pg_temp.named) AS c
        CROSS JOIN generate_series(timestamp '2025-09-01', '2026-12-01', interval '1 month') AS g (month)
        CROSS JOIN LATERAL (SELECT
            COALESCE(sum(n.after - n.before) FILTER (WHERE n.kind = 'new'), 0)::bigint AS new,
            COALESCE(sum(n.after - n.before) FILTER (WHERE n.kind = 'expansion'), 0)::bigint AS expansion,
            COALESCE(sum(n.after - n.before) FILTER (WHERE n.kind = 'contraction'), 0)::bigint AS contraction,
            COALESCE(sum(n.after - n.before) FILTER (WHERE n.kind = 'churn'), 0)::bigint AS churn,
            COALESCE(sum(n.after - n.before) FILTER (WHERE n.kind = 'reactivation'), 0)::bigint AS reactivation
            FROM pg_temp.named AS n WHERE n.currency = c.currency AND n.at >= g.month AT TIME ZONE %1$L AND n.at < (g.month + interval '1 month') AT TIME ZONE %1$L) AS k$q$, p_zone),
        'months' || p_label);
    RETURN NEXT is_empty(format('SELECT * FROM saas.revenue_proof WHERE team_id = %L', p_team), 'and the proof is empty' || p_label);
END
$$;
SELECT saas.set_revenue_policy(:'walks', 'stripe', '{}', 'UTC') \g /dev/null
SELECT pg_temp.count_again(:'walks', '{active,past_due}', false, false, 'ended', 'day', 'UTC') \g /dev/null
SELECT cmp_ok((SELECT count(DISTINCT kind)::integer FROM pg_temp.named), '=', 5, 'all kinds of movements occur');
SELECT pg_temp.compare(:'walks', 'UTC', ' (stripe)');
SELECT saas.set_revenue_policy(:'walks', 'chartmogul', '{}', 'Europe/Berlin') \g /dev/null
SELECT pg_temp.count_again(:'walks', '{active,past_due,unpaid}', true, false, 'period_end', 'change', 'Europe/Berlin') \g /dev/null
SELECT pg_temp.compare(:'walks', 'Europe/Berlin', ' (chartmogul, Berlin)');
SELECT saas.set_revenue_policy(:'walks', 'stripe', '{"discounts": "all", "churn_at": "requested", "include_tax": true, "count_trialing": true, "count_paused": true}', 'America/New_York') \g /dev/null
SELECT pg_temp.count_again(:'walks', '{active,past_due,trialing,paused}', true, true, 'requested', 'day', 'America/New_York') \g /dev/null
SELECT pg_temp.compare(:'walks', 'America/New_York', ' (all discounts, with tax, New York)');
SELECT * FROM finish();
ROLLBACK;
