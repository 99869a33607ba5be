-- Blind indexes, and the conversion of what pgcrypto encrypted. The server has a root key.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql

CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO saas_app;
CREATE TABLE shop.people (team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), email text, phone bytea, CONSTRAINT people_pkey PRIMARY KEY (team_id, id));
SELECT saas.encrypt_column('shop.people', 'email') AS asset \gset
SELECT saas.encrypt_column('shop.people', 'phone') \g /dev/null
SELECT is(saas.add_blind_index('shop.people', 'email'), 'email_index', 'exact');
SELECT is(saas.add_blind_index('shop.people', 'email', 'prefix', 4), 'email_prefix_4', 'of the first characters');
SELECT is(saas.add_blind_index('shop.people', 'phone', 'last_four', p_bits => 20), 'phone_last_four', 'of the last four');
SET LOCAL client_min_messages = warning;
SELECT is(saas.add_blind_index('shop.people', 'email'), 'email_index', 'adding one again changes nothing');
RESET client_min_messages;
SELECT is(array_length(saas.encryption_arguments('shop.people', 'email'), 1), 7, 'and does not double it');
GRANT SELECT, INSERT ON shop.people TO saas_app;
SELECT is(
    (SELECT string_agg(DISTINCT concat(p.provolatile, p.proparallel, p.proleakproof), ',') FROM pg_proc AS p
     WHERE p.pronamespace = 'saas'::regnamespace AND p.proname ~ '^blind_index'),
    'ssf', 'stable, since keys rotate, and never leakproof');
SELECT is(
    (SELECT count(*)::int FROM pg_proc AS p CROSS JOIN (VALUES ('saas_analyst'), ('saas_anonymous'), ('public')) AS r (name)
     WHERE p.pronamespace = 'saas'::regnamespace AND p.proname ~ '^blind_index' AND has_function_privilege(r.name, p.oid, 'EXECUTE')),
    0, 'analysts, visitors and everybody else cannot compute them');

SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
INSERT INTO shop.people (team_id, email, phone) VALUES
    (:'red', 'Ada.Lovelace@Example.org', '+44 20 7946-0958'), (:'red', 'ada@example.org', '12'), (:'red', U&'M\00DCLLER@example.org', '+49 89 0958'), (:'red', '', '');
SELECT is((SELECT count(*)::int FROM shop.people WHERE email_index = saas.blind_index(v.given, :'asset'::uuid)), v.found, 'found ' || v.found || ': ' || v.given)
FROM (VALUES ('ada@example.org', 1), (E' ADA@EXAMPLE.ORG\t', 1), (U&'m\00FCller@example.org', 1), (U&'mu\0308ller@example.org', 1), ('ada', 0), ('', 1)) AS v (given, found);
SELECT is((SELECT count(*)::int FROM shop.people WHERE email_prefix_4 = saas.blind_index_prefix(v.given, saas.asset_id('shop.people', 'email', 'prefix_4'), 4)), v.found, 'prefix of ' || v.given)
FROM (VALUES ('ada.', 1), ('ADA@anything', 1), ('ada', 0), (U&'M\00FCll', 1)) AS v (given, found);
SELECT is((SELECT count(*)::int FROM shop.people WHERE phone_last_four = saas.blind_index_last_four(v.given, saas.asset_id('shop.people', 'phone', 'last_four'), 20)), v.found, 'last four of ' || v.given)
FROM (VALUES ('0958', 2), ('…09-58', 2), ('958', 0), ('12', 0)) AS v (given, found);
INSERT INTO shop.people (team_id, phone) VALUES (:'red', '\xf0'), (:'red', '\xe4b8'), (:'red', '\x00c3');
SELECT is((SELECT count(*)::int FROM shop.people WHERE email IS NULL AND phone_last_four IS NULL), 3, 'bytes that are no text');
SELECT is(saas.blind_index(NULL, :'asset'::uuid), NULL, 'NULL has none');
SELECT cmp_ok((SELECT max(phone_last_four) FROM shop.people), '<', 1048576::bigint, 'as many bits as were asked for');
SELECT throws_ok(format('SELECT saas.blind_index(%L, %L::uuid, %s)', 'x', :'asset', b), '22023', NULL, b || ' bits') FROM unnest(ARRAY[0, 64, -1]) AS b;
SELECT throws_ok($$SELECT saas.blind_index('x', 'shop.people'::regclass, 'nosuch')$$, '42703', NULL, 'a column that is not there');
SELECT throws_ok($$SELECT saas.blind_index('x', 'shop.people'::regclass, 'id')$$, 'SA104', NULL, 'a column that is no asset');
SELECT throws_ok(format($$SELECT saas.blind_index('x', %L::uuid, 63, %L)$$, :'asset', :'blue'), '42501', NULL, 'not under the key of another team');
SELECT saas.blind_index('ada@example.org', :'asset'::uuid) AS of_red \gset
RESET ROLE;

-- Equal values of two teams, and of two columns, have different numbers.
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SELECT isnt(saas.blind_index('ada@example.org', :'asset'::uuid), :of_red, 'another team, another number');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT isnt(saas.blind_index('ada@example.org', 'shop.people'::regclass, 'phone'), :of_red, 'another column, another number');

-- The planner takes the index.
INSERT INTO shop.people (team_id, email) SELECT :'red', 'user' || n || '@example.org' FROM generate_series(1, 2000) AS n;
ANALYZE shop.people;
CREATE FUNCTION pg_temp.plan(p_query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_plan json; BEGIN EXECUTE 'EXPLAIN (FORMAT JSON) ' || p_query INTO v_plan; RETURN v_plan::text; END $$;
SELECT matches(
    pg_temp.plan(format($$SELECT * FROM shop.people WHERE team_id = %L AND email_index = saas.blind_index('ada@example.org', %L::uuid)$$, :'red', :'asset')),
    'people_email_index_blind', 'a look-up uses the plain index');
SELECT matches(
    pg_temp.plan(format($$SELECT * FROM shop.people WHERE team_id = %L AND email_index = ANY (saas.blind_index_candidates('ada@example.org', %L::uuid))$$, :'red', :'asset')),
    'people_email_index_blind', 'one of several candidates, too');

-- Rotation of the key of the index: another version encrypts, the old one is still looked for.
SELECT is(saas.blind_index_candidates('ada@example.org', :'asset'::uuid), ARRAY[:of_red]::bigint[], 'one key, one candidate');
SELECT is(saas.blind_index_candidates('ada@example.org', 'shop.people'::regclass, 'email'), ARRAY[:of_red]::bigint[], 'by column as well');
UPDATE saas.encryption_keys SET status = 'decrypt_only' WHERE team_id = :'red' AND kind = 'index' AND asset_id = :'asset';
SELECT is(saas.blind_index_candidates('ada@example.org', :'asset'::uuid), ARRAY[:of_red]::bigint[], 'a key that only decrypts is looked for');
UPDATE saas.encryption_keys SET status = 'shredded', wrapped = NULL, shredded_at = now() WHERE team_id = :'red' AND kind = 'index' AND asset_id = :'asset';
SELECT is(saas.blind_index_candidates('ada@example.org', :'asset'::uuid), '{}', 'a destroyed one is not');
DELETE FROM saas.encryption_keys WHERE team_id = :'red' AND kind = 'index' AND asset_id = :'asset';
SELECT isnt(saas.blind_index('ada@example.org', :'asset'::uuid), :of_red, 'a new key, new numbers');
SELECT is((SELECT count(*)::int FROM shop.people WHERE email_index = saas.blind_index('ada@example.org', :'asset'::uuid)), 0, 'which no row has');
SELECT is(saas.refresh_blind_indexes('shop.people', 'email', :'red'), 2004::bigint, 'until the indexes are refreshed');
SELECT is((SELECT count(*)::int FROM shop.people WHERE email_index = saas.blind_index('ada@example.org', :'asset'::uuid)), 1, 'then it is found');
-- A key that was rolled back was never there.
DELETE FROM saas.encryption_keys WHERE team_id = :'red' AND kind = 'index' AND asset_id = :'asset';
SAVEPOINT before;
SELECT saas.blind_index('x', :'asset'::uuid), saas.blind_index_candidates('x', :'asset'::uuid) \g /dev/null
ROLLBACK TO SAVEPOINT before;
SELECT is(saas.blind_index_candidates('x', :'asset'::uuid), '{}', 'no key, no candidate');
SAVEPOINT before;
SET LOCAL transaction_read_only = on;
SELECT is(saas.blind_index('x', :'asset'::uuid), NULL, 'where nothing can be written, a key that is not there is not made');
ROLLBACK TO SAVEPOINT before;

-- What pgcrypto encrypted.
CREATE TABLE shop.legacy (team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), card bytea, name text, n int, CONSTRAINT legacy_pkey PRIMARY KEY (team_id, id));
INSERT INTO shop.legacy (team_id, card, name, n)
SELECT CASE WHEN n % 2 = 0 THEN :'red' ELSE :'blue' END::uuid, pgp_sym_encrypt('4111 ' || n, 'pass phrase', 's2k-count=1024'), armor(pgp_sym_encrypt(U&'N\00E4me ' || n, 'pass phrase', 's2k-count=1024')), n
FROM generate_series(1, 12) AS n;
UPDATE shop.legacy SET card = pgp_sym_encrypt('4111 ' || n, 'other', 's2k-count=1024') WHERE n = 5;
SELECT throws_ok($$SELECT * FROM saas.migrate_pgp_column('shop.legacy', 'card', 'pass phrase')$$, 'SA112', NULL, 'the column is set up first');
SELECT saas.encrypt_column('shop.legacy', 'card'), saas.encrypt_column('shop.legacy', 'name'), saas.add_blind_index('shop.legacy', 'card', 'last_four') \g /dev/null
SELECT throws_ok($$SELECT * FROM saas.migrate_pgp_column('shop.legacy', 'card', '')$$, '22023', NULL, 'without a passphrase');
SELECT throws_ok($$SELECT * FROM saas.migrate_pgp_column('shop.legacy', 'card', 'x', 0)$$, '22023', NULL, 'a batch of none');
SELECT results_eq($$SELECT migrated, failed FROM saas.migrate_pgp_column('shop.legacy', 'card', 'wrong')$$, 'VALUES (0::bigint, 12::bigint)', 'a wrong passphrase changes nothing');
-- Nothing becomes plaintext when the trigger does not encrypt, and what is not changed does not count.
SAVEPOINT before;
ALTER TABLE shop.legacy DISABLE TRIGGER saas_encrypt_card;
SELECT throws_ok($$SELECT * FROM saas.migrate_pgp_column('shop.legacy', 'card', 'pass phrase')$$, 'SA110', NULL, 'a disabled trigger');
SELECT throws_ok($$SELECT * FROM saas.encrypt_existing('shop.legacy', 'card')$$, 'SA110', NULL, 'for plaintext as well');
ROLLBACK TO SAVEPOINT before;
SET LOCAL session_replication_role = replica;
SELECT throws_ok($$SELECT * FROM saas.migrate_pgp_column('shop.legacy', 'card', 'pass phrase')$$, 'SA110', NULL, 'a replica, where triggers do not fire');
SET LOCAL session_replication_role = origin;
CREATE FUNCTION pg_temp.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_ARGV[0] = 'keep' THEN RETURN NULL; END IF;
    NEW.card := 'plain'; RETURN NEW; END $$;
CREATE TRIGGER zz_meddle BEFORE UPDATE ON shop.legacy FOR EACH ROW EXECUTE FUNCTION pg_temp.meddle('spoil');
SELECT throws_ok($$SELECT * FROM saas.migrate_pgp_column('shop.legacy', 'card', 'pass phrase')$$, 'SA110', NULL, 'a trigger that spoils what was encrypted');
CREATE OR REPLACE TRIGGER zz_meddle BEFORE UPDATE ON shop.legacy FOR EACH ROW EXECUTE FUNCTION pg_temp.meddle('keep');
SELECT results_eq($$SELECT migrated FROM saas.migrate_pgp_column('shop.legacy', 'card', 'pass phrase')$$, 'VALUES (0::bigint)', 'a trigger that keeps rows as they were');
ROLLBACK TO SAVEPOINT before;
SELECT m.migrated, m.failed, m.next_after FROM saas.migrate_pgp_column('shop.legacy', 'card', 'pass phrase', 5) AS m \gset first_
SELECT is(:first_migrated + :first_failed, 5, 'a batch');
SELECT results_eq(format($$SELECT %s + migrated, %s + failed FROM saas.migrate_pgp_column('shop.legacy', 'card', 'pass phrase', 1000, %L)$$, :first_migrated, :first_failed, :'first_next_after'),
    'VALUES (11::bigint, 1::bigint)', 'the rest, but for what has another passphrase');
SELECT results_eq($$SELECT migrated, failed FROM saas.migrate_pgp_column('shop.legacy', 'card', 'other')$$, 'VALUES (1::bigint, 0::bigint)', 'begun again with that');
SELECT results_eq($$SELECT migrated, failed, next_after FROM saas.migrate_pgp_column('shop.legacy', 'card', 'other')$$, 'VALUES (0::bigint, 0::bigint, NULL::tid)', 'then nothing is left');
SELECT results_eq($$SELECT migrated, failed FROM saas.migrate_pgp_column('shop.legacy', 'name', 'pass phrase')$$, 'VALUES (12::bigint, 0::bigint)', 'text with armor');
SELECT saas.create_decrypted_view('shop.legacy') \g /dev/null
SELECT is((SELECT count(*)::int FROM shop.legacy_decrypted WHERE card = convert_to('4111 ' || n, 'UTF8') AND name = U&'N\00E4me ' || n), 12, 'all came through, of both teams');
SELECT is((SELECT count(*)::int FROM shop.legacy WHERE saas.is_ciphertext(card) AND name LIKE 'enc1:%' AND card_last_four IS NOT NULL), 12, 'encrypted and indexed');
SELECT ok(saas.is_redacted('saas.migrate_pgp_column(regclass,name,text,integer,tid)'), 'the passphrase stays out of logs');

-- Every function of the package that is given a secret is redacted: new ones have to be listed.
SELECT is(
    (SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc AS p
     WHERE p.pronamespace = 'saas'::regnamespace AND p.proname ~ '(encrypt_(sensitive|column)|decrypt_|blind_index|password|totp|api_key$|jwt$|^authenticate|_token$|passphrase)'
        AND p.proname !~ '^(encrypt_column$|create_decrypted_view|add_blind_index|refresh_blind)' AND p.prokind IN ('f', 'p') AND NOT saas.is_redacted(p.oid)
        AND pg_get_function_arguments(p.oid) ~ '(text|bytea|jsonb)'),
    NULL, 'functions that are given secrets');
SELECT * FROM finish();
ROLLBACK;
