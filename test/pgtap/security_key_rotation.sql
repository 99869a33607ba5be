-- Rotation of keys: new versions, rows brought to them, older ones retired, and who may do it.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
CREATE TABLE public.vault (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    owner uuid,
    secret bytea,
    mail text,
    PRIMARY KEY (team_id, id)
);
GRANT SELECT, INSERT, UPDATE ON public.vault TO saas_app, saas_service;
SELECT saas.register_asset('public.vault', 'secret') AS asset \gset
SELECT saas.encrypt_column('public.vault', 'mail') AS mail_asset \gset
SELECT saas.add_blind_index('public.vault', 'mail') \g /dev/null
CREATE FUNCTION pg_temp.number(p_value bytea) RETURNS bigint LANGUAGE sql AS 'SELECT saas.ciphertext_key_no(p_value)';
CREATE FUNCTION pg_temp.walk(p_column name, p_team uuid DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_step record;
    v_rows bigint := 0;
BEGIN
    FOR i IN 1..100 LOOP
        v_step := saas.rotation_step('public.vault', p_column, 100, 1000, p_team);
        v_rows := v_rows + v_step.reencrypted;
        IF v_step.finished THEN
            RETURN v_rows;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
INSERT INTO public.vault (team_id, id, owner, secret, mail)
SELECT t.team, r.id, r.owner, saas.encrypt_sensitive_data('secret ' || n, :'asset'::uuid, r.id, r.owner, p_team => t.team), 'mail' || n || '@example.com'
FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team)
CROSS JOIN generate_series(1, 250) AS n
CROSS JOIN LATERAL (SELECT saas.uuid_v7() AS id, CASE WHEN n % 5 = 0 THEN :'ann'::uuid END AS owner) AS r;
SELECT count(DISTINCT pg_temp.number(secret)) AS keys_before FROM public.vault \gset
SELECT key_no AS old_key FROM saas.encryption_keys WHERE team_id = :'red' AND kind = 'tenant' \gset

-- A new version.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.rotate_encryption_key(%L)', :'red'), 'the owner of a team rotates its key');
RESET ROLE;
SELECT results_eq(
    format($$SELECT version, status, closed_at IS NOT NULL FROM saas.encryption_keys WHERE team_id = %L AND kind = 'tenant' ORDER BY version$$, :'red'),
    $$VALUES (1, 'decrypt_only', true), (2, 'active', false)$$, 'the older version only opens');
SELECT key_no AS new_key FROM saas.encryption_keys WHERE team_id = :'red' AND kind = 'tenant' AND version = 2 \gset
SELECT is(pg_temp.number(saas.encrypt_sensitive_data('x')), :new_key, 'the newer one encrypts');
SELECT is(
    (SELECT count(*) FROM public.vault WHERE team_id = :'red' AND saas.decrypt_sensitive_data(secret, :'asset'::uuid, id) LIKE 'secret %'),
    250::bigint, 'what the older one encrypted opens');
SELECT throws_like(format('SELECT saas.retire_encryption_key(%L, %s)', :'red', :new_key), '%only an older version%', 'a key in use is not retired');
SELECT throws_ok(format('SELECT saas.retire_encryption_key(%L, %s)', :'red', :old_key), 'SA106', 'the key is still in use: public.vault.mail has 250 values under it', 'nor one with values, which the error counts');
SELECT throws_ok(format('SELECT saas.retire_encryption_key(%L, 1)', :'red'), 'P0002', NULL, 'nor one that is not there');
SELECT throws_ok(format($$SELECT saas.rotate_encryption_key(%L, 'other')$$, :'red'), '22023', 'there is no such kind of keys', 'nor is one of another kind rotated');

-- Row by row to it.
SELECT lives_ok(format($$SELECT saas.rotate_encryption_key(%L, 'subject', %L)$$, :'red', :'ann'), 'the key of a person as well');
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_service;
SELECT results_eq($$SELECT reencrypted, failed, finished FROM saas.rotation_step('public.vault', 'secret', 100, 100000)$$,
    $$VALUES (250::bigint, 0::bigint, false)$$, 'a step does what fits in its blocks');
SELECT is((SELECT state FROM saas.encryption_rotation_progress WHERE column_name = 'secret'), 'encrypting', 'and shows how far it is');
RESET ROLE;
SELECT is(pg_temp.walk('secret'), 0::bigint, 'another one finds nothing more');
SELECT is((SELECT reencrypted FROM saas.encryption_rotation_progress WHERE column_name = 'secret' AND state = 'finished'), 250::bigint, 'all rows of the team');
SELECT is((SELECT count(*) FROM public.vault AS v JOIN saas.encryption_keys AS k ON k.key_no = pg_temp.number(v.secret) WHERE k.status <> 'active'), 0::bigint, 'no value is under an older key');
SELECT is((SELECT count(*) FROM public.vault AS v JOIN saas.encryption_keys AS k ON k.key_no = pg_temp.number(v.secret) AND k.kind = 'subject'), 100::bigint, 'those of a person are under the person''s key');
SELECT is(
    (SELECT count(*) FROM public.vault WHERE saas.decrypt_sensitive_data(secret, :'asset'::uuid, id, team_id) LIKE 'secret %'), 500::bigint, 'and open as before');
SELECT is((saas.rotation_step('public.vault', 'secret')).finished, true, 'a finished column is not walked again');

-- The column of a trigger, in text form; and its blind index.
SELECT throws_ok(format('SELECT saas.retire_encryption_key(%L, %s)', :'red', :old_key), 'SA106', NULL, 'other columns count too');
SELECT is(pg_temp.walk('mail'), 250::bigint, 'the other column');
SELECT is((SELECT count(*) FROM public.vault WHERE saas.decrypt_sensitive_data(saas.ciphertext_from_text(mail), :'mail_asset'::uuid, id, team_id) LIKE 'mail%'), 500::bigint, 'opens as before');
SELECT lives_ok(format('SELECT saas.retire_encryption_key(%L, %s)', :'red', :old_key), 'now the key is retired');
SELECT mail_index AS index_before FROM public.vault WHERE team_id = :'red' ORDER BY id LIMIT 1 \gset
SELECT key_no AS index_key FROM saas.encryption_keys WHERE team_id = :'red' AND kind = 'index' \gset
SELECT lives_ok(format($$SELECT saas.rotate_encryption_key(%L, 'index', p_asset => %L)$$, :'red', :'mail_asset'), 'the key of the blind index');
SELECT is(
    (SELECT count(*) FROM public.vault WHERE team_id = :'red' AND mail_index = ANY (saas.blind_index_candidates('mail7@example.com', 'public.vault'::regclass, 'mail'::name, p_team => :'red'))), 1::bigint,
    'candidates find rows of the older key');
SELECT throws_ok(format('SELECT saas.retire_encryption_key(%L, %s)', :'red', :index_key), 'SA106', NULL, 'which is not retired before');
SELECT cmp_ok(pg_temp.walk('mail'), '>=', 250::bigint, 'the walk computes it anew');
SELECT isnt((SELECT mail_index FROM public.vault WHERE team_id = :'red' ORDER BY id LIMIT 1), :index_before::bigint, 'to other numbers');
SELECT is((SELECT count(*) FROM public.vault WHERE team_id = :'red' AND mail_index = saas.blind_index('mail7@example.com', 'public.vault'::regclass, 'mail'::name, p_team => :'red')), 1::bigint, 'that are found');
SELECT lives_ok(format('SELECT saas.retire_encryption_key(%L, %s)', :'red', :index_key), 'and then it is');

-- Retired.
SAVEPOINT before;
UPDATE public.vault SET secret = saas.encrypt_sensitive_data('late', :'asset'::uuid, id, p_team => team_id) WHERE team_id = :'blue' AND owner IS NULL;
SELECT key_no AS blue_key FROM saas.encryption_keys WHERE team_id = :'blue' AND kind = 'tenant' \gset
SELECT saas.rotate_encryption_key(:'blue') \g /dev/null
UPDATE saas.encryption_keys SET status = 'retired' WHERE key_no = :blue_key;
SELECT throws_ok(format('SELECT count(saas.decrypt_sensitive_data(secret, %L::uuid, id, team_id)) FROM public.vault WHERE team_id = %L', :'asset', :'blue'), 'SA101', 'decryption failed', 'a retired key opens nothing');
SELECT lives_ok(format('SELECT saas.reopen_encryption_key(%L, %s)', :'blue', :blue_key), 'until it is reopened');
SELECT lives_ok(format('SELECT count(saas.decrypt_sensitive_data(secret, %L::uuid, id, team_id)) FROM public.vault WHERE team_id = %L', :'asset', :'blue'), 'then it does');
SELECT throws_ok(format('SELECT saas.reopen_encryption_key(%L, %s)', :'blue', :blue_key), 'P0002', NULL, 'once');

-- Values that do not open stay, and are counted.
UPDATE public.vault SET secret = set_byte(secret, length(secret) - 1, get_byte(secret, length(secret) - 1) # 1)
WHERE id = (SELECT id FROM public.vault WHERE team_id = :'blue' AND owner IS NULL LIMIT 1);
SELECT is(pg_temp.walk('secret'), 199::bigint, 'the other rows are brought over');
SELECT cmp_ok((SELECT failed FROM saas.encryption_rotation_progress WHERE column_name = 'secret'), '>=', 1::bigint, 'a value that does not open is counted');
SELECT throws_ok(format('SELECT saas.retire_encryption_key(%L, %s)', :'blue', :blue_key), 'SA106', 'the key is still in use: public.vault.mail has 250 values under it', 'its key stays');
ROLLBACK TO SAVEPOINT before;

-- One team under row-level security.
ALTER TABLE public.vault ENABLE ROW LEVEL SECURITY;
CREATE POLICY vault_service ON public.vault TO saas_app, saas_service USING (team_id = saas.current_team_id()) WITH CHECK (team_id = saas.current_team_id());
SELECT saas.rotate_encryption_key(:'blue') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT throws_ok($$SELECT saas.rotation_step('public.vault', 'secret')$$, '42501', 'row-level security hides rows of public.vault', 'rows that the caller does not see are not passed over');
SELECT saas.set_context(:'blue') \g /dev/null
SELECT is(pg_temp.walk('secret', :'blue'), 200::bigint, 'a worker brings over one team');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null

-- On a schedule.
SELECT saas.schedule_key_rotation(:'red', 'tenant', '30 days'), saas.schedule_key_rotation(:'red', 'epoch', '1 day') \g /dev/null
SELECT is_empty('SELECT * FROM saas.rotate_due_keys()', 'nothing is due');
UPDATE saas.encryption_schedules SET next_at = now() WHERE kind = 'tenant';
SELECT results_eq('SELECT kind, rotated FROM saas.rotate_due_keys()', $$VALUES ('tenant', 0::bigint)$$, 'young keys are not rotated');
UPDATE saas.encryption_schedules SET next_at = now() WHERE kind = 'tenant';
UPDATE saas.encryption_keys SET created_at = now() - INTERVAL '31 days' WHERE team_id = :'red';
SELECT results_eq('SELECT kind, rotated FROM saas.rotate_due_keys()', $$VALUES ('tenant', 1::bigint)$$, 'old ones are');
SELECT cmp_ok((SELECT next_at FROM saas.encryption_schedules WHERE kind = 'tenant'), '>', now() + INTERVAL '29 days', 'and are due again in a month');
SELECT throws_ok(format($$SELECT saas.schedule_key_rotation(%L, 'tenant', '1 second')$$, :'red'), '23514', NULL, 'not every second');
SELECT is(saas.schedule_key_rotation(:'red', 'tenant', NULL), NULL, 'never again');

-- A name is a name, also when it reads like a part of a statement.
CREATE TABLE public."old WHERE <rows> %s new" (team_id uuid, id uuid, "a <rows> %I" bytea) PARTITION BY HASH (id);
CREATE TABLE public."part WHERE 0" PARTITION OF public."old WHERE <rows> %s new" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public."part WHERE 1" PARTITION OF public."old WHERE <rows> %s new" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT 'public."old WHERE <rows> %s new"' AS odd, saas.register_asset('public."old WHERE <rows> %s new"', 'a <rows> %I') AS odd_asset \gset
INSERT INTO public."old WHERE <rows> %s new"
SELECT :'red', r.id, saas.encrypt_sensitive_data('odd', :'odd_asset'::uuid, r.id, p_team => :'red')
FROM generate_series(1, 20) AS n CROSS JOIN LATERAL (SELECT saas.uuid_v7() AS id WHERE n > 0) AS r;
INSERT INTO public."old WHERE <rows> %s new" VALUES (:'red', saas.uuid_v7(), saas.encrypt_sensitive_data('moved', :'odd_asset'::uuid, saas.uuid_v7(), p_team => :'red'));
SELECT saas.rotate_encryption_key(:'red') \g /dev/null
SELECT results_eq(format($$SELECT r.reencrypted, r.failed > 0 FROM saas.rotation_step(%L, 'a <rows> %%I', 20, 60000) AS r$$, :'odd'), $$VALUES (20::bigint, true)$$, 'partitions of any name are walked, and what does not open is counted');
SELECT is((SELECT count(*) FROM public."old WHERE <rows> %s new" AS o JOIN saas.encryption_keys AS k ON k.key_no = saas.ciphertext_key_no(o."a <rows> %I") WHERE CASE k.status WHEN 'active' THEN saas.decrypt_sensitive_data(o."a <rows> %I", :'odd_asset'::uuid, o.id, :'red') = 'odd' END), 20::bigint, 'the others open under the new key');

SELECT throws_ok('SELECT saas.rotate_due_keys(NULL)', '22023', NULL, 'no limit of keys');
SELECT throws_ok(format('SELECT saas.advance_key_epoch(%L, 1, NULL)', :'red'), '22023', NULL, 'no epoch without a purpose');

-- Not for others.
SELECT throws_ok($$SELECT saas.rotation_step('public.vault', 'owner')$$, 'SA104', NULL, 'a column that is no asset');
SELECT saas.register_asset('public.vault', 'owner') \g /dev/null
SELECT throws_ok($$SELECT saas.rotation_step('public.vault', 'owner')$$, 'SA108', NULL, 'or holds no encrypted values');
SELECT throws_ok($$SELECT saas.rotation_step('public.vault', 'secret', 0)$$, '22023', NULL, 'no rows at a time');
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.%s', f.call), '42501', NULL, 'not for another team''s owner: ' || f.call)
FROM (VALUES
    (format('rotate_encryption_key(%L)', :'red')), (format('retire_encryption_key(%L, 1)', :'red')), (format('reopen_encryption_key(%L, 1)', :'red')),
    (format('schedule_key_rotation(%L, ''tenant'', ''1 day'')', :'red')), (format('shred_subject_key(%L, %L, ''x'')', :'red', :'ann')),
    (format('hold_subject_key(%L, %L, ''x'')', :'red', :'ann')), (format('release_subject_key(%L, %L)', :'red', :'ann')),
    (format('shred_proof(%L, %L)', :'red', :'ann')), (format('advance_key_epoch(%L)', :'blue')), ('rotate_due_keys()'),
    ('rotation_step(''public.vault'', ''secret'')'), ('rotate_root_key()'), ('take_key_file()'), ('export_encryption_keys()'),
    ('overlay_encryption_keys(''{}'')'), ('find_rows_under_key(1)'), ('outdated_keys(NULL)'),
    (format('make_key_version(%L, ''tenant'', NULL, NULL, 9)', :'blue')), (format('key_epochs(%L, ''shred'')', :'blue')),
    (format('begin_key_epoch(%L, ''shred'', 1)', :'blue')), (format('end_key_epochs(%L, ''shred'', 9)', :'blue')), ('sign_proof(''x'')'), ('take_root_key()'),
    (format('reencrypt_stored(NULL, NULL, NULL, %L)', :'blue')), (format('rows_under_key(%s, 1::smallint, 1)', 'public.vault'::regclass::oid))
) AS f (call);
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SELECT is(
    (SELECT string_agg(p.proname, ', ') FROM pg_proc AS p CROSS JOIN (VALUES ('saas_analyst'), ('saas_anonymous')) AS r (name)
     WHERE p.pronamespace = 'saas'::regnamespace AND has_function_privilege(r.name, p.oid, 'EXECUTE')
        AND p.proname ~ '(rotat|shred|epoch|retire|reopen|hold_|release_sub|reencrypt|overlay|export_enc|rows_under|outdated_keys|key_file|sign_proof|rewrap)'),
    NULL, 'analysts and visitors change no keys');
SELECT * FROM finish();
ROLLBACK;
