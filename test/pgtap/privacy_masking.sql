-- Masks, masked views for analysts, anonymised tables and how anonymous they are.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_user('root@example.com', 'Root') AS root \gset
SELECT saas.set_platform_role(:'root', 'admin') \g /dev/null

-- Single values.
SELECT is(saas.mask_partial('4242424242424242', 0, 4), '***4242', 'the end of a text');
SELECT is(saas.mask_partial('日本語テキスト', 1, 1, '·'), '日···ト', 'by characters');
SELECT is(saas.mask_partial('abc', 2, 2), '***', 'nothing of a short one');
SELECT is(saas.mask_partial(NULL, 1, 1), NULL, 'NULL stays');
SELECT throws_ok($$SELECT saas.mask_partial('abc', -1, 0)$$, '22023', NULL, 'no negative numbers');
SELECT is(saas.mask_email('ada@example.org'), 'a***@e***.org', 'an e-mail address');
SELECT is(saas.mask_email('no address'), '***', 'or what is none');
SELECT is(saas.mask_pseudonym('what do ya want for nothing?', 'Jefe'), '5bdcc146bf60754e6a042426089575c7', 'a pseudonym is an HMAC (RFC 4231)');
-- A key is prepared once for all rows that have it; a hash of the outer part is made of one of the inner part.
CREATE FUNCTION pg_temp.hmac(p_value text, p_key bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_inner bytea := decode(repeat('36', 64), 'hex');
    v_outer bytea := decode(repeat('5c', 64), 'hex');
BEGIN
    FOR i IN 0 .. octet_length(p_key) - 1 LOOP
        v_inner := set_byte(v_inner, i, get_byte(v_inner, i) # get_byte(p_key, i));
        v_outer := set_byte(v_outer, i, get_byte(v_outer, i) # get_byte(p_key, i));
    END LOOP;
    RETURN encode(sha256(v_outer || sha256(v_inner || convert_to(p_value, 'UTF8'))), 'hex');
END
$$;
CREATE TEMPORARY TABLE keyed AS SELECT n, repeat(md5(n::text), n * n / 9) || 'é' AS value, substr(sha256(convert_to((n / 3)::text, 'UTF8')), 1, n / 3) AS key FROM generate_series(0, 60) AS n;
SELECT is_empty($$SELECT k.n FROM keyed AS k WHERE saas.mask_pseudonym(k.value, k.key) <> left(pg_temp.hmac(k.value, k.key), 32)$$, 'also of long values, and of keys that change from row to row');
SELECT is_empty($$SELECT k.n FROM keyed AS k WHERE replace(saas.mask_uuid(k.value, k.key), '-', '') NOT LIKE left(pg_temp.hmac(k.value, k.key), 12) || '8%'$$, 'in either form');
SELECT is((SELECT count(*) FROM keyed AS k WHERE saas.mask_fake('email', k.value, k.key) = saas.mask_fake('email', k.value, 'other')), 0::bigint, 'fakes follow the key of the row');
SELECT is(saas.mask_uuid('x', 'k')::uuid, saas.mask_uuid('x', 'k')::uuid, 'or a UUID of one');
SELECT matches(saas.mask_fake('email', 'a'), '^[a-z]+\.[a-z]+\.[0-9a-f]{16}@example\.com$', 'an address of nobody');
SELECT isnt(saas.mask_fake('email', 'a', 'k'), saas.mask_fake('email', 'b', 'k'), 'another for another');
SELECT throws_ok($$SELECT saas.mask_fake('passport', 'a')$$, '22023', NULL, 'of a kind that there is');

-- Rules.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.addresses', 'city', 'keep')$$, '42501', NULL, 'users make no rules');
SELECT throws_ok('SELECT FROM saas.create_masked_views()', '42501', NULL, 'nor views');
SELECT throws_ok($$SELECT saas.anonymise_table('saas.addresses')$$, '42501', NULL, 'nor anonymise tables');
RESET ROLE;
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.addresses', 'nothing', 'keep')$$, '42703', NULL, 'a rule is for a column');
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.addresses', 'city', 'shred')$$, '22023', NULL, 'with a strategy');
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.addresses', 'city', 'noise', '{"ratio": 0.5}')$$, '22023', NULL, 'that fits its type');
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.addresses', 'city', 'generalise', '{"to": "year"}')$$, '22023', NULL, 'and so do its arguments');
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.addresses', 'created_at', 'constant', '{"value": "never"}')$$, '22023', NULL, 'a constant is of the type');
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.addresses', 'city', 'fake', '{"kind": "passport"}')$$, '22023', NULL, 'a kind is one that there is');
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.addresses', 'city', 'partial', '{"first": -1}')$$, '22023', NULL, 'a number not negative');
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.user_sessions', 'ip', 'generalise', '{"ipv4": 64}')$$, '22023', NULL, 'nor too large');
SELECT throws_ok($$SELECT saas.set_masking_rule('saas.addresses', 'city', NULL)$$, '22023', NULL, 'NULL is none');

-- Views.
UPDATE saas.addresses SET recipient = 'Ada Lovelace', phone = '+44 20 7946 0000', postal_code = 'AB1 2CD' WHERE team_id = :'red';
SELECT cmp_ok((SELECT count(*)::integer FROM saas.create_masked_views()), '>', 30, 'a view for every table of teams');
SELECT cmp_ok((SELECT count(*)::integer FROM saas.create_masked_views()), '>', 30, 'made anew');
SET LOCAL ROLE saas_analyst;
SELECT is((SELECT count(*)::integer FROM saas_masked.addresses), 1, 'an analyst sees the rows of the team');
SELECT is((SELECT count(*)::integer FROM saas_masked.addresses WHERE recipient = 'Ada Lovelace' OR phone LIKE '%7946%' OR postal_code = 'AB1 2CD' OR line1 LIKE 'Red%'), 0, 'not what is');
SELECT isnt((SELECT recipient FROM saas_masked.addresses), NULL, 'but something believable');
SELECT is((SELECT postal_code FROM saas_masked.addresses), 'AB', 'or less precise');
-- A function that costs nothing and tells what it sees gets no more than the view shows.
CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$BEGIN PERFORM set_config('tell.seen', current_setting('tell.seen', true) || $1 || '|', true); RETURN true; END$$;
SELECT count(*) FROM saas_masked.addresses AS a WHERE pg_temp.tell(a.recipient) AND pg_temp.tell(a.phone) AND pg_temp.tell(a.team_id::text) \g /dev/null
SELECT count(*) FROM saas_masked.addresses AS a WHERE pg_temp.tell(a::text) \g /dev/null
SELECT is(current_setting('tell.seen') ~ 'Lovelace|7946|AB1 2CD', false, 'a function in a condition sees masked values');
SELECT is(strpos(current_setting('tell.seen'), :'blue'), 0, 'and of the team alone');
SELECT throws_ok('SELECT recipient FROM saas.addresses', '42501', NULL, 'the table itself is closed');
SELECT is((SELECT count(*)::integer FROM pg_attribute AS a WHERE a.attrelid = 'saas_masked.encryption_keys'::regclass AND a.attname IN ('wrapped', 'kcv')), 0, 'secrets have no column');
SELECT is((SELECT count(*)::integer FROM saas_masked.team_members WHERE team_id = :'blue'), 0, 'another team is not there');
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'saas_masked' AND NOT 'security_barrier=true' = ANY (c.reloptions)), 0, 'every view is a barrier');
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT FROM saas_masked.addresses', '42501', NULL, 'the application has no business there');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_analyst;
SELECT is((SELECT count(*)::integer FROM saas_masked.addresses), 0, 'without a team there are no rows');
RESET ROLE;
-- A restricted person is left out.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT count(*) AS members FROM saas_masked.team_members \gset
SELECT saas.restrict_processing(:'ann', 'disputed') \g /dev/null
SELECT is((SELECT count(*) FROM saas_masked.team_members), (:members - 1)::bigint, 'a person whose data are restricted is left out');
-- Payments are the person's by way of their intents, addresses by way of the membership.
INSERT INTO saas.addresses (team_id, user_id, recipient, line1, city, country)
VALUES (:'red', :'ann', 'Ann', '1 Way', 'Town', 'GB'), (:'red', NULL, 'Office', '2 Way', 'Town', 'GB');
UPDATE saas.payment_intents SET metadata = jsonb_build_object('email', 'ANN@example.com') WHERE team_id = :'red';
SET LOCAL ROLE saas_analyst;
SELECT is((SELECT count(*)::integer FROM saas_masked.addresses WHERE user_id = :'ann'), 0, 'and by way of other tables');
SELECT cmp_ok((SELECT count(*)::integer FROM saas_masked.addresses WHERE user_id IS NULL), '>', 0, 'others stay');
SELECT is((SELECT count(*)::integer FROM saas_masked.payments), 0, 'payments of intents that name the person go too');
SELECT is((SELECT count(*)::integer FROM saas_masked.refunds), 0, 'and what belongs to the payments');
SELECT throws_ok(format('SELECT saas.is_restricted(%L)', :'ann'), '42501', NULL, 'analysts cannot ask who is restricted');
RESET ROLE;
SELECT saas.lift_restriction(:'ann', 'settled') \g /dev/null
DELETE FROM saas.addresses WHERE recipient IN ('Ann', 'Office');
SET LOCAL ROLE saas_analyst;
SELECT cmp_ok((SELECT count(*)::integer FROM saas_masked.payments), '>', 0, 'until the restriction is lifted');
RESET ROLE;
-- Rules for views.
SELECT saas.set_masking_rule('saas.addresses', 'city', 'constant', '{"value": "it''s hidden"}'), saas.set_masking_rule('saas.addresses', 'postal_code', 'keep') \g /dev/null
SELECT count(*) FROM saas.create_masked_views() \g /dev/null
SELECT is((SELECT city || '|' || postal_code FROM saas_masked.addresses), 'it''s hidden|AB1 2CD', 'rules come first');
SELECT saas.set_masking_rule('saas.addresses', 'city', 'keyed_hash') \g /dev/null
SELECT throws_ok('SELECT FROM saas.create_masked_views()', '22023', NULL, 'a view cannot follow every strategy');
SELECT cmp_ok(saas.drop_masked_views(), '>', 30, 'views are dropped');
SELECT is((SELECT count(*)::integer FROM pg_class WHERE relnamespace = 'saas_masked'::regnamespace AND relkind = 'v'), 0, 'all of them');

-- Tables of one's own, as a copy and in place.
CREATE TABLE public.patients (id integer PRIMARY KEY, email text UNIQUE, "full name" text, zip text, born date, seen timestamptz, weight numeric, ip inet,
    sister uuid, code text, ward text, doubled numeric GENERATED ALWAYS AS (weight * 2) STORED);
INSERT INTO public.patients (id, email, "full name", zip, born, seen, weight, ip, sister, code, ward)
SELECT i, 'p' || i || '@example.org', 'Person ' || i, (10000 + i % 100)::text, date '1950-06-15' + i * 30, timestamptz '2024-05-17 12:34+00', 60 + i % 40,
    '203.0.113.7', md5(i::text)::uuid, 'C' || i, 'w' || i % 5
FROM generate_series(1, 400) AS i;
CREATE TEMPORARY TABLE rules (r jsonb);
INSERT INTO rules VALUES ('{"full name": {"strategy": "fake", "kind": "full_name"}, "zip": {"strategy": "generalise", "first": 3},
    "born": {"strategy": "generalise", "to": "year"}, "seen": {"strategy": "noise", "interval": "10 days"}, "weight": {"strategy": "noise", "ratio": 0.1},
    "sister": {"strategy": "keyed_hash"}, "code": {"strategy": "partial", "first": 1}, "ward": {"strategy": "shuffle"}}');
SELECT is(saas.anonymise_table('public.patients', (SELECT r FROM rules), 'public.patients_copy', 'seed'), 400::bigint, 'a masked copy');
SELECT is((SELECT count(*)::integer FROM public.patients_copy AS c JOIN public.patients AS p USING (id)
    WHERE c.email = p.email OR c."full name" = p."full name" OR c.sister = p.sister OR c.code = p.code OR c.ip = p.ip), 0, 'nothing personal is left');
SELECT is((SELECT count(DISTINCT email)::integer FROM public.patients_copy WHERE email LIKE '%@example.com'), 400, 'addresses stay different');
SELECT is((SELECT count(*)::integer FROM public.patients_copy AS c JOIN public.patients AS p USING (id)
    WHERE c.zip = left(p.zip, 3) AND c.born = date_trunc('year', p.born)::date AND c.ip = '203.0.113.0/24' AND c.code = CASE WHEN p.id < 10 THEN '***' ELSE 'C***' END), 400, 'generalised as asked');
SELECT is((SELECT count(*)::integer FROM public.patients_copy AS c JOIN public.patients AS p USING (id)
    WHERE c.seen BETWEEN p.seen - interval '10 days' AND p.seen + interval '10 days' AND c.weight BETWEEN p.weight * 0.9 AND p.weight * 1.1), 400, 'noise within bounds');
SELECT cmp_ok((SELECT count(*)::integer FROM public.patients_copy AS c JOIN public.patients AS p USING (id) WHERE c.weight <> p.weight), '>', 350, 'and noise at all');
SELECT results_eq('SELECT ward, count(*) FROM public.patients_copy GROUP BY ward ORDER BY ward', 'SELECT ward, count(*) FROM public.patients GROUP BY ward ORDER BY ward', 'shuffling keeps every value');
SELECT cmp_ok((SELECT count(*)::integer FROM public.patients_copy AS c JOIN public.patients AS p USING (id) WHERE c.ward <> p.ward), '>', 100, 'elsewhere');
SELECT is(saas.anonymise_table('public.patients', (SELECT r FROM rules), 'public.patients_again', 'seed'), 400::bigint, 'a second copy with the seed');
SELECT is((SELECT count(*)::integer FROM public.patients_copy AS c JOIN public.patients_again AS a USING (id, email, sister, "full name")), 400, 'has the same pseudonyms');
SELECT is(saas.anonymise_table('public.patients', (SELECT r FROM rules), 'public.patients_other'), 400::bigint, 'a copy without a seed');
SELECT is((SELECT count(*)::integer FROM public.patients_copy AS c JOIN public.patients_other AS a USING (id, sister)), 0, 'has others');
SELECT throws_ok($$SELECT saas.anonymise_table('public.patients', '{"nothing": {"strategy": "null"}}')$$, '42703', NULL, 'a rule for no column is refused');
SELECT throws_ok($$SELECT saas.anonymise_table('public.patients', '{"id": {"strategy": "null"}}')$$, '23502', NULL, 'NOT NULL holds');
SELECT throws_ok($$SELECT saas.anonymise_table('public.patients', '{"id": {"strategy": "fake"}}')$$, '22023', NULL, 'a number is no name');
SELECT throws_ok($$SELECT saas.anonymise_table('public.patients', '{}', 'public.patients_copy')$$, '42P07', NULL, 'a copy does not replace a table');
SELECT is(to_regclass('pg_temp.masking_key'), NULL, 'the key is gone');
SELECT is(saas.anonymise_table('public.patients', (SELECT r FROM rules)), 400::bigint, 'in place');
SELECT is((SELECT count(*)::integer FROM public.patients WHERE email LIKE '%@example.org' OR "full name" LIKE 'Person %' OR code ~ 'C[0-9]'), 0, 'nothing personal is left there either');
SELECT is((SELECT count(*)::integer FROM public.patients WHERE doubled = weight * 2), 400, 'generated columns follow');

-- How anonymous that is: five classes by hand.
CREATE TABLE public.published (born integer, zip text, illness text);
INSERT INTO public.published VALUES (1970, '10', 'a'), (1970, '10', 'b'), (1970, '10', 'b'), (1980, '10', 'a'), (1980, '10', 'a'), (1990, '20', 'c'), (NULL, '20', 'a'), (NULL, '20', NULL);
SELECT results_eq($$SELECT * FROM saas.k_anonymity('public.published', '{born,zip}', 3)$$,
    $$VALUES (8::bigint, 4::bigint, 1::bigint, 3::bigint, 5::bigint, 1::bigint, 1.0::float8, 0.5::float8)$$, 'k-anonymity');
SELECT results_eq($$SELECT * FROM saas.l_diversity('public.published', '{born,zip}', 'illness', 2)$$,
    $$VALUES (8::bigint, 4::bigint, 1::bigint, 2::bigint, 3::bigint)$$, 'l-diversity');
SELECT throws_ok($$SELECT saas.k_anonymity('public.published', '{}')$$, '22023', NULL, 'columns are needed');
SELECT throws_ok($$SELECT saas.k_anonymity('public.published', '{born}', NULL)$$, '22023', NULL, 'NULL is no number of rows');
SELECT throws_ok($$SELECT saas.k_anonymity('public.published', '{born,NULL}')$$, '22023', NULL, 'nor a column');
SELECT throws_ok($$SELECT saas.k_anonymity(NULL, '{born}')$$, '22023', NULL, 'nor a table');
SELECT throws_ok($$SELECT saas.l_diversity('public.published', '{born}', 'illness', NULL)$$, '22023', NULL, 'nor a number of values');
SELECT throws_ok($$SELECT saas.k_anonymity('public.published', '{born}', 1)$$, '22023', NULL, 'one row hides nobody');
SELECT throws_ok($$SELECT saas.k_anonymity('public.published', '{"born; DROP TABLE public.published"}')$$, '42703', NULL, 'names are names');
SET LOCAL ROLE saas_analyst;
SELECT throws_ok($$SELECT saas.k_anonymity('public.published', '{born}')$$, '42501', NULL, 'with the rights of the caller');
RESET ROLE;

-- Row-level security would leave rows as they are.
CREATE ROLE privacy_owner NOLOGIN;
GRANT EXECUTE ON FUNCTION saas.anonymise_table(regclass, jsonb, text, text) TO privacy_owner;
GRANT USAGE ON SCHEMA saas TO privacy_owner;
ALTER TABLE public.published OWNER TO privacy_owner;
ALTER TABLE public.published ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SET LOCAL ROLE privacy_owner;
SELECT throws_ok($$SELECT saas.anonymise_table('public.published')$$, 'SA161', NULL, 'where row-level security hides rows it is refused');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
