-- Figures that are filled by day, and what is read of them: always what all of it worked out anew would say.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
SELECT saas.create_user('viewer-' || gen_random_uuid() || '@example.com') AS viewer, f.owner, f.team AS team FROM fixture AS f \gset
INSERT INTO saas.team_members (team_id, user_id, role) VALUES (:'team', :'viewer', 'viewer');
SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), :'owner') AS other \gset
CREATE FUNCTION pg_temp.at(p_day text) RETURNS bigint LANGUAGE sql AS $$ SELECT extract(epoch FROM (p_day || ' 12:00Z')::timestamptz)::bigint $$;
CREATE FUNCTION pg_temp.sends(p_event text, p_day text, p_object jsonb, p_type text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT d.outcome FROM pg_temp.deliver(pg_temp.event(p_event, pg_temp.at(p_day), p_object || jsonb_build_object('created', COALESCE((p_object ->> 'made')::bigint, pg_temp.at(p_day))), p_type)) AS d
$$;
CREATE FUNCTION pg_temp.figures(p_day date) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', a.attempts, a.succeeded, a.declined, a.voided, a.refunded, a.disputed, a.fraudulent, a.amount_attempted, a.amount_captured, a.amount_refunded, a.amount_disputed, a.amount_fees, a.amount_paid_out)
    FROM saas.payment_analytics AS a WHERE a.team_id = pg_temp.team() AND a.day = p_day
$$;
SELECT saas.set_context(pg_temp.team());
SELECT is(saas.fill_payment_analytics(pg_temp.team()), 0, 'nothing to fill');

SELECT pg_temp.sends('e1', '2023-11-10', pg_temp.charge('ch_1', NULL, 'succeeded', true, '{"customer": "cus_1"}'));
SELECT pg_temp.sends('e2', '2023-11-10', pg_temp.charge('ch_2', NULL, 'failed', false, '{"failure_code": "card_declined"}'));
SELECT pg_temp.sends('e3', '2023-11-10', pg_temp.charge('ch_3', NULL, 'succeeded', false));
SELECT pg_temp.sends('e4', '2023-11-11', pg_temp.charge('ch_4', NULL, 'succeeded', true, '{"customer": "cus_1"}'));
SELECT pg_temp.sends('e5', '2023-11-11', pg_temp.charge('ch_5', NULL, 'succeeded', true, '{"customer": "cus_2", "currency": "eur"}'));
SELECT isnt_empty('SELECT FROM saas.payment_analytics_drift(pg_temp.team())', 'before it is filled the figures are behind');
SELECT is(saas.teams_with_changed_payments(), :'team'::uuid, 'workers are told whose');
SELECT is(saas.fill_payment_analytics(pg_temp.team()), 2, 'two days');
SELECT is(saas.fill_payment_analytics(pg_temp.team()), 0, 'once');
SELECT is_empty('SELECT FROM saas.payment_analytics_drift(pg_temp.team())', 'as all of it worked out anew');
SELECT is(pg_temp.figures('2023-11-10'), '3 2 1 0 0 0 0 3000 1000 0 0 0 0', 'a day');
SELECT is((SELECT count(*) FROM saas.payment_analytics WHERE team_id = :'team' AND day = '2023-11-11'), 2::bigint, 'a currency each');

-- What comes later changes the day that it belongs to, and no other.
CREATE TEMPORARY TABLE before AS SELECT * FROM saas.payment_analytics WHERE team_id = :'team';
SELECT pg_temp.sends('e6', '2023-11-12', pg_temp.refund('re_1', 'ch_1', 400, 'succeeded'));
SELECT pg_temp.sends('e7', '2023-11-13', pg_temp.dispute('dp_1', 'ch_4', 1000, 'needs_response'), 'charge.dispute.created');
SELECT pg_temp.sends('e8', '2023-11-13', pg_temp.payout('po_1', 500, 'paid'), 'payout.paid');
SELECT pg_temp.sends('e9', '2023-11-20', pg_temp.charge('ch_6', NULL, 'succeeded', true, jsonb_build_object('made', pg_temp.at('2023-11-10'))));
SELECT is(saas.fill_payment_analytics(pg_temp.team(), 1), 1, 'as many days as are asked for');
SELECT ok(saas.fill_payment_analytics(pg_temp.team()) >= 3, 'then the others');
SELECT is_empty('SELECT FROM saas.payment_analytics_drift(pg_temp.team())', 'as all of it worked out anew');
SELECT is(pg_temp.figures('2023-11-10'), '4 3 1 0 1 0 0 4000 2000 0 0 0 0', 'a late payment and a refund count on the day of the payment');
SELECT is(pg_temp.figures('2023-11-12'), '0 0 0 0 0 0 0 0 0 400 0 0 0', 'money on the day it moves');
SELECT is(pg_temp.figures('2023-11-13'), '0 0 0 0 0 0 0 0 0 0 1000 0 500', 'disputes and payouts as well');
SELECT is((SELECT a.disputed || ' ' || a.fraudulent FROM saas.payment_analytics AS a WHERE a.team_id = :'team' AND a.day = '2023-11-11' AND a.currency = 'USD'), '1 1', 'a disputed payment');
SELECT is((SELECT count(*) FROM saas.payment_analytics AS a JOIN before AS b ON b.id = a.id WHERE a.team_id = :'team'), 0::bigint, 'days that changed were written anew');
SELECT is((SELECT sum(a.amount_captured - a.amount_refunded - a.amount_disputed - a.amount_fees - a.amount_paid_out) FROM saas.payment_analytics AS a WHERE a.team_id = :'team'),
    (SELECT sum(t.balance) FROM saas.ledger_trial_balance(:'team') AS t WHERE t.kind = 'provider_balance'), 'all days together are what the provider holds');
DELETE FROM saas.payment_analytics WHERE team_id = :'team' AND day = '2023-11-12';
SELECT is(saas.recompute_payment_analytics(pg_temp.team()), 1, 'what was lost is found');
SELECT is_empty('SELECT FROM saas.payment_analytics_drift(pg_temp.team())', 'and mended');

-- Any delivery in any order, filled whenever: the same figures.
CREATE FUNCTION pg_temp.figures_after(p_seed integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_event record;
    v_figures text;
BEGIN
    FOR v_event IN
        SELECT e.event, hashint8extended(e.n, p_seed) AS place
        FROM (
            SELECT n, CASE n % 4
                WHEN 0 THEN pg_temp.event('w' || n, pg_temp.at('2023-11-15') + n * 3600, pg_temp.charge('wch_' || n / 4, NULL, 'succeeded', true, jsonb_build_object('created', pg_temp.at('2023-11-14') + n * 7000)))
                WHEN 1 THEN pg_temp.event('w' || n, pg_temp.at('2023-11-16') + n * 5000, pg_temp.refund('wre_' || n / 4, 'wch_' || n / 4, 100 + n, 'succeeded', jsonb_build_object('created', pg_temp.at('2023-11-15') + n * 6000)))
                WHEN 2 THEN pg_temp.event('w' || n, pg_temp.at('2023-11-17') + n * 5000, pg_temp.dispute('wdp_' || n / 4, 'wch_' || n / 4, 300, CASE WHEN n % 8 = 2 THEN 'won' ELSE 'lost' END, jsonb_build_object('created', pg_temp.at('2023-11-16') + n * 6000)), 'charge.dispute.closed')
                ELSE pg_temp.event('w' || n, pg_temp.at('2023-11-14') + n * 3600, pg_temp.charge('wch_' || n / 4, NULL, 'pending', false, jsonb_build_object('created', pg_temp.at('2023-11-14') + (n - 3) * 7000)))
            END AS event
            FROM generate_series(0, 31) AS n
        ) AS e
        ORDER BY place
    LOOP
        PERFORM pg_temp.deliver(v_event.event);
        IF v_event.place % 5 = 0 THEN
            PERFORM saas.fill_payment_analytics(pg_temp.team(), 2);
        END IF;
    END LOOP;
    PERFORM saas.fill_payment_analytics(pg_temp.team());
    SELECT string_agg((to_jsonb(a) - '{id,filled_at}'::text[])::text, E'\n' ORDER BY a.day, a.currency)
        || E'\n' || (SELECT count(*) FROM saas.payment_analytics_drift(pg_temp.team()))
    INTO v_figures FROM saas.payment_analytics AS a WHERE a.team_id = pg_temp.team();
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = v_figures;
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN SQLERRM;
END $$;
CREATE TEMPORARY TABLE walks AS SELECT n, pg_temp.figures_after(n) AS figures FROM generate_series(1, 16) AS n;
SELECT is((SELECT count(DISTINCT w.figures) FROM walks AS w), 1::bigint, 'the order of events and of fills does not matter');
SELECT matches((SELECT w.figures FROM walks AS w WHERE w.n = 1), E'\n0$', 'and nothing drifts');

-- Rates, revenue, providers.
SELECT set_eq($$SELECT day, currency::text, success_rate, decline_rate, refund_rate, dispute_rate, fraud_rate FROM saas.payment_rates WHERE attempts > 0 AND team_id = pg_temp.team()$$,
    $$VALUES ('2023-11-10'::date, 'USD', 0.7500, 0.2500, 0.3333, 0.0000, 0.0000), ('2023-11-11', 'USD', 1.0000, 0.0000, 0.0000, 1.0000, 1.0000), ('2023-11-11', 'EUR', 1.0000, 0.0000, 0.0000, 0.0000, 0.0000)$$, 'rates of a day');
SELECT is((SELECT success_rate FROM saas.payment_rates WHERE attempts = 0 AND team_id = pg_temp.team() LIMIT 1), NULL, 'of nothing there is no rate');
SELECT results_eq($$SELECT period, currency::text, captured, refunded, disputed, fees, net FROM saas.payment_revenue(pg_temp.team(), '2023-11-01', '2023-12-01')$$,
    $$VALUES ('2023-11-01'::date, 'EUR', 1000::numeric, 0::numeric, 0::numeric, 0::numeric, 1000::numeric), ('2023-11-01', 'USD', 3000, 400, 1000, 0, 1600)$$, 'revenue of a month');
SELECT results_eq($$SELECT period FROM saas.payment_revenue(pg_temp.team(), '2023-11-12', '2023-11-20', 'week') ORDER BY 1$$, $$VALUES ('2023-11-06'::date), ('2023-11-13')$$, 'weeks begin on Monday; the last day is not in it');
SELECT throws_ok(format('SELECT saas.payment_revenue(pg_temp.team(), %L, %L, %L)', '2023-11-01', '2023-12-01', p.period), '22023', NULL, 'no period') FROM (VALUES ('moon'), (NULL)) AS p (period);
SELECT results_eq($$SELECT provider, attempts, success_rate, captured FROM saas.compare_payment_providers(pg_temp.team(), '2023-11-01', '2023-12-01') WHERE currency = 'USD'$$, $$VALUES ('stripe', 5::numeric, 0.8000, 3000::numeric)$$, 'a provider');
SELECT ok((SELECT success_rate_low BETWEEN 0.37 AND 0.38 AND success_rate_high BETWEEN 0.96 AND 0.97 FROM saas.compare_payment_providers(pg_temp.team(), '2023-11-01', '2023-12-01') WHERE currency = 'USD'), 'four of five is hardly known');

-- Declined payments.
SELECT results_eq($$SELECT code, reason, is_hard, action, retry_at FROM saas.failed_payments WHERE team_id = pg_temp.team()$$, $$VALUES ('card_declined', 'do_not_honor', false, 'retry_later', '2023-11-11 12:00Z'::timestamptz)$$, 'a declined payment and what to do');
SELECT is((saas.normalize_decline(d.provider, VARIADIC d.codes)).reason, d.reason, d.provider || ' ' || d.codes::text)
FROM (VALUES
    ('stripe', '{stolen_card,card_declined}'::text[], 'stolen_card'), ('stripe', '{what,card_declined}', 'do_not_honor'), ('paypal', '{5120}', 'insufficient_funds'), ('square', '{CARD_EXPIRED}', 'expired_card'),
    ('adyen', '{"Not enough balance"}', 'insufficient_funds'), ('razorpay', '{incorrect_otp}', 'authentication_failed'), ('stripe', '{nothing}', 'unknown'), ('nobody', '{5120}', 'unknown'), ('stripe', '{NULL}', 'unknown')
) AS d (provider, codes, reason);
SELECT is((SELECT count(DISTINCT c.provider) FROM saas.decline_codes AS c), 5::bigint, 'codes of five providers');
\set published `cat test/data/decline_codes.json`
SELECT is(
    (SELECT string_agg(p.key || ' ' || c.code, ', ') FROM jsonb_each(:'published'::jsonb) AS p, jsonb_array_elements_text(p.value -> 'codes') AS c (code)
        WHERE NOT EXISTS (SELECT FROM saas.decline_codes AS d WHERE d.provider = p.key AND d.code = c.code)),
    NULL, 'every code that a provider publishes has a reason');
SELECT cmp_ok((SELECT sum(jsonb_array_length(p.value -> 'codes')) FROM jsonb_each(:'published'::jsonb) AS p), '>', 300::bigint, 'hundreds of them, from the pages that are named beside them');
SELECT is((saas.normalize_decline('paypal', c.code)).reason || ' ' || (saas.normalize_decline('paypal', c.code)).action, c.means, 'PayPal ' || c.code)
FROM (VALUES ('5200', 'duplicate check_first'), ('0880', 'authentication_failed authenticate'), ('1310', 'invalid_amount fix_integration'), ('5920', 'processing_error retry_later'), ('5160', 'not_permitted new_payment_method'),
    ('5135', 'pin_tries_exceeded new_payment_method'), ('9520', 'lost_card stop'), ('PPEF', 'expired_card new_payment_method')) AS c (code, means);
SELECT is((SELECT array_agg(DISTINCT d.provider) FROM saas.decline_codes AS d WHERE d.reason = 'pin_tries_exceeded'), '{adyen,paypal,razorpay,square,stripe}', 'a PIN that was tried too often is not tried again, whoever the provider is');
SELECT is_empty('SELECT r.reason FROM saas.decline_reasons AS r WHERE NOT EXISTS (SELECT FROM saas.decline_codes AS c WHERE c.reason = r.reason)', 'no reason that no provider gives');

-- Customers.
SELECT results_eq($$SELECT customer, currency::text, payments, captured, refunded, lost, net, average FROM saas.customer_lifetime_values(pg_temp.team()) ORDER BY customer$$,
    $$VALUES ('cus_1', 'USD', 2::bigint, 2000::numeric, 400::numeric, 0::numeric, 1600::numeric, 1000::numeric), ('cus_2', 'EUR', 1, 1000, 0, 0, 1000, 1000)$$, 'what customers have paid');
SELECT results_eq($$SELECT captured FROM saas.customer_lifetime_values(pg_temp.team(), 'cus_2')$$, 'VALUES (1000::numeric)', 'one of them');

-- Who sees it.
SELECT saas.set_context(:'team', :'viewer');
SET LOCAL ROLE saas_app;
SELECT isnt_empty('SELECT FROM saas.payment_rates', 'staff see their team');
SELECT throws_ok('SELECT saas.fill_payment_analytics(pg_temp.team())', '42501', NULL, 'a viewer fills nothing');
SELECT throws_ok('SELECT saas.teams_with_changed_payments()', '42501', NULL, 'nor learns of other teams');
SELECT throws_ok('DELETE FROM saas.payment_analytics', '42501', NULL, 'nor takes figures away');
SET LOCAL ROLE saas_analyst;
SELECT isnt_empty('SELECT FROM saas.payment_rates', 'analysts see rates');
SELECT isnt_empty('SELECT FROM saas.failed_payments', 'declined payments');
SELECT isnt_empty($$SELECT FROM saas.payment_revenue(pg_temp.team(), '2023-11-01', '2023-12-01')$$, 'revenue');
SELECT isnt_empty($$SELECT FROM saas.compare_payment_providers(pg_temp.team(), '2023-11-01', '2023-12-01')$$, 'providers');
SELECT is_empty('SELECT FROM saas.payment_analytics_drift(pg_temp.team())', 'and that nothing drifts');
SELECT throws_ok('SELECT saas.customer_lifetime_values(pg_temp.team())', '42501', NULL, 'but no customers');
SELECT is((SELECT sum(net) FROM saas.masked_customer_lifetime_values(pg_temp.team()) WHERE customer !~ 'cus'), 2600::numeric, 'only under a pseudonym');
SELECT throws_ok('SELECT FROM saas.payment_audit_log', '42501', NULL, 'nor the audit trail');
SELECT ok((SELECT count(*) > 0 AND bool_and(NOT old_values ?| '{metadata,description,card_last4,provider_customer_id}' AND NOT new_values ?| '{metadata,description,card_last4,provider_customer_id}') FROM saas.masked_payment_audit_log(pg_temp.team(), now() - interval '1 hour', now() + interval '1 hour')
    WHERE old_values IS NOT NULL AND new_values IS NOT NULL), 'but what changed, without personal data');
SELECT ok((SELECT bool_or('provider_customer_id' = ANY (changed_columns)) FROM saas.masked_payment_audit_log(pg_temp.team(), now() - interval '1 hour', now() + interval '1 hour')), 'and that it was there');
SELECT lives_ok('SELECT FROM saas.settlement_forecast(pg_temp.team())', 'and the forecast');
SELECT throws_ok(format('SELECT saas.settlement_forecast(pg_temp.team(), %s)', a.arguments), '22023', NULL, 'no forecast: ' || a.name)
FROM (VALUES ($$'infinity'$$, 'of no day'), ('NULL', 'of nothing'), ('now(), -1', 'of transfers backwards'), ('now(), 2000000000', 'of eternal transfers'), ('now(), NULL', 'of none')) AS a (arguments, name);
RESET ROLE;
SELECT saas.set_context(:'other', :'owner');
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT FROM saas.payment_rates UNION ALL SELECT FROM saas.failed_payments', 'another team sees nothing');
SELECT is_empty(format('SELECT FROM saas.payment_revenue(%L, %L, %L)', :'team', '2023-11-01', '2023-12-01'), 'not by function either');
SELECT is_empty(format('SELECT FROM saas.customer_lifetime_values(%L)', :'team'), 'no customers');
SELECT throws_ok(format('SELECT saas.settlement_forecast(%L)', :'team'), '42501', NULL, 'no forecast');
SELECT throws_ok(format('SELECT saas.masked_customer_lifetime_values(%L)', :'team'), '42501', NULL, 'not masked either');
SELECT throws_ok(format('SELECT saas.masked_payment_audit_log(%L, %L, %L)', :'team', '2000-01-01', '2100-01-01'), '42501', NULL, 'no audit trail');
SELECT throws_ok(format('SELECT saas.recompute_payment_analytics(%L)', :'team'), '42501', NULL, 'and fills nothing');
RESET ROLE;
SELECT saas.clear_context();
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT FROM saas.payment_analytics', 'without a context there is nothing');
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok('SELECT FROM saas.payment_rates', '42501', NULL, 'for nobody');
RESET ROLE;

-- The forecast adds up: what the provider holds, and what is under way.
SELECT saas.set_context(:'team', :'owner');
SELECT pg_temp.sends('f1', '2023-11-14', pg_temp.payout('po_2', 700, 'in_transit', '{"arrival_date": 1700179200}'), 'payout.created');
SELECT results_eq($$SELECT settles_on, currency::text, kind, amount, is_held FROM saas.settlement_forecast(pg_temp.team(), '2023-11-17 10:00Z')$$,
    $$VALUES ('2023-11-17'::date, 'EUR', 'balance', 1000::numeric, false), ('2023-11-17', 'USD', 'balance', 1600 - 500 - 700 - 1000, false), ('2023-11-17', 'USD', 'in_transit', 700, false), ('2023-11-22', 'USD', 'balance', 1000, false)$$,
    'what came in early is due, what came in late is not');
SELECT is((SELECT sum(f.amount) FROM saas.settlement_forecast(:'team') AS f WHERE f.kind = 'balance'), (SELECT sum(t.balance) FROM saas.ledger_trial_balance(:'team') AS t WHERE t.kind = 'provider_balance'), 'together what the provider holds');
SELECT lives_ok($$SELECT saas.set_payout_schedule(pg_temp.team(), 'stripe', 'EUR', 'weekly', 1, p_delay_days => 7)$$, 'a schedule');
SELECT results_eq($$SELECT settles_on, amount FROM saas.settlement_forecast(pg_temp.team(), '2023-11-17 10:00Z') WHERE currency = 'EUR'$$, $$VALUES ('2023-11-22'::date, 1000::numeric)$$, 'by the next run of the schedule');
SELECT isnt(saas.place_payout_hold(pg_temp.team(), 'manual'), NULL, 'a hold');
SELECT ok((SELECT bool_and(f.is_held = (f.kind <> 'in_transit')) FROM saas.settlement_forecast(:'team') AS f), 'is told');
SELECT is(d.given + d.more, d.day, 'no money on weekends') FROM (SELECT g AS given, 0 AS more, saas.on_business_day(g) AS day FROM (VALUES ('2023-11-17'::date)) AS x (g) UNION ALL SELECT '2023-11-18', 2, saas.on_business_day('2023-11-18') UNION ALL SELECT '2023-11-19', 1, saas.on_business_day('2023-11-19')) AS d;
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
