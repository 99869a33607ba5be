-- After two_teams.sql: ann and bob get rows in every table on the map, in each of its ways, as customers of their team and as
-- members who decide about others. Each has a companion, so that neither is the last owner. Sets :zoe, the other owner.
SELECT saas.create_user('zoe@example.com', 'Zoe') AS zoe \gset
SELECT saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'zoe', 'owner') \g /dev/null
SELECT saas.set_context(:'blue', :'bob'), saas.add_team_member(:'blue', :'zoe', 'owner') \g /dev/null
SELECT saas.clear_context() \g /dev/null
CREATE TEMPORARY TABLE everywhere AS
SELECT p.team, u.id AS person, u.email, 'Called ' || u.display_name || ' Everywhere' AS name FROM (VALUES (:'red'::uuid, :'ann'::uuid), (:'blue', :'bob')) AS p (team, person) JOIN saas.users AS u ON u.id = p.person;
UPDATE saas.users AS u SET display_name = e.name, website_url = 'https://' || split_part(e.email, '@', 1) || '.example', preferences = jsonb_build_object('name', e.name) FROM everywhere AS e WHERE u.id = e.person;

-- What there are functions for.
SELECT saas.publish_consent_text('marketing', 'en', 'We may write to you.') AS version \gset
SELECT saas.set_context(e.team, e.person), saas.grant_consent('marketing', :version, 'en', p_client_addr => '192.0.2.7', p_user_agent => 'of ' || e.name), saas.withdraw_consent('marketing'), saas.object_to_processing('analytics', 'for ' || e.name),
    saas.encrypt_sensitive_data('of ' || e.name, p_asset => saas.asset_id('saas.addresses', 'line2'), p_subject => e.person, p_team => e.team), saas.request_data_export(e.person)
FROM everywhere AS e \g /dev/null
SELECT saas.clear_context() \g /dev/null
INSERT INTO saas.data_export_chunks (export_id, number, section, table_name, row_count, byte_count, sha256, content)
SELECT x.id, 1, 'personal_info', 'saas.users', 1, 1, sha256('x'), saas.encrypt_sensitive_bytes(convert_to(e.name, 'UTF8'), saas.asset_id('saas.data_export_chunks', 'content'), p_subject => e.person, p_team => '00000000-0000-0000-0000-000000000000')
FROM saas.data_exports AS x JOIN everywhere AS e ON e.person = x.subject_id;

-- What the rules of other tests are about: states, guards.
SET LOCAL session_replication_role = replica;
UPDATE saas.addresses AS t SET user_id = e.person, recipient = e.name, line1 = 'Road of ' || e.name FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.payment_intents AS t SET metadata = jsonb_build_object('user_id', e.person, 'name', e.name), attributes = jsonb_build_object('email', upper(e.email)), provider_customer_id = 'cus_1', description = 'for ' || e.name FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.payments AS t SET metadata = jsonb_build_object('name', e.name), integrity_resolved_by = e.person, description = 'for ' || e.name FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.refunds AS t SET metadata = jsonb_build_object('name', e.name) FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.payment_disputes AS t SET metadata = jsonb_build_object('name', e.name) FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.dispute_evidence AS t SET content = 'of ' || e.name, created_by = e.person FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.payment_sessions AS t SET payment_intent_id = i.id, client_reference = e.email, metadata = jsonb_build_object('name', e.name) FROM everywhere AS e JOIN saas.payment_intents AS i ON i.team_id = e.team WHERE t.team_id = e.team AND i.provider_intent_id = 'pi_1';
UPDATE saas.provider_requests AS t SET request = jsonb_build_object('name', e.name), response = jsonb_build_object('email', e.email) FROM everywhere AS e WHERE t.team_id = e.team;
INSERT INTO saas.provider_requests (team_id, provider, kind, payment_method_token_id, request)
SELECT e.team, 'stripe', 'detach_payment_method', m.id, jsonb_build_object('name', e.name) FROM everywhere AS e JOIN saas.payment_method_tokens AS m ON m.team_id = e.team;
UPDATE saas.fraud_assessments AS t SET attributes = jsonb_build_object('email', e.email) FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.fraud_assessment_terms AS t SET terms = jsonb_build_array(jsonb_build_object('email', e.email)) FROM everywhere AS e WHERE t.team_id = e.team;
INSERT INTO saas.fraud_reviews (team_id, assessment_id, payment_intent_id, state, opened_at, reason) SELECT e.team, a.id, a.payment_intent_id, 'open', now(), 'asked ' || e.name FROM everywhere AS e JOIN LATERAL (SELECT * FROM saas.fraud_assessments AS a WHERE a.team_id = e.team ORDER BY a.id DESC LIMIT 1) AS a ON true
ON CONFLICT DO NOTHING;
UPDATE saas.fraud_reviews AS t SET decided_by = e.person FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.webhook_events AS t SET payload = t.payload || jsonb_build_object('said', e.name) FROM everywhere AS e WHERE t.team_id = e.team AND t.event_type NOT LIKE 'payout%';
INSERT INTO saas.fraud_list_items (team_id, list_id, value, created_by) SELECT e.team, e.team, e.email, e.person FROM everywhere AS e;
INSERT INTO saas.fraud_list_changes (team_id, list_id, value, present, xact_id, changed_at) SELECT e.team, e.team, e.email, true, pg_current_xact_id(), now() FROM everywhere AS e;
UPDATE saas.fraud_snoozes AS t SET created_by = e.person FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.fraud_lists AS t SET created_by = e.person FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.fraud_models AS t SET created_by = e.person FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.fraud_detection_rules AS t SET created_by = e.person FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.payout_holds AS t SET placed_by = e.person, released_by = e.person FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.customer_verifications AS t SET started_by = e.person, full_name = e.name FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.aml_alerts AS t SET assignee_id = e.person, decided_by = e.person FROM everywhere AS e WHERE t.team_id = e.team;
INSERT INTO saas.team_invitations (team_id, email, token_hash, role, invited_by, expires_at)
SELECT e.team, e.email, sha256(e.email::bytea), 'member', e.person, now() + INTERVAL '1 day' FROM everywhere AS e;
INSERT INTO saas.mfa_codes (factor_id, code_hash, expires_at, sent_at, hour_began_at) SELECT f.id, substring(sha512('x') FROM 1 FOR 48), now(), now(), now() FROM saas.mfa_factors AS f JOIN everywhere AS e ON e.person = f.user_id;
INSERT INTO saas.mfa_challenges (user_id, challenge_hash, expires_at) SELECT e.person, sha256(e.email::bytea), now() FROM everywhere AS e;
UPDATE saas.subscriptions AS t SET customer_id = e.person FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.subscription_changes AS t SET customer_id = e.person FROM everywhere AS e WHERE t.team_id = e.team;
UPDATE saas.product_events AS t SET properties = jsonb_build_object('name', e.name) FROM everywhere AS e WHERE t.team_id = e.team;
SET LOCAL session_replication_role = origin;
