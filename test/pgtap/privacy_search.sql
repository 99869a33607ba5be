-- The search for what was erased: texts in UTF-16 within bytes, letters whose marks stand apart, many rows at once, heirs of a table.
BEGIN;
SELECT no_plan();
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO saas_internal;
CREATE FUNCTION pg_temp.utf16(p_text text, p_big boolean) RETURNS bytea LANGUAGE sql AS $$
    SELECT string_agg(CASE WHEN p_big THEN h.unit ELSE substr(h.unit, 2, 1) || substr(h.unit, 1, 1) END, '' ORDER BY n)
    FROM generate_series(1, length(p_text)) AS n
    CROSS JOIN LATERAL (SELECT decode(lpad(to_hex(ascii(substr(p_text, n, 1))), 4, '0'), 'hex') AS unit) AS h
$$;
SELECT is(pg_temp.utf16('aé', true), '\x006100e9', 'UTF-16 of the test, high byte first');
SELECT is(pg_temp.utf16('aé', false), '\x6100e900', 'and low byte first');

-- Copies of an address and of a name that nobody declared.
SELECT saas.create_user('zoe-search@example.org', normalize('Nguyễn Zoë', NFD)) AS zoe, saas.create_user('lisa-search@example.org', 'Lisa Lebt') AS lisa \gset
CREATE TABLE shop.files (id integer PRIMARY KEY, body bytea, parts bytea[], words text, extra jsonb, list text[]);
GRANT SELECT ON shop.files TO saas_internal;
INSERT INTO shop.files VALUES
    (1, pg_temp.utf16('From: ZOE-SEARCH@example.org ', false), NULL, NULL, NULL, NULL),
    (2, '\xfeff'::bytea || pg_temp.utf16(' Nguyễn Zoë', true), NULL, NULL, NULL, NULL),
    (3, '\x07'::bytea || pg_temp.utf16(normalize('Nguyễn Zoë', NFD), false), NULL, NULL, NULL, NULL),
    (4, NULL, ARRAY['\x00'::bytea, NULL, pg_temp.utf16('zoe-search@example.org', true), '\x01'::bytea], NULL, NULL, NULL),
    (5, NULL, ARRAY[convert_to('to zoe-search@example.org', 'UTF8')], NULL, NULL, NULL),
    (6, NULL, NULL, 'Nguyễn Zoë', NULL, NULL),
    (7, NULL, NULL, normalize('NGUYỄN ZOË', NFD), jsonb_build_object('name', 'nguyễn zoë'), ARRAY['x', normalize('nguyễn zoë', NFD)]),
    (8, NULL, NULL, 'NGUY' || U&'\00CA\0303' || 'N Zoë', jsonb_build_object('raw', '{"to": "zoe\u002dsearch\u0040example.org"}'), NULL),
    (9, pg_temp.utf16(repeat('filler ', 400) || 'zoe-search@example.org', false), NULL, NULL, NULL, NULL),
    -- Nobody of them.
    (13, pg_temp.utf16('lisa-search@example.org Nguyen Zoe', false), ARRAY[pg_temp.utf16('zoe-search@example.com', false)], 'Nguyen Zoe', '{"a": "zoe-search@example.orga"}', '{Zoë,Nguyễn}'),
    (14, '', '{}', '', '{}', '{}'), (15, '\x00', '{NULL}', 'x', '[]', NULL);
ALTER TABLE shop.files ALTER COLUMN body SET STORAGE EXTERNAL;
SELECT DISTINCT e.request_id AS zoes FROM saas.gdpr_erase(:'zoe', p_strict => false) AS e \gset
SELECT results_eq(format('SELECT column_name, found_rows FROM saas.verify_erasure(%L) WHERE table_name = ''shop.files'' ORDER BY 1', :'zoes'),
    $$VALUES ('body', 4::bigint), ('extra', 2), ('list', 1), ('parts', 2), ('words', 3)$$, 'an address and a name kept with its marks apart are found in UTF-16, in bytea[], with marks together, half of them or none, and escaped within JSON');
DELETE FROM shop.files WHERE id < 13;
SELECT is_empty(format('SELECT * FROM saas.verify_erasure(%L) WHERE table_name = ''shop.files''', :'zoes'), 'others are not they');

CREATE FUNCTION pg_temp.needle(p_value text) RETURNS bytea LANGUAGE sql AS $$ SELECT '\x000102030405060708090a0b0c0d0e0f'::bytea || saas.erasure_needle('\x000102030405060708090a0b0c0d0e0f', p_value) $$;
SELECT is(octet_length(pg_temp.needle('ada@example.org')), 25, 'a needle for words of ASCII');
SELECT is(octet_length(pg_temp.needle('Zoë')), 34, 'one more for a mark apart');
SELECT is(saas.needle_columns(ROW(1, pg_temp.utf16('to Zoë', true), ARRAY[pg_temp.utf16('Zoë,', false)], 'Zoe'), pg_temp.needle('Zoë')), '{f2,f3}'::text[], 'a row alone is searched alike');

-- Numbers, as the server writes them.
SELECT is(saas.needle_columns(ROW(v.n, jsonb_build_array(v.n)), pg_temp.needle(v.n::text)), '{f1,f2}'::text[], v.n::text)
FROM (VALUES (0), (0.000), (7), (-1.5), (0.0001), (-0.00000000012), (10000), (99990000), (100000000), (12345678.9), (123456789012345678901234567890.123456789), (1e60), (1e300), (1e-90),
    (123456.00), (0.10), (9999.9999), (1e20 + 0.5)) AS v (n);
SELECT is(saas.needle_columns(ROW(v.n), pg_temp.needle(v.n::text)), '{f1}'::text[], v.n::text) FROM (VALUES ('NaN'::numeric), ('Infinity'), ('-Infinity')) AS v (n);

-- Many rows are searched together: each is found, and counts once.
CREATE TABLE shop.many (id integer, words text, more text, at timestamptz, note jsonb);
GRANT SELECT ON shop.many TO saas_internal;
CREATE FUNCTION pg_temp.found(p_value text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', f.column_name, f.found_rows), ', ' ORDER BY f.request, f.column_name)
    FROM saas.search_table('shop.many'::regclass, ARRAY[pg_temp.needle(p_value)]) AS f
$$;
INSERT INTO shop.many
SELECT n, CASE WHEN n % 97 = 0 THEN 'ada@example.org, ada@example.org' WHEN n % 89 = 0 THEN 'zo\u00eb@example.org' ELSE md5(n::text) END,
    CASE WHEN n % 211 = 0 THEN repeat('some words ', 200) || 'ada@example.org' WHEN n % 223 = 0 THEN 'ada' ELSE 'x' END, '2026-01-01'::timestamptz + n * INTERVAL '1 day', jsonb_build_object('n', n, 'ada', CASE WHEN n % 300 = 0 THEN repeat('y ', 6000) || 'ada-example-org' END)
FROM generate_series(1, 3000) AS n;
INSERT INTO shop.many (id) SELECT n FROM generate_series(1, 1500) AS n; -- short ones
INSERT INTO shop.many (words) VALUES ('example.org'), ('ada');
SELECT is(pg_temp.found('ada@example.org'), '4502, more 14, note 10, words 30', 'values in short and long texts and in large JSON, not those that go on in another column or row');
SELECT is(pg_temp.found('zoë@example.org'), '4502, words 33', 'letters that are escaped');
SELECT is(pg_temp.found('2026-05-05'), '4502, at 1', 'days');
SELECT is(pg_temp.found('nobody@example.org'), '4502', 'nothing');
SELECT is(saas.needle_columns(ROW('ada'::text, 'example.org'::text), pg_temp.needle('ada@example.org')), NULL, 'columns are apart');

-- Heirs are tables of their own, partitions are their table's.
CREATE TABLE shop.parents (words text);
CREATE TABLE shop.heirs (own text) INHERITS (shop.parents);
CREATE TABLE shop.months (at date, words text) PARTITION BY RANGE (at);
CREATE TABLE shop.january PARTITION OF shop.months FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
GRANT SELECT ON shop.parents, shop.heirs, shop.months TO saas_internal;
INSERT INTO shop.parents VALUES ('zoe-search@example.org'), ('x');
INSERT INTO shop.heirs VALUES ('Nguyễn Zoë', 'zoe-search@example.org'), ('x', 'y'), ('x', 'y');
INSERT INTO shop.months VALUES ('2026-01-02', 'zoe-search@example.org');
SELECT set_eq(format('SELECT table_name, column_name, found_rows FROM saas.verify_erasure(%L)', :'zoes'),
    $$VALUES ('shop.parents', 'words', 1::bigint), ('shop.heirs', 'words', 1), ('shop.heirs', 'own', 1), ('shop.months', 'words', 1)$$, 'each row is found in its table, once');
SET LOCAL ROLE saas_internal;
SELECT set_eq(format('SELECT table_name, scanned_rows FROM saas.scan_for_needles(ARRAY[%L]::uuid[]) WHERE table_name IN (''shop.parents'', ''shop.heirs'', ''shop.months'', ''shop.january'') AND scanned_rows IS NOT NULL', :'zoes'),
    $$VALUES ('shop.parents', 2::bigint), ('shop.heirs', 3), ('shop.months', 1)$$, 'and read once');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
