-- Rows that a rotation writes straight to the heap: what becomes of them, and which tables it leaves to UPDATE.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('ann@example.com', 'Ann') AS ann \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'ann') AS blue \gset
CREATE TABLE public.vault (team_id uuid, id uuid NOT NULL, note text, secret bytea, n integer);
SELECT saas.register_asset('public.vault', 'secret') AS asset \gset
INSERT INTO public.vault
SELECT t.team, r.id, 'note ' || n, saas.encrypt_sensitive_data('secret ' || n || repeat('x', CASE WHEN n % 100 = 0 THEN 30000 ELSE 0 END), :'asset'::uuid, r.id, p_team => t.team), n
FROM generate_series(1, 400) AS n
CROSS JOIN LATERAL (SELECT CASE WHEN n % 4 = 0 THEN :'blue'::uuid ELSE :'red' END AS team) AS t
CROSS JOIN LATERAL (SELECT saas.uuid_v7() AS id WHERE n > 0) AS r;
CREATE UNIQUE INDEX ON public.vault (id);
CREATE INDEX ON public.vault (upper(note)) WHERE n > 0;
SELECT array_agg(key_no) AS keys FROM saas.encryption_keys WHERE team_id IN (:'red', :'blue') \gset
SELECT saas.rotate_encryption_key(t.team) FROM (VALUES (:'red'::uuid), (:'blue')) AS t (team) \g /dev/null
CREATE FUNCTION pg_temp.rotate(p_keys bigint[], p_asset uuid, p_team uuid DEFAULT NULL, p_before bigint DEFAULT 100000, p_table regclass DEFAULT 'public.vault') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(',', r.changed, r.failed, r.skipped) FROM saas.rotate_rows_natively(p_table, 'secret', 'id', 'team_id', p_team, p_asset, p_keys, 0, p_before) AS r
$$;
CREATE FUNCTION pg_temp.outdated(p_keys bigint[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM public.vault WHERE saas.ciphertext_key_no(secret) = ANY (p_keys)
$$;

-- Which tables it takes. Each of these changes is undone.
CREATE FUNCTION pg_temp.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION pg_temp.rotate_after(p_change text, p_keys bigint[], p_asset uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_answer text;
BEGIN
    EXECUTE p_change;
    v_answer := pg_temp.rotate(p_keys, p_asset);
    RESET ROLE;
    v_answer := v_answer || '/' || pg_temp.outdated(p_keys);
    RAISE EXCEPTION USING ERRCODE = 'SAT01';
EXCEPTION WHEN SQLSTATE 'SAT01' THEN
    RETURN v_answer;
END
$$;
SELECT is(pg_temp.rotate_after(c.change, :'keys', :'asset'), '/400', 'left to UPDATE: ' || c.change)
FROM (VALUES
    ('CREATE TRIGGER t BEFORE UPDATE ON public.vault FOR EACH ROW EXECUTE FUNCTION pg_temp.nothing()'),
    ('CREATE TRIGGER t AFTER UPDATE OF secret ON public.vault FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.nothing()'),
    ('ALTER TABLE public.vault ADD CHECK (length(secret) > 0)'),
    ('ALTER TABLE public.vault ADD CHECK (vault IS NOT NULL) NOT VALID'),
    ('CREATE INDEX ON public.vault (md5(secret)) WHERE length(secret) < 1000'),
    ('CREATE INDEX ON public.vault (n) WHERE secret IS NOT NULL'),
    ('ALTER TABLE public.vault ADD hash text GENERATED ALWAYS AS (md5(secret)) STORED'),
    ('CREATE RULE r AS ON UPDATE TO public.vault DO ALSO SELECT 1'),
    ('ALTER TABLE public.vault ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; GRANT SELECT, UPDATE ON public.vault TO saas_service; SET LOCAL ROLE saas_service'),
    ('SET LOCAL ROLE saas_service')
) AS c (change);
SELECT is(pg_temp.outdated(:'keys'), 400::bigint, 'all of them were left alone');
-- These make no difference.
CREATE TRIGGER t BEFORE INSERT OR DELETE ON public.vault FOR EACH ROW EXECUTE FUNCTION pg_temp.nothing();
CREATE TRIGGER disabled BEFORE UPDATE ON public.vault FOR EACH ROW EXECUTE FUNCTION pg_temp.nothing();
ALTER TABLE public.vault DISABLE TRIGGER disabled, ADD CHECK (n > 0), ALTER secret SET NOT NULL;
ALTER TABLE public.vault ADD FOREIGN KEY (team_id) REFERENCES saas.teams (id);

-- One team, some blocks, all.
SELECT is(r.changed IS NULL, true, 'nothing without a ' || a.what)
FROM (VALUES ('table', NULL, 'secret', :'keys'::bigint[], 0, 9), ('column', 'public.vault'::regclass, NULL, :'keys', 0, 9), ('key', 'public.vault', 'secret', NULL, 0, 9),
    ('block', 'public.vault', 'secret', :'keys', 5, 5), ('true block', 'public.vault', 'secret', :'keys', -1, 5), ('bytea', 'public.vault', 'note', :'keys', 0, 5),
    ('column that is there', 'public.vault', 'other', :'keys', 0, 5)) AS a (what, t, c, keys, first, before)
CROSS JOIN LATERAL saas.rotate_rows_natively(a.t, a.c, 'id', 'team_id', NULL, :'asset', a.keys, a.first, a.before) AS r;
SELECT is(pg_temp.rotate('{}', :'asset'), '0,0,0', 'no key, no row');
SELECT is(pg_temp.rotate(:'keys', :'asset', :'blue'), '100,0,0', 'one team');
SELECT is((SELECT count(*) FROM public.vault WHERE team_id = :'blue' AND saas.ciphertext_key_no(secret) = ANY (:'keys')), 0::bigint, 'which is that one');
UPDATE public.vault SET secret = set_byte(secret, 20, get_byte(secret, 20) # 1) WHERE n = 1;
SELECT split_part(pg_temp.rotate(:'keys', :'asset', p_before => 1), ',', 1)::integer AS first_block \gset
SELECT ok(:first_block > 0 AND :first_block < 299, 'one block');
SELECT is(pg_temp.rotate(:'keys', :'asset'), format('%s,1,0', 299 - :first_block), 'all that open');
SELECT is(pg_temp.rotate(:'keys', :'asset'), '0,1,0', 'once');
SELECT is((SELECT count(*) FROM public.vault AS v WHERE v.n <> 1
    AND saas.decrypt_sensitive_data(v.secret, :'asset'::uuid, v.id, v.team_id) = 'secret ' || n || repeat('x', CASE WHEN n % 100 = 0 THEN 30000 ELSE 0 END) AND v.note = 'note ' || n), 399::bigint, 'they say what they said');
SELECT throws_ok(format('SELECT count(saas.decrypt_sensitive_data(secret, %L::uuid, id, team_id)) FROM public.vault WHERE n = 1', :'asset'), 'SA101', NULL, 'but the one that was changed');
-- Each finds its row by each index, wherever it lies now.
SET LOCAL enable_seqscan = off;
SELECT is((SELECT count(*) FROM (SELECT id, note FROM public.vault OFFSET 0) AS v
    WHERE (SELECT count(*) FROM public.vault AS i WHERE i.id = v.id) = 1 AND (SELECT count(*) FROM public.vault AS i WHERE upper(i.note) = upper(v.note) AND i.n > 0) = 1), 400::bigint, 'indexes know them');
SELECT throws_ok('INSERT INTO public.vault SELECT * FROM public.vault WHERE n = 7', '23505', NULL, 'and that they are there');
RESET enable_seqscan;

-- Rows that this transaction has locked are no obstacle.
SELECT saas.rotate_encryption_key(:'red') \g /dev/null
SELECT array_agg(key_no) AS keys FROM saas.encryption_keys WHERE team_id = :'red' AND status = 'decrypt_only' \gset
SELECT count(*) FROM (SELECT FROM public.vault WHERE n < 50 FOR UPDATE) AS l \g /dev/null
SELECT count(*) FROM (SELECT FROM public.vault WHERE n > 350 FOR KEY SHARE) AS l \g /dev/null
SELECT is(pg_temp.rotate(:'keys', :'asset'), '299,1,0', 'own locks');

-- The package's own trigger is none: it leaves encrypted values alone.
CREATE TABLE public.letters (team_id uuid NOT NULL, id uuid PRIMARY KEY, secret bytea);
SELECT saas.encrypt_column('public.letters', 'secret') \g /dev/null
INSERT INTO public.letters SELECT :'red', gen_random_uuid(), convert_to('letter ' || n, 'UTF8') FROM generate_series(1, 20) AS n;
SELECT id AS letters FROM saas.data_assets WHERE table_name = 'public.letters'::regclass \gset
SELECT array_agg(key_no) AS keys FROM saas.encryption_keys WHERE team_id = :'red' \gset
SELECT saas.rotate_encryption_key(:'red') \g /dev/null
SELECT is(pg_temp.rotate(:'keys', :'letters', p_table => 'public.letters'), '20,0,0', 'a column that is encrypted by a trigger');
SELECT is((SELECT count(*) FROM public.letters AS l WHERE convert_from(saas.decrypt_sensitive_bytes(l.secret, :'letters'::uuid, l.id, l.team_id), 'UTF8') LIKE 'letter %'), 20::bigint, 'opens as before');

-- Who may.
SELECT ok(NOT has_function_privilege(r.name, 'saas.rotate_rows_natively(oid, name, name, name, uuid, uuid, bigint[], bigint, bigint)', 'EXECUTE'), r.name || ' does not rotate')
FROM (VALUES ('saas_app'), ('saas_analyst'), ('saas_anonymous')) AS r (name);
SELECT * FROM finish();
ROLLBACK;
