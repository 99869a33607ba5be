-- Random walks over payments, refunds, disputes and payouts: whatever happens in whatever order, nothing is paid out
-- that is not there, and the ledger agrees. SAAS_WALK_SEED, from -1 to 1, varies the walk.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
\getenv seed SAAS_WALK_SEED
\if :{?seed}
\set is_usual false
\else
\set is_usual true
\set seed 0.25
\endif
SELECT diag('seed of the walk: ' || :'seed');
SELECT saas.set_payout_schedule(pg_temp.team(), 'stripe', 'usd', 'manual', p_delay_days => 3, p_minimum_amount => 50, p_reserve_percent => 7.5) \g /dev/null
CREATE FUNCTION pg_temp.pick(p_choices text[]) RETURNS text LANGUAGE sql AS 'SELECT p_choices[1 + floor(random() * cardinality(p_choices))::integer]';
-- What is wrong now; NULL when nothing is.
CREATE FUNCTION pg_temp.wrong() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(', ',
        (SELECT 'ledger: ' || string_agg(l.ref_table || ' ' || l.figure, ' ') FROM saas.ledger_proof AS l),
        (SELECT 'payouts: ' || count(*) FROM saas.payout_reconciliation AS r WHERE NOT r.agrees HAVING count(*) > 0),
        -- The balance is what is free, and what payouts that are not sent have set aside.
        (SELECT 'balance: ' || b.balance || ' is not ' || a.free + s.aside
         FROM (SELECT COALESCE(sum(t.balance), 0) AS balance FROM saas.ledger_trial_balance(pg_temp.team()) AS t WHERE t.kind = 'provider_balance') AS b,
            (SELECT saas.available_for_payout(pg_temp.team(), 'stripe', 'usd') AS free) AS a,
            (SELECT COALESCE(sum(p.amount), 0) AS aside FROM saas.payouts AS p WHERE p.status IN ('scheduled', 'requires_review')) AS s
         WHERE b.balance <> a.free + s.aside),
        -- All that ever left, or waits to, was captured, and not given back before.
        (SELECT 'paid out ' || o.paid || ' of ' || c.captured
         FROM (SELECT COALESCE(sum(p.amount) FILTER (WHERE p.status NOT IN ('failed', 'canceled', 'reversed')), 0) + COALESCE((SELECT sum(r.amount) FROM saas.payout_reserves AS r WHERE r.status = 'held'), 0) AS paid FROM saas.payouts AS p) AS o,
            (SELECT COALESCE(sum(p.amount_captured), 0) AS captured FROM saas.payments AS p) AS c
         WHERE o.paid > c.captured),
        (SELECT 'small payout' FROM saas.payouts AS p WHERE p.amount < 50 LIMIT 1),
        (SELECT 'entry in two payouts' FROM saas.payout_items AS i WHERE i.released_at IS NULL GROUP BY i.entry_id HAVING count(*) > 1 LIMIT 1))
$$;
CREATE FUNCTION pg_temp.step(p_n integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_team uuid := pg_temp.team();
    v_what text := pg_temp.pick('{pay,pay,pay_now,refund,dispute,close,schedule,schedule,run,run,result,result,hold,release,reserve}');
    v_payment saas.payments;
    v_payout uuid;
    v_amount bigint := 1 + floor(random() * 400);
    v_dice double precision := random();
BEGIN
    -- By what the walk itself has named or made: in whatever order the server reads its rows, a seed is one walk.
    SELECT p.* INTO v_payment FROM saas.payments AS p ORDER BY md5(v_dice || p.provider_payment_id) LIMIT 1;
    CASE v_what
        WHEN 'pay' THEN PERFORM pg_temp.deliver(pg_temp.event('evt_' || p_n, 50 + p_n, pg_temp.charge('ch_' || p_n, NULL, 'succeeded', true)));
        WHEN 'pay_now' THEN PERFORM pg_temp.deliver(pg_temp.event('evt_' || p_n, extract(epoch FROM now())::bigint - 1, pg_temp.charge('ch_' || p_n, NULL, 'succeeded', true)));
        WHEN 'refund' THEN PERFORM saas.refund_payment(v_team, v_payment.id, v_amount, 'k' || p_n);
        WHEN 'dispute' THEN PERFORM saas.record_dispute(v_team, v_payment.id, 'dp_' || p_n, v_amount, 'k' || p_n, p_fee_amount => 15);
        WHEN 'close' THEN
            UPDATE saas.payment_disputes SET status = pg_temp.pick('{won,lost}') WHERE id = (SELECT d.id FROM saas.payment_disputes AS d WHERE d.status = 'needs_response' ORDER BY d.provider_dispute_id LIMIT 1) RETURNING payment_id INTO v_payout;
            PERFORM saas.refresh_disputed_amount(v_team, v_payout);
        WHEN 'schedule' THEN PERFORM saas.schedule_payouts(v_team, 'k' || p_n, s.id) FROM saas.payout_schedules AS s;
        WHEN 'run' THEN PERFORM saas.run_payouts(v_team, 'k' || p_n);
        WHEN 'result' THEN
            SELECT p.id INTO v_payout FROM saas.payouts AS p ORDER BY p.id OFFSET floor(v_dice * (SELECT count(*) FROM saas.payouts)) LIMIT 1;
            PERFORM saas.record_payout_result(v_team, v_payout, pg_temp.pick('{in_transit,paid,paid,failed,canceled,reversed}'), 'k' || p_n);
        WHEN 'hold' THEN PERFORM saas.place_payout_hold(v_team, 'aml', NULL, 'payments', v_team);
        WHEN 'release' THEN PERFORM saas.close_payout_holds(v_team, 'aml', 'payments', v_team);
        WHEN 'reserve' THEN UPDATE saas.payout_reserves SET release_at = now() WHERE status = 'held';
    END CASE;
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
    RETURN v_what;
EXCEPTION WHEN SQLSTATE 'SA070' OR SQLSTATE 'SA078' OR SQLSTATE 'SA081' OR SQLSTATE 'SA082' OR SQLSTATE 'SA085' THEN
    RETURN v_what || ' refused';
END $$;
SELECT setseed(:seed) \g /dev/null
CREATE TEMPORARY TABLE walk (n integer, what text, wrong text, states text[]);
DO $$
BEGIN
    FOR v_n IN 1..300 LOOP
        INSERT INTO walk VALUES (v_n, pg_temp.step(v_n), NULL, NULL);
        UPDATE walk AS w SET states = ARRAY(SELECT 'payout ' || p.status FROM saas.payouts AS p UNION SELECT 'reserve ' || r.status FROM saas.payout_reserves AS r) WHERE w.n = v_n;
        UPDATE walk AS w SET wrong = NULLIF(pg_temp.wrong(), '') WHERE w.n = v_n AND v_n % 5 = 0;
    END LOOP;
END $$;
SELECT is((SELECT string_agg(w.n || ': ' || w.wrong, E'\n') FROM walk AS w), NULL, 'after every fifth step nothing is wrong');
-- The usual walk has been everywhere; another one may miss something.
\if :is_usual
SELECT set_eq('SELECT DISTINCT what FROM walk WHERE what NOT LIKE $s$% refused$s$', ARRAY['pay', 'pay_now', 'refund', 'dispute', 'close', 'schedule', 'run', 'result', 'hold', 'release', 'reserve'], 'every step was taken');
-- On the way, not at its end: the last steps may have let all reserves go, or taken every payment back.
SELECT ok(EXISTS (SELECT FROM walk AS w WHERE s = ANY (w.states)), 'there was a ' || s) FROM unnest('{payout paid,payout failed,payout canceled,reserve held,reserve released}'::text[]) AS s;
SELECT cmp_ok((SELECT count(*) FROM walk WHERE what LIKE '% refused'), '>', 10::bigint, 'and what does not go was refused');
\endif
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
