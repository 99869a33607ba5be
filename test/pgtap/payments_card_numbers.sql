-- Card numbers in what people write beside the money, however they are written.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
SELECT (pg_temp.deliver(pg_temp.event('evt_1', 50, pg_temp.charge('ch_1', NULL, 'succeeded', true)))).outcome \g /dev/null
SELECT saas.start_verification(pg_temp.team(), 'customer', 'cus_0', 'basic', 'idv') AS verification \gset
SELECT saas.raise_aml_alert(pg_temp.team(), 'customer', 'cus_0', 'odd') AS alert \gset
SELECT saas.review_aml_alert(pg_temp.team(), :'alert') \g /dev/null
SELECT saas.place_payout_hold(pg_temp.team(), 'manual', 'odd') AS hold \gset
CREATE TEMPORARY TABLE written ON COMMIT DROP AS
SELECT w.how, w.card FROM (VALUES
    ('a tab', E'4242\t4242\t4242\t4242'), ('line breaks', E'4242\n4242\n4242\n4242'), ('underscores', '4242_4242_4242_4242'), ('slashes', '4242/4242/4242/4242'),
    ('commas', '4242,4242,4242,4242'), ('zero-width spaces', E'4242\u200B4242\u20604242\uFEFF4242'), ('spaces that do not break', E'4242\u00A04242\u202F4242\u20034242'),
    ('digits one by one', '4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2'), ('full width', translate('4242424242424242', '42', '４２'))
) AS w (how, card);
SELECT ok(saas.contains_card_number(w.card), 'found: ' || w.how) FROM written AS w;
SELECT ok(saas.contains_card_number(jsonb_build_object('note', w.card)::text), 'also in JSON: ' || w.how) FROM written AS w;
SELECT ok(NOT saas.contains_card_number(saas.mask_card_numbers(jsonb_build_object('note', w.card)::text)::jsonb::text), 'and masked: ' || w.how) FROM written AS w;
SELECT is(saas.mask_card_numbers('[4242,4242,4242,4242]')::jsonb, '[4000, 1000, 1000, 4242]', 'a masked list is JSON');
SELECT ok(NOT saas.contains_card_number(t.text), 'none is ' || t.text)
FROM (VALUES ('2024-01-15T10:20:30.123456+00:00'), ('2024/01/15, 2024/01/16'), ('01a1fe95-4111-4111-8111-111111111111'), ('+49 30 1234 5678'), ('order_4242_4242_4242_4242'), ('[4242, 4242, 4242, 4242]'),
    ('0001,0002,0003,0004'), ('4,2,4,2,4,2,4,2,4,2,4,2,4,2,4,2')) AS t (text);
CREATE FUNCTION pg_temp.refused(p_call text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE p_call;
    RETURN false;
EXCEPTION WHEN SQLSTATE 'SA090' THEN RETURN true;
END $$;
CREATE TEMPORARY TABLE calls (n serial, what text, call text) ON COMMIT DROP;
INSERT INTO calls (what, call) VALUES
    ('key of a request', $$SELECT saas.create_payment_intent(pg_temp.team(), 5, 'usd', 'stripe', %L)$$),
    ('verification''s document', $$SELECT saas.start_verification(pg_temp.team(), 'customer', 'cus_1', 'basic', 'idv', p_documents => jsonb_build_array(jsonb_build_object('type', 'card', 'reference', %L::text)))$$),
    ('verification''s subject', $$SELECT saas.start_verification(pg_temp.team(), 'customer', %L, 'basic', 'idv')$$),
    ('verification''s name', $$SELECT saas.start_verification(pg_temp.team(), 'customer', 'cus_3', 'basic', 'idv', p_full_name => %L)$$),
    ('hold''s note', $$SELECT saas.place_payout_hold(pg_temp.team(), 'manual', %L, 'payments', gen_random_uuid())$$),
    ('release''s note', format($$SELECT saas.release_payout_hold(pg_temp.team(), %L, %%L)$$, :'hold')),
    ('alert''s reason', $$SELECT saas.raise_aml_alert(pg_temp.team(), 'customer', 'cus_2', %L)$$),
    ('alert''s decision', format($$SELECT saas.decide_aml_alert(pg_temp.team(), %L, 'clear', %%L)$$, :'alert')),
    ('payment''s review', $$UPDATE saas.payments SET integrity_issue = 'amount', integrity_note = %L WHERE team_id = pg_temp.team()$$);
SELECT throws_ok(format(c.call, 'x 4242 4242 4242 4242'), 'SA090', NULL, 'refused as a ' || c.what) FROM calls AS c ORDER BY c.n;
SELECT is((SELECT string_agg(c.what, ', ') FROM calls AS c WHERE c.n <> 9 AND pg_temp.refused(format(c.call, 'x 1234'))), NULL, 'and taken without');
SELECT lives_ok(format($$SELECT saas.record_verification(pg_temp.team(), %L, 'failed', '{"read": "4242 4242 4242 4242"}', 'unreadable')$$, :'verification'), 'a provider''s result is taken');
SELECT is(v.results, '{"read": "4000 0000 0000 4242"}', 'and masked') FROM saas.customer_verifications AS v WHERE v.id = :'verification';
SELECT has_trigger('saas', t.name, t.name || '_12_card_refused', 'reasons are looked at in ' || t.name) FROM unnest('{fraud_reviews,fraud_list_items,fraud_snoozes}'::name[]) AS t (name);
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
