-- Tables of one's own that do other than an erasure asks: rules, triggers that keep rows, columns that cannot change, policies
-- that hide rows, copies, partitions, rows of heirs, checks at commit; and a map that changes between plan and run.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
\ir include/mentions.sql
SELECT saas.clear_context() \g /dev/null
SELECT saas.create_user('zed@example.org', 'Zed Attacked') AS zed, saas.create_user('yan@example.org', 'Yan Next') AS yan \gset
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO saas_internal;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, UPDATE, DELETE ON TABLES TO saas_internal;
CREATE TABLE shop.notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, words text);

-- What cannot be declared.
CREATE VIEW shop.seen AS SELECT * FROM shop.notes;
CREATE MATERIALIZED VIEW shop.copied AS SELECT * FROM shop.notes;
CREATE TABLE shop.days (id uuid, person uuid, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE shop.some_days PARTITION OF shop.days DEFAULT;
CREATE TABLE shop.unkeyed (person uuid);
CREATE FUNCTION pg_temp.declared(p_table regclass) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM saas.declare_personal_data(p_table, 'person', '{person}', p_kind => 'column');
    RETURN 'declared';
EXCEPTION
    WHEN OTHERS THEN RETURN SQLSTATE;
END
$$;
SELECT results_eq(
    $$SELECT t::text, pg_temp.declared(t) FROM unnest('{shop.copied,shop.days,shop.notes,shop.seen,shop.some_days,shop.unkeyed}'::regclass[]) AS t$$,
    $$VALUES ('shop.copied', 'SA156'), ('shop.days', 'declared'), ('shop.notes', 'declared'), ('shop.seen', 'SA156'), ('shop.some_days', 'SA156'), ('shop.unkeyed', 'SA156')$$,
    'views, copies, partitions and tables without a key are not declared'
);
DROP MATERIALIZED VIEW shop.copied;

-- What the plan tells before anything goes.
SAVEPOINT clean;
CREATE DOMAIN shop.never AS text NOT NULL;
CREATE DOMAIN shop.never_short AS shop.never CHECK (length(VALUE) > 1);
CREATE TABLE shop.odd (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, words text, loud text GENERATED ALWAYS AS (upper(words)) STORED, number bigint GENERATED ALWAYS AS IDENTITY, must shop.never_short
);
SELECT saas.declare_personal_data('shop.odd', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('shop.odd', c, 'null')
FROM unnest('{words,loud,number,must}'::text[]) AS c \g /dev/null
CREATE RULE also AS ON DELETE TO shop.notes DO ALSO NOTHING;
CREATE RULE other AS ON UPDATE TO shop.days DO INSTEAD NOTHING;
CREATE RULE rest AS ON INSERT TO shop.odd DO ALSO NOTHING;
SELECT results_eq(
    format($$SELECT table_name, problem FROM saas.erasure_problems(%L, 'erase', false) WHERE sqlstate_code = 'SA153' ORDER BY 1, 2$$, :'zed'),
    $$VALUES ('shop.days', 'rule other does something else than what is asked for'), ('shop.notes', 'rule also does something else than what is asked for'),
        ('shop.odd', 'column loud is generated, and cannot be changed'), ('shop.odd', 'column must cannot be NULL, and is to be emptied'),
        ('shop.odd', 'column number is generated, and cannot be changed')$$,
    'rules, generated columns and domains that refuse NULL stand against it'
);
ROLLBACK TO clean;

-- One erasure among all of them.
CREATE TABLE shop.closed (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, words text);
ALTER TABLE shop.closed ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.closed FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody ON shop.closed USING (true);
CREATE POLICY nobody ON shop.closed AS RESTRICTIVE USING (false);
CREATE TABLE shop.parents (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, words text);
CREATE TABLE shop.heirs () INHERITS (shop.parents);
CREATE TABLE shop.follows (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, words text, loud text GENERATED ALWAYS AS (upper(words)) STORED);
CREATE TABLE shop.measures (at float8, span interval, person uuid, PRIMARY KEY (at, span));
CREATE TABLE shop.kept_rows (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, words text);
CREATE TABLE shop.kept_words (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, words text, free text);
SELECT saas.declare_personal_data(t, 'person', '{person}', p_kind => 'column') FROM unnest('{shop.closed,shop.parents,shop.measures,shop.kept_rows}'::regclass[]) AS t \g /dev/null
SELECT saas.declare_personal_data(t, 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column(t, 'words', 'null'), saas.declare_personal_column(t, 'person', 'anonymise', '00000000-0000-0000-0000-000000000000')
FROM unnest('{shop.follows,shop.kept_words}'::regclass[]) AS t \g /dev/null
-- A soft delete, and a guard that takes changes back without a word.
CREATE FUNCTION shop.softly() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE shop.kept_rows SET words = 'deleted' WHERE id = OLD.id; RETURN NULL; END$$;
CREATE TRIGGER softly BEFORE DELETE ON shop.kept_rows FOR EACH ROW EXECUTE FUNCTION shop.softly();
CREATE FUNCTION shop.unchanged() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.words := OLD.words; RETURN NEW; END$$;
CREATE TRIGGER unchanged BEFORE UPDATE ON shop.kept_words FOR EACH ROW EXECUTE FUNCTION shop.unchanged();
INSERT INTO shop.closed (person, words) SELECT p, 'of ' || p FROM unnest(ARRAY[:'zed', :'yan']::uuid[]) AS p;
INSERT INTO shop.parents (id, person, words) SELECT p, p, 'of ' || p FROM unnest(ARRAY[:'zed', :'yan']::uuid[]) AS p;
INSERT INTO shop.heirs (id, person, words) SELECT p, p, 'heir of ' || p FROM unnest(ARRAY[:'zed', :'yan']::uuid[]) AS p;
INSERT INTO shop.follows (person, words) SELECT p, 'of ' || p FROM unnest(ARRAY[:'zed', :'yan']::uuid[]) AS p;
INSERT INTO shop.days SELECT p, p, '2026-01-01' FROM unnest(ARRAY[:'zed', :'yan']::uuid[]) AS p;
INSERT INTO shop.measures VALUES (0.1::float8 + 0.2, '-1 mon +1 day -00:00:01', :'zed'), (0.3, '1 mon', :'yan');
INSERT INTO shop.kept_rows (person, words) VALUES (:'zed', 'short'), (:'yan', 'short');
INSERT INTO shop.kept_words (person, words, free) VALUES (:'zed', 'short', 'x');
INSERT INTO shop.notes (person, words) VALUES (:'zed', 'write to zed@example.org');
CREATE MATERIALIZED VIEW shop.copied AS SELECT * FROM shop.notes;
SELECT saas.request_user_deletion(:'zed', 'leaving', p_strict => false) AS request \gset
SELECT saas.verify_deletion_identity(:'request', 'letter', INTERVAL '0') \g /dev/null
SET LOCAL extra_float_digits = 0;
SET LOCAL intervalstyle = 'sql_standard';
SELECT results_eq('SELECT status FROM saas.process_deletion_requests()', '{erased}'::text[], 'an erasure that left something is not completed');
RESET extra_float_digits;
RESET intervalstyle;
SELECT set_eq(
    format($$SELECT x.* FROM saas.user_deletion_requests AS r CROSS JOIN LATERAL jsonb_to_recordset(substring(r.status_reason FROM '\[.*\]$')::jsonb) AS x ("table" text, "column" text, rows bigint) WHERE r.id = %L$$, :'request'),
    $$VALUES ('shop.copied', 'words', 1::bigint), ('shop.kept_rows', NULL, 1), ('shop.kept_words', 'words', 1)$$, 'it names what a trigger kept, and a copy that nobody refreshed'
);
SELECT is((SELECT count(*) FROM shop.parents) + (SELECT count(*) FROM shop.closed) + (SELECT count(*) FROM shop.days) + (SELECT count(*) FROM shop.measures), 5::bigint, 'policies hide no row, heirs, partitions and odd keys are reached');
SELECT results_eq('SELECT words, loud FROM shop.follows ORDER BY words NULLS LAST LIMIT 1 OFFSET 1', 'VALUES (NULL::text, NULL::text)', 'what is generated follows');
SELECT is((SELECT string_agg(m.name, ',' ORDER BY m.name) FROM pg_temp.mentions(ARRAY[:'zed'], '{shop}') AS m), 'shop.kept_rows', 'nothing else is left');
DROP TRIGGER softly ON shop.kept_rows;
DROP TRIGGER unchanged ON shop.kept_words;
DELETE FROM shop.kept_rows WHERE person = :'zed';
UPDATE shop.kept_words SET words = NULL;
REFRESH MATERIALIZED VIEW shop.copied;
SELECT is(saas.complete_deletion_request(:'request') #> '{verification,residual}', '[]'::jsonb, 'mended, it is');

-- What is checked at commit does not hold up others, and what is added between plan and run is seen.
CREATE FUNCTION shop.late() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'never'; END$$;
CREATE CONSTRAINT TRIGGER late AFTER DELETE ON shop.kept_rows DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.late();
SELECT saas.request_user_deletion(:'yan', 'leaving', p_strict => false) AS second \gset
SELECT saas.verify_deletion_identity(:'second', 'letter', INTERVAL '0') \g /dev/null
SELECT results_eq('SELECT status FROM saas.process_deletion_requests()', '{blocked}'::text[], 'a trigger at the end of the transaction blocks its request');
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'and fails nothing afterwards');
SELECT is((SELECT count(*) FROM shop.kept_rows WHERE person = :'yan'), 1::bigint, 'nothing is half done');
SELECT saas.cancel_deletion_request(:'second', 'again') \g /dev/null
DROP TRIGGER late ON shop.kept_rows;
SELECT saas.dismiss_personal_data(u.table_name, u.column_name, 'none of anybody') FROM saas.undeclared_personal_data() AS u \g /dev/null
SELECT saas.request_user_deletion(:'yan', 'leaving') AS third \gset
SELECT saas.verify_deletion_identity(:'third', 'letter', INTERVAL '0') \g /dev/null
SELECT is((SELECT status FROM saas.run_deletion_request(:'third', 1, 0)), 'running', 'an erasure runs');
ALTER TABLE shop.follows ADD COLUMN phone_number text;
SELECT is((SELECT status FROM saas.run_deletion_request(:'third')), 'blocked', 'a column that is added meanwhile stops it');
SELECT matches((SELECT status_reason FROM saas.user_deletion_requests WHERE id = :'third'), '^SA150: shop.follows: column phone_number', 'until somebody says what becomes of it');
SELECT saas.declare_personal_column('shop.follows', 'phone_number', 'null') \g /dev/null
SELECT is((SELECT status FROM saas.run_deletion_request(:'third', 1, 0)), 'running', 'then it goes on');
SELECT saas.cancel_deletion_request(:'third', 'stays after all') \g /dev/null
SELECT throws_ok(format('SELECT * FROM saas.run_deletion_request(%L)', :'third'), 'SA152', 'the request is cancelled', 'until it is taken back');
SELECT is((SELECT count(*) FROM saas.users WHERE id = :'yan') + (SELECT count(*) FROM saas.erasure_rows), 1::bigint, 'the person is there, what was found is forgotten');
SELECT * FROM finish();
ROLLBACK;
