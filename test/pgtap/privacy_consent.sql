-- Consent, restriction and objection, as the person, a stranger, an admin of the platform, a worker and an analyst.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob,
    saas.create_user('root@example.com', 'Root') AS root \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red \gset
SELECT saas.set_platform_role(:'root', 'admin'), saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'bob'), saas.add_team_member(:'red', :'root') \g /dev/null

-- Words are published by admins of the platform, and stay.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.publish_consent_text('marketing', 'en', 'We send you news.')$$, '42501', NULL, 'a user publishes no words');
RESET ROLE;
SELECT saas.set_context(:'red', :'root') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(saas.publish_consent_text('marketing', 'en', 'We send you news.'), 1, 'an admin publishes the first version');
SELECT is(saas.publish_consent_text('marketing', 'de', 'Wir senden Ihnen Neuigkeiten.', 1), 1, 'and its translation');
SELECT is(saas.publish_consent_text('marketing', 'en', 'We send you news.', 1), 1, 'the same again does no harm');
SELECT throws_ok($$SELECT saas.publish_consent_text('marketing', 'en', 'Other words.', 1)$$, 'SA160', NULL, 'other words are another version');
SELECT is(saas.publish_consent_text('marketing', 'en', 'We send you news and offers.'), 2, 'the second');
SELECT throws_ok($$SELECT saas.publish_consent_text('marketing', 'en', 'x', 9)$$, '22023', NULL, 'versions have no gaps');
SELECT throws_ok($$SELECT saas.publish_consent_text('bookkeeping', 'en', 'x')$$, '22023', NULL, 'what the law asks for needs no consent');
SELECT throws_ok($$SELECT saas.publish_consent_text('nothing', 'en', 'x')$$, '22023', NULL, 'of a purpose that there is');
SELECT throws_ok($$SELECT saas.publish_consent_text('marketing', 'English', 'x')$$, '23514', NULL, 'in a language');
SELECT throws_ok($$SELECT saas.publish_consent_text('marketing', NULL, NULL)$$, '23502', NULL, 'with words');
RESET ROLE;
SELECT throws_ok($$UPDATE saas.consent_texts SET wording = 'x'$$, 'SA160', NULL, 'nobody changes words');
SELECT throws_ok($$DELETE FROM saas.consent_texts$$, 'SA160', NULL, 'or removes them');
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM saas.consent_texts WHERE purpose = 'marketing'), 3, 'everybody reads what is asked');
RESET ROLE;

-- The person grants and takes back.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(saas.has_consent(:'ann', 'marketing'), false, 'nothing is presumed');
SELECT is(saas.withdraw_consent('marketing'), NULL, 'there is nothing to take back');
SELECT clock_timestamp() AS before \gset
SELECT isnt(saas.grant_consent('marketing', 1, 'de', p_client_addr => '192.0.2.1', p_user_agent => 'test'), NULL, 'the person agrees');
SELECT is(saas.has_consent(:'ann', 'marketing'), true, 'and that holds');
SELECT is(saas.has_consent(:'ann', 'marketing', :'before'), false, 'not for the time before');
SELECT is(saas.has_consent(:'ann', 'analytics'), false, 'nor for another purpose');
SELECT throws_ok($$SELECT saas.grant_consent('marketing', 7, 'en')$$, '22023', NULL, 'nobody agrees to words that were never published');
SELECT throws_ok($$SELECT saas.grant_consent('marketing', 2, 'de')$$, '22023', NULL, 'nor in a language they were not');
SELECT throws_ok($$SELECT saas.grant_consent('marketing', NULL, NULL)$$, '22023', NULL, 'nor to nothing');
SELECT clock_timestamp() AS between_ \gset
SELECT isnt(saas.withdraw_consent('marketing'), NULL, 'the person takes it back');
SELECT is(saas.has_consent(:'ann', 'marketing'), false, 'from now on');
SELECT is(saas.has_consent(:'ann', 'marketing', :'between_'), true, 'not for the time between');
SELECT is(saas.withdraw_consent('marketing'), (SELECT id FROM saas.consent_records WHERE number = 2), 'twice writes nothing');
SELECT isnt(saas.grant_consent('marketing', 2, 'en'), NULL, 'and agrees anew');
SELECT results_eq($$SELECT action, version, locale, wording, by_person FROM saas.consent_history()$$,
    $$VALUES ('grant', 1, 'de', 'Wir senden Ihnen Neuigkeiten.', true), ('withdraw', NULL, NULL, NULL, true),
        ('grant', 2, 'en', 'We send you news and offers.', true)$$, 'the history has the very words');
SELECT is((SELECT count(*)::integer FROM saas.consent_records), 3, 'the person reads the own records');
SELECT throws_ok($$INSERT INTO saas.consent_records SELECT * FROM saas.consent_records$$, '42501', NULL, 'and writes none by hand');
SELECT throws_ok(format('SELECT saas.has_consent(%L, %L)', :'bob', 'marketing'), '42501', NULL, 'nor asks for others');
SELECT throws_ok(format('SELECT saas.grant_consent(%L, 1, %L, %L)', 'marketing', 'de', :'bob'), '42501', NULL, 'nor agrees for others');
SELECT throws_ok(format('SELECT saas.withdraw_consent(%L, %L)', 'marketing', :'bob'), '42501', NULL, 'nor takes theirs back');
SELECT throws_ok(format('SELECT * FROM saas.consent_history(%L)', :'bob'), '42501', NULL, 'nor reads theirs');
RESET ROLE;
SELECT is((SELECT wording_sha256 FROM saas.consent_records WHERE number = 1), sha256('Wir senden Ihnen Neuigkeiten.'), 'a record has the hash of the words');
SELECT throws_ok($$UPDATE saas.consent_records SET recorded_at = now()$$, 'SA160', NULL, 'nobody changes a record');
SELECT throws_ok($$DELETE FROM saas.consent_records$$, 'SA160', NULL, 'or removes one');

SELECT saas.set_context(:'red', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM saas.consent_records), 0, 'others see no records');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.grant_consent('marketing', 1, 'de')$$, '42501', NULL, 'without a user nobody agrees');
RESET ROLE;
SET LOCAL ROLE saas_service;
SELECT is(saas.has_consent(:'ann', 'marketing'), true, 'a worker asks for everybody');
SELECT is((SELECT by_person FROM saas.consent_history(:'ann') WHERE version = 2), true, 'and reads who agreed');
SELECT throws_ok($$SELECT saas.grant_consent('marketing', 1, 'de', gen_random_uuid())$$, 'P0002', NULL, 'not for people who are not there');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT throws_ok($$SELECT FROM saas.consent_records$$, '42501', NULL, 'an analyst reads none');
SELECT throws_ok(format('SELECT saas.has_consent(%L, %L)', :'ann', 'marketing'), '42501', NULL, 'nor asks');
RESET ROLE;

-- A consent that expires.
UPDATE saas.processing_purposes SET consent_valid_for = '1 day' WHERE name = 'marketing';
SET LOCAL ROLE saas_service;
SELECT is(saas.has_consent(:'ann', 'marketing'), true, 'a consent holds for its time');
SELECT is(saas.has_consent(:'ann', 'marketing', now() + interval '25 hours'), false, 'and not longer');
RESET ROLE;

-- Recipients hear of it.
INSERT INTO saas.privacy_recipients (name, description, kinds) VALUES ('mailer', 'sends news', '{consent,restriction}');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT isnt(saas.withdraw_consent('marketing'), NULL, 'a withdrawal');
RESET ROLE;
SELECT is((SELECT payload ->> 'action' FROM saas.privacy_events WHERE recipient = 'mailer' AND kind = 'consent' AND subject_id = :'ann'), 'withdraw', 'reaches recipients');

-- Restriction and objection.
SET LOCAL ROLE saas_app;
SELECT is(saas.may_process(:'ann', 'payments'), true, 'a contract allows its purpose');
SELECT is(saas.may_process(:'ann', 'marketing'), false, 'consent does only while it holds');
SELECT throws_ok($$SELECT saas.object_to_processing(NULL, 'x')$$, '22004', NULL, 'an objection has a purpose');
SELECT throws_ok($$SELECT saas.object_to_processing('fraud_prevention', NULL)$$, '23502', NULL, 'and a reason');
SELECT isnt(saas.object_to_processing('fraud_prevention', 'no profiling'), NULL, 'the person objects');
SELECT is(saas.may_process(:'ann', 'fraud_prevention'), false, 'to that purpose');
SELECT is(saas.may_process(:'ann', 'payments'), true, 'and no other');
SELECT saas.restrict_processing(:'ann', 'the address is disputed') AS restriction \gset
SELECT is(saas.restrict_processing(:'ann', 'again'), :'restriction', 'a restriction twice is one');
SELECT is(saas.may_process(:'ann', 'payments'), false, 'it covers every purpose');
SELECT throws_ok(format('SELECT saas.restrict_processing(%L, %L)', :'bob', 'x'), '42501', NULL, 'nobody restricts others');
SELECT throws_ok(format('SELECT saas.is_restricted(%L)', :'ann'), '42501', NULL, 'nor asks who is');
SELECT is((SELECT count(*)::integer FROM saas.processing_restrictions), 2, 'the person sees both');
SELECT is(saas.lift_restriction(:'ann', 'settled'), true, 'and lifts what it asked for');
SELECT is(saas.lift_restriction(:'ann', 'settled'), false, 'once');
SELECT is(saas.may_process(:'ann', 'payments'), true, 'then it is processed again');
RESET ROLE;
SELECT saas.set_context(:'red', :'root') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT isnt(saas.restrict_processing(:'ann', 'kept for a claim'), NULL, 'an admin restricts as well');
RESET ROLE;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.lift_restriction(%L, %L)', :'ann', 'x'), '42501', NULL, 'that the person cannot lift');
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM saas.privacy_events WHERE kind LIKE 'restriction%'), 4, 'recipients hear of restrictions and their end');
SELECT saas.clear_context() \g /dev/null

-- Restriction reaches decryption.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT is(saas.lift_restriction(:'ann', 'to begin with'), true, 'the owner of the database lifts any');
SELECT saas.encrypt_sensitive_bytes('secret', saas.asset_id('saas.addresses', 'line1'), p_team => :'red', p_subject => :'ann') AS sealed,
    saas.encrypt_sensitive_bytes('ours', saas.asset_id('saas.addresses', 'line1'), p_team => :'red') AS team_sealed \gset
SELECT is(saas.decrypt_sensitive_bytes(:'sealed', saas.asset_id('saas.addresses', 'line1'), p_team => :'red'), 'secret'::bytea, 'a value under the key of a person opens');
SELECT saas.restrict_processing(:'ann', 'disputed') \g /dev/null
SELECT is(saas.decrypt_sensitive_bytes(:'sealed', saas.asset_id('saas.addresses', 'line1'), p_team => :'red'), 'secret'::bytea, 'when restricted, for the person');
SELECT saas.set_context(:'red', :'bob') \g /dev/null
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_bytes(%L, saas.asset_id(''saas.addresses'', ''line1''), p_team => %L)', :'sealed', :'red'), 'SA163', NULL, 'not for others');
SELECT throws_ok(format('SELECT saas.reencrypt(%L, saas.asset_id(''saas.addresses'', ''line1''), p_subject => %L, p_team => %L)', :'sealed', :'bob', :'red'), 'SA163', NULL, 'nor under a key of theirs');
SELECT saas.reencrypt(:'sealed', saas.asset_id('saas.addresses', 'line1'), p_team => :'red') AS anew \gset
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_bytes(%L, saas.asset_id(''saas.addresses'', ''line1''), p_team => %L)', :'anew', :'red'), 'SA163', NULL, 'anew under the person''s it stays closed');
SELECT is(saas.decrypt_sensitive_bytes(:'team_sealed', saas.asset_id('saas.addresses', 'line1'), p_team => :'red'), 'ours'::bytea, 'who open the rest');
SELECT saas.encrypt_sensitive_bytes('more', saas.asset_id('saas.addresses', 'line1'), p_team => :'red', p_subject => :'ann') AS more \gset
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_bytes(%L, saas.asset_id(''saas.addresses'', ''line1''), p_team => %L)', :'more', :'red'), 'SA163', NULL, 'what is added is stored, and closed too');
SELECT throws_ok(format('SELECT saas.gdpr_export_user_data(%L)', :'ann'), 'SA163', NULL, 'nobody else exports the data');
SELECT throws_ok(format('SELECT saas.request_data_export(%L)', :'ann'), 'SA163', NULL, 'nor has them exported');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT ok(saas.gdpr_export_user_data(:'ann') ? 'export_metadata', 'the person does');
SELECT saas.set_context(:'red', :'bob') \g /dev/null
SELECT saas.lift_restriction(:'ann', 'settled') \g /dev/null
SELECT is(saas.decrypt_sensitive_bytes(:'more', saas.asset_id('saas.addresses', 'line1'), p_team => :'red'), 'more'::bytea, 'until it is lifted');

-- Any number of keys and consents in one transaction: the locks they take are few.
SELECT count(saas.encrypt_sensitive_bytes('x', saas.asset_id('saas.addresses', 'line1'), p_team => :'red', p_subject => gen_random_uuid())) FROM generate_series(1, 300) \g /dev/null
SELECT cmp_ok((SELECT count(*)::integer FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND classid::bigint = hashtext('saas.restriction')::bigint & 4294967295), '<=', 128, 'locks do not grow with keys');
SELECT * FROM finish();
ROLLBACK;
