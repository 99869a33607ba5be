-- Disputes, early fraud warnings and payouts, as Stripe reports them.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
CREATE FUNCTION pg_temp.balance(p_kind text) RETURNS numeric LANGUAGE sql AS $$
    SELECT COALESCE(sum(t.balance), 0) FROM saas.ledger_trial_balance(pg_temp.team()) AS t WHERE t.kind = p_kind
$$;
CREATE FUNCTION pg_temp.dispute(p_ref text) RETURNS saas.payment_disputes LANGUAGE sql AS $$
    SELECT d.* FROM saas.payment_disputes AS d WHERE d.team_id = pg_temp.team() AND d.provider_dispute_id = p_ref
$$;

-- A dispute before its payment waits for it.
SELECT is((pg_temp.deliver(pg_temp.event('evt_1', 10, pg_temp.dispute('dp_1', 'ch_1', 400, 'needs_response',
    '{"evidence_details": {"due_by": 1700500000}, "balance_transactions": [{"fee": 1500, "currency": "usd"}], "network_reason_code": "10.4"}')))).outcome, 'deferred', 'a dispute of an unknown payment');
SELECT is((pg_temp.deliver(pg_temp.event('evt_2', 5, pg_temp.charge('ch_1', NULL, 'succeeded', true)))).outcome, 'processed', 'the payment');
SELECT is((pg_temp.dispute('dp_1')).status, 'needs_response', 'is applied when the payment lands');
SELECT is((pg_temp.dispute('dp_1')).evidence_due_at, to_timestamp(1700500000), 'with its deadline');
SELECT is((pg_temp.dispute('dp_1')).network_reason_code, '10.4', 'and the network''s reason');
SELECT is((pg_temp.payment('ch_1')).amount_disputed, 400::bigint, 'its amount is in dispute');
SELECT is(pg_temp.balance('disputed_funds'), 400::numeric, 'withdrawn');
SELECT is(pg_temp.balance('provider_fees'), 1500::numeric, 'with a fee');
SELECT is(pg_temp.balance('provider_balance'), (1000 - 400 - 1500)::numeric, 'from the provider''s balance');
SELECT is((pg_temp.deliver(pg_temp.event('evt_3', 20, pg_temp.dispute('dp_1', 'ch_1', 400, 'under_review', '{"evidence_details": {"submission_count": 1}}')))).outcome, 'processed', 'evidence was sent');
SELECT is((pg_temp.dispute('dp_1')).evidence_submitted_at, to_timestamp(20), 'as is kept');
SELECT is((pg_temp.dispute('dp_1')).fee_amount, 1500::bigint, 'a fee that is not named again stays');
SELECT is((pg_temp.deliver(pg_temp.event('evt_4', 15, pg_temp.dispute('dp_1', 'ch_1', 400, 'needs_response')))).outcome, 'superseded', 'a late delivery does not reopen it');
SELECT is((pg_temp.deliver(pg_temp.event('evt_5', 30, pg_temp.dispute('dp_1', 'ch_1', 400, 'won')))).outcome, 'processed', 'won');
SELECT is((pg_temp.payment('ch_1')).amount_disputed, 0::bigint, 'the payment is whole again');
SELECT is(pg_temp.balance('disputed_funds'), 0::numeric, 'and the money is back');
SELECT is((pg_temp.deliver(pg_temp.event('evt_6', 40, pg_temp.dispute('dp_1', 'ch_1', 400, 'lost')))).outcome, 'conflict', 'won and lost contradict each other');
SELECT is((pg_temp.dispute('dp_1')).status_source, 'conflict', 'which is shown');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees');

-- An inquiry takes no money; it may become a dispute.
SELECT pg_temp.deliver(pg_temp.event('evt_7', 10, pg_temp.charge('ch_2', NULL, 'succeeded', true))) \g /dev/null
SELECT pg_temp.deliver(pg_temp.event('evt_8', 11, pg_temp.dispute('dp_2', 'ch_2', 1000, 'warning_needs_response'))) \g /dev/null
SELECT is((pg_temp.dispute('dp_2')).stage, 'pre_dispute', 'an inquiry');
SELECT is((pg_temp.payment('ch_2')).amount_disputed, 0::bigint, 'takes no money');
SELECT pg_temp.deliver(pg_temp.event('evt_9', 12, pg_temp.dispute('dp_2', 'ch_2', 1000, 'lost'))) \g /dev/null
SELECT is((pg_temp.dispute('dp_2')).stage, 'dispute', 'a lost dispute is of the next stage');
SELECT is(pg_temp.balance('dispute_losses'), 1400::numeric, 'and a loss, as the other one');
SELECT is((pg_temp.deliver(pg_temp.event('evt_10', 13, pg_temp.dispute('dp_2', 'ch_2', 1000, 'warning_closed')))).outcome, 'superseded', 'what is said of a lower stage does not count any more');

-- Refunded and disputed: no money is counted twice, and the payment shows that more was taken.
SELECT pg_temp.deliver(pg_temp.event('evt_11', 10, pg_temp.charge('ch_3', NULL, 'succeeded', true))),
    pg_temp.deliver(pg_temp.event('evt_12', 11, pg_temp.refund('re_3', 'ch_3', 700, 'succeeded'))),
    pg_temp.deliver(pg_temp.event('evt_13', 12, pg_temp.dispute('dp_3', 'ch_3', 1000, 'needs_response'))) \g /dev/null
SELECT results_eq(
    $$SELECT (p).amount_refunded, (p).amount_disputed, (p).disputed_total, (p).is_overdrawn FROM pg_temp.payment('ch_3') AS p$$,
    'VALUES (700::bigint, 300::bigint, 1000::bigint, true)', 'refunded and disputed');
SELECT throws_ok($$UPDATE saas.payments SET amount_refunded = 1000, amount_captured = 900 WHERE provider_payment_id = 'ch_3'$$, '23514', NULL, 'more than was captured is never refunded');

-- What makes no sense.
SELECT is((pg_temp.deliver(pg_temp.event('evt_14', 1, pg_temp.dispute('dp_1', 'ch_2', 400, 'won')))).outcome, 'failed', 'a dispute does not change its payment');
SELECT is((pg_temp.deliver(pg_temp.event('evt_15', 1, pg_temp.dispute('dp_1', 'ch_1', 400, 'won', '{"currency": "eur"}')))).outcome, 'conflict', 'nor its currency');
SELECT is((pg_temp.deliver(pg_temp.event('evt_16', 1, pg_temp.dispute('dp_4', 'ch_1', 400, 'maybe')))).outcome, 'failed', 'an unknown state');
SELECT is((pg_temp.deliver(pg_temp.event('evt_17', 1, pg_temp.dispute('dp_4', 'ch_1', -1, 'won')))).outcome, 'failed', 'a negative amount');
SELECT throws_ok($$UPDATE saas.payment_disputes SET stage = 'pre_dispute', status = 'warning_closed' WHERE provider_dispute_id = 'dp_2'$$, 'SA070', NULL, 'a stage does not go back');
SELECT lives_ok($$UPDATE saas.payment_disputes SET stage = 'pre_arbitration', status = 'needs_response', status_source = 'api' WHERE provider_dispute_id = 'dp_2'$$, 'a higher stage begins again');
SELECT throws_ok($$UPDATE saas.payment_disputes SET status = 'warning_closed' WHERE provider_dispute_id = 'dp_2'$$, 'SA070', NULL, 'within a stage the machine holds');

-- Early fraud warnings: the first one counts.
SELECT is((pg_temp.deliver(pg_temp.event('evt_20', 100, '{"id": "issfr_2", "object": "radar.early_fraud_warning", "charge": "ch_1", "created": 90}', 'radar.early_fraud_warning.created'))).outcome, 'processed', 'a warning');
SELECT is((pg_temp.deliver(pg_temp.event('evt_21', 100, '{"id": "issfr_1", "object": "radar.early_fraud_warning", "charge": "ch_1", "created": 80}', 'radar.early_fraud_warning.created'))).outcome, 'processed', 'an earlier one');
SELECT is((pg_temp.payment('ch_1')).fraud_warned_at, to_timestamp(80), 'counts');
SELECT is((pg_temp.deliver(pg_temp.event('evt_22', 100, '{"id": "issfr_3", "object": "radar.early_fraud_warning", "charge": "ch_1", "created": 85}', 'radar.early_fraud_warning.created'))).outcome, 'superseded', 'a later one does not');

-- Payouts.
SELECT pg_temp.deliver(pg_temp.event('evt_30', 1, pg_temp.payout('po_1', 200, 'pending', '{"arrival_date": 1700000000}'))) \g /dev/null
SELECT is(pg_temp.balance('payouts_in_transit'), 200::numeric, 'a payout on its way');
SELECT pg_temp.deliver(pg_temp.event('evt_31', 2, pg_temp.payout('po_1', 200, 'paid'))) \g /dev/null
SELECT is(pg_temp.balance('bank'), 200::numeric, 'arrives');
SELECT is(pg_temp.balance('payouts_in_transit'), 0::numeric, 'and is on its way no longer');
SELECT pg_temp.deliver(pg_temp.event('evt_32', 3, pg_temp.payout('po_1', 200, 'failed', '{"failure_code": "account_closed"}'))) \g /dev/null
SELECT is(pg_temp.balance('bank'), 0::numeric, 'a payout may fail after it was paid');
SELECT is((SELECT failure_code FROM saas.payouts WHERE team_id = pg_temp.team()), 'account_closed', 'and says why');
SELECT is((pg_temp.deliver(pg_temp.event('evt_33', 4, pg_temp.payout('po_1', 300, 'failed')))).outcome, 'failed', 'its amount never changes');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees at the end');

-- Every machine: each state is reached from where a row may begin.
SELECT is_empty($$
    WITH RECURSIVE reached AS (
        SELECT machine, to_state AS state FROM saas.state_transitions WHERE from_state IS NULL
        UNION
        SELECT t.machine, t.to_state FROM reached AS r JOIN saas.state_transitions AS t ON t.machine = r.machine AND t.from_state = r.state
    )
    SELECT machine, state
    FROM (SELECT machine, to_state AS state FROM saas.state_transitions UNION SELECT machine, from_state FROM saas.state_transitions WHERE from_state IS NOT NULL) AS s
    EXCEPT SELECT machine, state FROM reached
    $$, 'every state of every machine can be reached');
SELECT results_eq(
    $$SELECT machine, string_agg(state, ' ' ORDER BY state)
        FROM (SELECT machine, to_state AS state FROM saas.state_transitions EXCEPT SELECT machine, from_state FROM saas.state_transitions) AS s
        WHERE machine IN ('payment_intent', 'payment', 'payment_transaction', 'refund', 'dispute', 'payout') GROUP BY machine ORDER BY machine$$,
    $$VALUES ('dispute', 'lost prevented warning_closed won'), ('payment', 'paid voided'), ('payment_intent', 'canceled expired succeeded'),
        ('payment_transaction', 'errored failed'), ('payout', 'canceled failed reversed'), ('refund', 'canceled failed')$$,
    'and these have no exit');
\ir include/ledger_proof.sql
SELECT finish();
ROLLBACK;
