-- Plans, subscriptions, their states and their history.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('owner@example.com', 'Owner') AS owner, saas.create_user('member@example.com', 'Member') AS member, saas.create_user('other@example.com', 'Other') AS other \gset
SELECT saas.create_team('Shop', 'shop', :'owner') AS shop, saas.create_team('Other', 'other', :'other') AS foreign \gset
SELECT saas.set_context(:'shop', :'owner'), saas.add_team_member(:'shop', :'member') \g /dev/null
SET LOCAL TimeZone = 'UTC';

-- Plans.
SELECT saas.save_subscription_plan(:'shop', 'basic', 'Basic', 1000, 'eur', p_trial_days => 7, p_features => '["export"]',
    p_limits => '{"monthly_generation_limit": 100, "storage_limit_gb": 5, "team_member_limit": 3}') AS basic,
    saas.save_subscription_plan(:'shop', 'pro', 'Pro', 50000, 'EUR', 'year') AS pro,
    saas.save_subscription_plan(:'shop', 'dollar', 'Dollar', 1000, 'USD') AS dollar,
    saas.save_subscription_plan(:'shop', 'old', 'Old', 1, 'EUR', p_is_active => false) AS old \gset
SELECT is(saas.save_subscription_plan(:'shop', 'basic', 'Basic 2', 2000, 'EUR', p_limits => '{"monthly_generation_limit": 100, "storage_limit_gb": 5, "team_member_limit": 3}'), :'basic', 'a plan is known by its code');
SELECT is((SELECT name || unit_amount || currency FROM saas.subscription_plans WHERE team_id = :'shop' AND id = :'basic'), 'Basic 22000EUR', 'and replaced');
SELECT throws_ok(format('SELECT saas.save_subscription_plan(%L, %s)', :'shop', p.arguments), p.state, NULL, 'no plan: ' || p.arguments)
FROM (VALUES ('''Basic'', ''x'', 1, ''EUR''', '23514'), ('''x'', '''', 1, ''EUR''', '23514'), ('''x'', ''x'', -1, ''EUR''', '23514'), ('''x'', ''x'', 1000000000001, ''EUR''', '23514'),
    ('''x'', ''x'', 1, ''ZZZ''', '23503'), ('''x'', ''x'', 1, ''EUR'', ''hour''', '23514'), ('''x'', ''x'', 1, ''EUR'', p_interval_count => 0', '23514'), ('NULL, ''x'', 1, ''EUR''', '23502'),
    ('''x'', ''x'', 1, ''EUR'', p_features => ''{}''', '23514'), ('''x'', ''x'', 1, ''EUR'', p_tax_basis_points => 10001', '23514'), ('''x'', ''x'', 1, ''EUR'', p_trial_days => 731', '23514')) AS p (arguments, state);

-- Subscribing takes the plan's terms as they are.
SELECT saas.subscribe(:'shop', :'other', :'basic', 3, '2025-01-31') AS sub \gset
SELECT results_eq(format('SELECT status, billing_interval, quantity, unit_amount, currency::text, current_period_end, trial_ends_at, monthly_generation_limit, storage_limit_gb, team_member_limit, revision FROM saas.subscriptions WHERE id = %L', :'sub'),
    $$VALUES ('active'::text, 'month'::text, 3::bigint, 2000::bigint, 'EUR'::text, '2025-02-28'::timestamptz, NULL::timestamptz, 100::bigint, 5::bigint, 3::bigint, 1)$$, 'a subscription has its plan''s terms, and ends its month with the month');
SELECT saas.save_subscription_plan(:'shop', 'basic', 'Basic 3', 9999, 'EUR') \g /dev/null
SELECT is((SELECT unit_amount FROM saas.subscriptions WHERE id = :'sub'), 2000::bigint, 'which a change of the plan leaves alone');
SELECT saas.subscribe(:'shop', :'other', :'pro', p_at => '2025-01-01', p_trial_days => 10) AS trial \gset
SELECT is((SELECT status || trial_ends_at FROM saas.subscriptions WHERE id = :'trial'), 'trialing2025-01-11 00:00:00+00', 'a trial');
SELECT throws_ok(format('SELECT saas.subscribe(%L, %L, %s)', :'shop', :'other', p.arguments), p.state, NULL, 'no subscription: ' || p.arguments)
FROM (VALUES (quote_literal(:'old'), '23503'), (quote_literal(:'other'), '23503'), ('NULL', '23503'), (quote_literal(:'pro') || ', -1', '23514'), (quote_literal(:'pro') || ', 100000000', '23514'),
    (quote_literal(:'pro') || ', p_at => ''infinity''', '23514'), (quote_literal(:'pro') || ', p_trial_days => -1', '22023'), (quote_literal(:'pro') || ', p_discount_basis_points => 10001', '23514'),
    (quote_literal(:'pro') || ', p_discount_ends_at => ''infinity''', '23514'), (quote_literal(:'pro') || ', p_quantity => NULL', '23502')) AS p (arguments, state);

-- Changes are numbered, in order, and all in the history.
SELECT is(saas.change_subscription(:'shop', :'sub', p_quantity => 5, p_discount_basis_points => 1000, p_at => '2025-02-10'), 2, 'a change is a revision');
SELECT is(saas.change_subscription(:'shop', :'sub', p_plan => :'pro', p_at => '2025-02-10'), 3, 'another one at the same moment, too');
SELECT is(saas.change_subscription(:'shop', :'sub', p_discount_amount => 7, p_at => '2025-02-12'), 4, 'a discount is replaced whole');
SELECT results_eq(format('SELECT revision, effective_at::date, quantity, unit_amount, billing_interval, discount_basis_points, discount_amount FROM saas.subscription_changes WHERE subscription_id = %L ORDER BY revision', :'sub'),
    $$VALUES (1, '2025-01-31'::date, 3::bigint, 2000::bigint, 'month'::text, 0, 0::bigint), (2, '2025-02-10', 5, 2000, 'month', 1000, 0), (3, '2025-02-10', 5, 50000, 'year', 1000, 0), (4, '2025-02-12', 5, 50000, 'year', 0, 7)$$,
    'the history has every state of the terms');
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, p_quantity => 1, p_at => ''2025-02-11'')', :'shop', :'sub'), 'SA141', NULL, 'not before the change before');
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, p_plan => %L)', :'shop', :'sub', :'dollar'), '22023', NULL, 'not into another currency');
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, p_plan => %L)', :'shop', :'sub', :'other'), '22023', NULL, 'nor to a plan that is none');
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L)', :'shop', :'other'), '23503', NULL, 'nor of a subscription that is none');
SELECT throws_ok(format('UPDATE saas.subscriptions SET currency = ''USD'' WHERE id = %L', :'sub'), 'SA071', NULL, 'the currency stays');
SELECT throws_ok(format('UPDATE saas.subscription_changes SET quantity = 1 WHERE subscription_id = %L', :'sub'), 'SA142', NULL, 'history stays');
SELECT throws_ok(format('DELETE FROM saas.subscription_changes WHERE subscription_id = %L', :'sub'), 'SA142', NULL, 'all of it');
UPDATE saas.subscriptions SET quantity = 6 WHERE id = :'sub';
SELECT cmp_ok((SELECT effective_at FROM saas.subscriptions WHERE id = :'sub'), '>', now() - interval '1 minute', 'who does not say since when means now');

-- States.
SELECT is(saas.cancel_at_period_end(:'shop', :'sub'), 6, 'to end with its period');
SELECT ok((SELECT cancel_at_period_end AND canceled_at IS NOT NULL AND ended_at IS NULL FROM saas.subscriptions WHERE id = :'sub'), 'is a wish');
SELECT saas.cancel_at_period_end(:'shop', :'sub', false) \g /dev/null
SELECT ok((SELECT NOT cancel_at_period_end AND canceled_at IS NULL FROM saas.subscriptions WHERE id = :'sub'), 'that can be taken back');
SELECT throws_ok(format('SELECT saas.set_subscription_status(%L, %L, ''pending'')', :'shop', :'sub'), 'SA070', NULL, 'no way leads back');
SELECT saas.set_subscription_status(:'shop', :'sub', 'canceled') \g /dev/null
SELECT ok((SELECT ended_at IS NOT NULL AND canceled_at IS NOT NULL FROM saas.subscriptions WHERE id = :'sub'), 'canceled at once');
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, p_quantity => 1)', :'shop', :'sub'), 'SA140', NULL, 'what has ended does not change');
SELECT throws_ok(format('SELECT saas.set_subscription_status(%L, %L, ''active'')', :'shop', :'sub'), 'SA140', NULL, 'nor come back');
-- Every state can be reached; those that end have no way out.
SELECT set_eq($$SELECT to_state FROM saas.state_transitions WHERE machine = 'subscription'$$,
    '{pending,incomplete,incomplete_expired,trialing,active,past_due,unpaid,paused,canceled,expired}'::text[], 'all states are reached');
SELECT set_eq($$SELECT to_state FROM saas.state_transitions WHERE machine = 'subscription' EXCEPT SELECT from_state FROM saas.state_transitions WHERE machine = 'subscription'$$,
    '{incomplete_expired,canceled,expired}'::text[], 'three are final');

-- Who may.
SELECT saas.set_context(:'shop', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM saas.subscriptions), 2, 'members read');
SELECT throws_ok(format('SELECT saas.save_subscription_plan(%L, ''x'', ''x'', 1, ''EUR'')', :'shop'), '42501', NULL, 'and make no plans');
SELECT throws_ok(format('SELECT saas.subscribe(%L, %L, %L)', :'shop', :'other', :'pro'), '42501', NULL, 'nor subscribe');
SELECT throws_ok(format('SELECT saas.set_subscription_status(%L, %L, ''active'')', :'shop', :'sub'), '42501', NULL, 'nor change states');
SELECT throws_ok(format('SELECT saas.cancel_at_period_end(%L, %L)', :'shop', :'sub'), '42501', NULL, 'nor cancel');
SELECT throws_ok(format('SELECT saas.lock_subscription(%L, %L)', :'shop', :'sub'), '42501', NULL, 'nor lock');
RESET ROLE;
SELECT saas.set_context(:'foreign', :'other') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM saas.subscriptions), 0, 'another team sees nothing');
SELECT throws_ok(format('SELECT saas.subscribe(%L, %L, %L)', :'foreign', :'other', :'pro'), '23503', NULL, 'and cannot use the plan');
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, p_quantity => 0)', :'shop', :'sub'), '42501', NULL, 'nor change the subscription');
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, p_quantity => 0)', :'foreign', :'sub'), '23503', NULL, 'not even as its own');
RESET ROLE;
DELETE FROM saas.teams WHERE id = :'shop';
SELECT is((SELECT count(*)::integer FROM saas.subscription_changes WHERE team_id = :'shop'), 0, 'history goes with its team');
SELECT * FROM finish();
ROLLBACK;
