-- Two teams with a row in every tenant table each. Sets :red, :blue (teams), :ann (owner of red), :bob
-- (owner of blue), :suspended, :invited and :removed (users who are or were in red).
SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob,
    saas.create_user('suspended@example.com') AS suspended, saas.create_user('invited@example.com') AS invited,
    saas.create_user('removed@example.com') AS removed \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT saas.add_team_member(:'red', :'suspended'), saas.add_team_member(:'red', :'invited'), saas.add_team_member(:'red', :'removed') \g /dev/null
SELECT saas.change_team_member(:'red', :'suspended', NULL, 'suspended'), saas.change_team_member(:'red', :'invited', NULL, 'invited'),
    saas.remove_team_member(:'red', :'removed'), saas.log_activity(:'red', 'started', 'team', :'red') \g /dev/null
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SELECT saas.log_activity(:'blue', 'started', 'team', :'blue') \g /dev/null
SELECT saas.clear_context() \g /dev/null

-- An invitation, a session, an address, a notification and a preference each.
SELECT saas.set_context(t.team, t.owner), saas.invite_member(t.team, 'guest@example.com'), saas.create_session(t.owner),
    saas.create_notification(t.team, t.owner, 'Hello'), saas.set_notification_preference(t.team, 'email', false)
FROM (VALUES (:'red'::uuid, :'ann'::uuid), (:'blue', :'bob')) AS t (team, owner) \g /dev/null
SELECT saas.clear_context() \g /dev/null
INSERT INTO saas.addresses (team_id, line1, city, country) VALUES (:'red', 'Red Street 1', 'Redding', 'GB'), (:'blue', 'Blue Street 1', 'Bluefield', 'US');

-- An encrypted value makes the team's key.
SELECT saas.encrypt_sensitive_bytes(''::bytea, saas.asset_id('saas.addresses', 'line1'), p_team => t.team)
FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team) \g /dev/null

-- Its epoch is written down, and rotation is scheduled.
SELECT saas.note_key_epochs(t.team, 'shred', 0), saas.schedule_key_rotation(t.team, 'export', '1 year')
FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team) \g /dev/null

-- One captured payment with a refund each, delivered by the provider, and a rule that reviews it.
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
VALUES (:'red', 'any', 'REVIEW IF :amount: > 0'), (:'blue', 'any', 'REVIEW IF :amount: > 0');
INSERT INTO saas.fraud_models (team_id, name, version, format, model, checksum, objective, trees, inputs)
SELECT t.team, 'any', 1, 'logistic', 'x', sha256('x'), 'logistic', 0, '[]' FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team);
SELECT saas.set_context(:'red'), saas.configure_payment_provider(:'red', 'stripe', ARRAY['whsec_test'::bytea]) \g /dev/null
SELECT saas.set_context(:'blue'), saas.configure_payment_provider(:'blue', 'stripe', ARRAY['whsec_test'::bytea]) \g /dev/null
SELECT saas.clear_context() \g /dev/null
CREATE FUNCTION pg_temp.deliver(p_team uuid, p_id text, p_object jsonb, p_type text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT d.outcome
    FROM (SELECT jsonb_build_object('id', p_id, 'object', 'event', 'type', COALESCE(p_type, p_object ->> 'object' || '.updated'), 'created', 1700000000,
        'data', jsonb_build_object('object', p_object))::text AS body) AS b
    CROSS JOIN LATERAL saas.ingest_webhook(p_team, 'stripe',
        jsonb_build_object('Stripe-Signature', 't=1700000000,v1=' || encode(hmac('1700000000.' || b.body, 'whsec_test', 'sha256'), 'hex')),
        convert_to(b.body, 'UTF8'), NULL, to_timestamp(1700000000)) AS d
$$;
SELECT pg_temp.deliver(t.team, 'evt_1', '{"id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": "usd", "status": "succeeded", "created": 1700000000}'),
    pg_temp.deliver(t.team, 'evt_2', '{"id": "ch_1", "object": "charge", "amount": 1000, "amount_captured": 1000, "captured": true, "currency": "usd", "status": "succeeded", "payment_intent": "pi_1", "created": 1700000000}'),
    pg_temp.deliver(t.team, 'evt_3', '{"id": "re_1", "object": "refund", "amount": 100, "currency": "usd", "status": "succeeded", "charge": "ch_1", "created": 1700000000}'),
    pg_temp.deliver(t.team, 'evt_dp', '{"id": "dp_1", "object": "dispute", "amount": 300, "currency": "usd", "status": "warning_needs_response", "charge": "ch_1", "created": 1700000000}', 'charge.dispute.created'),
    pg_temp.deliver(t.team, 'evt_po', '{"id": "po_1", "object": "payout", "amount": 50, "currency": "usd", "status": "canceled", "created": 1700000000}')
FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team) \g /dev/null
INSERT INTO saas.payout_holds (team_id, reason) VALUES (:'red', 'manual'), (:'blue', 'manual');
INSERT INTO saas.idempotency_keys (team_id, key, operation, request_sha256, expires_at)
SELECT t.team, 'key', 'refund_payment', sha256('x'), now() + interval '1 day' FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team);
INSERT INTO saas.provider_requests (team_id, provider, kind, payment_intent_id, request)
SELECT i.team_id, 'stripe', 'create_intent', i.id, '{}' FROM saas.payment_intents AS i WHERE i.team_id IN (:'red', :'blue');
INSERT INTO saas.webhook_certificates (team_id, provider, url, pem, subject, sha256, not_before, not_after)
SELECT t.team, 'paypal', 'https://api.paypal.com/v1/notifications/certs/CERT-1', 'x', 'CN=x', sha256('x'), now(), now() + interval '1 day'
FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team);

-- A schedule of payouts with one that came to nothing and its reserve, a session, a payment method, evidence and an order number each.
SELECT saas.set_context(t.team, t.owner), saas.set_payout_schedule(t.team, 'stripe', 'usd', 'manual'),
    saas.create_payment_session(t.team, 500, 'usd', 'stripe', 'session'),
    saas.save_payment_method(t.team, 'stripe', 'cus_1', 'pm_1', 'method', 'visa', '4242', 12, 2030, p_encrypt => false),
    saas.next_order_number(t.team)
FROM (VALUES (:'red'::uuid, :'ann'::uuid), (:'blue', :'bob')) AS t (team, owner) \g /dev/null
SET LOCAL session_replication_role = replica;
INSERT INTO saas.payouts (team_id, id, provider, amount, currency, status, payout_schedule_id, scheduled_for, scheduled_xact_id)
SELECT s.team_id, s.team_id, 'stripe', 60, 'USD', 'canceled', s.id, now(), pg_current_xact_id() FROM saas.payout_schedules AS s WHERE s.team_id IN (:'red', :'blue');
INSERT INTO saas.payout_items (team_id, payout_id, entry_id, amount, currency, released_at)
SELECT e.team_id, e.team_id, e.id, e.amount, e.currency, now() FROM saas.ledger_entries AS e
JOIN saas.ledger_accounts AS a ON a.team_id = e.team_id AND a.id = e.account_id AND a.kind = 'provider_balance' WHERE e.team_id IN (:'red', :'blue');
INSERT INTO saas.payout_reserves (team_id, payout_id, provider, amount, currency, status, release_at, released_at)
SELECT t.team, t.team, 'stripe', 5, 'USD', 'released', now(), now() FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team);
SET LOCAL session_replication_role = origin;
SELECT saas.set_context(d.team_id), saas.add_dispute_evidence(d.team_id, d.id, 'receipt', 'evidence', 'paid and delivered')
FROM saas.payment_disputes AS d WHERE d.team_id IN (:'red', :'blue') \g /dev/null
SELECT saas.set_context(t.team), saas.record_payment_fee(t.team, 'stripe', 'ch_fee', 0, 'usd', now())
FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team) \g /dev/null
SELECT saas.clear_context() \g /dev/null

-- A list with an entry each, and an exchange rate.
INSERT INTO saas.fraud_lists (team_id, id, alias, kind) VALUES (:'red', :'red', 'any', 'string'), (:'blue', :'blue', 'any', 'string');
INSERT INTO saas.fraud_list_items (team_id, list_id, value) VALUES (:'red', :'red', 'any'), (:'blue', :'blue', 'any');
INSERT INTO saas.exchange_rates (base_currency, quote_currency, as_of, rate, source) VALUES ('EUR', 'USD', now(), 1.1, 'test');

-- Thresholds, a rest of rules, and a rule of the platform; the payments above have left the rest.
SELECT saas.set_context(t.team, t.owner), saas.set_fraud_settings(t.team, 60), saas.snooze_rules(t.team, 'customer', 'cus_1', 'infinity')
FROM (VALUES (:'red'::uuid, :'ann'::uuid), (:'blue', :'bob')) AS t (team, owner) \g /dev/null
SELECT saas.clear_context() \g /dev/null
SELECT saas.set_platform_fraud_rule('any', 'TAG ''any'' IF hour() > 24') \g /dev/null
SELECT saas.record_assessment(i.team_id, i.id) FROM saas.payment_intents AS i \g /dev/null

-- A verification, a watch-list, an alert, a threshold, and figures each.
SELECT saas.clear_context() \g /dev/null
SELECT saas.import_watchlist('any', '[{"reference": "1", "name": "Any Body"}]') \g /dev/null
SELECT saas.set_context(t.team, t.owner), saas.start_verification(t.team, 'customer', 'cus_1', 'basic', 'any', 'v_1', 'Any Body'),
    saas.import_team_watchlist(t.team, 'own', '[{"reference": "1", "name": "Some One"}]'), saas.set_aml_threshold(t.team, 'USD', 1000000),
    saas.set_aml_settings(t.team), saas.raise_aml_alert(t.team, 'customer', 'cus_1', 'somebody noticed'), saas.fill_payment_analytics(t.team)
FROM (VALUES (:'red'::uuid, :'ann'::uuid), (:'blue', :'bob')) AS t (team, owner) \g /dev/null
SELECT saas.clear_context() \g /dev/null
INSERT INTO saas.payment_analytics_changes (team_id, day) VALUES (:'red', '2023-11-14'), (:'blue', '2023-11-14');

-- An issuer of tokens with a key each.
INSERT INTO saas.jwt_issuers (team_id, issuer, audience, algorithms, user_match, user_claim, team_claim, role_claim, leeway_seconds, is_enabled)
SELECT t.team, 'https://issuer.example', '{us}', '{EdDSA}', 'id', '{sub}', '{}', '{}', 0, false FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team);
INSERT INTO saas.jwt_keys (issuer_id, team_id, kid, algorithm, jwk)
SELECT i.id, i.team_id, 'k', 'EdDSA', '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}' FROM saas.jwt_issuers AS i;

-- The sealer would find nothing in a transaction that is not finished.
INSERT INTO saas.audit_leaves (team_id, first_index, leaf_count, first_xact_id, last_xact_id, hashes, positions)
SELECT t.team, 0, 1, '3', '3', sha256(''), sha256('') FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team);
INSERT INTO saas.audit_salts (team_id, first_index, salts)
SELECT t.team, 0, uuid_send(t.team) FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team);
SELECT saas.add_audit_checkpoint(t.team, sha256(''), '3', t.team, NULL) FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team) \g /dev/null
INSERT INTO saas.audit_redactions (team_id, audit_id, audit_created_at, reason)
SELECT t.team, t.team, now(), 'request of the person' FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team);

-- An API key each, with a use of it.
SELECT saas.set_context(t.team, t.owner), saas.create_api_key(t.team, 'program')
FROM (VALUES (:'red'::uuid, :'ann'::uuid), (:'blue', :'bob')) AS t (team, owner) \g /dev/null
SELECT saas.clear_context() \g /dev/null
INSERT INTO saas.api_key_usage_logs (team_id, api_key_id, first_used_at, last_used_at, accepted, refused, limited)
SELECT k.team_id, k.id, now(), now(), 1, 0, 0 FROM saas.api_keys AS k WHERE k.team_id IN (:'red', :'blue');
INSERT INTO saas.key_access_logs (team_id, accessed_at, key_no, kind, role_name, action, outcome)
SELECT t.team, now(), 1, 'tenant', 'somebody', 'open', 'done' FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team);

-- A second factor, recovery codes, a token and a failed attempt of each owner.
INSERT INTO saas.mfa_factors (user_id, label, sealed_secret) VALUES (:'ann', 'Phone', ''), (:'bob', 'Phone', '');
INSERT INTO saas.mfa_hardware_keys (factor_id, user_id, credential_id, algorithm, sign_count, user_verified, backup_eligible, backed_up, model, attestation)
SELECT f.id, f.user_id, uuid_send(f.id), 'ES256', 0, false, false, false, f.id, 'none' FROM saas.mfa_factors AS f WHERE f.user_id IN (:'ann', :'bob');
SELECT saas.make_recovery_codes(u.id), saas.issue_user_token(u.email, 'email_verification'), saas.begin_attempt(u.id, 'mfa')
FROM saas.users AS u WHERE u.id IN (:'ann', :'bob') \g /dev/null

-- A calendar, a measured value in all its rollups, and a change that no refresh has taken.
SELECT saas.set_context(t.team, t.owner), saas.set_rollup_calendar(t.team, 'UTC'), saas.record_metric(t.team, 'any', 1)
FROM (VALUES (:'red'::uuid, :'ann'::uuid), (:'blue', :'bob')) AS t (team, owner) \g /dev/null
SELECT saas.clear_context() \g /dev/null
SELECT saas.refresh_rollups('usage_metrics') \g /dev/null
SELECT saas.invalidate_rollup_source(r.source_id) FROM saas.rollups AS r WHERE r.name = 'usage_metrics' \g /dev/null

-- A plan, a subscription, what counts as revenue, an event and a measurement each.
SELECT saas.set_context(t.team, t.owner),
    saas.subscribe(t.team, t.team, saas.save_subscription_plan(t.team, 'basic', 'Basic', 1000, 'USD'), 1, '2023-11-14'),
    saas.set_revenue_policy(t.team)
FROM (VALUES (:'red'::uuid, :'ann'::uuid), (:'blue', :'bob')) AS t (team, owner) \g /dev/null
SELECT saas.clear_context() \g /dev/null
INSERT INTO saas.product_events (team_id, actor_id, name) VALUES (:'red', :'ann', 'any'), (:'blue', :'bob', 'any');
INSERT INTO saas.service_measurements (team_id, service, requests, errors) VALUES (:'red', 'any', 1, 0), (:'blue', 'any', 1, 0);
