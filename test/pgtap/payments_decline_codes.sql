-- Why each attempt of an intent was declined: what its own charge says, not what the intent says of the last one.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
CREATE FUNCTION pg_temp.declined(p_n integer, p_outcome jsonb, p_more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.deliver(pg_temp.event('evt_' || p_n, 50 + p_n, pg_temp.charge('ch_' || p_n, 'pi_1', 'failed', false,
        jsonb_build_object('failure_code', 'card_declined', 'outcome', p_outcome, 'created', 50 + p_n) || p_more)))).outcome
$$;
SELECT pg_temp.deliver(pg_temp.event('evt_i', 60, pg_temp.intent('pi_1', 'requires_payment_method', '{"last_payment_error": {"code": "card_declined", "decline_code": "expired_card"}}'))) \g /dev/null
SELECT is(pg_temp.declined(1, '{"reason": "insufficient_funds", "type": "issuer_declined"}'), 'processed', 'an attempt');
SELECT pg_temp.declined(2, '{"reason": "stolen_card", "type": "issuer_declined"}') \g /dev/null
SELECT pg_temp.declined(3, '{"reason": "highest_risk_level", "type": "blocked"}') \g /dev/null
SELECT pg_temp.declined(4, '{"reason": "news_of_tomorrow", "type": "issuer_declined"}') \g /dev/null
SELECT pg_temp.declined(5, '{"type": "invalid", "reason": null}') \g /dev/null
SELECT pg_temp.declined(6, 'null') \g /dev/null
SELECT results_eq($$SELECT (SELECT q.provider_payment_id FROM saas.payments AS q WHERE q.id = f.payment_id), f.code, f.reason FROM saas.failed_payments AS f WHERE f.team_id = pg_temp.team() ORDER BY 1$$,
    $$VALUES ('ch_1', 'insufficient_funds', 'insufficient_funds'), ('ch_2', 'stolen_card', 'stolen_card'), ('ch_3', 'highest_risk_level', 'blocked_by_rules'),
    ('ch_4', 'news_of_tomorrow', 'do_not_honor'), ('ch_5', 'card_declined', 'do_not_honor'), ('ch_6', 'expired_card', 'expired_card')$$, 'each has its own reason, the last one that of the intent');
SELECT pg_temp.deliver(pg_temp.event('evt_7', 70, pg_temp.charge('ch_7', 'pi_1', 'succeeded', true, '{"outcome": {"reason": "elevated_risk_level", "type": "manual_review"}}'))) \g /dev/null
SELECT is((pg_temp.payment('ch_7')).decline_code, NULL, 'what succeeded was not declined');
-- Whichever comes first.
SELECT pg_temp.deliver(pg_temp.event('evt_8', 40, pg_temp.charge('ch_1', 'pi_1', 'pending', false, '{"created": 51}'))) \g /dev/null
SELECT is((pg_temp.payment('ch_1')).decline_code, 'insufficient_funds', 'an older snapshot takes nothing away');
SET LOCAL ROLE saas_app;
SELECT isnt_empty($$SELECT FROM saas.failed_payments WHERE code = 'stolen_card'$$, 'members read it');
RESET ROLE;
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
