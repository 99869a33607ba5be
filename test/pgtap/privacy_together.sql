-- Erasing many people in one call: each with a proof of their own, those who cannot be erased left as they are; what a session keeps
-- of the plan; the search in place; rows as JSON.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, buyer uuid NOT NULL REFERENCES saas.users (id), giver uuid REFERENCES saas.users (id), note text);
CREATE TABLE shop.items (order_id bigint NOT NULL REFERENCES shop.orders (id), line integer, what text, PRIMARY KEY (order_id, line));
CREATE TABLE shop.letters (id text PRIMARY KEY, writer uuid NOT NULL, words text);
CREATE INDEX ON shop.orders (buyer);
CREATE INDEX ON shop.orders (giver);
CREATE INDEX ON shop.letters (writer);
GRANT USAGE ON SCHEMA shop TO saas_internal;
GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO saas_internal;
SELECT saas.declare_personal_data('shop.orders', 'buyer', '{buyer}'), saas.declare_personal_data('shop.orders', 'giver', '{giver}', p_action => 'null'),
    saas.declare_personal_data('shop.items', 'order', '{order_id}', 'shop.orders'),
    saas.declare_personal_data('shop.letters', 'writer', '{writer}', p_kind => 'column', p_action => 'anonymise'),
    saas.declare_personal_column('shop.letters', 'words', 'null', p_identifying => true) \g /dev/null

CREATE TEMPORARY TABLE people AS
SELECT n, saas.create_user(format('together%s@example.org', n), format('Together Number%s', n)) AS id FROM generate_series(1, 6) AS n;
INSERT INTO shop.orders (buyer, giver, note) SELECT p.id, q.id, 'for ' || p.n FROM people AS p JOIN people AS q ON q.n = p.n % 6 + 1;
INSERT INTO shop.items SELECT o.id, l, 'thing' FROM shop.orders AS o CROSS JOIN generate_series(1, 3) AS l;
INSERT INTO shop.letters SELECT format('{"%s", \}', p.n), p.id, format('secret%s of the letter', p.n) FROM people AS p;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT saas.add_team_member(:'red', p.id) FROM people AS p \g /dev/null
SELECT saas.clear_context() \g /dev/null
SELECT id AS first FROM people WHERE n = 1 \gset
SELECT id AS held FROM people WHERE n = 4 \gset
SELECT id AS left FROM people WHERE n = 6 \gset
SELECT saas.place_legal_hold(:'held', 'trial', 'a court') \g /dev/null
CREATE FUNCTION pg_temp.others() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(x.d, '|' ORDER BY x.d)) FROM (
        SELECT u::text AS d FROM saas.users AS u WHERE u.id NOT IN (SELECT p.id FROM people AS p WHERE p.n IN (1, 2, 3))
        UNION ALL SELECT m::text FROM saas.team_members AS m WHERE m.user_id NOT IN (SELECT p.id FROM people AS p WHERE p.n IN (1, 2, 3))
        UNION ALL SELECT concat(o.id, o.buyer, o.note) FROM shop.orders AS o WHERE o.buyer NOT IN (SELECT p.id FROM people AS p WHERE p.n IN (1, 2, 3))
        UNION ALL SELECT l::text FROM shop.letters AS l WHERE l.writer NOT IN (SELECT p.id FROM people AS p WHERE p.n IN (1, 2, 3))
    ) AS x
$$;
SELECT pg_temp.others() AS others \gset

SELECT array_agg(p.id) || ARRAY[:'ann', NULL, '00000000-0000-7000-8000-000000000001']::uuid[] AS everybody FROM people AS p WHERE p.n <= 4 \gset
SET LOCAL ROLE saas_service;
CREATE TEMPORARY TABLE erased AS SELECT e.* FROM saas.gdpr_erase_users(:'everybody', p_strict => false) AS e;
RESET ROLE;
SELECT results_eq('SELECT p.n, e.status, e.records FROM erased AS e JOIN people AS p ON p.id = e.user_id ORDER BY 1',
    $$VALUES (1, 'completed', 10::bigint), (2, 'completed', 10), (3, 'completed', 10), (4, 'blocked', 0)$$, 'who can be erased is: user, membership, order, three items, letter, gift, and two entries of the audit trail');
SELECT results_eq(format($$SELECT e.status, e.status_reason LIKE 'SA153: saas.team_members: %%' FROM erased AS e WHERE e.user_id = %L$$, :'ann'), $$VALUES ('blocked', true)$$, 'the last owner of a team stays, and why');
SELECT results_eq($$SELECT e.user_id, e.status FROM erased AS e WHERE e.request_id IS NULL ORDER BY 1$$, $$VALUES ('00000000-0000-7000-8000-000000000001'::uuid, 'unknown'), (NULL, 'unknown')$$, 'strangers are told');
SELECT is(pg_temp.others(), :'others', 'nobody else has changed');
SELECT is((SELECT count(*) FROM shop.orders AS o WHERE o.giver IN (SELECT p.id FROM people AS p WHERE p.n <= 3)), 0::bigint, 'mentions in other people''s rows are gone');
SELECT is((SELECT count(*) FROM shop.letters AS l WHERE l.words IS NULL), 3::bigint, 'what is anonymised stays, empty');
SELECT is((SELECT count(*) FROM saas.user_deletion_requests AS r JOIN erased AS e ON e.request_id = r.id
    WHERE r.status = 'completed' AND r.subject_id IS NULL AND r.grace_until IS NOT NULL AND saas.verify_erasure_certificate(r.certificate)
        AND r.certificate #> '{verification,residual}' = '[]' AND (r.certificate ->> 'erased_rows')::integer = 6), 3::bigint, 'each has a certificate');
SELECT is((SELECT count(DISTINCT r.certificate ->> 'merkle_root') FROM saas.user_deletion_requests AS r JOIN erased AS e ON e.request_id = r.id), 3::bigint, 'and a tree of their own');
SELECT is(
    (SELECT encode(saas.merkle_root(r.tree_edge, r.tree_size), 'hex') FROM saas.user_deletion_requests AS r JOIN erased AS e ON e.request_id = r.id WHERE e.user_id = :'first'),
    (SELECT r.certificate ->> 'merkle_root' FROM saas.user_deletion_requests AS r JOIN erased AS e ON e.request_id = r.id WHERE e.user_id = :'first'), 'which the request keeps');
SELECT results_eq(
    format($$SELECT s ->> 'table', s ->> 'action', (s ->> 'done')::integer FROM saas.user_deletion_requests AS r JOIN erased AS e ON e.request_id = r.id
        CROSS JOIN LATERAL jsonb_array_elements(r.certificate -> 'steps') AS s WHERE e.user_id = %L AND s ->> 'table' LIKE 'shop.%%' ORDER BY 1, 2$$, :'first'),
    $$VALUES ('shop.items', 'delete', 3), ('shop.letters', 'anonymise', 1), ('shop.orders', 'delete', 1), ('shop.orders', 'null', 1)$$, 'with what was done to their rows');

-- Each request searches for its own.
SELECT request_id AS request FROM erased WHERE user_id = :'first' \gset
CREATE TABLE shop.backup (id integer, made timestamptz, body text, more jsonb);
GRANT SELECT ON shop.backup TO saas_internal;
INSERT INTO shop.backup VALUES (1, now(), 'TOGETHER1@example.org', '{}'), (2, now(), 'x', '{"a": [1, {"b": "Secret2, of the letter"}]}'), (3, now(), 'together1@example.com', NULL);
SELECT results_eq(format('SELECT table_name, column_name, found_rows FROM saas.verify_erasure(%L)', :'request'), $$VALUES ('shop.backup', 'body', 1::bigint)$$, 'the search of a request finds what was its person''s');
SELECT results_eq(
    $$SELECT p.n, f.column_name, f.found_rows FROM (SELECT array_agg(e.request_id ORDER BY p.n) AS all_requests FROM erased AS e JOIN people AS p ON p.id = e.user_id WHERE p.n <= 3) AS a
        CROSS JOIN LATERAL saas.scan_for_needles(a.all_requests) AS f JOIN erased AS e ON e.request_id = f.request_id JOIN people AS p ON p.id = e.user_id ORDER BY 1, 2$$,
    $$VALUES (1, 'body', 1::bigint), (2, 'more', 1)$$, 'one search for all tells whose it is');
DROP TABLE shop.backup;

-- Again, and other ways in.
SELECT results_eq(format('SELECT status, records FROM saas.gdpr_erase_users(ARRAY[%L]::uuid[])', :'first'), $$VALUES ('already', 0::bigint)$$, 'who was erased is told apart from strangers');
SELECT throws_ok($$SELECT * FROM saas.gdpr_erase_users('{}', p_mode => 'burn')$$, '22023', NULL, 'there are two modes');
SELECT is_empty($$SELECT * FROM saas.gdpr_erase_users('{}')$$, 'nobody is nobody');
SELECT is_empty($$SELECT * FROM saas.gdpr_erase_users(NULL)$$, 'so is nothing');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase_users(ARRAY[%L]::uuid[])', :'held'), '42501', NULL, 'users do not erase');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SELECT saas.request_user_deletion(:'left', 'x', p_strict => false) AS waiting \gset
SELECT results_eq(format('SELECT request_id, status FROM saas.gdpr_erase_users(ARRAY[%L]::uuid[])', :'left'), format('VALUES (%L::uuid, %L)', :'waiting', 'requested'), 'a request whose identity nobody has checked stays as it is');
SELECT is((SELECT count(*) FROM saas.users WHERE id = :'left'), 1::bigint, 'so does the person');
SELECT saas.verify_deletion_identity(:'waiting', 'letter', INTERVAL '0') \g /dev/null
SELECT saas.place_legal_hold(p.id, 'trial', 'a court') FROM people AS p WHERE p.n = 5 \g /dev/null
SELECT saas.verify_deletion_identity(saas.request_user_deletion(p.id, 'x', p_strict => false), 'letter', INTERVAL '0') FROM people AS p WHERE p.n = 5 \g /dev/null
SELECT results_eq('SELECT status FROM saas.process_deletion_requests() ORDER BY 1', $$VALUES ('blocked'), ('blocked'), ('blocked'), ('completed')$$, 'requests that are due are worked on together');

-- Rows that cannot be erased together.
CREATE TABLE shop.nodes (id integer PRIMARY KEY, owner uuid NOT NULL, next integer NOT NULL REFERENCES shop.nodes (id) DEFERRABLE INITIALLY DEFERRED);
GRANT SELECT, UPDATE, DELETE ON shop.nodes TO saas_internal;
SELECT saas.declare_personal_data('shop.nodes', 'owner', '{owner}', p_kind => 'column'), saas.declare_personal_data('shop.nodes', 'next', '{next}', 'shop.nodes') \g /dev/null
SELECT saas.create_user('ring@example.org', 'Ring Owner') AS ring, saas.create_user('plain@example.org', 'Plain Person') AS plain \gset
INSERT INTO shop.nodes VALUES (1, :'ring', 2), (2, :'ring', 1);
PREPARE at_once (uuid, bigint) AS SELECT count(*) FROM saas.erase_people('erase', saas.privacy_state(), ARRAY[$1], ARRAY[$1], ARRAY['\x00'::bytea], '\x000102030405060708090a0b0c0d0e0f', true, $2);
SELECT throws_ok(format('EXECUTE at_once (%L, 100)', :'ring'), 'SA134', NULL, 'circles of keys are not for many at once');
SELECT throws_ok(format('EXECUTE at_once (%L, 0)', :'plain'), 'SA133', NULL, 'nor are more rows than memory is for');
SELECT results_eq(format('SELECT status FROM saas.gdpr_erase_users(ARRAY[%L, %L]::uuid[], p_strict => false)', :'ring', :'plain'), $$VALUES ('completed'), ('completed')$$, 'those are erased one by one');
SELECT is((SELECT count(*) FROM shop.nodes), 0::bigint, 'all of them');
SELECT throws_ok($$SELECT * FROM saas.erase_people('erase', 0, ARRAY[NULL::uuid], '{}', '{}', '\x00', false, 1)$$, '22004', NULL, 'people are people');
SELECT throws_ok(format($$SELECT * FROM saas.erase_people('erase', 0, ARRAY[%L::uuid], '{}', '{}', '\x00', false, 1000)$$, :'held'), '22023', NULL, 'with a salt each');
SELECT throws_ok(format($$SELECT * FROM saas.erase_people('burn', 0, ARRAY[%L::uuid], '{}', '{}', '\x00', false, 1)$$, :'held'), '22023', NULL, 'in a mode that there is');

-- What is written of many at once refers to requests that there are.
CREATE FUNCTION pg_temp.note_step(p_request uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
BEGIN
    RETURN saas.insert_together('INSERT INTO saas.erasure_steps (request_id, step, place, table_name, action, circle, group_number, path, found, done)
        SELECT $1, n, n, ''x.y'', ''delete'', ''none'', 0, ''x'', 0, 0 FROM generate_series(1000, 1000 + $2) AS n RETURNING request_id', p_request, 3);
EXCEPTION WHEN foreign_key_violation THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail;
END
$$;
SELECT is(pg_temp.note_step(:'request'), '4', 'steps of a request');
SELECT is(pg_temp.note_step('00000000-0000-7000-8000-000000000001'), 'Key is not present in table "user_deletion_requests".', 'but of none that is not there');
SELECT throws_ok($$SELECT saas.insert_together('SELECT $1', 1)$$, 'XX000', NULL, 'what is not an INSERT is refused');
SELECT throws_ok($$SELECT saas.insert_together(NULL, 1)$$, '22023', NULL, 'so is nothing');

-- What a session keeps holds as long as nothing changes.
CREATE TEMPORARY SEQUENCE asked;
SELECT saas.privacy_answer(1, $$SELECT nextval('pg_temp.asked')$$), saas.privacy_answer(1, $$SELECT nextval('pg_temp.asked')$$) \g /dev/null
SELECT is(saas.privacy_answer(1, $$SELECT nextval('pg_temp.asked')$$), '1', 'an answer is kept');
SELECT is(saas.privacy_answer(2, $$SELECT nextval('pg_temp.asked')$$), '2', 'for its state');
SELECT is(saas.privacy_answer(2, 'SELECT NULL'), NULL, 'also one that is NULL');
CREATE FUNCTION pg_temp.changes(p_statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_before bigint := saas.privacy_state();
BEGIN
    EXECUTE p_statement;
    RETURN saas.privacy_state() <> v_before;
END
$$;
SELECT is(pg_temp.changes(s), true, s) FROM unnest(ARRAY[
    'COMMENT ON COLUMN shop.orders.note IS ''x [confidential]''', 'ALTER TABLE shop.orders ADD COLUMN more text', 'REVOKE DELETE ON shop.items FROM saas_internal',
    'CREATE INDEX ON shop.letters (words)', 'CREATE TABLE shop.other (user_id uuid)', 'ALTER TABLE shop.letters RENAME TO post',
    'DELETE FROM saas.personal_data_links WHERE table_name = ''shop.letters''', 'UPDATE saas.retention_policies SET kept_for = kept_for + INTERVAL ''1 day''',
    'CREATE ROLE privacy_together', 'GRANT saas_app TO privacy_together']) AS s;
SELECT is(pg_temp.changes('ANALYZE shop.orders'), false, 'statistics do not count');
SELECT is(pg_temp.changes('UPDATE shop.orders SET note = ''y'''), false, 'nor do rows');

-- The search in place: every kind of column, in its text.
CREATE TABLE shop.kinds (d date, t timestamp, z timestamptz, u uuid, i integer, l bigint, s smallint, n numeric, f double precision, a inet, words text, j jsonb, o json, raw bytea, list text[], b boolean, v varchar(20), e timestamptz);
GRANT SELECT ON shop.kinds TO saas_internal;
INSERT INTO shop.kinds VALUES ('1815-12-10', '1852-11-27 03:04:05.12', '2001-02-03 04:05:06+01', '00112233-4455-6677-8899-aabbccddeeff', 18151210, -9007199254740993, 1815, 42.50, 0.5,
    '192.0.2.77', 'x', '{"a": {"b": ["Deep Down", 77123, -0.001, true, null]}, "zz": 7, "kk": {}}', '{"o": "old\nnews"}', convert_to('bytes there', 'UTF8'), '{one,"two three"}', true, 'short one', 'infinity');
CREATE FUNCTION pg_temp.found(p_value text) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(f.column_name, ',' ORDER BY f.column_name) FILTER (WHERE f.request = 1), '')
    FROM saas.search_table('shop.kinds'::regclass, ARRAY['\x000102030405060708090a0b0c0d0e0f'::bytea || saas.erasure_needle('\x000102030405060708090a0b0c0d0e0f', p_value)]) AS f
$$;
SELECT is(pg_temp.found(x.value), x.column, x.value) FROM (VALUES ('1815-12-10', 'd'), ('1852-11-27 03:04:05.12', 't'), ('2001-02-03 03:05:06', 'z'), ('00112233-4455-6677-8899-AABBCCDDEEFF', 'u'),
    ('18151210', 'i'), ('9007199254740993', 'l'), ('1815', 'd,s'), ('42.50', 'n'), ('0.5', 'f'), ('192.0.2.77', 'a'), ('deep down', 'j'), ('77123', 'j'), ('0.001', 'j'), ('kk', 'j'), ('news', 'o'), ('there', 'raw'),
    ('Two Three', 'list'), ('short-one', 'v'), ('infinity', 'e'), ('x x', ''), ('true', ''), ('three one', '')) AS x (value, "column");
INSERT INTO shop.kinds (words, j) SELECT repeat(md5('a'), 300) || ' needle here', jsonb_object_agg('key' || g, repeat(md5(g::text), 30)) || '{"last": "needle there"}' FROM generate_series(1, 100) AS g;
SELECT is(pg_temp.found('needle here'), 'words', 'compressed texts are read');
SELECT is(pg_temp.found('needle there'), 'j', 'and large JSON values');
ALTER TABLE shop.kinds ADD COLUMN later text DEFAULT 'written later', ADD COLUMN sooner text;
SELECT is(pg_temp.found('written later'), 'later', 'rows are searched for what columns had when they were added');
INSERT INTO shop.kinds (words, o, list) VALUES ('CALL ZOË MÜLLER', '{"name": "Zo\u00eb M\u00fcller", "to": "zoe\u0040example.org"}', '{"{\"a\": \"\\u0416anna x\"}"}');
SELECT is(pg_temp.found(x.value), x.column, x.value) FROM (VALUES ('Zoë Müller', 'o,words'), ('zoe@example.org', 'o'), ('жanna X', 'list'), ('u00fcller', 'o')) AS x (value, "column");
SELECT throws_ok($$SELECT * FROM saas.search_table('shop.kinds'::regclass, ARRAY['\x00'::bytea])$$, '22023', NULL, 'bytes that are no needles are refused');
SELECT throws_ok($$SELECT * FROM saas.search_table('shop.kinds'::regclass, ARRAY[NULL::bytea])$$, '22023', NULL, 'so is nothing');
SELECT throws_ok($$SELECT * FROM saas.search_table(0, '{}')$$, '42P01', NULL, 'or a table that is none');
SELECT is_empty($$SELECT * FROM saas.search_table('saas.personal_links'::regclass, '{}')$$, 'a view is no heap');

-- Rows as JSON are what to_jsonb() makes of them.
SELECT is(
    (SELECT jsonb_agg(r.value - '_table') FROM (SELECT saas.rows_as_json('SELECT * FROM shop.kinds WHERE $1 IS NOT NULL AND $2 = 1 AND $3 = 1', 'shop.kinds', :'held', 1, 1) AS text) AS t
        CROSS JOIN LATERAL jsonb_array_elements(substr(t.text, strpos(t.text, ' ') + 1)::jsonb) AS r),
    (SELECT jsonb_agg(to_jsonb(k)) FROM shop.kinds AS k), 'values of every type');
SELECT is(saas.rows_as_json($$SELECT E'"\\\n\r\t\b\f\x01é' AS "a""b" WHERE $1 IS NULL OR $2 = 1 OR $3 = 1$$, 'a "table"', :'held', 1, 1), E'0000000001 [{"_table": "a \\"table\\"", "a\\"b": "\\"\\\\\\n\\r\\t\\b\\f\\u0001é"}]', 'escaped as JSON wants it');
CREATE TABLE shop.documents (id integer PRIMARY KEY, owner uuid NOT NULL, body json);
GRANT SELECT, UPDATE, DELETE ON shop.documents TO saas_internal;
SELECT saas.declare_personal_data('shop.documents', 'owner', '{owner}', p_kind => 'column') \g /dev/null
INSERT INTO shop.documents VALUES (1, :'held', '{"a": "\u0000"}'), (2, :'held', '{"a": 1e400000}'), (3, :'held', '["\ud83d"]'), (4, :'held', '{"a": "\u0041"}');
SELECT results_eq(
    format($$SELECT jsonb_typeof(r -> 'body'), r -> 'body' #>> '{}' FROM jsonb_array_elements(saas.gdpr_export_user_data(%L) -> 'other') AS r WHERE r ->> '_table' = 'shop.documents' ORDER BY r ->> 'id'$$, :'held'),
    $$VALUES ('string', '{"a": "\u0000"}'), ('string', '{"a": 1e400000}'), ('string', '["\ud83d"]'), ('object', '{"a": "A"}')$$, 'JSON that jsonb cannot hold does not keep a person from an export');
SELECT saas.distinctive_condition('$1 COLLATE "C"') AS rare \gset
PREPARE is_rare (text) AS SELECT :rare;
SELECT results_eq($$EXECUTE is_rare ('Zoë Ünal')$$, 'VALUES (true)', 'two words are two words where letters are ASCII only');
SELECT is(saas.rows_as_json('SELECT 1 WHERE $1 IS NULL AND $2 = 1 AND $3 = 1', 't', :'held', 1, 1), '0000000000 []', 'no rows are an empty array');

SET LOCAL ROLE saas_service;
SELECT throws_ok(format('SELECT saas.%s', f), '42501', NULL, f || ' is for the engine') FROM unnest(ARRAY['privacy_state()', 'privacy_answer(1, ''SELECT 1'')', 'search_table(0, ''{}'')',
    'rows_as_json(''SELECT 1'', ''t'', ''00000000-0000-0000-0000-000000000000'', 1, 1)', 'require_export(''00000000-0000-0000-0000-000000000000'')', 'leaf_hashes('''', '''', ''{}'')',
    'erase_people(''erase'', 0, ''{}'', ''{}'', ''{}'', '''', true, 1)', 'insert_together(''SELECT 1'', 1)']) AS f;
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
