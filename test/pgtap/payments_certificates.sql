-- PayPal: deliveries wait for their certificate, and events for PayPal's own word.
BEGIN;
SELECT plan(37);
\ir include/payments.sql
\set examples `cat test/data/paypal_webhooks.json`
\set url 'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77'
CREATE TEMPORARY TABLE examples ON COMMIT DROP AS
SELECT d.n, d.value ->> 'webhook_id' AS webhook_id, (d.value ->> 'transmission_time')::timestamptz AS at, d.value ->> 'body' AS body, jsonb_build_object(
    'Paypal-Transmission-Id', d.value ->> 'transmission_id', 'PAYPAL-TRANSMISSION-TIME', d.value ->> 'transmission_time',
    'paypal-transmission-sig', d.value ->> 'signature', 'PAYPAL-CERT-URL', :'url', 'PAYPAL-AUTH-ALGO', 'SHA256withRSA') AS headers
FROM jsonb_array_elements(:'examples'::jsonb -> 'deliveries') WITH ORDINALITY AS d (value, n);
CREATE FUNCTION pg_temp.trusted(p_pem text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(replace(p_pem, 'BEGIN CERT', 'BEGIN TRUSTED CERT'), 'END CERT', 'END TRUSTED CERT')
$$;
SELECT :'examples'::jsonb ->> 'certificate' AS certificate \gset
SELECT saas.configure_payment_provider(pg_temp.team(), 'paypal', (SELECT array_agg(convert_to(e.webhook_id, 'UTF8')) FROM examples AS e));
CREATE FUNCTION pg_temp.ingest(p_n integer, p_headers jsonb DEFAULT '{}', p_body text DEFAULT NULL, OUT id uuid, OUT outcome text, OUT detail text) LANGUAGE sql AS $$
    SELECT i.* FROM examples AS e, saas.ingest_webhook(pg_temp.team(), 'paypal', e.headers || p_headers, convert_to(COALESCE(p_body, e.body), 'UTF8'), NULL, e.at) AS i WHERE e.n = p_n
$$;

SELECT is(d.outcome || ' ' || d.detail, 'cert_needed ' || :'url', 'without the certificate a delivery waits') FROM pg_temp.ingest(1) AS d;
SELECT is((pg_temp.ingest(1)).outcome, 'duplicate', 'once');
SELECT is((pg_temp.ingest(1, p_body => '{"id": "WH-forged"}')).outcome, 'cert_needed', 'one that may be forged waits with it');
SELECT is((pg_temp.ingest(2)).outcome, 'cert_needed', 'and another one');
SELECT is((pg_temp.ingest(1, '{"PAYPAL-CERT-URL": "https://paypal.com.evil.example/cert"}')).outcome, 'rejected', 'a certificate elsewhere is refused');
SELECT results_eq(
    $$SELECT e.status, e.waits_for, e.provider_event_id, e.payload, e.raw_body IS NOT NULL FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.status = 'cert_needed' LIMIT 1$$,
    format($$VALUES ('cert_needed', %L, NULL::text, NULL::jsonb, true)$$, :'url'), 'its body is kept as it came, and believed in nothing');
SELECT is((pg_temp.ingest(3, p_body => repeat('x', 300000))).outcome, 'rejected', 'a body without end is not kept');

-- What may sign.
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.store_webhook_certificate(%L, %L, %L, %L)', pg_temp.team(), 'paypal', :'url', 'x'), '42501', NULL, 'people store no certificates');
SELECT throws_ok(format('SELECT saas.confirm_webhook(%L, %L)', pg_temp.team(), pg_temp.team()), '42501', NULL, 'nor confirm events');
RESET ROLE;
SET LOCAL ROLE saas_service;
CREATE FUNCTION pg_temp.refusal(p_url text, p_pem text, p_at timestamptz DEFAULT '2015-06-01Z') RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_detail text;
BEGIN
    PERFORM saas.store_webhook_certificate(pg_temp.team(), 'paypal', p_url, p_pem, p_at);
    RETURN 'stored';
EXCEPTION WHEN SQLSTATE 'SA056' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail;
END
$$;
SELECT is(pg_temp.refusal(:'url', :'certificate'), 'no certificate is trusted that it could chain to', 'nothing is trusted by itself');
RESET ROLE;
SELECT saas.configure_payment_provider(pg_temp.team(), 'paypal', (SELECT array_agg(convert_to(e.webhook_id, 'UTF8')) FROM examples AS e) || convert_to(pg_temp.trusted(:'certificate'), 'UTF8'));
SET LOCAL ROLE saas_service;
SELECT is(pg_temp.refusal(:'url', 'nothing'), 'there is no certificate in PEM', 'a certificate is needed');
SELECT is(pg_temp.refusal('https://evil.example/cert', :'certificate'), 'the address is not PayPal''s', 'from PayPal');
SELECT is(pg_temp.refusal(:'url', :'certificate', '2020-01-01Z'), 'the certificate is not valid at that time', 'that is valid');
SELECT is(pg_temp.refusal(:'url', :'certificate', 'infinity'), 'the certificate is not valid at that time', 'at a time');
SELECT is(pg_temp.refusal('https://api.paypal.com/v1/notifications/certs/CERT-1', :'certificate'), 'the certificate does not bear PayPal''s name, or chains to none that is trusted', 'and bears the name for that address');
SELECT throws_ok(format('SELECT saas.store_webhook_certificate(%L, %L, %L, %L)', pg_temp.team(), 'stripe', :'url', :'certificate'), 'SA081', NULL, 'others have no certificates');

-- Stored, it lets the deliveries in that waited.
SELECT results_eq(
    format($$SELECT s.outcome, s.detail FROM saas.store_webhook_certificate(pg_temp.team(), 'paypal', %L, %L, '2015-06-01Z') AS s ORDER BY 1, 2$$, :'url', :'certificate'),
    $$VALUES ('rejected', 'no valid signature'), ('unconfirmed', 'the provider has to confirm this event'), ('unconfirmed', 'the provider has to confirm this event')$$,
    'the genuine ones are taken, the forged one is rejected');
RESET ROLE;
SELECT results_eq(
    $$SELECT c.subject LIKE '%messageverificationcerts.sandbox.paypal.com%', encode(c.sha256, 'hex'), c.not_after FROM saas.webhook_certificates AS c WHERE c.team_id = pg_temp.team()$$,
    $$VALUES (true, 'f50fc46377dd7708d2280f67e90fd0d0c0de1a2ee0404b943bb2c59298d4a6eb', '2017-03-22 12:00Z'::timestamptz)$$, 'the certificate is known by its fingerprint');
SELECT is((SELECT count(*) FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.status = 'cert_needed'), 0::bigint, 'nothing waits any more');
SELECT is((pg_temp.ingest(1)).outcome, 'duplicate', 'and is recognised when it comes again');
SELECT is((pg_temp.ingest(3)).outcome, 'unconfirmed', 'the next one is verified at once');
SELECT is((pg_temp.ingest(3, p_body => '{"id": "WH-forged"}')).outcome, 'rejected', 'a forged one not at all');
SELECT is((SELECT count(*) FROM saas.payments AS p WHERE p.team_id = pg_temp.team()), 0::bigint, 'nothing has moved yet');

-- Confirmed, it is applied.
CREATE TEMPORARY TABLE unconfirmed ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY e.provider_event_id) AS n, e.id, e.payload FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.status = 'unconfirmed';
GRANT SELECT ON unconfirmed TO saas_service;
SELECT is((SELECT count(*) FROM unconfirmed), 3::bigint, 'three events wait for PayPal''s word');
SET LOCAL ROLE saas_service;
SELECT is((SELECT count(*) FROM saas.replay_webhooks(pg_temp.team(), '{}', false)), 0::bigint, 'a replay does not confirm them');
SELECT throws_ok($$SELECT saas.retry_webhook(pg_temp.team(), u.id) FROM unconfirmed AS u WHERE u.n = 1$$, 'SA073', NULL, 'nor does a retry');
SELECT throws_ok($$SELECT saas.confirm_webhook(pg_temp.team(), u.id) FROM unconfirmed AS u WHERE u.n = 1$$, 'SA037', NULL, 'nor a word without PayPal''s own copy');
SELECT throws_ok($$SELECT saas.confirm_webhook(pg_temp.team(), u.id, p_is_compared => NULL) FROM unconfirmed AS u WHERE u.n = 1$$, 'SA037', NULL, 'or a word that the copy is the same');
SELECT is((SELECT (saas.confirm_webhook(pg_temp.team(), u.id, p_event => u.payload)).outcome FROM unconfirmed AS u WHERE u.n = 1), 'processed', 'PayPal''s copy applies one');
SELECT throws_ok($$SELECT saas.confirm_webhook(pg_temp.team(), u.id, p_event => u.payload) FROM unconfirmed AS u WHERE u.n = 1$$, 'SA055', NULL, 'once');
SELECT is((SELECT (saas.confirm_webhook(pg_temp.team(), u.id, p_is_compared => true)).outcome FROM unconfirmed AS u WHERE u.n = 3), 'processed', 'as does a word that the copy has been compared');
SELECT is((SELECT (saas.confirm_webhook(pg_temp.team(), u.id, false)).outcome FROM unconfirmed AS u WHERE u.n = 2), 'dead', 'one that PayPal does not know is buried');
RESET ROLE;
SELECT is((SELECT array_agg(DISTINCT p.livemode) FROM saas.payments AS p WHERE p.team_id = pg_temp.team()), '{false}', 'what comes from the sandbox is no live money');
SELECT is((SELECT p.livemode FROM saas.payment_providers AS p WHERE p.team_id = pg_temp.team() AND p.provider = 'paypal'), false, 'and the provider is in test mode from then on');
SELECT is((SELECT count(*) FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.confirmed_at IS NOT NULL), 2::bigint, 'and two events confirmed');
SELECT ok((SELECT count(*) > 0 FROM saas.payment_audit_log AS l WHERE l.table_name = 'saas.webhook_certificates'), 'certificates are audited');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
