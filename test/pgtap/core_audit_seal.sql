-- Tamper evidence of the audit trail: what is sealed verifies; every tampering, done by a superuser with
-- the triggers off, is named; erasure, retention and proofs work; nobody reads another team's.
-- The sealer takes finished transactions only, so this test commits, in a database of its own.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS saas_seal_test;
CREATE DATABASE saas_seal_test;
\c saas_seal_test
SET client_min_messages = warning;
CREATE EXTENSION pg_saas CASCADE;
CREATE EXTENSION pgtap SCHEMA public;
SELECT saas.deploy() \g /dev/null
SELECT plan(131);
-- Waits until no transaction of the server's own, of autovacuum, holds up the sealer.
CREATE FUNCTION pg_temp.settle() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..600 LOOP
        EXIT WHEN pg_snapshot_xmin(pg_current_snapshot()) > (SELECT max(l.xact_id) FROM saas.audit_logs AS l);
        PERFORM pg_sleep(0.05);
    END LOOP;
END
$$;

-- Two teams with rows of this month and an old one, in several batches.
SELECT saas.create_user('seal-ann@example.com') AS ann, saas.create_user('seal-bob@example.com') AS bob,
    saas.create_user('seal-viewer@example.com') AS viewer \gset
SELECT saas.create_team('Red', 'seal-red', :'ann') AS red, saas.create_team('Blue', 'seal-blue', :'bob') AS blue \gset
BEGIN;
SELECT saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'viewer', 'viewer') \g /dev/null
COMMIT;
CREATE TABLE public.docs (team_id uuid, id uuid DEFAULT saas.uuid_v7(), n int, body text, price float8, at timestamptz,
    span interval, data bytea, PRIMARY KEY (team_id, id));
SELECT saas.audit_table('public.docs') \g /dev/null
SELECT saas.ensure_month_partition('saas.audit_logs', now() - INTERVAL '70 days') \g /dev/null
INSERT INTO saas.audit_logs (team_id, created_at, id, xact_id, row_id, operation, table_name, new_values)
SELECT :'red', now() - INTERVAL '70 days', saas.uuid_v7(), pg_current_xact_id(), saas.uuid_v7(), 'I', 'public.docs', jsonb_build_object('old', i)
FROM generate_series(1, 5) AS i;
INSERT INTO public.docs (team_id, n, body, price, at, span, data)
SELECT :'red', i, repeat('long ', i), i / 3.0, now(), make_interval(mins => i), '\x00ff' FROM generate_series(1, 700) AS i;
INSERT INTO public.docs (team_id, n) SELECT :'blue', i FROM generate_series(1, 3) AS i;
SELECT count(*) AS logged FROM saas.audit_logs \gset
SELECT pg_temp.settle() \g /dev/null
SELECT is(saas.seal_audit_log(), :'logged', 'all that was written is sealed');
SELECT is(saas.seal_audit_log(), 0::bigint, 'once');
SELECT saas.audit_checkpoint(:'red') AS anchor1 \gset
UPDATE public.docs SET n = -n WHERE n <= 10 AND team_id = :'red';
SELECT pg_temp.settle() \g /dev/null
SELECT is(saas.seal_audit_log(4), 4::bigint, 'sealing stops at the limit');
SELECT is(saas.seal_audit_log(), 6::bigint, 'and goes on, inside a transaction''s rows');
SELECT saas.audit_checkpoint(:'red') AS anchor3 \gset
DELETE FROM public.docs WHERE team_id = :'red' AND n > 698;

CREATE FUNCTION pg_temp.problems(p_team uuid, p_anchor text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(v.problem, ', '), 'none') FROM saas.verify_audit_log(p_team, p_anchor => p_anchor) AS v
$$;
SELECT is(pg_temp.problems(:'red'), 'none', 'the trail of a team verifies');
SELECT is(pg_temp.problems(:'blue'), 'none', 'and that of another');
SELECT is(pg_temp.problems('00000000-0000-0000-0000-000000000000'), 'none', 'and that of the platform');
SELECT is(pg_temp.problems(saas.uuid_v7()), 'none', 'a team without a trail has no problem');
SELECT is(pg_temp.problems(:'red', :'anchor1') || pg_temp.problems(:'red', :'anchor3'), 'nonenone', 'it continues what was anchored');
SELECT throws_ok('SELECT saas.verify_audit_log(NULL)', '22023', NULL, 'no team is no trail');
SELECT results_eq(
    format('SELECT v.checkpoints, v.verified_rows = v.sealed_rows, v.unsealed_rows, v.unsealed_since IS NOT NULL FROM saas.verify_audit_log(%L) AS v', :'red'),
    'VALUES (3::bigint, true, 2::bigint, true)', 'the answer counts checkpoints, sealed rows and those that wait');
SELECT is((SELECT v.verified_rows FROM saas.verify_audit_log(:'red', now() - INTERVAL '80 days', now() - INTERVAL '60 days') AS v), 5::bigint,
    'a range of time verifies what was created in it');
SELECT is((SELECT v.problem FROM saas.verify_audit_log(:'red', p_max_unsealed => '0') AS v), 'not sealed', 'rows that wait too long are named');

-- Nothing of the session that verifies matters.
SET TimeZone = 'Pacific/Auckland';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'postgres_verbose';
SET bytea_output = 'escape';
SET extra_float_digits = -5;
SELECT is(pg_temp.problems(:'red', :'anchor3'), 'none', 'other settings of the session give the same hashes');
RESET ALL;
SET client_min_messages = warning;
SELECT is(
    (SELECT count(*) FROM saas.audit_logs AS l
    CROSS JOIN LATERAL saas.find_audit_leaf(l.team_id, l.id, l.xact_id) AS f
    JOIN saas.audit_leaves AS a ON a.team_id = l.team_id AND a.first_index = f.first_index
    WHERE substring(a.hashes FROM (f.place * 32 + 1)::integer FOR 32) = saas.audit_leaf(
        l.team_id, l.created_at, l.id, l.xact_id, l.actor_id, l.row_id, l.operation, l.table_name, l.row_key::text::jsonb,
        l.old_values::text::jsonb, l.new_values::text::jsonb, l.db_role, l.login_role, l.request_id, l.client_addr::text::inet,
        f.salt, l.payload_hash)),
    (SELECT sum(a.leaf_count) FROM saas.audit_leaves AS a)::bigint, 'and values that went through text, as in a dump, do too');
SELECT is((SELECT count(DISTINCT substring(s.salts FROM i * 16 + 1 FOR 16)) FROM saas.audit_salts AS s
    CROSS JOIN LATERAL generate_series(0, octet_length(s.salts) / 16 - 1) AS i), (SELECT sum(a.leaf_count) FROM saas.audit_leaves AS a)::bigint,
    'every leaf has a salt of its own');

-- Ordinary ways to change the trail are refused.
SELECT throws_ok(format('%s saas.%s%s', c.before, t.name, c.after), 'SA041', NULL, format('%s saas.%s is refused', c.before, t.name))
FROM (VALUES ('audit_logs'), ('audit_leaves'), ('audit_checkpoints'), ('audit_redactions')) AS t (name)
CROSS JOIN (VALUES ('UPDATE', ' SET team_id = team_id'), ('DELETE FROM', ''), ('TRUNCATE', '')) AS c (before, after);

-- Tampering with the triggers off. Undone each time.
CREATE FUNCTION pg_temp.tamper(p_team uuid, p_anchor text, p_statements text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN SELECT t.relid FROM pg_partition_tree('saas.audit_logs') AS t LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', v_table);
    END LOOP;
    ALTER TABLE saas.audit_leaves DISABLE TRIGGER USER;
    ALTER TABLE saas.audit_checkpoints DISABLE TRIGGER USER;
    EXECUTE p_statements;
    RAISE EXCEPTION USING ERRCODE = 'P9999', MESSAGE = pg_temp.problems(p_team, p_anchor);
EXCEPTION
    WHEN SQLSTATE 'P9999' THEN RETURN SQLERRM;
END
$$;
SELECT (array_agg(l.id ORDER BY l.id))[300] AS victim, (array_agg(l.id ORDER BY l.id))[301] AS neighbour
FROM saas.audit_logs AS l WHERE l.team_id = :'red' AND l.operation = 'I' AND l.table_name = 'public.docs' \gset
CREATE TEMPORARY TABLE place AS SELECT l.created_at, l.xact_id FROM saas.audit_logs AS l WHERE l.id = :'victim';

CREATE FUNCTION pg_temp.named(p_team uuid, p_anchor text, p_statements text, p_wanted text, p_what text) RETURNS text LANGUAGE sql AS $$
    SELECT is(pg_temp.tamper(p_team, p_anchor, p_statements), p_wanted, p_what)
$$;
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_logs SET %s WHERE id = %L', c.change, :'victim'), 'leaf differs', 'changed: ' || c.change)
FROM (VALUES
    ('new_values = ''{}'''), ('new_values = NULL'), ('old_values = ''{"a": 1}'''), ('actor_id = id'), ('row_id = id'),
    ('operation = ''U'''), ('table_name = ''public.other'''), ('db_role = NULL'), ('login_role = ''x'''), ('request_id = ''x'''),
    ('client_addr = ''10.0.0.1'''), ('row_key = ''{}'''),
    ('payload_hash = sha256('''')'), ('created_at = created_at + INTERVAL ''1 microsecond''')
) AS c (change);
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_salts SET salts = sha256('''') || substring(salts FROM 33) WHERE team_id = %L AND first_index = 0', :'red'),
    'leaf differs', 'a changed salt');
SELECT pg_temp.named(:'red', NULL, format('DELETE FROM saas.audit_salts WHERE team_id = %L AND first_index = 0', :'red'), 'leaf differs', 'salts gone');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_salts SET salts = substring(salts FROM 17) WHERE team_id = %L AND first_index = 0', :'red'), 'leaf differs', 'a salt too few');
SELECT pg_temp.named(:'red', NULL, format('DELETE FROM saas.audit_logs WHERE id = %L', :'victim'), 'row missing', 'a deleted row');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_logs SET team_id = %L WHERE id = %L', :'blue', :'victim'), 'row missing', 'a row given to another team');
SELECT pg_temp.named(:'blue', NULL, format('UPDATE saas.audit_logs SET team_id = %L WHERE id = %L', :'blue', :'victim'), 'row added', 'which has one too many');
SELECT pg_temp.named(:'red', NULL, format('INSERT INTO saas.audit_logs (team_id, created_at, id, xact_id, operation, table_name) SELECT %L, p.created_at, saas.uuid_v7(), p.xact_id, ''D'', ''public.docs'' FROM place AS p', :'red'),
    'row added', 'a row between sealed ones');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_logs AS l SET new_values = o.new_values, row_id = o.row_id FROM saas.audit_logs AS o WHERE l.id IN (%1$L, %2$L) AND o.id IN (%1$L, %2$L) AND o.id <> l.id', :'victim', :'neighbour'),
    'leaf differs', 'two rows that changed places');
SELECT pg_temp.named(:'red', NULL, 'TRUNCATE saas.audit_logs', 'partition missing', 'an empty log');
SELECT pg_temp.named(:'red', NULL, format('DROP TABLE saas.audit_logs_%s', to_char(now() - INTERVAL '70 days', 'YYYY_MM')), 'partition missing', 'a dropped partition');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_leaves SET hashes = overlay(hashes PLACING substring(hashes FROM 33 FOR 32) FROM 1 FOR 32) WHERE team_id = %L AND first_index = 0', :'red'),
    'root differs, leaf differs', 'a changed leaf');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_leaves SET positions = substring(positions FROM 33 FOR 32) || substring(positions FOR 32) || substring(positions FROM 65) WHERE team_id = %L AND first_index = 0', :'red'),
    'order changed', 'leaves in another order');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_leaves SET %s WHERE team_id = %L AND first_index = 512', c.change, :'red'), 'order changed', 'leaves: ' || c.change)
FROM (VALUES ('first_xact_id = ''0'''), ('last_xact_id = ''99999999999''')) AS c (change);
SELECT pg_temp.named(:'red', NULL, format('DELETE FROM saas.audit_leaves WHERE team_id = %L AND first_index = 512', :'red'), 'leaves missing', 'a gap in the leaves');
SELECT pg_temp.named(:'red', NULL, format('DELETE FROM saas.audit_leaves WHERE team_id = %L AND first_index >= 512', :'red'), 'leaves missing', 'the end of the leaves cut off');
SELECT pg_temp.named(:'red', NULL, format('DELETE FROM saas.audit_checkpoints WHERE team_id = %L AND number = 2', :'red'), 'checkpoint missing', 'a gap in the checkpoints');
SELECT pg_temp.named(:'red', NULL, format('DELETE FROM saas.audit_checkpoints WHERE team_id = %L AND number = 3', :'red'), 'checkpoint missing', 'the last checkpoint gone, its leaves not');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_checkpoints AS c SET root = o.root FROM saas.audit_checkpoints AS o WHERE c.team_id = %1$L AND c.number = 2 AND o.team_id = %1$L AND o.number = 1', :'red'),
    'signature differs', 'a sealed root used again');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_checkpoints AS c SET root = o.root, signature = o.signature, previous_root = o.previous_root, tree_size = o.tree_size, sealed_at = o.sealed_at, through_xact_id = o.through_xact_id, through_id = o.through_id FROM saas.audit_checkpoints AS o WHERE c.team_id = %1$L AND c.number = 2 AND o.team_id = %1$L AND o.number = 1', :'red'),
    'signature differs', 'a whole sealed checkpoint used again');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_checkpoints SET retained_from = now() + INTERVAL ''1 day'' WHERE team_id = %L AND number = 3; DELETE FROM saas.audit_logs WHERE id = %L', :'red', :'victim'),
    'signature differs, row missing', 'a pretended retention');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_checkpoints SET edge = %s WHERE team_id = %L AND number = 3', c.edge, :'red'), 'edge differs', 'a changed edge: ' || c.edge)
FROM (VALUES ('root'), ('edge || root'), ('overlay(edge PLACING sha256(edge) FROM 1 FOR 32)')) AS c (edge);
SELECT pg_temp.named(:'red', NULL, 'DELETE FROM saas.audit_keys', 'key missing', 'the key gone');
SELECT pg_temp.named(:'red', NULL, 'UPDATE saas.audit_keys SET key = sha256('''')', 'signature differs', 'another key in its place');
SELECT pg_temp.named(:'red', NULL, format('UPDATE saas.audit_logs SET payload_hash = saas.audit_commitment((saas.find_audit_leaf(team_id, id, xact_id)).salt, row_key, old_values, new_values, client_addr), row_key = NULL, old_values = NULL, new_values = NULL, client_addr = NULL WHERE id = %L', :'victim'),
    'erasure not recorded', 'an erasure past the function');

-- What only an anchor outside shows: the tail cut off, and a trail sealed anew by whoever has the key.
\set cut 'DELETE FROM saas.audit_checkpoints WHERE team_id = %1$L AND number > 1; DELETE FROM saas.audit_leaves WHERE team_id = %1$L AND first_index >= (SELECT tree_size FROM saas.audit_checkpoints WHERE team_id = %1$L); DELETE FROM saas.audit_logs AS l WHERE l.team_id = %1$L AND l.xact_id > (SELECT max(a.last_xact_id) FROM saas.audit_leaves AS a WHERE a.team_id = %1$L)'
SELECT pg_temp.named(:'red', :'anchor3', format(:'cut', :'red'), 'tail cut off', 'the tail cut off, with an anchor');
SELECT pg_temp.named(:'red', :'anchor1', format(:'cut', :'red'), 'none', 'an anchor from before the cut does not show it');
\set anew 'UPDATE saas.audit_logs SET new_values = \'{}\' WHERE id = %L; DELETE FROM saas.audit_checkpoints; DELETE FROM saas.audit_leaves; DELETE FROM saas.audit_salts; UPDATE saas.audit_sealing SET through_xact_id = 0::text::xid8; SELECT saas.seal_audit_log()'
SELECT pg_temp.named(:'red', NULL, format(:'anew', :'victim'), 'none', 'a trail sealed anew with the key verifies');
SELECT saas.sign_audit_checkpoint(:'red', 1, 1, sha256(''), sha256(''), now(), '1', :'red', NULL, 'wrong key') AS wrong_signature \gset
SELECT pg_temp.named(:'red', :'anchor1', format(:'anew', :'victim'), 'anchor differs', 'but not against an anchor');
SELECT is(pg_temp.problems(:'red', saas.audit_checkpoint_text(:'red', 1, 1, sha256(''), sha256(''), now(), '1', :'red', NULL, :'red', :'wrong_signature')),
    'anchor differs', 'an anchor that nobody signed');
SELECT throws_ok(format('SELECT saas.verify_audit_log(%L, p_anchor => %L)', :'blue', :'anchor1'), 'SA045', NULL, 'an anchor of another team');
SELECT throws_ok(format('SELECT saas.verify_audit_log(%L, p_anchor => ''nonsense'')', :'red'), 'SA045', NULL, 'an anchor that is none');
SELECT throws_ok(format($$DO $do$ BEGIN ALTER TABLE saas.audit_checkpoints DISABLE TRIGGER USER; UPDATE saas.audit_checkpoints SET edge = root WHERE number = 3;
    PERFORM saas.seal_audit_log(); END $do$ $$), 'SA044', NULL, 'nothing is sealed on top of a changed checkpoint');

-- Proofs.
SELECT ok(saas.verify_inclusion(p.leaf, p.leaf_index, p.tree_size, p.proof, p.root) AND p.leaf = saas.audit_leaf(
        l.team_id, l.created_at, l.id, l.xact_id, l.actor_id, l.row_id, l.operation, l.table_name, l.row_key, l.old_values,
        l.new_values, l.db_role, l.login_role, l.request_id, l.client_addr, p.salt, l.payload_hash)
    AND NOT saas.verify_inclusion(p.leaf, p.leaf_index + 1, p.tree_size, p.proof, p.root), 'a row is proven to be in the trail, in its place')
FROM saas.audit_logs AS l CROSS JOIN LATERAL saas.audit_inclusion_proof(:'red', l.id) AS p WHERE l.id = :'victim';
SELECT ok(saas.verify_consistency(a.tree_size, b.tree_size, p.proof, a.root, b.root)
    AND NOT saas.verify_consistency(a.tree_size, b.tree_size, p.proof, b.root, a.root), 'a later trail is proven to continue an earlier one')
FROM saas.audit_checkpoints AS a JOIN saas.audit_checkpoints AS b ON b.team_id = a.team_id AND b.number = 3
CROSS JOIN LATERAL (SELECT saas.audit_consistency_proof(:'red', a.tree_size, b.tree_size)) AS p (proof)
WHERE a.team_id = :'red' AND a.number = 1;
SELECT throws_ok(format('SELECT saas.audit_consistency_proof(%L, 5, 100000)', :'red'), '22023', NULL, 'no proof for a size that never was');
SELECT throws_ok(format('SELECT saas.audit_inclusion_proof(%L, %L)', :'red', :'red'), 'SA049', NULL, 'no proof for a row that is not sealed');

-- Erasure.
SELECT f.salt AS victim_salt, f.first_index AS victim_list, f.place AS victim_place
FROM place AS p CROSS JOIN LATERAL saas.find_audit_leaf(:'red', :'victim', p.xact_id) AS f \gset
SELECT saas.redact_audit_row(:'red', :'victim', 'request of the person') \g /dev/null
SELECT ok(l.old_values IS NULL AND l.new_values IS NULL AND l.row_key IS NULL AND l.client_addr IS NULL AND l.payload_hash IS NOT NULL,
    'the payload is gone') FROM saas.audit_logs AS l WHERE l.id = :'victim';
SELECT ok(:'victim_salt' <> '\x00000000000000000000000000000000'
    AND s.salts = overlay(s.salts PLACING '\x00000000000000000000000000000000'::bytea FROM (:victim_place * 16 + 1)::integer),
    'and so is its salt') FROM saas.audit_salts AS s WHERE s.team_id = :'red' AND s.first_index = :victim_list;
SELECT results_eq(format('SELECT v.problem, v.redacted_rows FROM saas.verify_audit_log(%L, p_anchor => %L) AS v', :'red', :'anchor3'),
    'VALUES (NULL::text, 1::bigint)', 'and the trail verifies against the anchor');
SELECT is((SELECT l.new_values ->> 'reason' FROM saas.audit_logs AS l WHERE l.table_name = 'saas.audit_redactions'), 'request of the person', 'the erasure is audited');
SELECT l.id AS waiting FROM saas.audit_logs AS l WHERE l.team_id = :'red' AND l.operation = 'D' AND l.table_name = 'public.docs' LIMIT 1 \gset
SELECT saas.redact_audit_row(:'red', :'waiting', 'before it is sealed') \g /dev/null
SELECT ok(l.old_values IS NULL AND octet_length(l.payload_hash) = 32, 'a row that is not sealed yet can be erased') FROM saas.audit_logs AS l WHERE l.id = :'waiting';
-- Many at once, sealed and not.
BEGIN;
CREATE TEMPORARY TABLE many AS
SELECT l.team_id, l.created_at, l.id, f.first_index, f.place
FROM saas.audit_logs AS l LEFT JOIN LATERAL saas.find_audit_leaf(l.team_id, l.id, l.xact_id) AS f ON true
WHERE l.team_id = :'red' AND COALESCE(l.old_values, l.new_values) IS NOT NULL;
SELECT ok(count(*) FILTER (WHERE m.place IS NULL) > 0 AND count(*) FILTER (WHERE m.place IS NOT NULL) > 1, 'sealed rows and others') FROM many AS m;
CREATE FUNCTION pg_temp.redact_many() RETURNS bigint LANGUAGE sql AS $$
    SELECT saas.redact_audit_entries(array_agg(m.team_id), array_agg(m.created_at), array_agg(m.id), array_agg('many ' || m.id))
    FROM (SELECT m.team_id, m.created_at, m.id FROM many AS m UNION ALL SELECT gen_random_uuid(), now(), gen_random_uuid()) AS m
$$;
SELECT is(pg_temp.redact_many(), (SELECT count(*) FROM many), 'are erased together, and rows that are not there are passed over');
SELECT is(pg_temp.redact_many(), 0::bigint, 'once');
SELECT ok(bool_and(l.old_values IS NULL AND l.new_values IS NULL AND l.row_key IS NULL AND octet_length(l.payload_hash) = 32 AND r.reason = 'many ' || m.id), 'each for its reason')
FROM many AS m JOIN saas.audit_logs AS l ON l.id = m.id JOIN saas.audit_redactions AS r ON r.team_id = m.team_id AND r.audit_id = m.id;
SELECT ok(bool_and(substring(s.salts FROM (m.place * 16 + 1)::integer FOR 16) = '\x00000000000000000000000000000000'), 'without their salts')
FROM many AS m JOIN saas.audit_salts AS s ON s.team_id = m.team_id AND s.first_index = m.first_index;
SELECT is((SELECT v.problem FROM saas.verify_audit_log(:'red', p_anchor => :'anchor3') AS v LIMIT 1), NULL, 'and the trail verifies');
SELECT is(saas.redact_audit_entries(NULL, NULL, NULL, NULL), 0::bigint, 'none are none');
SELECT throws_ok($$SELECT saas.redact_audit_payloads(ARRAY[gen_random_uuid()], ARRAY[now()], ARRAY[gen_random_uuid()], '{}')$$, '22023', NULL, 'a row needs a salt');
ROLLBACK;
SELECT throws_ok(format('DO $do$ BEGIN DELETE FROM saas.audit_salts; PERFORM saas.redact_audit_row(%L, %L, ''x''); END $do$', :'red', :'neighbour'), 'SA044', NULL, 'a row whose salt is lost cannot');
SELECT throws_ok(format('UPDATE saas.audit_logs SET old_values = NULL WHERE id = %L', :'neighbour'), 'SA041', NULL, 'nothing else gets past the triggers');
SELECT throws_ok(format('SELECT saas.redact_audit_row(%L, %L, ''x'')', :'blue', :'neighbour'), 'P0002', NULL, 'a row of another team is not found');

-- Rows that an owner's trigger or column sends through a statement are sealed all the same.
ALTER TABLE saas.audit_logs ADD COLUMN note text DEFAULT 'n';
UPDATE public.docs SET n = 0 WHERE team_id = :'blue';
SELECT pg_temp.settle() \g /dev/null
SELECT is(saas.seal_audit_log() > 0, true, 'the waiting rows are sealed');
SELECT is(pg_temp.problems(:'blue') || pg_temp.problems(:'red'), 'nonenone', 'rows written by statement verify');

-- Retention.
SELECT is((SELECT array_agg(d) FROM saas.drop_audit_partitions(now() - INTERVAL '80 days') AS d), NULL, 'retention drops no month that has not passed');
SELECT is((SELECT array_agg(d) FROM saas.drop_audit_partitions(now() - INTERVAL '35 days') AS d),
    ARRAY['saas.audit_logs_' || to_char(now() - INTERVAL '70 days', 'YYYY_MM')], 'retention drops a month');
SELECT is((SELECT array_agg(d) FROM saas.drop_audit_partitions('infinity') AS d), NULL, 'and none that is not over, whatever it is told');
SELECT is(pg_temp.problems(:'red', :'anchor3'), 'none', 'and the trail verifies from there');
SELECT is((SELECT count(*) FROM saas.audit_leaves AS a JOIN saas.audit_salts AS s ON s.team_id = a.team_id AND s.first_index = a.first_index
    CROSS JOIN LATERAL saas.audit_leaf_positions(a.positions) AS p
    WHERE p.created_at < now() - INTERVAL '60 days' AND substring(s.salts FROM (p.place * 16 + 1)::integer FOR 16) <> '\x00000000000000000000000000000000'),
    0::bigint, 'salts of dropped rows are gone');
SELECT pg_temp.named(:'red', NULL, format('DELETE FROM saas.audit_logs WHERE id = %L', :'neighbour'), 'row missing', 'what is to be there still has to');

-- Another cluster, whose transactions count otherwise.
SELECT is(pg_temp.tamper(:'red', :'anchor3', format('UPDATE saas.audit_sealing SET system_identifier = 1, through_xact_id = ''999999999'';
    INSERT INTO saas.audit_logs (team_id, created_at, id, xact_id, operation, table_name) VALUES (%L, now(), saas.uuid_v7(), ''888888888'', ''D'', ''public.docs'');
    SELECT saas.seal_audit_log()', :'red')), 'none', 'after a restore elsewhere what is not sealed yet is sealed, once');

-- validate().
SELECT is((SELECT string_agg(v.object || ': ' || v.finding, E'\n') FROM saas.validate() AS v WHERE v.object NOT LIKE '%.note'), NULL, 'nothing to be found before');
ALTER TABLE public.docs DISABLE TRIGGER zz_audit;
SELECT is((SELECT v.finding FROM saas.validate_audit() AS v), 'audit trigger zz_audit is not always enabled', 'a disabled audit trigger is found');
DROP TRIGGER zz_audit ON public.docs;
SELECT is((SELECT v.finding FROM saas.validate_audit() AS v), 'the table is to be audited and has no audit trigger', 'a dropped one too');
SELECT saas.unaudit_table('public.docs') \g /dev/null
ALTER TABLE saas.audit_logs_default DISABLE TRIGGER aa_append_only_row;
SELECT is((SELECT v.object FROM saas.validate_audit() AS v), 'saas.audit_logs_default', 'and a partition that is not append-only');
ALTER TABLE saas.audit_logs_default ENABLE ALWAYS TRIGGER aa_append_only_row;

-- Who may.
BEGIN;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.problems(:'red'), 'none', 'an owner of the team verifies its trail');
SELECT ok(saas.audit_checkpoint(:'red', 1) = :'anchor1', 'and reads its checkpoints');
SELECT throws_ok(format('SELECT saas.%s', f.call), '42501', NULL, 'not of another team: ' || f.name)
FROM (VALUES ('verify', format('verify_audit_log(%L)', :'blue')), ('checkpoint', format('audit_checkpoint(%L)', :'blue')),
    ('inclusion', format('audit_inclusion_proof(%L, %L)', :'blue', :'blue')), ('consistency', format('audit_consistency_proof(%L, 1, 1)', :'blue')),
    ('chain', format('verify_audit_chain(%L, NULL, NULL, NULL)', :'red')), ('seal', 'seal_audit_log()'),
    ('redact', format('redact_audit_row(%L, %L, ''x'')', :'red', :'neighbour')), ('payload', format('redact_audit_payloads(ARRAY[%L]::uuid[], ARRAY[now()], ARRAY[%L]::uuid[], ''{x}'')', :'red', :'neighbour')), ('salts', 'forget_audit_salts(now())'), ('salt', format('find_audit_leaf(%L, %L, ''1'')', :'red', :'neighbour')),
    ('checkpoints', format('add_audit_checkpoint(%L, '''', ''1'', %L, NULL)', :'red', :'red')), ('retention', 'record_audit_retention(now())'),
    ('later rows', 'has_later_audit_rows(now(), now(), ''1'')'), ('partitions', 'drop_audit_partitions(now())'), ('note', 'note_audited_table(''x'', false)'), ('key', 'rotate_audit_key()')) AS f (name, call);
ROLLBACK;
BEGIN;
SELECT saas.set_context(:'red', :'viewer') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.verify_audit_log(%L)', :'red'), '42501', NULL, 'a viewer may not verify');
SELECT throws_ok(format('SELECT saas.audit_checkpoint(%L)', :'red'), '42501', NULL, 'nor read checkpoints');
ROLLBACK;
SET ROLE saas_service;
SELECT lives_ok('SELECT saas.seal_audit_log()', 'a worker seals');
RESET ROLE;
SELECT * FROM finish();
\c :home
SET client_min_messages = warning;
DROP DATABASE saas_seal_test;
