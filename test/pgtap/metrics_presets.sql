-- Each preset of revenue against figures that its vendor publishes, or computed by hand from the formula that it
-- publishes; and what becomes of recurring revenue when a subscription pauses, changes its price or currency, or money goes back.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_team('Shop', 'shop', :'ann') AS shop \gset
SELECT saas.set_context(:'shop', :'ann') \g /dev/null
SET LOCAL TimeZone = 'UTC';
CREATE FUNCTION pg_temp.plan(p_code text, p_amount bigint, p_interval text DEFAULT 'month', p_count integer DEFAULT 1, p_usage text DEFAULT 'licensed', p_tax integer DEFAULT 0, p_inclusive boolean DEFAULT false, p_currency text DEFAULT 'USD')
RETURNS uuid LANGUAGE sql AS $$
    SELECT saas.save_subscription_plan(saas.current_team_id(), p_code, p_code, p_amount, p_currency, p_interval, p_count, p_usage, p_tax_basis_points => p_tax, p_tax_inclusive => p_inclusive)
$$;
CREATE FUNCTION pg_temp.sell(p_who text, p_plan uuid, p_at timestamptz, p_quantity bigint DEFAULT 1, p_percent integer DEFAULT 0, p_ends timestamptz DEFAULT NULL, p_trial integer DEFAULT 0)
RETURNS uuid LANGUAGE sql AS $$
    SELECT saas.subscribe(saas.current_team_id(), md5(p_who)::uuid, p_plan, p_quantity, p_at, p_trial, p_percent * 100, 0, p_ends)
$$;
-- Movements of customers whose names begin so, in major units.
CREATE FUNCTION pg_temp.moves(p_who text) RETURNS TABLE (day text, kind text, amount numeric, currency text) LANGUAGE sql AS $$
    SELECT to_char(m.at, 'YYYY-MM-DD'), m.kind, m.amount / 100.0, m.currency FROM saas.mrr_movements AS m
    WHERE m.team_id = saas.current_team_id() AND m.customer_id = md5(p_who)::uuid ORDER BY m.at, m.currency
$$;
CREATE FUNCTION pg_temp.month(p_day date, p_currency text DEFAULT 'USD') RETURNS saas.revenue_dashboard LANGUAGE sql AS $$
    SELECT saas.current_team_id(), r.* FROM saas.monthly_revenue(saas.current_team_id(), p_day, p_day) AS r WHERE r.currency = p_currency
$$;

-- Stripe, https://docs.stripe.com/billing/subscriptions/analytics/glossary: 100 subscribers of a plan of 100 a month and
-- 50 of one of 600 a year make 12,500 a month. Trials, tax, free and metered plans are none of it, nor what is unpaid;
-- support.stripe.com/questions/billing-analytics: half off for ever halves it, half off for some months does not.
SELECT pg_temp.plan('a', 10000) AS a, pg_temp.plan('b', 60000, 'year') AS b, pg_temp.plan('taxed', 12000, p_tax => 2000, p_inclusive => true) AS taxed,
    pg_temp.plan('use', 700, p_usage => 'metered') AS use, pg_temp.plan('free', 0) AS free \gset
SELECT pg_temp.sell('a' || n, :'a', '2025-01-05') FROM generate_series(1, 100) AS n \g /dev/null
SELECT pg_temp.sell('b' || n, :'b', '2025-01-05') FROM generate_series(1, 50) AS n \g /dev/null
SELECT pg_temp.sell('trial', :'a', '2025-01-05', p_trial => 60), pg_temp.sell('use', :'use', '2025-01-05'), pg_temp.sell('free', :'free', '2025-01-05') \g /dev/null
SELECT is((pg_temp.month('2025-01-31')).end_mrr, 1250000::bigint, 'Stripe: 12,500 as published; trials, metered and free plans add nothing');
SELECT is((pg_temp.month('2025-01-31')).arr, 15000000::bigint, 'and twelve times as much a year');
SELECT pg_temp.sell('taxed', :'taxed', '2025-02-05'), pg_temp.sell('forever', :'a', '2025-02-05', 1, 50), pg_temp.sell('months', :'a', '2025-02-05', 1, 50, '2025-05-05') \g /dev/null
SELECT results_eq($$SELECT m.* FROM unnest('{taxed,forever,months}'::text[]) AS w CROSS JOIN pg_temp.moves(w) AS m$$,
    $$VALUES ('2025-02-05', 'new', 100.0, 'USD'), ('2025-02-05', 'new', 50.0, 'USD'), ('2025-02-05', 'new', 100.0, 'USD')$$, 'without tax, half for ever, whole for some months');
SELECT pg_temp.sell('late', :'a', '2025-02-05') AS late \gset
SELECT saas.set_subscription_status(:'shop', :'late', 'past_due', '2025-03-05'), saas.set_subscription_status(:'shop', :'late', 'unpaid', '2025-03-20') \g /dev/null
SELECT results_eq($$SELECT * FROM pg_temp.moves('late')$$, $$VALUES ('2025-02-05', 'new', 100.0, 'USD'), ('2025-03-20', 'churn', -100.0, 'USD')$$, 'past due counts, unpaid is churn');
-- support.stripe.com/questions/calculating-churn-rate-in-billing: who left, by those of the start and those who came.
SELECT is((SELECT ROW(churned_customers, start_customers, new_customers, customer_churn_rate)::text FROM pg_temp.month('2025-03-31')), ROW(1, 154, 0, round(1 / 154.0, 4))::text, 'one of 154 left in March');

-- ChartMogul, https://help.chartmogul.com/hc/en-us/articles/201244842: four Gold plans of 500 a year, two Silver ones of
-- 30 a month, Silver given up, Gold given up shortly before the year is over, three Gold ones of 50 a month.
SELECT saas.set_revenue_policy(:'shop', 'chartmogul') \g /dev/null
SELECT pg_temp.plan('gold-yearly', 50000, 'year') AS gold_yearly, pg_temp.plan('gold', 5000) AS gold, pg_temp.plan('silver', 3000) AS silver \gset
SELECT pg_temp.sell('sync', :'gold_yearly', '2025-01-01', 4) AS sync_gold, pg_temp.sell('sync', :'silver', '2025-01-04', 2) AS sync_silver \gset
SELECT saas.set_subscription_status(:'shop', :'sync_silver', 'canceled', '2025-01-18'), saas.set_subscription_status(:'shop', :'sync_gold', 'canceled', '2025-12-20') \g /dev/null
SELECT pg_temp.sell('sync', :'gold', '2026-02-01', 3) \g /dev/null
SELECT results_eq($$SELECT day, kind, round(amount, 2) FROM pg_temp.moves('sync')$$, $$VALUES
    ('2025-01-01', 'new', 166.67), ('2025-01-04', 'expansion', 60.00), ('2025-02-04', 'contraction', -60.00),
    ('2026-01-01', 'churn', -166.67), ('2026-02-01', 'reactivation', 150.00)$$, 'ChartMogul: as published, churn and contraction at the end of what was paid');
SELECT is((SELECT sum(amount) FROM pg_temp.moves('forever')) + (SELECT sum(amount) FROM pg_temp.moves('months') WHERE day < '2025-03-01'), 100.0, 'every discount reduces it');
SELECT results_eq($$SELECT * FROM pg_temp.moves('months')$$, $$VALUES ('2025-02-05', 'new', 50.0, 'USD'), ('2025-05-05', 'expansion', 50.0, 'USD')$$, 'one that ends is an expansion then (articles/203299912)');

-- Lago, app/models/analytics/mrr.rb: fees of subscriptions less coupons plus taxes, weeks times 4.33, other periods by
-- days of 30.44 a month. A week of 10.00 with 20 % tax, half of which a coupon takes off: 10 · 0.5 · 1.2 · 4.33 = 25.98.
SELECT saas.set_revenue_policy(:'shop', 'lago') \g /dev/null
SELECT pg_temp.plan('week', 1000, 'week', p_tax => 2000) AS week, pg_temp.plan('day', 100, 'day') AS day, pg_temp.plan('year', 12000, 'year', p_tax => 2000) AS year, pg_temp.plan('quarter', 3000, 'month', 3) AS quarter \gset
SELECT pg_temp.sell('l-week', :'week', '2025-01-10', 1, 50), pg_temp.sell('l-day', :'day', '2025-01-10'), pg_temp.sell('l-year', :'year', '2025-01-10'), pg_temp.sell('l-quarter', :'quarter', '2025-01-10') \g /dev/null
SELECT results_eq($$SELECT m.amount FROM unnest('{l-week,l-day,l-year,l-quarter}'::text[]) AS w CROSS JOIN pg_temp.moves(w) AS m$$, 'VALUES (25.98), (30.44), (12.00), (10.00)', 'Lago: by hand from its formula');
SELECT is((SELECT amount FROM pg_temp.moves('taxed')), 120.0, 'tax is part of it');
SELECT is_empty($$SELECT * FROM pg_temp.moves('use')$$, 'fees by use are not');

-- A trial, a pause, an upgrade in the middle of a period, an end that is taken back.
SELECT saas.set_revenue_policy(:'shop') \g /dev/null
SELECT pg_temp.sell('life', :'a', '2025-01-05', p_trial => 14) AS life \gset
SELECT saas.set_subscription_status(:'shop', :'life', 'active', '2025-01-19'), saas.set_subscription_status(:'shop', :'life', 'paused', '2025-02-10'), saas.set_subscription_status(:'shop', :'life', 'active', '2025-04-10'),
    saas.change_subscription(:'shop', :'life', p_quantity => 3, p_at => '2025-04-25'), saas.cancel_at_period_end(:'shop', :'life', true, '2025-05-02'), saas.cancel_at_period_end(:'shop', :'life', false, '2025-05-03') \g /dev/null
SELECT results_eq($$SELECT * FROM pg_temp.moves('life')$$, $$VALUES ('2025-01-19', 'new', 100.0, 'USD'), ('2025-02-10', 'churn', -100.0, 'USD'),
    ('2025-04-10', 'reactivation', 100.0, 'USD'), ('2025-04-25', 'expansion', 200.0, 'USD')$$, 'a trial is nothing, a pause is churn, and an upgrade counts whole from its day on: nothing is prorated');
SELECT saas.set_revenue_policy(:'shop', 'stripe', '{"count_paused": true, "churn_at": "requested"}') \g /dev/null
SELECT results_eq($$SELECT day, kind, amount FROM pg_temp.moves('life')$$, $$VALUES ('2025-01-19', 'new', 100.0), ('2025-04-25', 'expansion', 200.0), ('2025-05-02', 'churn', -300.0), ('2025-05-03', 'reactivation', 300.0)$$,
    'by another policy a pause is none, and the wish to end is churn until it is taken back');

-- Another currency is another sum, and one subscription has one.
SELECT saas.set_revenue_policy(:'shop') \g /dev/null
SELECT pg_temp.plan('euro', 9000, p_currency => 'EUR') AS euro \gset
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, %L)', :'shop', :'life', :'euro'), '22023', 'the subscription cannot change to this plan', 'no change of currency');
SELECT throws_ok(format('UPDATE saas.subscriptions SET currency = ''EUR'' WHERE id = %L', :'life'), 'SA071', NULL, 'not past the functions either');
SELECT saas.set_subscription_status(:'shop', :'life', 'canceled', '2025-06-10'), pg_temp.sell('life', :'euro', '2025-06-10') \g /dev/null
SELECT results_eq($$SELECT * FROM pg_temp.moves('life') WHERE day = '2025-06-10'$$, $$VALUES ('2025-06-10', 'new', 90.0, 'EUR'), ('2025-06-10', 'churn', -300.0, 'USD')$$, 'who changes the currency churns in one and is new in the other');
SELECT is((SELECT ROW(start_mrr, new_mrr, churned_mrr, end_mrr)::text FROM pg_temp.month('2025-06-30', 'EUR')), '(0,9000,0,9000)', 'and each adds up by itself');

-- Money that goes back changes revenue of the day, not what recurs.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT sum(end_mrr) AS mrr_before FROM saas.monthly_revenue(:'red', '2024-01-01', current_date) \gset
SELECT pg_temp.deliver(:'red', 'evt_back', '{"id": "re_9", "object": "refund", "amount": 500, "currency": "usd", "status": "succeeded", "charge": "ch_1", "created": 1700000000}') \g /dev/null
SELECT is((SELECT sum(end_mrr) FROM saas.monthly_revenue(:'red', '2024-01-01', current_date)), :'mrr_before'::numeric, 'a refund leaves recurring revenue alone');
SELECT is(saas.team_daily_metrics(:'red', '2023-11-14') -> 'refund_volume', '{"USD": 600}', 'and is in the day''s figures');
SELECT saas.set_context(:'shop', :'ann') \g /dev/null

-- Start and movements are the end in every month and currency, for every customer, wherever months begin.
CREATE FUNCTION pg_temp.add_up(p_preset text, p_zone text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM saas.set_revenue_policy(saas.current_team_id(), p_preset, '{}', p_zone);
    RETURN NEXT is_empty('SELECT * FROM saas.revenue_proof WHERE team_id = saas.current_team_id()', format('the proof is empty: %s, %s', p_preset, p_zone));
    RETURN NEXT ok((
        SELECT count(*) > 30 AND bool_and(r.start_mrr + r.new_mrr + r.expansion_mrr + r.contraction_mrr + r.churned_mrr + r.reactivation_mrr = r.end_mrr
            AND r.end_mrr = COALESCE(r.next_start, r.end_mrr))
        FROM (SELECT r.*, lead(r.start_mrr) OVER (PARTITION BY r.currency ORDER BY r.month) AS next_start FROM saas.monthly_revenue(saas.current_team_id(), '2024-12-01', '2026-06-01') AS r) AS r
    ), format('months follow each other: %s, %s', p_preset, p_zone));
END
$$;
SELECT pg_temp.add_up(p.preset, p.zone)
FROM (VALUES ('stripe', 'UTC'), ('stripe', 'Pacific/Kiritimati'), ('chartmogul', 'America/Los_Angeles'), ('lago', 'Asia/Kathmandu')) AS p (preset, zone);
SELECT * FROM finish();
ROLLBACK;
