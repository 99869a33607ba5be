-- A row that a constraint refuses is not shown: neither to whoever calls, nor in the log.
BEGIN;
SELECT plan(24);
\ir include/payments.sql
SELECT (pg_temp.deliver(pg_temp.event('evt_1', 50, pg_temp.charge('ch_1', NULL, 'succeeded', true)))).outcome \g /dev/null
SELECT (pg_temp.deliver(pg_temp.event('evt_2', 50, pg_temp.dispute('dp_1', 'ch_1', 100, 'needs_response')))).outcome \g /dev/null
SELECT d.id AS dispute FROM saas.payment_disputes AS d WHERE d.team_id = pg_temp.team() \gset
SELECT saas.start_verification(pg_temp.team(), 'customer', 'cus_0', 'basic', 'idv', p_full_name => 'Secret Person') AS verification \gset
SELECT saas.raise_aml_alert(pg_temp.team(), 'customer', 'cus_0', 'Secret Person') AS alert \gset
SELECT saas.review_aml_alert(pg_temp.team(), :'alert') \g /dev/null
SELECT saas.place_payout_hold(pg_temp.team(), 'manual', 'Secret Person') AS hold \gset
CREATE TEMPORARY TABLE refused (n serial, what text, call text) ON COMMIT DROP;
INSERT INTO refused (what, call) VALUES
    ('a verification at another level', $$saas.start_verification(pg_temp.team(), 'customer', 'cus_1', 'none', 'idv', p_full_name => 'Secret Person')$$),
    ('one of nobody', $$saas.start_verification(pg_temp.team(), 'customer', NULL, 'basic', 'idv', p_full_name => 'Secret Person')$$),
    ('one with the documents themselves', $$saas.start_verification(pg_temp.team(), 'customer', 'cus_1', 'basic', 'idv', p_documents => '[{"number": "Secret Person"}]')$$),
    ('an outcome without its code', format($$saas.record_verification(pg_temp.team(), %L, 'failed', '{}', '')$$, :'verification')),
    ('evidence of no kind', format($$saas.add_dispute_evidence(pg_temp.team(), %L, 'rumour', 'key-1', 'Secret Person')$$, :'dispute')),
    ('a session with an address that is none', $$saas.create_payment_session(pg_temp.team(), 100, 'USD', 'stripe', 'key-2', p_client_reference => 'Secret Person', p_success_url => 'javascript:x')$$),
    ('a hold for no reason', $$saas.place_payout_hold(pg_temp.team(), 'mood', 'Secret Person')$$),
    ('a release without words', format($$saas.release_payout_hold(pg_temp.team(), %L, '')$$, :'hold')),
    ('an alert about nothing', $$saas.raise_aml_alert(pg_temp.team(), 'ship', 'cus_1', 'Secret Person')$$),
    ('a decision without end', format($$saas.decide_aml_alert(pg_temp.team(), %L, 'clear', 'Secret Person' || repeat('x', 3000))$$, :'alert')),
    ('an entry of no kind', $$saas.import_team_watchlist(pg_temp.team(), 'own', '[{"reference": "1", "name": "Secret Person", "kind": "ghost"}]')$$);
CREATE FUNCTION pg_temp.said(p_call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_message text; v_detail text; v_hint text; v_state text;
BEGIN
    EXECUTE 'SELECT ' || p_call;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' ', v_state, v_message, v_detail, v_hint);
END $$;
SELECT matches(pg_temp.said(r.call), '^2350[0-9]|^23514', r.what || ' is refused') FROM refused AS r ORDER BY r.n;
SELECT unalike(pg_temp.said(r.call), '%Secret%', 'and not told: ' || r.what) FROM refused AS r ORDER BY r.n;
SELECT is(pg_temp.said(format('saas.decide_aml_alert(pg_temp.team(), %L, ''overturn'', ''x'')', :'alert')), 'SA095 the alert is under review Nobody has decided it. An open alert is taken with saas.review_aml_alert(), then decided; a decision stands.', 'an alert that nobody has decided says so');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
