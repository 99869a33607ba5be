-- The triggers: state machines by source, columns that never change, machines that change.
BEGIN;
SELECT plan(21);
\ir include/payments.sql
CREATE FUNCTION pg_temp.set_state(p_status text, p_source text) RETURNS text LANGUAGE sql AS $$
    UPDATE saas.payment_intents SET status = p_status, status_source = p_source
    WHERE team_id = pg_temp.team() RETURNING status
$$;
CREATE FUNCTION pg_temp.new_intent(p_status text, p_source text) RETURNS uuid LANGUAGE sql AS $$
    INSERT INTO saas.payment_intents (team_id, provider, amount, currency, status, status_source)
    VALUES (pg_temp.team(), 'stripe', 1, 'USD', p_status, p_source) RETURNING id
$$;
SELECT throws_ok($$SELECT pg_temp.new_intent('succeeded', 'api')$$, 'SA070',
    'payment_intent cannot begin as "succeeded"', 'a call makes intents in an initial state only');
SELECT throws_ok($$SELECT pg_temp.new_intent('paid', 'provider')$$, 'SA070', NULL, 'a snapshot must show a state of the machine');
SELECT throws_ok($$SELECT pg_temp.new_intent('succeeded', 'nobody')$$, 'SA070', NULL, 'the source must be known');
SELECT lives_ok($$SELECT pg_temp.new_intent('requires_payment_method', 'api')$$, 'a call makes an intent');
SELECT is(pg_temp.set_state('requires_payment_method', 'api'), 'requires_payment_method', 'no change is no transition');
SELECT is(pg_temp.set_state('processing', 'api'), 'processing', 'a call takes a single step');
SELECT throws_ok($$SELECT pg_temp.set_state('partially_captured', 'api')$$, 'SA070',
    'payment_intent cannot change from "processing" to "partially_captured"', 'a call cannot skip a step');
SELECT is(pg_temp.set_state('partially_captured', 'provider'), 'partially_captured', 'a snapshot can');
SELECT throws_ok($$SELECT pg_temp.set_state('processing', 'provider')$$, 'SA070', NULL, 'a snapshot cannot go back');
SELECT is(pg_temp.set_state('canceled', 'conflict'), 'canceled', 'contradicting snapshots can');
SELECT throws_ok($$SELECT pg_temp.set_state('paid', 'conflict')$$, 'SA070', NULL, 'but to a state of the machine only');

-- The refusal names what would have been possible.
CREATE FUNCTION pg_temp.refusal() RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_detail text;
BEGIN
    PERFORM pg_temp.set_state('expired', 'api');
    RETURN NULL;
EXCEPTION WHEN SQLSTATE 'SA070' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail;
END $$;
SELECT pg_temp.set_state('requires_capture', 'conflict');
SELECT pg_temp.set_state('partially_captured', 'api');
SELECT is(pg_temp.refusal(), 'Possible states: succeeded.', 'the refusal names the possible states');
SELECT is(saas.possible_states('refund', NULL, 'api'), ARRAY['requires_review', 'pending'], 'where a refund may begin');
SELECT is(saas.possible_states('refund', 'succeeded', 'provider'), ARRAY['failed'], 'what may follow a refund');
SELECT throws_ok($$SELECT saas.state_rank('no_machine', 'x')$$, '42704', NULL, 'an unknown machine is named');

-- A change of the machine counts at once in this transaction, and not after it is taken back.
SAVEPOINT before;
INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES ('payment_intent', 9999, 'reopen', 'succeeded', 'processing');
SELECT ok(saas.state_allows('payment_intent', 'succeeded', 'processing', 'api'), 'a new transition counts');
ROLLBACK TO SAVEPOINT before;
SELECT ok(NOT saas.state_allows('payment_intent', 'succeeded', 'processing', 'api'), 'until it is taken back');

-- What never changes.
SELECT * FROM pg_temp.deliver(pg_temp.event('evt_1', 1, pg_temp.charge('ch_1', NULL, 'succeeded', true)));
SELECT throws_ok($$UPDATE saas.payments SET amount = 5 WHERE team_id = pg_temp.team()$$, 'SA071',
    'column "amount" of "payments" never changes', 'a payment keeps its amount');
SELECT throws_ok($$UPDATE saas.payment_transactions SET currency = 'EUR' WHERE team_id = pg_temp.team()$$, 'SA071', NULL, 'an operation keeps its currency');
SELECT throws_ok($$UPDATE saas.payments SET amount_captured = 1001 WHERE team_id = pg_temp.team()$$, '23514', NULL, 'no more is captured than was authorised');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
