-- What others try: code planted where the engine works, names that are statements, remains where a search may not look.
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
DROP TRIGGER spy ON shop.notes;
SELECT saas.create_user('fan@example.org', 'Fan') AS fan \gset
INSERT INTO shop.notes (buyer, words) VALUES (:'fan', 'theirs');
CREATE TABLE mallory.seen (role name);
GRANT INSERT ON mallory.seen TO PUBLIC;
CREATE TABLE mallory.likes (id integer PRIMARY KEY, note uuid REFERENCES shop.notes (id) ON DELETE CASCADE DEFERRABLE);
CREATE TABLE mallory.stars (like_id integer REFERENCES mallory.likes (id) ON DELETE SET NULL);
CREATE FUNCTION mallory.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO mallory.seen VALUES (current_user);
    RETURN COALESCE(NEW, OLD);
END
$$;
ALTER FUNCTION mallory.look() OWNER TO privacy_mallory;
ALTER TABLE mallory.likes OWNER TO privacy_mallory;
ALTER TABLE mallory.stars OWNER TO privacy_mallory;
INSERT INTO mallory.likes SELECT 1, n.id FROM shop.notes AS n WHERE n.buyer = :'fan';
INSERT INTO mallory.stars VALUES (1);
CREATE TRIGGER look BEFORE DELETE ON mallory.likes FOR EACH ROW EXECUTE FUNCTION mallory.look();
CREATE TRIGGER look AFTER DELETE ON mallory.stars FOR EACH ROW EXECUTE FUNCTION mallory.look();
SAVEPOINT follower;
SELECT lives_ok(format('SELECT * FROM saas.gdpr_erase(%L, p_strict => false)', :'fan'), 'a table of somebody else may lose rows with what goes');
SELECT results_eq('SELECT DISTINCT role FROM mallory.seen', $$VALUES ('privacy_mallory'::name)$$, 'where its triggers run as its owner');
ROLLBACK TO follower;
CREATE TRIGGER spy AFTER DELETE ON mallory.likes FOR EACH ROW EXECUTE FUNCTION mallory.look();
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase(%L, p_strict => false)', :'fan'), 'SA153', NULL, 'those that would run as the engine stop it');
SELECT matches((SELECT e.status_reason FROM saas.gdpr_erase_users(ARRAY[:'fan']::uuid[], p_strict => false) AS e), '^SA153: mallory\.likes: a foreign key leads to it', 'also together with others');
ROLLBACK TO follower;
CREATE TRIGGER spy AFTER UPDATE ON mallory.stars FOR EACH ROW EXECUTE FUNCTION mallory.look();
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase(%L, p_strict => false)', :'fan'), 'SA153', NULL, 'at whatever distance');
ALTER FUNCTION mallory.look() OWNER TO postgres;
SELECT lives_ok(format('SELECT * FROM saas.gdpr_erase(%L, p_strict => false)', :'fan'), 'unless their code is trusted');
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
SELECT results_eq($$SELECT u.oid::regclass::text FROM saas.untrusted_tables('{saas.users,shop.notes,saas.teams,shop.old_notes,-}'::regclass[]::oid[]) AS u (oid) WHERE u.oid > 0 ORDER BY 1$$,
    $$VALUES ('shop.notes'), ('shop.old_notes')$$, 'of several tables those are named, and no others');
SELECT ok(0 IN (SELECT saas.untrusted_tables('{0}'::oid[])), 'a table that is gone is not trusted');
ROLLBACK TO clean;
ALTER TABLE shop.notes ALTER COLUMN words SET DEFAULT mallory.lend();
SELECT ok(saas.is_trusted_table('shop.notes'::regclass), 'a function that runs with its owner''s rights gains nothing');
ROLLBACK TO clean;

-- A column that cannot be emptied is told before, not in the middle.
SELECT saas.declare_personal_data('shop.notes', 'buyer', '{buyer}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('shop.notes', 'amount', 'null') \g /dev/null
GRANT SELECT, DELETE ON shop.notes TO saas_internal;
GRANT UPDATE (words) ON shop.notes TO saas_internal;
SELECT set_has(format('SELECT problem FROM saas.erasure_problems(%L, ''erase'', false)', :'ann'), $$VALUES ('saas_internal may not update column amount')$$, 'rights are asked for by column');
GRANT UPDATE (amount) ON shop.notes TO saas_internal;
SELECT set_has(format('SELECT problem FROM saas.erasure_problems(%L, ''erase'', false)', :'ann'), $$VALUES ('column amount cannot be NULL, and is to be emptied')$$, 'NOT NULL stands against emptying');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase(%L, p_strict => false)', :'ann'), 'SA153', NULL, 'and the erasure says so');
ROLLBACK TO clean;

-- Names that are statements.
CREATE TABLE shop."x; DROP TABLE saas.teams; --" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "p' || (SELECT 1) || '" uuid, j jsonb);
SELECT lives_ok($$SELECT saas.declare_personal_data('shop."x; DROP TABLE saas.teams; --"', E'l''; DROP SCHEMA saas; --', ARRAY['p'' || (SELECT 1) || ''']::text[], p_kind => 'column')$$, 'a table may have such a name');
SELECT saas.declare_personal_data('shop."x; DROP TABLE saas.teams; --"', 'j', '{j}', p_parent_columns => '{email}', p_kind => 'email', p_json_path => ARRAY['a''}'') OR true --', '$b"']) \g /dev/null
GRANT SELECT, UPDATE, DELETE ON shop."x; DROP TABLE saas.teams; --" TO saas_internal;
SELECT saas.create_user('kim@example.org', 'Kim Planted') AS kim \gset
INSERT INTO shop."x; DROP TABLE saas.teams; --" ("p' || (SELECT 1) || '", j) VALUES (:'kim', NULL), (NULL, jsonb_build_object('a''}'') OR true --', jsonb_build_object('$b"', 'KIM@example.org'))), (NULL, '{"a": {"b": "kim"}}');

-- Remains planted where a search may not look: a column named like an alias, nested and escaped JSON, arrays, bytes, partitions.
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

CREATE TEMPORARY TABLE erased AS SELECT * FROM saas.gdpr_erase(:'kim', p_strict => false);
SELECT request_id AS request FROM erased LIMIT 1 \gset
SELECT is((SELECT sum(records) FROM erased WHERE table_name LIKE 'shop.%'), 2::numeric, 'and is erased like others');
SELECT is((SELECT count(*) FROM shop."x; DROP TABLE saas.teams; --"), 1::bigint, 'what belongs to nobody stays');
SELECT results_eq(format('SELECT column_name, found_rows FROM saas.verify_erasure(%L) WHERE table_name = %L', :'request', 'shop.hidden'),
    $$VALUES ('colour', 1::bigint), ('j', 2), ('old', 1), ('raw', 1), ('tags', 1), ('words', 1)$$, 'the search finds all of them, and no others');
SELECT throws_ok($$SELECT saas.needle_columns(ROW(1), '\x00')$$, '22023', NULL, 'bytes that are no needles are refused');
SELECT is(saas.needle_columns(ROW(1, 'x'), '\x000102030405060708090a0b0c0d0e0f'), NULL::text[], 'no needles are found nowhere');
SET LOCAL ROLE saas_service;
SELECT throws_ok($$SELECT saas.needle_columns(ROW(1), '\x00')$$, '42501', NULL, 'the search is for the engine');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
