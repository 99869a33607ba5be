-- The keys behind encrypted values: how they come, change and go. The server has a root key.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
CREATE TABLE public.vault (id uuid PRIMARY KEY, secret bytea);
SELECT saas.register_asset('public.vault', 'secret') AS asset \gset
CREATE FUNCTION pg_temp.number(p_value bytea) RETURNS bigint LANGUAGE sql AS 'SELECT (saas.ciphertext_info(p_value)).key_no';
SELECT saas.set_context(:'red', :'ann') \g /dev/null

-- Made on first use, one for each owner.
SELECT saas.encrypt_sensitive_data('x') AS one, saas.encrypt_sensitive_data('x') AS two,
    saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, :'ann') AS of_ann, saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, :'removed') AS of_removed \gset
SELECT is(pg_temp.number(:'one'), pg_temp.number(:'two'), 'one key for the values of a team');
SELECT isnt(pg_temp.number(:'one'), pg_temp.number(:'of_ann'), 'another for those of a person');
SELECT isnt(pg_temp.number(:'of_ann'), pg_temp.number(:'of_removed'), 'each person''s own');
SELECT results_eq(
    format($$SELECT kind, subject_id, version, status, kek_epoch, octet_length(wrapped), octet_length(kcv) FROM saas.encryption_keys
        WHERE team_id = %L ORDER BY kind DESC, subject_id$$, :'red'),
    format($$SELECT * FROM (VALUES ('tenant', NULL, 1, 'active', 1, 72, 8), ('subject', %L::uuid, 1, 'active', 1, 72, 8), ('subject', %L, 1, 'active', 1, 72, 8)) AS k
        ORDER BY column1 DESC, column2$$, :'ann', :'removed'),
    'as rows of the team');
SELECT is((SELECT count(DISTINCT wrapped)::integer FROM saas.encryption_keys), (SELECT count(*)::integer FROM saas.encryption_keys), 'no two wrapped keys are equal');

-- A key that was rolled back was never there.
SAVEPOINT before;
SELECT saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, :'suspended') AS undone \gset
ROLLBACK TO SAVEPOINT before;
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid)', :'undone', :'asset'), 'SA101', 'decryption failed', 'what was encrypted under it does not open');
SELECT saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, :'suspended') AS again \gset
SELECT isnt(pg_temp.number(:'again'), pg_temp.number(:'undone'), 'the next value has a new key');
SELECT is(saas.decrypt_sensitive_data(:'again', :'asset'::uuid), 'x', 'and opens');

-- A wrapped key in the place of another does not open, at once and in this session.
SAVEPOINT before;
UPDATE saas.encryption_keys AS k SET wrapped = o.wrapped FROM saas.encryption_keys AS o
WHERE k.key_no = pg_temp.number(:'of_ann') AND o.key_no = pg_temp.number(:'of_removed');
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid)', :'of_ann', :'asset'), 'SA101', 'decryption failed', 'values under it do not open');
SELECT throws_ok(format('SELECT saas.encrypt_sensitive_data(''x'', %L::uuid, NULL, %L)', :'asset', :'ann'), 'SA103', NULL, 'nor is anything encrypted');
ROLLBACK TO SAVEPOINT before;
SELECT is(saas.decrypt_sensitive_data(:'of_ann', :'asset'::uuid), 'x', 'undone, they do');
SAVEPOINT before;
UPDATE saas.encryption_keys SET subject_id = :'bob' WHERE key_no = pg_temp.number(:'of_ann');
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid)', :'of_ann', :'asset'), 'SA101', 'decryption failed', 'a key in the name of another person does not open');
ROLLBACK TO SAVEPOINT before;
SAVEPOINT before;
UPDATE saas.encryption_keys SET kek_epoch = 2 WHERE key_no = pg_temp.number(:'of_ann');
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid)', :'of_ann', :'asset'), 'SA101', 'decryption failed', 'nor one of another epoch');
ROLLBACK TO SAVEPOINT before;
SAVEPOINT before;
UPDATE saas.encryption_keys SET team_id = :'blue' WHERE key_no = pg_temp.number(:'of_ann');
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid)', :'of_ann', :'asset'), 'SA101', 'decryption failed', 'nor one that was given to another team');
ROLLBACK TO SAVEPOINT before;

-- Another version: the newest encrypts, older ones open.
UPDATE saas.encryption_keys SET status = 'decrypt_only' WHERE key_no = pg_temp.number(:'of_ann');
SELECT is(saas.decrypt_sensitive_data(:'of_ann', :'asset'::uuid), 'x', 'a closed key opens');
SELECT throws_ok(format('SELECT saas.encrypt_sensitive_data(''x'', %L::uuid, NULL, %L)', :'asset', :'ann'), 'SA103', NULL, 'and does not encrypt');

-- Destroyed.
UPDATE saas.encryption_keys SET status = 'shredded', wrapped = NULL, shredded_at = now() WHERE key_no = pg_temp.number(:'of_ann');
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_data(%L, %L::uuid)', :'of_ann', :'asset'), 'SA101', 'decryption failed', 'values under a destroyed key do not open');
SELECT throws_ok(format('SELECT saas.encrypt_sensitive_data(''x'', %L::uuid, NULL, %L)', :'asset', :'ann'), 'SA103', 'the key cannot be used to encrypt', 'and that person gets no new key');
SELECT throws_ok(format('UPDATE saas.encryption_keys SET wrapped = NULL WHERE key_no = %s', pg_temp.number(:'of_removed')), '23514', NULL, 'a key without bytes is destroyed');

-- AES-256-GCM counts its uses; the others need not.
SELECT saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, :'removed', 'aes-256-gcm') AS counted \gset
UPDATE saas.encryption_keys SET uses = 2147483648 - 2, status = status WHERE key_no = pg_temp.number(:'counted');
SELECT lives_ok(format('SELECT saas.encrypt_sensitive_data(''x'', %L::uuid, NULL, %L, ''aes-256-gcm'')', :'asset', :'removed'), 'one of the last uses');
SELECT throws_ok(
    format('SELECT saas.encrypt_sensitive_data(n::text, %L::uuid, NULL, %L, ''aes-256-gcm'') FROM generate_series(1, 3) AS n', :'asset', :'removed'),
    'SA103', 'the key cannot be used to encrypt', 'after 2^31 uses a key is used up');
SELECT lives_ok(format('SELECT saas.encrypt_sensitive_data(''x'', %L::uuid, NULL, %L)', :'asset', :'removed'), 'but not for XAES-256-GCM');
SELECT is(saas.decrypt_sensitive_data(:'counted', :'asset'::uuid), 'x', 'and it still opens');
SELECT is((SELECT count(saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, :'invited', 'aes-256-gcm')) FROM generate_series(1, 70000)), 70000::bigint, 'many values');
SELECT cmp_ok((SELECT uses FROM saas.encryption_keys WHERE subject_id = :'invited'), '>=', 65536::bigint, 'are counted in the row');

-- A transaction that only reads encrypts under keys that are there.
SELECT throws_ok($$INSERT INTO saas.encryption_keys (team_id, key_no, kind, kek_epoch, wrapped, kcv) SELECT team_id, key_no + 1, kind, kek_epoch, wrapped, kcv
    FROM saas.encryption_keys WHERE kind = 'tenant' LIMIT 1$$, '23505', NULL, 'one version of a key at a time');

-- Keys go with their team.
SELECT saas.clear_context() \g /dev/null
SELECT lives_ok(format('DELETE FROM saas.teams WHERE id = %L', :'blue'), 'a team is deleted');
SELECT is_empty(format('SELECT FROM saas.encryption_keys WHERE team_id = %L', :'blue'), 'its keys go with it');

SELECT * FROM finish();
ROLLBACK;
