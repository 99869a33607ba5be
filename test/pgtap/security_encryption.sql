-- Encrypted values: forms, bindings, roles, and what does not open. The server has a root key.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql

CREATE TABLE public.vault (team_id uuid NOT NULL, id uuid NOT NULL, iban bytea, phone bytea, PRIMARY KEY (team_id, id));
SELECT saas.register_asset('public.vault', 'iban') AS iban, saas.register_asset('public.vault', 'phone') AS phone \gset
CREATE FUNCTION pg_temp.error_of(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    EXECUTE p_statement;
    RETURN 'no error';
EXCEPTION
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
        RETURN concat_ws('|', SQLSTATE, SQLERRM, NULLIF(v_detail, ''), NULLIF(v_hint, ''));
END
$$;
\set failed '\'SA101|decryption failed\''

-- What the planner may do with them.
SELECT is(
    (SELECT string_agg(DISTINCT concat(p.provolatile, p.proparallel, p.proleakproof), ',')
     FROM pg_proc AS p WHERE p.pronamespace = 'saas'::regnamespace AND p.proname ~ '^(encrypt_sensitive|reencrypt)'),
    'vuf', 'encrypting is volatile, and nothing is leakproof');
SELECT is(
    (SELECT string_agg(DISTINCT concat(p.provolatile, p.proparallel, p.proleakproof), ',')
     FROM pg_proc AS p WHERE p.pronamespace = 'saas'::regnamespace AND p.proname ~ '^decrypt_sensitive'),
    'ssf', 'decrypting is stable and may run in parallel');
SELECT is(
    (SELECT count(*)::integer FROM pg_proc AS p CROSS JOIN (VALUES ('saas_analyst'), ('saas_anonymous'), ('public')) AS r (name)
     WHERE p.pronamespace = 'saas'::regnamespace AND p.proname ~ '^(encrypt_sensitive|decrypt_sensitive|reencrypt)'
        AND has_function_privilege(r.name, p.oid, 'EXECUTE')),
    0, 'analysts, visitors and everybody else neither encrypt nor decrypt');

-- Without a context there is no team.
SELECT saas.clear_context() \g /dev/null
SELECT throws_ok($$SELECT saas.encrypt_sensitive_data('x')$$, 'SA102', NULL, 'encrypting needs a team');
SELECT throws_ok($$SELECT saas.decrypt_sensitive_data('\xc1')$$, 'SA102', NULL, 'and so does decrypting');
SELECT throws_ok($$SELECT saas.encrypt_sensitive_data('x', p_asset => NULL::uuid)$$, '22004', NULL, 'an asset that is NULL would bind nothing');

-- As a member of red.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(saas.decrypt_sensitive_data(saas.encrypt_sensitive_data(v)), v, 'text comes back: ' || left(v, 10))
FROM unnest(ARRAY['', 'x', 'Grüße, 世界 🔐', repeat('long ', 1000000)]) AS v;
SELECT is(saas.decrypt_sensitive_bytes(saas.encrypt_sensitive_bytes(v)), v, 'bytes come back')
FROM unnest(ARRAY['', '\x00', '\xff00ff'::bytea]) AS v;
SELECT is(saas.decrypt_sensitive_json(saas.encrypt_sensitive_json(v)), v, 'JSON comes back')
FROM unnest(ARRAY['null', '{}', '{"a": [1, "ü", null]}'::jsonb]) AS v;
SELECT is(saas.encrypt_sensitive_data(NULL), NULL, 'NULL stays NULL');
SELECT is(saas.decrypt_sensitive_data(NULL, :'iban'::uuid), NULL, 'both ways');
SELECT is(
    saas.decrypt_sensitive_data(saas.encrypt_sensitive_data('secret', :'iban'::uuid, :'ann', :'ann', a.name), :'iban'::uuid, :'ann'),
    'secret', a.name || ' for an asset, a row and a person')
FROM unnest(ARRAY['xaes-256-gcm', 'aes-256-gcm', 'aes-256-siv']) AS a (name);
SELECT is(
    saas.decrypt_sensitive_data(saas.encrypt_sensitive_data('', :'iban'::uuid, p_algorithm => 'aes-256-siv'), :'iban'::uuid),
    '', 'an empty deterministic value');
SELECT is(
    saas.decrypt_sensitive_data(saas.encrypt_sensitive_data('secret', p_table => 'public.vault', p_column => 'iban', p_row => :'ann'), :'iban'::uuid, :'ann'),
    'secret', 'a column is its asset');
SELECT throws_ok($$SELECT saas.encrypt_sensitive_data('x', saas.asset_id('saas.users', 'email'), p_algorithm => 'rot13')$$, '22023', NULL, 'an unknown algorithm');
SELECT throws_ok($$SELECT saas.encrypt_sensitive_data('x', p_table => 'public.vault', p_column => 'id')$$, 'SA104', NULL, 'a column that is not registered');
SELECT throws_ok($$SELECT saas.encrypt_sensitive_data('x', p_table => 'public.vault', p_column => 'none')$$, '42703', NULL, 'a column that is not there');
SELECT isnt(saas.encrypt_sensitive_data('x'), saas.encrypt_sensitive_data('x'), 'no value is encrypted twice the same way');
SELECT is((SELECT count(DISTINCT saas.encrypt_sensitive_data('x')) FROM generate_series(1, 2000)), 2000::bigint, 'not in one statement either');
SELECT is(
    saas.encrypt_sensitive_data('x', :'iban'::uuid, :'ann', NULL, 'aes-256-siv'), saas.encrypt_sensitive_data('x', :'iban'::uuid, :'ann', NULL, 'aes-256-siv'),
    'but AES-SIV does');
SELECT isnt(
    saas.encrypt_sensitive_data('x', :'iban'::uuid, NULL, NULL, 'aes-256-siv'), saas.encrypt_sensitive_data('x', :'phone'::uuid, NULL, NULL, 'aes-256-siv'),
    'within one column only');

-- The header, without a key.
SELECT saas.encrypt_sensitive_data('secret') AS loose, saas.encrypt_sensitive_data('secret', :'iban'::uuid, :'ann') AS bound,
    saas.encrypt_sensitive_data('secret', :'iban'::uuid, :'ann', :'bob') AS personal \gset
SELECT results_eq(
    format($$SELECT valid, version, algorithm, asset_bound, row_bound, plaintext_bytes FROM saas.ciphertext_info(%L)$$, :'bound'),
    $$VALUES (true, 1, 'xaes-256-gcm', true, true, 6)$$, 'the header of a bound value');
SELECT results_eq(
    $$SELECT (saas.ciphertext_info(v)).valid, saas.is_ciphertext(v) FROM unnest(ARRAY['', '\xc1', '\xc1010200', 'plain text'::bytea]) AS v$$,
    $$SELECT false, false FROM generate_series(1, 4)$$, 'other bytes are none');
SELECT is(length(:'loose'::bytea), 6 + 52, '52 bytes more');

-- Moved, or named otherwise: one error for all, without detail.
SELECT is(pg_temp.error_of(format('SELECT saas.decrypt_sensitive_data(%L%s)', m.value, m.binding)), :failed, m.name)
FROM (VALUES
    (:'bound', '', 'not named'),
    (:'bound', format(', %L::uuid', :'iban'), 'the row not named'),
    (:'bound', format(', %L::uuid, %L', :'iban', :'bob'), 'another row'),
    (:'bound', format(', %L::uuid, %L', :'phone', :'ann'), 'another column'),
    (:'loose', format(', %L::uuid, %L', :'iban', :'ann'), 'bound to less than named'),
    ('', '', 'nothing'),
    ('\xc1', '', 'one byte'),
    ('secret', '', 'plain text'),
    ('\xc101020000000000000000ff' || repeat('00', 60), '', 'a key that is not there')
) AS m (value, binding, name);
SELECT is(
    (SELECT count(*)::integer FROM generate_series(0, 8 * length(:'bound'::bytea) - 1) AS bit
     WHERE pg_temp.error_of(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid, %L)', set_bit(:'bound'::bytea, bit, 1 - get_bit(:'bound'::bytea, bit)), :'iban', :'ann')) <> :failed),
    0, 'a change of any bit');
SELECT is(
    (SELECT count(*)::integer FROM generate_series(0, length(:'bound'::bytea) - 1) AS size
     WHERE pg_temp.error_of(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid, %L)', substring(:'bound'::bytea FROM 1 FOR size), :'iban', :'ann')) <> :failed),
    0, 'cut anywhere');
SELECT is(pg_temp.error_of(format('SELECT saas.decrypt_sensitive_data(%L)', saas.encrypt_sensitive_bytes(v))), :failed, 'bytes that are no text')
FROM unnest(ARRAY['\xff', '\x6100', '\xc3'::bytea]) AS v;
SELECT is(pg_temp.error_of(format('SELECT saas.decrypt_sensitive_json(%L)', saas.encrypt_sensitive_data(v))), :failed, 'text that is no JSON')
FROM unnest(ARRAY['', 'secret', '{"a": secret}']) AS v;

-- Re-encrypting keeps binding, person and algorithm unless told otherwise.
SELECT saas.reencrypt(:'personal', :'iban'::uuid, :'ann') AS again \gset
SELECT isnt(:'again'::bytea, :'personal', 'it is encrypted anew');
SELECT is((saas.ciphertext_info(:'again')).key_no, (saas.ciphertext_info(:'personal')).key_no, 'under the key of the same person');
SELECT is(saas.decrypt_sensitive_data(:'again', :'iban'::uuid, :'ann'), 'secret', 'and opens as before');
SELECT is((saas.ciphertext_info(saas.reencrypt(:'again', :'iban'::uuid, :'ann', NULL, 'aes-256-gcm'))).algorithm, 'aes-256-gcm', 'with another algorithm');
SELECT isnt((saas.ciphertext_info(saas.reencrypt(:'again', :'iban'::uuid, :'ann', :'ann'))).key_no, (saas.ciphertext_info(:'again')).key_no, 'for another person');
SELECT is(pg_temp.error_of(format('SELECT saas.reencrypt(%L, %L::uuid, %L)', :'again', :'phone', :'ann')), :failed, 'what does not open is not encrypted anew');

-- Another team.
SELECT is(pg_temp.error_of(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid, %L, %L)', :'bound', :'iban', :'ann', :'blue')),
    '42501|permission denied to use the keys of that team|Only workers (saas_service) name a team other than that of the request context.',
    'an application names no other team');
SELECT is(saas.decrypt_sensitive_data(:'bound', :'iban'::uuid, :'ann', :'red'), 'secret', 'but its own');
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.error_of(format('SELECT saas.decrypt_sensitive_data(%L)', :'loose')), :failed, 'another team does not open the value');
SELECT is(pg_temp.error_of(format('SELECT saas.reencrypt(%L)', :'loose')), :failed, 'nor encrypts it anew');
SELECT isnt_empty($$SELECT FROM saas.encryption_keys$$, 'the owner of a team sees its keys');
SELECT is_empty(format('SELECT FROM saas.encryption_keys WHERE team_id <> %L', :'blue'), 'and no others');
SELECT throws_ok('SELECT wrapped FROM saas.encryption_keys', '42501', NULL, 'not what is wrapped');
SELECT throws_ok('SELECT * FROM saas.encryption_keys', '42501', NULL, 'nor by a star');
SELECT throws_ok('UPDATE saas.encryption_keys SET status = ''active''', '42501', NULL, 'nor changes them');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_service;
SELECT is(saas.decrypt_sensitive_data(:'bound', :'iban'::uuid, :'ann', :'red'), 'secret', 'a worker names the team');
SELECT is(pg_temp.error_of(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid, %L, %L)', :'bound', :'iban', :'ann', :'blue')), :failed, 'the right one');
SELECT throws_ok(format('SELECT saas.encrypt_sensitive_data(''x'', %L::uuid, p_team => %L)', :'iban', gen_random_uuid()), 'SA102', NULL, 'one that is there');
SELECT is(
    saas.decrypt_sensitive_data(saas.encrypt_sensitive_data('x', :'iban'::uuid, p_team => '00000000-0000-0000-0000-000000000000'), :'iban'::uuid, p_team => '00000000-0000-0000-0000-000000000000'),
    'x', 'the platform has keys of its own');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_data(%L)', :'loose'), '42501', NULL, 'an analyst does not decrypt');
SELECT throws_ok('SELECT FROM saas.encryption_keys', '42501', NULL, 'nor looks at keys');
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok($$SELECT saas.encrypt_sensitive_data('x')$$, '42501', NULL, 'a visitor does not encrypt');
RESET ROLE;

-- No way to a key, nor to where it lies.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok('SHOW ' || s.name, '42501', NULL, 'an application does not see ' || s.name)
FROM unnest(ARRAY['saas.kek_file', 'saas.kek_command', 'saas.kek_credential', 'saas.kek_variable', 'saas.key_file']) AS s (name);
SELECT throws_ok(format('SELECT current_setting(%L)', s.name), '42501', NULL, 'nor by current_setting: ' || s.name)
FROM unnest(ARRAY['saas.kek_file', 'saas.kek_command', 'saas.kek_credential', 'saas.kek_variable', 'saas.key_file']) AS s (name);
SELECT is_empty($$SELECT FROM pg_settings WHERE name ~ '^saas[.]ke[ky]' AND name <> 'saas.key_access_slots'$$, 'nor in pg_settings');
SELECT throws_ok($$SET saas.kek_file = '/tmp/x'$$, '55P02', NULL, 'nobody changes it while the server runs');
SELECT throws_ok($$SELECT pg_read_file('global/pg_control')$$, '42501', NULL, 'nor reads files of the server');
RESET ROLE;
SELECT throws_ok($$ALTER SYSTEM SET saas.kek_file = '/tmp/x'$$, '25001', NULL, 'ALTER SYSTEM does not run here, and would need a restart');
SELECT is(
    (SELECT count(*)::integer FROM pg_settings AS s WHERE s.name ~ '^saas\.' AND s.setting ~ '[0-9a-f]{64}'), 0,
    'no setting holds a key, for a superuser either');
SELECT is((SELECT saas.keystore_sealed()), false, 'the keystore is open');

-- Workers in parallel.
CREATE FUNCTION pg_temp.plan_of(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || p_statement INTO v_plan;
    RETURN v_plan;
END
$$;
CREATE TABLE public.many (value bytea);
INSERT INTO public.many SELECT saas.encrypt_sensitive_data(n::text) FROM generate_series(1, 20000) AS n;
GRANT SELECT ON public.many TO saas_app;
ANALYZE public.many;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL ROLE saas_app;
SELECT matches(pg_temp.plan_of('SELECT sum(saas.decrypt_sensitive_data(value)::integer) FROM public.many'), 'Gather', 'decrypting goes parallel');
SELECT is((SELECT sum(saas.decrypt_sensitive_data(value)::integer) FROM public.many), 200010000::bigint, 'parallel workers decrypt');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
