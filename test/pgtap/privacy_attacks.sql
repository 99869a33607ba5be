-- What others try, and what goes wrong: code planted where the engine works, a map that changes in the middle,
-- columns that cannot be emptied, requests that fail, webhooks of every provider.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.clear_context() \g /dev/null
CREATE ROLE privacy_mallory;
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO saas_internal;

-- Code of others: their trigger function, check, default, index expression, type, partition.
CREATE SCHEMA mallory AUTHORIZATION privacy_mallory;
GRANT USAGE ON SCHEMA mallory TO PUBLIC;
SET LOCAL ROLE privacy_mallory;
CREATE FUNCTION mallory.spy() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'spied as %', current_user; END$$;
CREATE FUNCTION mallory.judge(p_value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN true; END$$;
CREATE FUNCTION mallory.lend() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$SELECT 'x'::text$$;
CREATE TYPE mallory.colour AS ENUM ('red');
RESET ROLE;
CREATE TABLE shop.notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), buyer uuid, words text, amount integer NOT NULL DEFAULT 1);
SELECT ok(saas.is_trusted_table('shop.notes'::regclass), 'a table of the owner is trusted');
SAVEPOINT clean;
CREATE TRIGGER spy BEFORE DELETE ON shop.notes FOR EACH ROW EXECUTE FUNCTION mallory.spy();
SELECT ok(NOT saas.is_trusted_table('shop.notes'::regclass), 'not with a trigger that runs a function of somebody else');
SELECT throws_ok($$SELECT saas.declare_personal_data('shop.notes', 'buyer', '{buyer}')$$, 'SA156', NULL, 'so it is not declared');
ROLLBACK TO clean;
SELECT saas.declare_personal_data('shop.notes', 'buyer', '{buyer}', p_kind => 'column') \g /dev/null
GRANT SELECT, UPDATE, DELETE ON shop.notes TO saas_internal;
INSERT INTO shop.notes (buyer, words) VALUES (:'ann', 'hers');
CREATE TRIGGER spy BEFORE DELETE ON shop.notes FOR EACH ROW EXECUTE FUNCTION mallory.spy();
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase(%L, p_strict => false)', :'ann'), 'SA153', NULL, 'a trigger planted later stops the erasure before it runs');
ROLLBACK TO clean;
ALTER TABLE shop.notes ADD CHECK (mallory.judge(words));
SELECT ok(NOT saas.is_trusted_table('shop.notes'::regclass), 'nor with such a check');
ROLLBACK TO clean;
CREATE INDEX ON shop.notes (mallory.judge(words));
SELECT ok(NOT saas.is_trusted_table('shop.notes'::regclass), 'nor with such an index');
ROLLBACK TO clean;
ALTER TABLE shop.notes ADD COLUMN colour mallory.colour;
SELECT ok(NOT saas.is_trusted_table('shop.notes'::regclass), 'nor with a type of theirs, for which they may make casts');
ROLLBACK TO clean;
CREATE TABLE shop.old_notes () INHERITS (shop.notes);
SELECT ok(saas.is_trusted_table('shop.notes'::regclass), 'a table that inherits is trusted');
ALTER TABLE shop.old_notes OWNER TO privacy_mallory;
SELECT ok(NOT saas.is_trusted_table('shop.notes'::regclass), 'unless it belongs to somebody else');
ROLLBACK TO clean;
ALTER TABLE shop.notes ALTER COLUMN words SET DEFAULT mallory.lend();
SELECT ok(saas.is_trusted_table('shop.notes'::regclass), 'a function that runs with its owner''s rights gains nothing');
ROLLBACK TO clean;

-- Names that are statements.
CREATE TABLE shop."x; DROP TABLE saas.teams; --" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "p' || (SELECT 1) || '" uuid, j jsonb);
SELECT lives_ok($$SELECT saas.declare_personal_data('shop."x; DROP TABLE saas.teams; --"', E'l''; DROP SCHEMA saas; --', ARRAY['p'' || (SELECT 1) || ''']::text[], p_kind => 'column')$$, 'a table may have such a name');
SELECT saas.declare_personal_data('shop."x; DROP TABLE saas.teams; --"', 'j', '{j}', p_parent_columns => '{email}', p_kind => 'email', p_json_path => ARRAY['a''}'') OR true --', '$b"']) \g /dev/null
GRANT SELECT, UPDATE, DELETE ON shop."x; DROP TABLE saas.teams; --" TO saas_internal;
SELECT saas.create_user('ian@example.org', 'Ian Injected') AS ian \gset
INSERT INTO shop."x; DROP TABLE saas.teams; --" ("p' || (SELECT 1) || '", j) VALUES (:'ian', NULL), (NULL, jsonb_build_object('a''}'') OR true --', jsonb_build_object('$b"', 'IAN@example.org'))), (NULL, '{"a": {"b": "ian"}}');
SELECT is((SELECT sum(records) FROM saas.gdpr_erase(:'ian', p_strict => false) WHERE table_name LIKE 'shop.%'), 2::numeric, 'and is erased like others');
SELECT is((SELECT count(*) FROM shop."x; DROP TABLE saas.teams; --"), 1::bigint, 'what belongs to nobody stays');
ROLLBACK TO clean;

-- A column that cannot be emptied is told before, not in the middle.
SELECT saas.declare_personal_data('shop.notes', 'buyer', '{buyer}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('shop.notes', 'amount', 'null') \g /dev/null
GRANT SELECT, DELETE ON shop.notes TO saas_internal;
GRANT UPDATE (words) ON shop.notes TO saas_internal;
SELECT set_has(format('SELECT problem FROM saas.gdpr_plan(%L)', :'ann'), $$VALUES ('SA153: saas_internal may not update column amount')$$, 'rights are asked for by column');
GRANT UPDATE (amount) ON shop.notes TO saas_internal;
SELECT set_has(format('SELECT problem FROM saas.gdpr_plan(%L)', :'ann'), $$VALUES ('SA153: column amount cannot be NULL, and is to be emptied')$$, 'NOT NULL stands against emptying');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase(%L, p_strict => false)', :'ann'), 'SA153', NULL, 'and the erasure says so');
ROLLBACK TO clean;

-- The map changes while an erasure runs: numbers of steps shift, rows stay with their tables.
CREATE TABLE shop.a_early (id uuid PRIMARY KEY, buyer uuid);
CREATE TABLE shop.letters (id uuid PRIMARY KEY, buyer uuid);
SELECT saas.declare_personal_data('shop.letters', 'buyer', '{buyer}', p_kind => 'column'), saas.declare_personal_data('shop.notes', 'buyer', '{buyer}', p_kind => 'column') \g /dev/null
GRANT SELECT, UPDATE, DELETE ON shop.a_early, shop.letters, shop.notes TO saas_internal;
SELECT saas.create_user('eve@example.org', 'Eve Moving') AS eve \gset
INSERT INTO shop.letters SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, :'eve' FROM generate_series(1, 4) AS n;
INSERT INTO shop.notes (buyer) SELECT :'eve' FROM generate_series(1, 4);
-- Rows of somebody else with the same keys, in the table that comes first then.
INSERT INTO shop.a_early SELECT l.id, :'bob' FROM shop.letters AS l;
INSERT INTO shop.a_early VALUES (gen_random_uuid(), :'eve');
SELECT saas.request_user_deletion(:'eve', 'leaving', p_strict => false) AS request \gset
SELECT saas.request_data_export(:'eve', p_chunk_rows => 1) AS export \gset
SELECT saas.verify_deletion_identity(:'request', 'letter', INTERVAL '0') \g /dev/null
SELECT is((SELECT status FROM saas.run_deletion_request(:'request', 1, 0)), 'running', 'the erasure begins');
SELECT saas.declare_personal_data('shop.a_early', 'buyer', '{buyer}', p_kind => 'column') \g /dev/null
SELECT is((SELECT status FROM saas.run_deletion_request(:'request')), 'erased', 'and ends with a longer map');
SELECT is((SELECT count(*) FROM shop.letters) + (SELECT count(*) FROM shop.notes), 0::bigint, 'rows that were found have gone');
SELECT results_eq('SELECT DISTINCT buyer FROM shop.a_early', format('VALUES (%L::uuid)', :'bob'), 'so has the person''s row of the table that came, and nobody else''s');
SELECT results_eq(format('SELECT table_name, found, done FROM saas.erasure_steps WHERE request_id = %L AND table_name LIKE %L ORDER BY 1', :'request', 'shop.%'),
    $$VALUES ('shop.a_early', 1::bigint, 1::bigint), ('shop.letters', 4, 4), ('shop.notes', 4, 4)$$, 'the counts are those of the tables');
SELECT is(saas.complete_deletion_request(:'request') #> '{verification,residual}', '[]'::jsonb, 'and the certificate is signed');
ROLLBACK TO clean;

-- One request that fails does not hold up the others.
CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'the secret of %', OLD.words; END$$;
CREATE TRIGGER refuse BEFORE DELETE ON shop.notes FOR EACH ROW EXECUTE FUNCTION shop.refuse();
SELECT saas.declare_personal_data('shop.notes', 'buyer', '{buyer}', p_kind => 'column') \g /dev/null
GRANT SELECT, UPDATE, DELETE ON shop.notes TO saas_internal;
SELECT saas.create_user('fay@example.org', 'Fay First') AS fay, saas.create_user('guy@example.org', 'Guy Second') AS guy \gset
INSERT INTO shop.notes (buyer, words) VALUES (:'fay', 'fay');
SELECT saas.request_user_deletion(:'fay', 'x', p_strict => false) AS first \gset
SELECT saas.request_user_deletion(:'guy', 'x', p_strict => false) AS second \gset
SELECT saas.verify_deletion_identity(r, 'letter', INTERVAL '0') FROM unnest(ARRAY[:'first', :'second']::uuid[]) AS r \g /dev/null
SET LOCAL ROLE saas_service;
SELECT set_eq('SELECT request_id, status FROM saas.process_deletion_requests()', format('VALUES (%L::uuid, %L), (%L, %L)', :'first', 'blocked', :'second', 'completed'), 'the other one is completed');
RESET ROLE;
SELECT results_eq(format('SELECT status, status_reason FROM saas.user_deletion_requests WHERE id = %L', :'first'), $$VALUES ('blocked', 'P0001: the last call failed; saas.run_deletion_request() says more')$$, 'the one that failed says with which code, and no values');
SELECT is((SELECT count(*) FROM shop.notes) + (SELECT count(*) FROM saas.users WHERE id = :'fay'), 2::bigint, 'nothing of it is half done');
DROP TRIGGER refuse ON shop.notes;
SELECT is((SELECT status FROM saas.process_deletion_requests() WHERE request_id = :'first'), 'completed', 'mended, it goes on');
ROLLBACK TO clean;

-- Statistics of partitioned tables: the server notes -1 pages.
ANALYZE saas.activity_logs;
SELECT is((SELECT relpages FROM pg_class WHERE oid = 'saas.activity_logs'::regclass), -1, 'a partitioned table that was analysed');
SELECT isnt_empty(format('SELECT FROM saas.gdpr_plan(%L) WHERE table_name = %L', :'ann', 'saas.activity_logs'), 'is planned like others');

-- Webhooks of every provider, by id and by address.
SELECT saas.create_user('hal@example.org', 'Hal Payer') AS hal \gset
INSERT INTO saas.payment_intents (team_id, provider, provider_intent_id, amount, currency, status, provider_customer_id, attributes)
SELECT :'red', p, 'order_' || p || '_hal', 700, 'USD', 'requires_payment_method', 'shopper_' || p || '_hal', '{"email": "hal@example.org"}' FROM unnest('{paypal,square,razorpay}'::text[]) AS p;
CREATE TEMPORARY TABLE sent (provider text, payload jsonb);
INSERT INTO sent VALUES
    ('paypal', '{"resource": {"id": "order_paypal_hal"}}'),
    ('paypal', '{"resource": {"id": "x", "supplementary_data": {"related_ids": {"order_id": "order_paypal_hal"}}}}'),
    ('paypal', '{"resource": {"payer": {"payer_id": "shopper_paypal_hal"}}}'),
    ('paypal', '{"resource": {"payer": {"email_address": "HAL@example.org"}}}'),
    ('square', '{"data": {"object": {"payment": {"order_id": "order_square_hal"}}}}'),
    ('square', '{"data": {"object": {"payment": {"buyer_email_address": "hal@example.org"}}}}'),
    ('razorpay', '{"payload": {"order": {"entity": {"id": "order_razorpay_hal"}}}}'),
    ('razorpay', '{"payload": {"payment": {"entity": {"order_id": "order_razorpay_hal"}}}}'),
    ('razorpay', '{"payload": {"payment": {"entity": {"email": "hal@example.org"}}}}'),
    ('adyen', '{"NotificationRequestItem": {"additionalData": {"shopperEmail": "hal@example.org"}}}'),
    ('stripe', '{"data": {"object": {"billing_details": {"email": "hal@example.org"}}}}'),
    ('stripe', '{"data": {"object": {"receipt_email": "hal@example.org"}}}'),
    -- Another provider's, another team's, somebody else's.
    ('square', '{"data": {"object": {"payment": {"order_id": "order_paypal_hal", "note": "not his"}}}}'),
    ('paypal', '{"resource": {"payer": {"email_address": "other@example.org", "note": "not his"}}}');
INSERT INTO saas.webhook_events (team_id, provider, provider_event_id, event_type, status, payload, body_sha256, body_bytes, received_at, last_received_at)
SELECT t.team, t.provider, 'hal_' || row_number() OVER (), 'x', 'processed', t.payload, sha256(''), 0, now(), now()
FROM (
    SELECT :'red'::uuid AS team, s.provider, s.payload FROM sent AS s
    UNION ALL
    SELECT :'blue', 'paypal', '{"resource": {"id": "order_paypal_hal", "note": "not his"}}'::jsonb
) AS t;
SELECT is((SELECT records FROM saas.gdpr_erase(:'hal', p_strict => false) WHERE table_name = 'saas.webhook_events'), 12::bigint, 'deliveries of every provider are found');
SELECT is((SELECT count(*) FROM saas.webhook_events WHERE payload::text ~* 'hal' AND payload::text !~ 'not his'), 0::bigint, 'nothing of him is in them');
SELECT is((SELECT count(*) FROM saas.webhook_events WHERE payload::text ~ 'not his'), 3::bigint, 'others are as they were');

-- Remains planted where a search may not look: a column named like an alias, nested and escaped JSON, arrays, bytes, partitions.
ROLLBACK TO clean;
SELECT saas.create_user('kim@example.org', 'Kim Planted') AS kim \gset
CREATE TABLE shop.hidden (id integer, t text, n text, words text, j jsonb, tags text[], raw bytea, old json, gone text, colour char(40)) PARTITION BY RANGE (id);
CREATE TABLE shop.hidden_1 PARTITION OF shop.hidden FOR VALUES FROM (0) TO (100);
ALTER TABLE shop.hidden DROP COLUMN gone;
GRANT SELECT ON shop.hidden TO saas_internal;
INSERT INTO shop.hidden (id, t, n) VALUES (0, 'nothing', NULL), (9, NULL, 'kim@example.com');
INSERT INTO shop.hidden (id, words) VALUES (1, repeat('some words ', 3000) || 'Kim@Example.org');
INSERT INTO shop.hidden (id, j) VALUES (2, '{"a": [{"b": ["x", "to:\nkim@example.org"]}]}'), (3, '{"kim@example.org": 1}');
INSERT INTO shop.hidden (id, tags) VALUES (4, '{x,"Kim@example.org, and others"}');
INSERT INTO shop.hidden (id, raw) VALUES (5, convert_to('{"email":"kim@example.org"}', 'UTF8'));
INSERT INTO shop.hidden (id, old) VALUES (6, '{"a": "from\nkim@example.org"}');
INSERT INTO shop.hidden (id, colour) VALUES (7, 'KIM@EXAMPLE.ORG');
SELECT request_id AS request FROM saas.gdpr_erase(:'kim', p_strict => false) LIMIT 1 \gset
SELECT results_eq(format('SELECT column_name, found_rows FROM saas.verify_erasure(%L) WHERE table_name = %L', :'request', 'shop.hidden'),
    $$VALUES ('colour', 1::bigint), ('j', 2), ('old', 1), ('raw', 1), ('tags', 1), ('words', 1)$$, 'the search finds all of them, and no others');
SELECT throws_ok($$SELECT saas.needle_columns(ROW(1), '\x00')$$, '22023', NULL, 'bytes that are no needles are refused');
SELECT is(saas.needle_columns(ROW(1, 'x'), '\x000102030405060708090a0b0c0d0e0f'), NULL::text[], 'no needles are found nowhere');
SET LOCAL ROLE saas_service;
SELECT throws_ok($$SELECT saas.needle_columns(ROW(1), '\x00')$$, '42501', NULL, 'the search is for the engine');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
