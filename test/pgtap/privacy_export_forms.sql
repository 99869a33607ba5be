-- Exports as jsonb are, byte for byte, what the server makes of their text; as text they say the same; values that hold others
-- are JSON all the way down and are read back as what they were; rows are found whatever index leads to them.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;
CREATE TYPE public.inner_pair AS (doc json, kind text);
CREATE TYPE public.outer_pair AS (one public.inner_pair, many integer[], at timestamptz, docs jsonb[]);
CREATE TYPE public.colour AS ENUM ('red', 'light "blue"');
CREATE DOMAIN public.code_list AS text[] CHECK (cardinality(VALUE) < 9);
CREATE TABLE public.nested (
    id integer PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), docs json[], docbs jsonb[], pair public.outer_pair, pairs public.inner_pair[], shifted integer[], colours public.colour[],
    codes public.code_list, ids uuid[], raws bytea[], moments timestamptz[], days date[], spans interval[], period tstzrange, periods daterange[], numbers numrange, bits bit(3), cash money,
    letter "char", label name, position pg_lsn, target regclass, way path, floats float8[], singles real[], flags boolean[], amounts numeric[], grid text[][], short varchar(3)[]
);
INSERT INTO public.nested VALUES
    (1, :'ann', ARRAY['{"a": [1, null, "\""]}', '"text"', '7', NULL]::json[], ARRAY['{"b": {"c": []}}', '"text"', '7', NULL]::jsonb[],
        ROW(ROW('{"x": {"y": [1.50, "z"]}}', 'in "quotes", \ and more'), '{1,NULL,3}', '2026-03-29 01:59:59.999999+00', ARRAY['[1, 2]', '{"d": "e"}']::jsonb[]),
        ARRAY[ROW('[{"k": "v"}]', NULL)::public.inner_pair, ROW('3', 'three')::public.inner_pair], '[0:2]={7,8,9}', '{red,"light \"blue\""}', '{A,"b c",NULL}',
        ARRAY['01a1fd68-2106-7710-a92e-1e010e039ba9', NULL]::uuid[], ARRAY['\x00ff', '']::bytea[], '{2026-01-01 00:00:00.5+00,infinity,NULL}', '{2026-02-28,-infinity,"0044-03-15 BC"}',
        '{1 year -2 mons,-04:05:06.789,0}', '[2026-01-01 00:00+00,2026-02-01 00:00+00)', '{"[2026-01-01,2026-01-05)",empty}', '(1.5,)', '101', 12.34, 'q', 'a "name"', '16/B374D848', 'pg_class', '((0,0),(1.5,2))',
        '{0.1,1e300,-1e-300,5,-0.5,NaN,Infinity,1000000,123456789012}', '{0.1,1e30,5,-2}', '{t,f,NULL}', '{1.50,-0.001,12345678901234567890,NaN}', '{{a,"b\"c"},{NULL,""}}', '{abc,NULL}'),
    (2, :'ann', '{}', '{}', NULL, '{}', NULL, '{}', '{}', '{}', '{}', '{}', '{}', '{}', 'empty', '{}', '(,)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', '{}', '{}', '{}', '{}'),
    (3, :'bob', '{}', '{}', NULL, '{}', NULL, '{}', '{}', '{}', '{}', '{}', '{}', '{}', 'empty', '{}', '(,)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', '{}', '{}', '{}', '{}');
-- Numbers and texts of all sizes, in more rows than a stride of jsonb's offsets.
CREATE TABLE public.many (
    id bigint PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), small smallint, whole integer, amount numeric, words varchar, single real, precise double precision, made_at timestamp, day date, yes boolean
);
SELECT setseed(0.7) \g /dev/null
INSERT INTO public.many
SELECT
    (CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END * round(exp(random() * 43.6)))::bigint / CASE WHEN n % 3 = 0 THEN 10000 ELSE 1 END * CASE WHEN n % 3 = 0 THEN 10000 ELSE 1 END + n % 2, :'ann',
    n, CASE WHEN n % 5 > 0 THEN (random() * 2e9 - 1e9)::integer END, (random() - 0.5)::numeric * 10::numeric ^ (n % 40 - 15), left(repeat(E'long \t"\\é ' || n, n), (n * 37) % 900), random() * 10 ^ (n % 20 - 9), n - 50,
    '2000-01-01'::timestamp + random() * interval '90 years', '1990-01-01'::date + n * 99, n % 3 = 1
FROM generate_series(1, 200) AS n
ON CONFLICT DO NOTHING;
INSERT INTO public.many (id, person) VALUES (9223372036854775807, :'ann'), (-9223372036854775808, :'ann'), (0, :'ann'), (10000, :'ann') ON CONFLICT DO NOTHING;
CREATE TABLE public.things (id integer PRIMARY KEY, person uuid REFERENCES saas.users (id), props public.hstore, list public.hstore[]);
INSERT INTO public.things VALUES
    (1, :'ann', 'b=>1, "a \"quoted\\ key"=>NULL, long=>"x, \"y\"=>z", ""=>""', ARRAY['a=>1', '', NULL]::public.hstore[]),
    (2, :'ann', '', '{}');
CREATE TABLE public.letters (id integer PRIMARY KEY, mail varchar(90));
INSERT INTO public.letters VALUES (1, 'Ann@Example.com'), (2, 'bob@example.com');
CREATE TABLE public.parts (id integer, person uuid REFERENCES saas.users (id), PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES FROM (0) TO (10);
CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (10) TO (20);
INSERT INTO public.parts VALUES (1, :'bob'), (11, :'ann');
CREATE TABLE public.nothing (id integer PRIMARY KEY, person uuid REFERENCES saas.users (id));
CREATE INDEX ON public.many (person);
CREATE INDEX ON public.nested (person);
CREATE INDEX ON public.things (person) WHERE person IS NOT NULL;
CREATE INDEX ON public.parts (person);
CREATE INDEX ON public.letters (lower(mail));
CREATE INDEX ON public.nothing (person);
GRANT SELECT, UPDATE, DELETE ON public.nested, public.many, public.things, public.letters, public.parts, public.nothing TO saas_internal;
-- More sections than a stride has keys and values.
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY '{nested,many,things,parts,nothing}'::text[] LOOP
        PERFORM saas.declare_personal_data(('public.' || v_table)::regclass, 'person', '{person}', p_section => v_table);
    END LOOP;
    PERFORM saas.declare_personal_data('public.letters', 'mail', '{mail}', p_parent_columns => '{email}', p_kind => 'email', p_section => 'letters');
    FOR i IN 1..8 LOOP
        EXECUTE format('CREATE TABLE public.small_%s (id integer PRIMARY KEY, person uuid REFERENCES saas.users (id))', i);
        EXECUTE format('INSERT INTO public.small_%s SELECT %s, u.id FROM saas.users AS u WHERE u.email = ''ann@example.com''', i, i);
        EXECUTE format('GRANT SELECT, UPDATE, DELETE ON public.small_%s TO saas_internal', i);
        PERFORM saas.declare_personal_data(('public.small_' || i)::regclass, 'person', '{person}', p_section => 'small_section_' || i);
    END LOOP;
END
$$;

CREATE TEMPORARY TABLE exported AS SELECT saas.gdpr_export_user_data(:'ann') AS whole, saas.gdpr_export_user_json(:'ann') AS written;
SELECT ok(record_image_eq(ROW(e.whole), ROW(e.whole::text::jsonb)), 'the export is what the server would have made of its text, byte for byte') FROM exported AS e;
SELECT is(e.written::jsonb, e.whole, 'as text it says the same') FROM exported AS e;
SELECT cmp_ok((SELECT count(*) FROM exported AS e CROSS JOIN LATERAL jsonb_object_keys(e.whole)), '>', 16::bigint, 'of more sections than a stride');
SELECT cmp_ok((SELECT count(*) FROM exported AS e CROSS JOIN LATERAL jsonb_array_elements(e.whole -> 'many')), '>', 100::bigint, 'and rows');
SELECT is((SELECT (e.whole #> '{export_metadata,tables}') ->> 'public.many' FROM exported AS e), (SELECT count(*)::text FROM public.many), 'which the metadata count');
SELECT results_eq(
    $$SELECT k::text FROM exported AS e CROSS JOIN LATERAL jsonb_populate_recordset(NULL::public.many, e.whole -> 'many') AS k ORDER BY k.id$$,
    $$SELECT k::text FROM public.many AS k ORDER BY k.id$$, 'numbers, texts and times are read back'
);
SELECT results_eq(
    $$SELECT k::text FROM exported AS e CROSS JOIN LATERAL jsonb_populate_recordset(NULL::public.nested, e.whole -> 'nested') AS k ORDER BY k.id$$,
    format('SELECT k::text FROM public.nested AS k WHERE k.person = %L ORDER BY k.id', :'ann')::text, 'so are values in values'
);
SELECT results_eq(
    $$SELECT k::text FROM exported AS e CROSS JOIN LATERAL json_populate_recordset(NULL::public.nested, e.written -> 'nested') AS k ORDER BY k.id$$,
    format('SELECT k::text FROM public.nested AS k WHERE k.person = %L ORDER BY k.id', :'ann')::text, 'from the text as well'
);
SELECT is((SELECT r - '{_table,id,person}'::text[] FROM exported AS e CROSS JOIN LATERAL jsonb_array_elements(e.whole -> 'things') AS r WHERE r ->> 'id' = '1'),
    '{"props": {"": "", "b": "1", "long": "x, \"y\"=>z", "a \"quoted\\ key": null}, "list": [{"a": "1"}, {}, null]}', 'hstore is an object');
CREATE TEMPORARY TABLE first_nested AS SELECT r.line FROM exported AS e CROSS JOIN LATERAL jsonb_array_elements(e.whole -> 'nested') AS r (line) WHERE r.line ->> 'id' = '1';
SELECT is((SELECT n.line -> 'docs' FROM first_nested AS n), '[{"a": [1, null, "\""]}, "text", 7, null]', 'JSON in an array is JSON');
SELECT is((SELECT n.line #> '{pair,one}' FROM first_nested AS n), '{"doc": {"x": {"y": [1.50, "z"]}}, "kind": "in \"quotes\", \\ and more"}', 'and in a composite');
SELECT is((SELECT n.line -> 'spans' FROM first_nested AS n), '["P10M", "PT-4H-5M-6.789S", "PT0S"]', 'intervals are those of ISO 8601');
SELECT is((SELECT n.line #>> '{pair,docs}' FROM first_nested AS n), '{"[1, 2]","{\"d\": \"e\"}"}', 'arrays among documents, which JSON would take for dimensions, are as the type writes them');
SELECT is((SELECT e.whole #>> '{letters,0,mail}' FROM exported AS e), 'Ann@Example.com', 'rows are found by their address');
SELECT is((SELECT e.whole #> '{parts}' FROM exported AS e), format('[{"id": 11, "person": "%s", "_table": "public.parts"}]', :'ann')::jsonb, 'and in partitions');
SELECT is((SELECT e.whole -> 'nothing' FROM exported AS e), '[]', 'where there is nothing there is nothing');

-- What comes later is found.
INSERT INTO public.nothing VALUES (1, :'ann');
INSERT INTO public.letters VALUES (3, 'ANN@example.com');
INSERT INTO public.parts VALUES (2, :'ann');
SELECT is((SELECT jsonb_array_length(e -> 'nothing') + jsonb_array_length(e -> 'letters') + jsonb_array_length(e -> 'parts') FROM saas.gdpr_export_user_data(:'ann') AS e), 5, 'rows of later are found');
SAVEPOINT heirs;
CREATE TABLE public.plain (id integer PRIMARY KEY, person uuid NOT NULL, "_table" text, "__table" integer);
CREATE TABLE public.plain_heir () INHERITS (public.plain);
CREATE INDEX ON public.plain (person);
GRANT SELECT, UPDATE, DELETE ON public.plain TO saas_internal;
SELECT saas.declare_personal_data('public.plain', 'person', '{person}', p_kind => 'column', p_section => 'plain') \g /dev/null
INSERT INTO public.plain_heir VALUES (1, :'ann', 'own', 2);
SELECT is(saas.gdpr_export_user_data(:'ann') #> '{plain,0,id}', '1', 'so are rows of tables that inherit from an empty one');
SELECT is(saas.gdpr_export_user_data(:'ann') -> 'plain', format('[{"id": 1, "person": "%s", "_table": "own", "__table": 2, "___table": "public.plain"}]', :'ann')::jsonb, 'a column named as the table is called keeps its value');
SELECT is(saas.gdpr_export_user_json(:'ann')::jsonb -> 'plain', saas.gdpr_export_user_data(:'ann') -> 'plain', 'in the text as well');
ROLLBACK TO heirs;
DROP INDEX public.letters_lower_idx, public.many_person_idx;
ALTER TABLE public.parts DETACH PARTITION public.parts_2;
SELECT is((SELECT ARRAY[jsonb_array_length(e -> 'letters'), jsonb_array_length(e -> 'parts'), jsonb_array_length(e -> 'many')] FROM saas.gdpr_export_user_data(:'ann') AS e),
    ARRAY[2, 1, (SELECT count(*)::integer FROM public.many)], 'also without an index, and in the partitions that there are');
DELETE FROM public.letters WHERE id = 1;
SELECT is((SELECT jsonb_array_length(e -> 'letters') FROM saas.gdpr_export_user_data(:'ann') AS e), 1, 'what is gone is not');

-- Who may.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT ok(saas.gdpr_export_user_json(:'ann')::jsonb ? 'personal_info', 'a person may have the text');
SELECT throws_ok(format('SELECT saas.gdpr_export_user_json(%L)', :'bob'), '42501', NULL, 'nobody else''s');
SELECT throws_ok('SELECT saas.gdpr_export_user_json(NULL)', '42501', NULL, 'nor nobody''s');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT throws_ok(format('SELECT saas.%s(%L)', f, :'ann'), '42501', NULL, f || ' is not for analysts') FROM unnest('{gdpr_export_user_data,gdpr_export_user_json}'::text[]) AS f;
RESET ROLE;
SET LOCAL ROLE saas_service;
SELECT throws_ok('SELECT saas.gdpr_export_user_json(saas.uuid_v7())', 'P0002', NULL, 'a worker is told that there is no such user');
SELECT is(saas.gdpr_export_user_json(:'ann', NULL)::jsonb #>> '{export_metadata,portable}', 'false', 'no word is everything');
SELECT is(current_user, 'saas_service', 'the caller is who it was');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
