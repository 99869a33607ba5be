-- Providers' objects become rows by a mapping: every conversion, what it refuses, and that it says what the functions of
-- the other adapters say of the same values.
BEGIN;
SELECT no_plan();
CREATE SCHEMA shop;
CREATE TABLE shop.things (
    id uuid,
    name text,
    gone integer,
    amount bigint,
    currency char(3),
    made_at timestamptz,
    is_live boolean,
    notes jsonb,
    facts jsonb,
    short varchar(10)
);
ALTER TABLE shop.things DROP COLUMN gone;
CREATE FUNCTION pg_temp.thing(p_object jsonb, p_mapping text, p_provider text DEFAULT 'stripe') RETURNS shop.things LANGUAGE sql AS
'SELECT saas.with_json_columns(NULL::shop.things, p_provider, p_object, p_mapping)';
CREATE FUNCTION pg_temp.said(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_answer text;
BEGIN
    EXECUTE p_statement INTO v_answer;
    RETURN COALESCE(v_answer, 'NULL');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- Columns, parts, alternatives and members.
SELECT is((pg_temp.thing('{"a": {"b": ["x", {"c": "found"}]}}', 'name text a.b.1.c')).name, 'found', 'through objects and arrays');
SELECT is((pg_temp.thing('{"a": null, "b": "second"}', 'name text a | missing | b')).name, 'second', 'the first that is something');
SELECT is((pg_temp.thing('{"a": "b", "c": "2"}', E'@a json a | c\nname text @a.x | c')).name, '2', 'a part that is no object has no members');
SELECT is((pg_temp.thing('{"p": null, "q": {"x": "y"}}', E'@a json p | q\nname text @a.x')).name, NULL, 'null is a part');
SELECT is((pg_temp.thing('[["x"]]', 'name text 0.0')).name, 'x', 'an array at the top');
SELECT is((pg_temp.thing('"text"', 'name text 0')).name, NULL, 'a scalar at the top has no members');
SELECT is((pg_temp.thing(NULL, E'name text a\nis_live flag_or_false b\nnotes object c')), ROW(NULL, NULL, NULL, NULL, NULL, false, '{}', NULL, NULL)::shop.things, 'no object');
SELECT is((saas.with_json_columns(ROW(NULL, 'kept', 5, NULL, NULL, true, NULL, NULL, 's')::shop.things, 'stripe', '{"b": false}', 'is_live flag b')),
    ROW(NULL, 'kept', 5, NULL, NULL, false, NULL, NULL, 's')::shop.things, 'other columns stay');
SELECT is((pg_temp.thing('{"m": "A@B.org", "n": 12, "l": true, "c": "jpy", "a": 7, "z": null, "nested": {"k": [1]}}',
    E'currency currency c\nfacts.amount units a\nfacts.live flag l\nfacts.mail lower_text m\nfacts.domain mail_domain m\nfacts.n text n\nfacts.z text z\nfacts.missing text x.y\nfacts.currency currency c\nfacts.k text nested\nfacts.id id m')).facts,
    '{"amount": 7, "live": true, "mail": "a@b.org", "domain": "b.org", "n": "12", "currency": "JPY", "k": "{\"k\": [1]}", "id": "A@B.org"}', 'members, without what is NULL');
SELECT is((pg_temp.thing('{}', 'facts.x text y')).facts, '{}', 'no member at all');
SELECT is((pg_temp.thing('{"a": "1", "a": "2"}', 'name text a')).name, '2', 'of a key that comes twice the last one counts');
SELECT is(length((pg_temp.thing(jsonb_build_object('t', repeat('ü', 300)), 'name short_text t')).name), 255, 'a short text');
SELECT is(d.name, (ARRAY['b.org', 'c.org', NULL, NULL, NULL, 'b'])[n], 'the domain of an address') FROM unnest(ARRAY['a@b.org', 'a@b@c.org', 'a@b@', 'a', '', E'x\n@b']) WITH ORDINALITY AS u (address, n),
    pg_temp.thing(jsonb_build_object('m', address), 'name mail_domain m') AS d;
SELECT is(d.name, substring(lower(address) FROM '@([^@]+)$'), 'as the regular expression says') FROM unnest(ARRAY['a@b.org', 'A@b@C.org', 'a@b@', 'a', '', E'x\n@b', '@', '@@x', E'a@b\nc']) AS u (address),
    pg_temp.thing(jsonb_build_object('m', address), 'name mail_domain m') AS d;

-- The same answer or error as the functions in PL/pgSQL, of all kinds of values.
CREATE TEMPORARY TABLE told (value jsonb) ON COMMIT DROP;
INSERT INTO told VALUES ('0'), ('1'), ('1099'), ('-1'), ('-0'), ('1.00'), ('0.5'), ('-0.5'), ('1e3'), ('1E-3'), ('9223372036854775807'), ('9223372036854775808'), ('1e30'), ('1e1000'),
    ('922337203685477580.7'), ('"5"'), ('""'), ('null'), ('true'), ('false'), ('[]'), ('{}'), ('[1]'), ('{"id": "x"}'), ('{"id": null}'), ('{"id": 5}'), ('{"id": ""}'), ('"id"'),
    ('253402300799'), ('253402300799.5'), ('253402300800'), ('253402300798.9999999'), ('1700000000.123456'), ('-0.1'), ('1700000000.0000005'), ('"2024-02-29T23:59:60.5+01:00"'), ('"2023-02-29T00:00:00Z"'),
    ('"2024-02-29T24:00:00Z"'), ('"2024-02-29T23:59:60Z"'), ('"2024-02-29T22:59:60.5Z"'), ('"2024-02-29T23:59:59.9999999Z"'), ('"2024-02-29T24:00:00.1Z"'), ('"2024-02-29T23:59:61Z"'), ('"2024-02-29T00:00Z"'), ('"2024-02-29T00:00:00.123456789-1530"'), ('"2024-02-29T00:00:00+16:00"'), ('"2024-02-29T00:00:00+15:59"'),
    ('"0000-01-01T00:00:00Z"'), ('"0001-01-01T00:00:00+15:00"'), ('"9999-12-31T23:59:59.9999999-15:00"'), ('"2024-02-29"'), ('"2024-02-29T00:00:00"'), ('"2024-02-29 00:00:00Z"'), ('"2024-02-29T00:00:00.9999995Z"'),
    ('"2024-02-29T00:00:00.0000005Z"'), ('"2024-02-29T00:00:00.0000015Z"'), ('"2024-02-29T00:00:00.5z"'), ('"2024-13-01T00:00:00Z"'), ('"2024-12-32T00:00:00Z"'), ('"2024-12-31T00:60:00Z"'), ('"2024-12-31T00:00:00+00:60"');
INSERT INTO told SELECT to_jsonb(repeat('x', 255)) UNION ALL SELECT to_jsonb(repeat('ü', 255)) UNION ALL SELECT to_jsonb(repeat('x', 256)) UNION ALL SELECT jsonb_build_object('id', repeat('ü', 256));
INSERT INTO told SELECT to_jsonb(format('2024-%s-%sT%s:%s:%s.%sZ', to_char(n % 13, 'FM00'), to_char(n * 7 % 33, 'FM00'), to_char(n * 5 % 26, 'FM00'), to_char(n * 11 % 62, 'FM00'), to_char(n * 13 % 63, 'FM00'), n * 7919 % 9999999 + 1)) FROM generate_series(1, 300) AS n;
CREATE FUNCTION pg_temp.differences(p_old text, p_new text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s: %s, not %s', left(t.value::text, 50), b.said, a.said)
    FROM told AS t,
        LATERAL (SELECT pg_temp.said(format(p_old, t.value))) AS a (said),
        LATERAL (SELECT pg_temp.said(format(p_new, jsonb_build_object('v', t.value)))) AS b (said)
    WHERE a.said <> b.said
$$;
SELECT is_empty(
    format(
        'SELECT pg_temp.differences(%L, %L)',
        format('SELECT saas.minor_units(%%L::jsonb, %s, %s)', e.provider, e.own),
        format('SELECT (pg_temp.thing(%%L::jsonb || %L, %L, %L)).amount', jsonb_build_object('c', e.currency), E'currency currency c\namount units v', e.name)
    ),
    'amounts of ' || e.currency || ' at ' || e.name)
FROM (
    SELECT DISTINCT ON (c.exponent, p.exponent) c.code AS currency, COALESCE(p.provider, 'stripe') AS name, c.exponent AS own, COALESCE(p.exponent, c.exponent) AS provider
    FROM saas.currencies AS c
    LEFT JOIN saas.provider_currency_exponents AS p ON p.currency = c.code AND p.purpose = 'charge'
    WHERE c.exponent IS NOT NULL
    ORDER BY 3, p.exponent, 1
) AS e;
SELECT is_empty($$SELECT pg_temp.differences('SELECT saas.stripe_time(%L::jsonb)', 'SELECT (pg_temp.thing(%L, ''made_at unix_time v'')).made_at')$$, 'unix times');
SELECT is_empty($$SELECT pg_temp.differences('SELECT saas.provider_time(%L::jsonb)', 'SELECT (pg_temp.thing(%L, ''made_at time v'')).made_at')$$, 'times of RFC 3339');
SELECT is_empty($$SELECT pg_temp.differences('SELECT saas.provider_object_id(%L::jsonb)', 'SELECT (pg_temp.thing(%L, ''name id v'')).name')$$, 'identifiers');
SELECT is_empty($$SELECT pg_temp.differences('SELECT saas.provider_object_id(%L::jsonb, true)', 'SELECT (pg_temp.thing(%L, ''name required_id v'')).name')$$, 'identifiers that have to be there');
SELECT is_empty($$SELECT pg_temp.differences('SELECT saas.object_or_empty(%L::jsonb)', 'SELECT (pg_temp.thing(%L, ''notes object v'')).notes')$$, 'objects');
SELECT is_empty($$SELECT pg_temp.differences('SELECT %L::jsonb #>> ''{}''', 'SELECT (pg_temp.thing(%L, ''name text v'')).name')$$, 'texts');
SELECT is_empty($$SELECT pg_temp.differences('SELECT %L::jsonb = ''true''', 'SELECT (pg_temp.thing(%L, ''is_live flag v'')).is_live')$$, 'flags');
SELECT is((pg_temp.thing('{}', 'is_live flag v')).is_live, NULL, 'a flag that is missing');
SELECT is((pg_temp.thing('{"c": "usd"}', E'currency currency c\namount units_or_zero v')).amount, 0::bigint, 'an amount that may be missing');
SELECT throws_ok($$SELECT pg_temp.thing('{"c": "usd"}', E'currency currency c\namount units v')$$, 'SA072', 'an amount is missing or not a number', 'an amount that may not');
SELECT throws_ok(format('SELECT pg_temp.thing(%L, %L)', jsonb_build_object('c', c), 'currency currency c'), 'SA072', 'the currency is unknown, or has no minor unit', 'the currency ' || c)
FROM unnest('{us,usdd,"",XXX,ÜSD,xau}'::text[]) AS u (c);
SELECT throws_ok($$SELECT pg_temp.thing('{"c": null}', 'currency currency c')$$, 'SA072', 'the currency is unknown, or has no minor unit', 'no currency');
SELECT is((pg_temp.thing('{"s": "succeeded"}', 'name state:payment_intent s')).name, 'succeeded', 'a state');
SELECT throws_ok($$SELECT pg_temp.thing('{"s": "new"}', 'name state:payment_intent s')$$, 'SA072', 'the status of the payment intent is unknown', 'an unknown state');
SELECT throws_ok($$SELECT pg_temp.thing('{}', 'name state:charge s')$$, 'SA072', 'the status of the charge is unknown', 'no state');

-- Mappings and rows that do not fit.
SELECT throws_ok($$SELECT pg_temp.thing('{}', 'colour text c')$$, '42703', 'the row has no column "colour"', 'an unknown column');
SELECT throws_ok($$SELECT pg_temp.thing('{}', 'gone text c')$$, '42703', 'the row has no column "gone"', 'a dropped column');
SELECT throws_ok($$SELECT pg_temp.thing('{}', 'amount text c')$$, '42804', 'column "amount" is of type bigint, not text', 'another type');
SELECT throws_ok($$SELECT pg_temp.thing('{}', 'short text c')$$, '42804', 'column "short" is of type character varying(10), not text', 'a type with a length');
SELECT throws_ok($$SELECT pg_temp.thing('{}', 'name.x text c')$$, '42804', 'column "name" is of type text, not jsonb', 'members of a text');
SELECT throws_ok($$SELECT pg_temp.thing('{}', 'name number c')$$, '22023', 'line 1 of a mapping has an unknown conversion', 'no mapping');
SELECT throws_ok($$SELECT saas.with_json_columns(1, 'stripe', '{}', 'a text b')$$, '42809', 'the row is of no table', 'no row');
SELECT throws_ok($$SELECT saas.with_json_columns(NULL::shop.things, 'stripe', '{}', NULL)$$, '22004', NULL, 'no mapping');
SELECT throws_ok($$SELECT saas.with_json_columns(NULL::shop.things, NULL, '{}', 'name text a')$$, '22004', NULL, 'no provider');
SELECT lives_ok($$SELECT pg_temp.thing('{"a": "b"}', 'name text a' || n) FROM generate_series(1, 500) AS n$$, 'many mappings');

-- The form of the table and reference rows may change.
SELECT is((pg_temp.thing('{"a": "b"}', 'name text a')).name, 'b', 'before');
ALTER TABLE shop.things DROP COLUMN id;
ALTER TABLE shop.things ADD COLUMN id text;
SELECT is((pg_temp.thing('{"a": "b"}', E'name text a\nid text a')).id, 'b', 'after');
SELECT is((pg_temp.thing('{"a": "b"}', 'name text a')).name, 'b', 'a mapping that was known');
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state) VALUES ('stripe', 'payment_intent', 'new', 'payment_intent', 'processing');
SELECT is((pg_temp.thing('{"s": "new"}', 'name state:payment_intent s')).name, 'processing', 'a new row of the map');

-- Columns as members.
INSERT INTO shop.things (name, amount, currency, is_live, notes, made_at) VALUES ('n', 5, 'EUR', false, '{"b": null}', '2024-02-29T00:00:00Z');
SELECT is((SELECT saas.row_members(t, '{name,sum=amount,currency,is_live,notes,id,facts,made_at}') FROM shop.things AS t),
    '{"name": "n", "sum": 5, "currency": "EUR", "is_live": false, "notes": {"b": null}, "made_at": "2024-02-29T00:00:00+00:00"}', 'what is not NULL');
SELECT is((SELECT saas.row_members(t, '{}') FROM shop.things AS t), '{}', 'no member');
SELECT is(saas.row_members(NULL::shop.things, '{name}'), NULL, 'no row');
SELECT throws_ok($$SELECT saas.row_members(t, '{colour}') FROM shop.things AS t$$, '42703', 'the row has no column "colour"', 'no such column');
SELECT throws_ok($$SELECT saas.row_members(t, '{gone}') FROM shop.things AS t$$, '42703', 'the row has no column "gone"', 'a dropped one');
SELECT throws_ok($$SELECT saas.row_members(t, '{name,name=currency}') FROM shop.things AS t$$, '22023', 'a member is named twice', 'two members of a name');
SELECT throws_ok($$SELECT saas.row_members(t, '{NULL}') FROM shop.things AS t$$, '22004', 'a member has no name', 'no name');
SELECT throws_ok($$SELECT saas.row_members(1, '{name}')$$, '42809', 'the row is of no table', 'no row of a table');

SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.row_members(p, '{amount}') FROM saas.payments AS p$$, '42501', NULL, 'for the package alone');
SELECT throws_ok($$SELECT saas.with_json_columns(NULL::saas.payments, 'stripe', '{}', 'description text d')$$, '42501', NULL, 'for functions of the package alone');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
