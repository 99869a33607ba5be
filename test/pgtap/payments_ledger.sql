-- The ledger: posted with the payments, balanced, append-only, read by its team.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql

-- The fixture has one payment of 10.00 USD with a refund of 1.00 in each team.
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees with the payments');
CREATE FUNCTION pg_temp.balances(p_team uuid) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(t.kind, t.balance) FROM saas.ledger_trial_balance(p_team) AS t
$$;
SELECT is(pg_temp.balances(:'red'), '{"sales": 1000, "refunds": 100, "provider_balance": 900}', 'a capture and a refund');
SELECT pg_temp.deliver(:'red', 'evt_4', '{"id": "ch_2", "object": "charge", "amount": 500, "amount_captured": 0, "captured": false, "currency": "usd", "status": "succeeded", "created": 1700000001}') \g /dev/null
SELECT is(pg_temp.balances(:'red') ->> 'sales', '1000', 'an authorisation moves no money');
SELECT pg_temp.deliver(:'red', 'evt_5', '{"id": "ch_2", "object": "charge", "amount": 500, "amount_captured": 500, "captured": true, "currency": "usd", "status": "succeeded", "created": 1700000001}') \g /dev/null
SELECT is(pg_temp.balances(:'red') ->> 'sales', '1500', 'its capture does');
SELECT pg_temp.deliver(:'red', 'evt_5', '{"id": "ch_2", "object": "charge", "amount": 500, "amount_captured": 500, "captured": true, "currency": "usd", "status": "succeeded", "created": 1700000001}') \g /dev/null
SELECT is(pg_temp.balances(:'red') ->> 'sales', '1500', 'once, however often it is delivered');
SELECT pg_temp.deliver(:'red', 'evt_6', '{"id": "re_2", "object": "refund", "amount": 200, "currency": "usd", "status": "pending", "charge": "ch_2", "created": 1700000002}') \g /dev/null
SELECT is(pg_temp.balances(:'red') ->> 'refunds', '300', 'a refund on its way');
-- The same second: the order of states decides.
SELECT pg_temp.deliver(:'red', 'evt_7', '{"id": "re_2", "object": "refund", "amount": 200, "currency": "usd", "status": "failed", "charge": "ch_2", "created": 1700000002}') \g /dev/null
SELECT is(pg_temp.balances(:'red'), '{"sales": 1500, "refunds": 100, "provider_balance": 1400}', 'and back when it fails');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger still agrees');
SELECT results_eq(
    format('SELECT kind, count(*) FROM saas.ledger_transactions WHERE team_id = %L GROUP BY kind ORDER BY kind', :'red'),
    $$VALUES ('capture', 2::bigint), ('refund', 2), ('refund_returned', 1)$$, 'what happened is told by kind');
SELECT results_eq(
    format($$SELECT s.transaction_kind, s.amount, s.balance
        FROM saas.ledger_accounts AS a, saas.ledger_account_statement(a.team_id, a.id) AS s
        WHERE a.team_id = %L AND a.kind = 'provider_balance'$$, :'red'),
    $$VALUES ('capture', 1000::numeric, 1000::numeric), ('refund', -100, 900), ('capture', 500, 1400), ('refund', -200, 1200), ('refund_returned', 200, 1400)$$,
    'a statement has the balance after each entry');
SELECT is(
    (SELECT count(*) FROM saas.ledger_accounts AS a, saas.ledger_account_statement(a.team_id, a.id, '2100-01-01') AS s WHERE a.team_id = :'red'),
    0::bigint, 'of a time without entries it is empty');
SELECT is((SELECT sum(debit - credit) FROM saas.ledger_trial_balance(:'red')), 0::numeric, 'debits and credits are equal');
SELECT is((SELECT sum(debit) FROM saas.ledger_trial_balance(:'red', '2000-01-01')), 0::numeric, 'nothing had happened before');

-- Who may not: functions post, nobody changes.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(DISTINCT team_id) FROM saas.ledger_entries), 1::bigint, 'a member sees entries of the own team');
SELECT is((SELECT count(*) FROM saas.ledger_trial_balance(:'blue')), 0::bigint, 'and of no other');
SELECT isnt_empty(format('SELECT * FROM saas.ledger_trial_balance(%L)', :'red'), 'the trial balance is the member''s to read');
SELECT throws_ok('DELETE FROM saas.ledger_entries', '42501', NULL, 'a member deletes nothing');
SELECT throws_ok('UPDATE saas.ledger_balances SET balance = 0', '42501', NULL, 'sets no balance');
SELECT throws_ok(format('SELECT saas.post_ledger_transaction(%L, ''capture'', ''stripe'', ''USD'', ''provider_balance'', ''sales'', 1)', :'red'), '42501', NULL, 'and posts nothing');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT lives_ok('SELECT kind, ref_id FROM saas.ledger_transactions', 'an analyst reads what happened');
SELECT throws_ok('SELECT description FROM saas.ledger_transactions', '42501', NULL, 'not the words about it');
RESET ROLE;

-- Append-only, also for the owner.
SELECT throws_ok('UPDATE saas.ledger_entries SET amount = 1', 'SA076', 'the ledger is append-only', 'an entry never changes');
SELECT throws_ok('UPDATE saas.ledger_transactions SET kind = ''fee''', 'SA076', NULL, 'nor a transaction');
SELECT throws_ok('DELETE FROM saas.ledger_entries', 'SA033', NULL, 'nothing is deleted');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT throws_ok('TRUNCATE saas.ledger_entries, saas.payout_items', 'SA033', NULL, 'nor truncated');
SET CONSTRAINTS ALL DEFERRED;
SELECT throws_ok('UPDATE saas.ledger_accounts SET allow_negative = false', 'SA071', NULL, 'an account stays what it is');

-- What cannot be posted.
SELECT throws_ok(
    format('SELECT saas.post_ledger_transaction(%L, ''capture'', ''stripe'', ''USD'', ''provider_balance'', ''sales'', %s)', :'red', a),
    '22023', NULL, 'an amount of ' || a)
FROM unnest(ARRAY['0', '-5', 'NULL']) AS a;
SELECT throws_ok(format('SELECT saas.post_ledger_transaction(%L, ''gift'', ''stripe'', ''USD'', ''provider_balance'', ''sales'', 1)', :'red'), '23514', NULL, 'an unknown kind');
SELECT throws_ok(format('SELECT saas.post_ledger_transaction(%L, ''capture'', ''stripe'', ''USD'', ''pocket'', ''sales'', 1)', :'red'), '23514', NULL, 'an unknown account');
SELECT throws_ok(format('SELECT saas.post_ledger_transaction(%L, ''capture'', ''stripe'', ''USD'', ''provider_balance'', ''sales'', 9223372036854775807)', :'red'), '22003', NULL, 'more than a balance holds');
SELECT is(
    saas.post_ledger_transaction(:'red', 'adjustment', 'stripe', 'EUR', 'bank', 'adjustments', 5, p_idempotency_key => 'k'),
    saas.post_ledger_transaction(:'red', 'adjustment', 'stripe', 'EUR', 'bank', 'adjustments', 5, p_idempotency_key => 'k'),
    'an idempotency key posts once');
SELECT is((SELECT balance FROM saas.ledger_trial_balance(:'red') WHERE kind = 'bank'), 5::numeric, 'as the balance shows');

-- By hand, without the function: the constraints hold.
SAVEPOINT by_hand;
INSERT INTO saas.ledger_transactions (team_id, id, kind, effective_at) VALUES (:'red', '00000000-0000-0000-0000-000000000001', 'adjustment', '2020-01-01');
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', 'SA075', NULL, 'a transaction without entries does not commit');
INSERT INTO saas.ledger_entries (team_id, transaction_id, account_id, amount, currency, effective_at)
SELECT team_id, '00000000-0000-0000-0000-000000000001', id, 5, currency, '2020-01-01' FROM saas.ledger_accounts WHERE team_id = :'red' AND kind = 'sales';
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', 'SA075', 'a transaction of the ledger does not balance', 'nor one with one entry');
INSERT INTO saas.ledger_entries (team_id, transaction_id, account_id, amount, currency, effective_at)
SELECT team_id, '00000000-0000-0000-0000-000000000001', id, -4, currency, '2020-01-01' FROM saas.ledger_accounts WHERE team_id = :'red' AND kind = 'refunds';
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', 'SA075', NULL, 'nor one that does not sum to zero');
SELECT throws_ok(
    format($$INSERT INTO saas.ledger_entries (team_id, transaction_id, account_id, amount, currency, effective_at)
        SELECT team_id, '00000000-0000-0000-0000-000000000001', id, -1, 'EUR', '2020-01-01' FROM saas.ledger_accounts WHERE team_id = %L AND kind = 'refunds'$$, :'red'),
    '23503', NULL, 'an entry is in its account''s currency');
SELECT throws_ok(
    format($$INSERT INTO saas.ledger_entries (team_id, transaction_id, account_id, amount, currency, effective_at)
        SELECT %L, '00000000-0000-0000-0000-000000000001', id, -1, currency, '2020-01-01' FROM saas.ledger_accounts WHERE team_id = %L AND kind = 'refunds'$$, :'blue', :'red'),
    'SA076', NULL, 'of its own team');
INSERT INTO saas.ledger_entries (team_id, transaction_id, account_id, amount, currency, effective_at)
SELECT team_id, '00000000-0000-0000-0000-000000000001', id, -1, currency, '2020-01-01' FROM saas.ledger_accounts WHERE team_id = :'red' AND kind = 'refunds';
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'one that balances commits');
SELECT isnt_empty('SELECT * FROM saas.ledger_proof', 'but the proof shows that no payment is behind it');
ROLLBACK TO SAVEPOINT by_hand;
SET CONSTRAINTS ALL DEFERRED;
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees at the end');

-- An account that must not become negative.
INSERT INTO saas.ledger_accounts (team_id, kind, provider, currency, normal_side, allow_negative, stripes)
VALUES (:'red', 'reserve', 'stripe', 'USD', 'debit', false, 1);
SELECT lives_ok(format('SELECT saas.post_ledger_transaction(%L, ''reserve_held'', ''stripe'', ''USD'', ''reserve'', ''provider_balance'', 30)', :'red'), 'what is held');
SELECT throws_ok(format('SELECT saas.post_ledger_transaction(%L, ''reserve_released'', ''stripe'', ''USD'', ''provider_balance'', ''reserve'', 31)', :'red'), '23514', NULL, 'cannot be released twice');
SELECT lives_ok(format('SELECT saas.post_ledger_transaction(%L, ''reserve_released'', ''stripe'', ''USD'', ''provider_balance'', ''reserve'', 30)', :'red'), 'but once');
SELECT throws_ok(
    format('INSERT INTO saas.ledger_accounts (team_id, kind, currency, normal_side, allow_negative, stripes) VALUES (%L, ''reserve'', ''EUR'', ''debit'', false, 2)', :'red'),
    '23514', NULL, 'such an account has one balance');
\ir include/ledger_proof.sql
SELECT finish();
ROLLBACK;
