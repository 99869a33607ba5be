-- Recurring revenue, its movements and rates, against figures computed by hand.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
-- The fixture's own subscriptions are not part of the sums here.
SELECT saas.create_team('Shop', 'shop', :'ann') AS shop \gset
SELECT saas.set_context(:'shop', :'ann') \g /dev/null
SET LOCAL TimeZone = 'UTC';
CREATE FUNCTION pg_temp.customer(p_name text) RETURNS uuid LANGUAGE sql IMMUTABLE AS 'SELECT md5(p_name)::uuid';
SELECT saas.save_subscription_plan(:'shop', 'basic', 'Basic', 10000, 'USD') AS basic,
    saas.save_subscription_plan(:'shop', 'yearly', 'Yearly', 120000, 'usd', 'year') AS yearly,
    saas.save_subscription_plan(:'shop', 'weekly', 'Weekly', 3000, 'USD', 'week') AS weekly \gset

-- A and B come in January; C in February, when A doubles; in March B goes and A halves; D's trial becomes
-- paid in April, when B comes back and A replaces one subscription by another.
SELECT saas.subscribe(:'shop', pg_temp.customer('a'), :'basic', p_at => '2025-01-10') AS a,
    saas.subscribe(:'shop', pg_temp.customer('b'), :'yearly', p_at => '2025-01-15') AS b,
    saas.subscribe(:'shop', pg_temp.customer('c'), :'weekly', p_at => '2025-02-05') AS c,
    saas.subscribe(:'shop', pg_temp.customer('d'), :'basic', p_at => '2025-03-20', p_trial_days => 14) AS d \gset
SELECT saas.change_subscription(:'shop', :'a', p_quantity => 2, p_at => '2025-02-20'),
    saas.set_subscription_status(:'shop', :'b', 'canceled', '2025-03-03'),
    saas.change_subscription(:'shop', :'a', p_quantity => 1, p_at => '2025-03-10'),
    saas.set_subscription_status(:'shop', :'d', 'active', '2025-04-03'),
    saas.subscribe(:'shop', pg_temp.customer('b'), :'basic', p_at => '2025-04-08'),
    saas.subscribe(:'shop', pg_temp.customer('a'), :'yearly', p_at => '2025-04-20'),
    saas.set_subscription_status(:'shop', :'a', 'canceled', '2025-04-25') \g /dev/null

CREATE VIEW pg_temp.moves AS
SELECT to_char(m.at, 'MM-DD') AS day, (SELECT n FROM unnest('{a,b,c,d}'::text[]) AS n WHERE pg_temp.customer(n) = m.customer_id) AS who,
    m.kind, m.amount, m.mrr_after
FROM saas.mrr_movements AS m WHERE m.team_id = saas.current_team_id();
SELECT results_eq('SELECT * FROM pg_temp.moves ORDER BY day, who', $$VALUES
    ('01-10', 'a', 'new', 10000::bigint, 10000::bigint), ('01-15', 'b', 'new', 10000, 10000),
    ('02-05', 'c', 'new', 13000, 13000), ('02-20', 'a', 'expansion', 10000, 20000),
    ('03-03', 'b', 'churn', -10000, 0), ('03-10', 'a', 'contraction', -10000, 10000),
    ('04-03', 'd', 'new', 10000, 10000), ('04-08', 'b', 'reactivation', 10000, 10000),
    ('04-20', 'a', 'expansion', 10000, 20000), ('04-25', 'a', 'contraction', -10000, 10000)$$,
    'movements: a trial is none, weeks are 52 a year, a customer who keeps one of two subscriptions has not churned');

CREATE VIEW pg_temp.months AS
SELECT r.* FROM saas.monthly_revenue(saas.current_team_id(), '2025-01-31', '2025-04-01') AS r;
SELECT results_eq('SELECT to_char(month, ''MM''), start_mrr, new_mrr, expansion_mrr, contraction_mrr, churned_mrr, reactivation_mrr, end_mrr FROM pg_temp.months', $$VALUES
    ('01', 0::bigint, 20000::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 20000::bigint),
    ('02', 20000, 13000, 10000, 0, 0, 0, 43000),
    ('03', 43000, 0, 0, -10000, -10000, 0, 23000),
    ('04', 23000, 10000, 10000, -10000, 0, 10000, 43000)$$, 'start and movements are the end of every month');
SELECT results_eq('SELECT to_char(month, ''MM''), start_customers, new_customers, churned_customers, reactivated_customers, end_customers FROM pg_temp.months', $$VALUES
    ('01', 0::bigint, 2::bigint, 0::bigint, 0::bigint, 2::bigint), ('02', 2, 1, 0, 0, 3), ('03', 3, 0, 1, 0, 2), ('04', 2, 1, 0, 1, 4)$$, 'customers likewise');
SELECT results_eq('SELECT to_char(month, ''MM''), arr, growth_rate, customer_churn_rate, revenue_churn_rate, net_revenue_retention, gross_revenue_retention, quick_ratio, arpa, ltv FROM pg_temp.months', $$VALUES
    ('01', 240000::bigint, NULL::numeric, 0.0000, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric, 10000.00, NULL::numeric),
    ('02', 516000, 1.1500, 0.0000, 0.0000, 1.5000, 1.0000, NULL, 14333.33, NULL),
    ('03', 276000, -0.4651, 0.3333, 0.4651, 0.5349, 0.5349, 0.0000, 11500.00, 34500.00),
    ('04', 516000, 0.8696, 0.0000, 0.0000, 1.0000, 1.0000, 3.0000, 10750.00, NULL)$$,
    'rates: NULL without a base; back and forth within April is no churn');
SELECT is((SELECT sum(start_mrr) FROM saas.monthly_revenue(:'shop', '2025-04-15', '2025-04-15')), 23000::numeric, 'a single month starts with what came before');
SELECT is_empty(format('SELECT * FROM saas.monthly_revenue(%L, %L, %L)', :'shop', '2025-04-15', '2025-03-15'), 'no months between a day and an earlier one');
SELECT is_empty(format('SELECT * FROM saas.monthly_revenue(%L, NULL, %L)', :'shop', '2025-03-15'), 'nor since NULL');

SELECT results_eq(format('SELECT to_char(cohort, ''MM''), month_number, customers, active_customers, mrr, customer_retention, revenue_retention FROM saas.revenue_cohorts(%L, ''2025-01-01'', ''2025-04-30'')', :'shop'), $$VALUES
    ('01', 0, 2::bigint, 2::bigint, 20000::bigint, 1.0000, 1.0000), ('01', 1, 2, 2, 30000, 1.0000, 1.5000),
    ('01', 2, 2, 1, 10000, 0.5000, 0.5000), ('01', 3, 2, 2, 20000, 1.0000, 1.0000),
    ('02', 0, 1, 1, 13000, 1.0000, 1.0000), ('02', 1, 1, 1, 13000, 1.0000, 1.0000), ('02', 2, 1, 1, 13000, 1.0000, 1.0000),
    ('04', 0, 1, 1, 10000, 1.0000, 1.0000)$$, 'cohorts by month');
SELECT is_empty(format('SELECT * FROM saas.revenue_proof WHERE team_id = %L', :'shop'), 'start plus movements is the end, for every customer');

-- Stripe divides by customers at the start and those who came; ChartMogul by the former.
SELECT saas.subscribe(:'shop', pg_temp.customer('e'), :'basic', p_at => '2025-05-02') AS e \gset
SELECT saas.set_subscription_status(:'shop', :'c', 'canceled', '2025-05-20') \g /dev/null
CREATE VIEW pg_temp.may AS SELECT r.* FROM saas.monthly_revenue(saas.current_team_id(), '2025-05-01', '2025-05-31') AS r;
SELECT is((SELECT customer_churn_rate FROM pg_temp.may), 0.2000, 'one of five');
SELECT is((SELECT ltv FROM pg_temp.may), 50000.00, 'lifetime value is revenue a customer by churn');
SELECT saas.set_revenue_policy(:'shop', 'stripe', '{"churn_base": "start", "margin_basis_points": 8000}') \g /dev/null
SELECT is((SELECT customer_churn_rate FROM pg_temp.may), 0.2500, 'one of four');
SELECT is((SELECT ltv FROM pg_temp.may), 32000.00, 'times the margin');

-- The dashboard shows this month and the twelve before, of the own team.
SELECT saas.set_revenue_policy(:'shop') \g /dev/null
SELECT is((SELECT count(*)::integer FROM saas.revenue_dashboard), 13, 'thirteen months');
SELECT is((SELECT end_mrr FROM saas.revenue_dashboard ORDER BY month DESC LIMIT 1), 40000::bigint, 'today''s revenue');

-- Who may see and change what.
SELECT saas.clear_context() \g /dev/null
SELECT is_empty('SELECT * FROM saas.revenue_dashboard', 'no dashboard without a context');
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is_empty(format('SELECT * FROM saas.monthly_revenue(%L, ''2025-01-01'', ''2025-04-30'')', :'shop'), 'another team''s revenue is not seen');
SELECT is_empty(format('SELECT * FROM saas.mrr_movements WHERE team_id = %L', :'shop'), 'nor its movements');
SELECT throws_ok(format('SELECT saas.set_revenue_policy(%L)', :'shop'), '42501', NULL, 'nor is its policy changed');
SELECT lives_ok(format('SELECT saas.set_revenue_policy(%L, ''lago'')', :'blue'), 'the own one is');
SELECT throws_ok(format('SELECT saas.set_revenue_policy(%L, ''other'')', :'blue'), '22023', NULL, 'to a preset that there is');
SELECT throws_ok(format('SELECT saas.set_revenue_policy(%L, ''lago'', ''{"nothing": 1}'')', :'blue'), '22023', NULL, 'with columns that there are');
SELECT throws_ok(format('SELECT saas.set_revenue_policy(%L, ''lago'', ''{"discounts": "some"}'')', :'blue'), '23514', NULL, 'and values that they have');
SELECT throws_ok(format('SELECT saas.set_revenue_policy(%L, ''lago'', ''[]'')', :'blue'), '22023', NULL, 'an object');
SELECT throws_ok(format('SELECT saas.set_revenue_policy(%L, ''lago'', ''{}'', ''Mars/Base'')', :'blue'), '22023', NULL, 'in a time zone of this world');
RESET ROLE;
SELECT saas.set_context(:'shop', :'ann') \g /dev/null
SET LOCAL ROLE saas_analyst;
SELECT is((SELECT sum(end_mrr)::bigint FROM saas.monthly_revenue(:'shop', '2025-04-01', '2025-04-30')), 43000::bigint, 'an analyst sees the figures');
SELECT throws_ok(format('SELECT saas.set_revenue_policy(%L)', :'shop'), '42501', NULL, 'and changes nothing');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
