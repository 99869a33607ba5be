-- Keys are found by their index, whatever the planner believes of the table.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
CREATE TABLE public.vault (team_id uuid, id uuid, secret bytea);
SELECT saas.register_asset('public.vault', 'secret') AS asset \gset
CREATE FUNCTION pg_temp.read_so_far() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT pg_stat_get_xact_tuples_returned(t.oid) + COALESCE((
        SELECT sum(pg_stat_get_xact_tuples_returned(i.indexrelid)) FROM pg_index AS i WHERE i.indrelid = t.oid
    ), 0)::bigint FROM pg_class AS t WHERE t.oid = 'saas.encryption_keys'::regclass
$$;
-- Statistics of an emptied table: it has pages, but no rows.
SELECT saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, saas.uuid_v7(), p_team => :'red') FROM generate_series(1, 100) \g /dev/null
DELETE FROM saas.encryption_keys;
ANALYZE saas.encryption_keys;
SELECT pg_temp.read_so_far() AS before \gset
INSERT INTO public.vault (team_id, secret)
SELECT :'red', saas.encrypt_sensitive_data('x' || n, :'asset'::uuid, NULL, saas.uuid_v7(), p_team => :'red') FROM generate_series(1, 300) AS n;
SELECT is((SELECT count(*) FROM saas.encryption_keys WHERE kind = 'subject'), 300::bigint, 'one transaction makes three hundred keys');
SELECT pg_temp.read_so_far() AS made \gset
-- Dead rows that nobody has vacuumed yet are read as well, so the bound is loose: reading all keys of the
-- team for each of them would be 45,000.
SELECT cmp_ok((:made - :before - 300)::bigint, '<=', 3000::bigint, 'each look-up reads its own row and no other');
SELECT saas.rotate_encryption_key(:'red', 'subject', k.subject_id) FROM saas.encryption_keys AS k WHERE k.status = 'active' LIMIT 1 \g /dev/null
SELECT pg_temp.read_so_far() AS rotated \gset
SELECT is((SELECT count(*) FROM public.vault AS v WHERE saas.decrypt_sensitive_data(v.secret, :'asset'::uuid, NULL, p_team => v.team_id) LIKE 'x%'), 300::bigint, 'all open after the session has forgotten its keys');
SELECT pg_temp.read_so_far() AS opened \gset
SELECT cmp_ok((:opened - :rotated)::bigint, '<=', 3000::bigint, 'each key is read once');

-- What a savepoint made and took back is not used.
SELECT saas.uuid_v7() AS eve \gset
SAVEPOINT made;
SELECT saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, :'eve', p_team => :'red') \g /dev/null
SELECT saas.rotate_encryption_key(:'red', 'subject', :'eve') \g /dev/null
SELECT saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, :'eve', p_team => :'red') \g /dev/null
ROLLBACK TO made;
SELECT saas.encrypt_sensitive_data('x', :'asset'::uuid, NULL, :'eve', p_team => :'red') AS secret \gset
SELECT is((SELECT k.version FROM saas.encryption_keys AS k WHERE k.key_no = saas.ciphertext_key_no(:'secret')), 1, 'a key that was rolled back encrypts nothing more');
SELECT * FROM finish();
ROLLBACK;
