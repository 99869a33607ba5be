-- Attacks 1 to 16: on rows, keys, privileges and views, from one team on another.
BEGIN;
SELECT no_plan();
\ir include/attacks.sql

-- 1: the answer to a reference to a row of another team must be that of a row that does not exist. No
-- application may write these tables; the package's own role, which may, must be stopped by the key.
CREATE FUNCTION pg_temp.refund_of(p_team uuid, p_payment uuid) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.attempt('saas_internal', format(
        $s$INSERT INTO saas.refunds SELECT (jsonb_populate_record(r, jsonb_build_object('id', saas.uuid_v7(), 'payment_id', %L, 'provider_refund_id', 're_probe'))).*
        FROM saas.refunds AS r WHERE r.team_id = %L$s$, p_payment, p_team))
$$;
SELECT is(pg_temp.refund_of(:'red', :'blue_payment'), '23503', 'attack 01: a row that points into another team is refused');
SELECT is(pg_temp.refund_of(:'red', saas.uuid_v7()), '23503', 'attack 01: as is one that points nowhere');
SELECT is((SELECT count(DISTINCT replace(a.answer, :'blue_payment', '?'))::integer FROM pg_temp.answers AS a
    WHERE split_part(a.answer, ' | ', 2) LIKE '%payment_id_fkey%' AND a.answer LIKE '%' || :'blue_payment' || '%'), 1, 'attack 01: the key names only what was asked for');
SELECT is(pg_temp.refund_of(:'red', :'red_payment'), 'rows=1', 'attack 01: a row that points into the own team is taken');
SELECT is(pg_temp.attempt('saas_app', format('INSERT INTO saas.payments (team_id, payment_intent_id) VALUES (%L, %L)', :'red', t.id)), '42501',
    'attack 01: the application gets the same answer for a row of another team and a missing one')
FROM (VALUES (:'blue_intent'::uuid), (saas.uuid_v7())) AS t (id);

SELECT is(pg_temp.refund_of(:'blue', :'red_payment'), '23503', 'attack 02: no row of another team hangs on one of mine');
SELECT is(pg_temp.attempt('saas_app', format('DELETE FROM saas.payments WHERE id = %L', :'red_payment')), '42501', 'attack 02: the application deletes no payment');
SELECT is(pg_temp.attempt(:'USER', format('DELETE FROM saas.teams WHERE id = %L', :'red')), 'rows=1', 'attack 02: deleting a whole team …');
SAVEPOINT deleted;
DELETE FROM saas.teams WHERE id = :'red';
SELECT is(pg_temp.belongings(:'blue'), :'blue_before', 'attack 02: … takes nothing of another team along');
ROLLBACK TO deleted;

SELECT is(pg_temp.attempt('attack_login', format('CREATE TABLE attack.probe (team_id uuid, x uuid, FOREIGN KEY (team_id, x) REFERENCES saas.%I (team_id, id))', t.name)), '42501',
    'attack 03: no table of one''s own refers to saas.' || t.name)
FROM (VALUES ('payments'), ('payment_intents'), ('team_members')) AS t (name);
SELECT is(pg_temp.attempt('attack_login', 'CREATE TABLE attack.probe (x uuid REFERENCES saas.teams (id))'), '42501', 'attack 03: nor to saas.teams');

CREATE FUNCTION pg_temp.spy() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'spied on %', new; END$$;
SELECT is(pg_temp.attempt(r.role, format('CREATE TRIGGER spy BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION pg_temp.spy()', c.oid::regclass)), '42501',
    format('attack 04: %s attaches no trigger to %s', r.role, c.oid::regclass))
FROM pg_class AS c CROSS JOIN (VALUES ('attack_login'), ('saas_service')) AS r (role)
WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition;

SELECT is(pg_temp.attempt(r.role, format('TRUNCATE %s CASCADE', c.oid::regclass)), '42501', format('attack 05: %s truncates no %s', r.role, c.oid::regclass))
FROM pg_class AS c CROSS JOIN (VALUES ('attack_login'), ('saas_service')) AS r (role)
WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition;

-- 6: views, the package's and one that the application made itself.
SELECT is((SELECT count(*)::integer FROM pg_class AS c WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind = 'v'
    AND NOT COALESCE(c.reloptions @> ARRAY['security_invoker=true'], false)), 0, 'attack 06: every view reads with the rights of its reader');
SET LOCAL ROLE attack_login;
CREATE VIEW attack.members AS SELECT * FROM saas.team_members;
CREATE VIEW attack.rules AS SELECT team_id, id, name, description FROM saas.fraud_detection_rules;
GRANT USAGE ON SCHEMA attack TO PUBLIC;
GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA attack TO PUBLIC;
RESET ROLE;
SELECT is(pg_temp.attempt('saas_app', format('SELECT count(*) FROM attack.members WHERE team_id = %L', :'blue')), 'rows=0', 'attack 06: a view of the application''s own shows no other team');
SELECT is(pg_temp.attempt('attack_login', format('UPDATE attack.rules SET name = %L WHERE team_id = %L', 'taken', :'blue')), 'rows=0', 'attack 06: nor changes one');
SELECT is(pg_temp.attempt('saas_analyst', 'SELECT count(*) FROM attack.members WHERE team_id <> saas.current_team_id()'), 'rows=0', 'attack 06: nor to another reader');
SELECT is(pg_temp.attempt('saas_anonymous', 'SELECT count(*) FROM attack.members'), 'rows=3', 'attack 06: it shows what its maker may see, in the reader''s context');

-- 7 and 8: functions and errors that meet a row before the policy does.
CREATE FUNCTION attack.leak(p_text text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF p_text LIKE '%canary%' THEN
        RAISE EXCEPTION USING ERRCODE = 'P6666', MESSAGE = 'met ' || p_text;
    END IF;
    RETURN true;
END
$$;
SELECT is(pg_temp.attempt('saas_app', format('SELECT count(*) FROM %s WHERE attack.leak(name)', t.name)), 'rows=1', 'attack 07: a cheap function meets no hidden row of ' || t.name)
FROM (VALUES ('saas.fraud_detection_rules'), ('saas.teams'), ('attack.rules')) AS t (name);
SELECT is(pg_temp.attempt(:'USER', 'SELECT count(*) FROM saas.teams WHERE attack.leak(name)'), 'P6666', 'attack 07: whoever sees them does meet them');
SELECT is(pg_temp.attempt('saas_app', format('SELECT count(*) FROM saas.team_members WHERE 1 / (CASE user_id WHEN %L THEN 0 ELSE 1 END) = 1', :'bob')), 'rows=3', 'attack 08: a division by zero tells nothing of a hidden row');
SELECT is(pg_temp.attempt('saas_app', $$SELECT count(*) FROM saas.fraud_detection_rules WHERE name::integer = 1$$), '22P02', 'attack 08: an error over own rows does happen');
SELECT is((SELECT count(*)::integer FROM pg_temp.answers AS a WHERE a.answer LIKE '22P02%canary%'), 0, 'attack 08: and quotes no hidden one');

SELECT is(pg_temp.attempt('attack_login', 'CREATE FUNCTION attack.quiet(text) RETURNS boolean LANGUAGE sql LEAKPROOF AS ''SELECT true'''), '42501', 'attack 09: the application makes no leakproof function');

-- 10: COPY out is filtered, COPY in refused.
\set copied `mktemp`
SET LOCAL ROLE saas_app;
COPY saas.team_members (team_id) TO STDOUT \g :copied
\set copied_teams `sort -u :copied`
\set gone `rm :copied`
SELECT is(:'copied_teams'::text, :'red', 'attack 10: COPY TO gives the own team''s rows only');
\set ON_ERROR_STOP 0
SAVEPOINT copying;
\copy saas.fraud_detection_rules (team_id, name, rule) FROM /dev/null
\set with_right :SQLSTATE
ROLLBACK TO copying;
\copy saas.team_members (team_id, user_id) FROM /dev/null
\set without_right :SQLSTATE
ROLLBACK TO copying;
\set ON_ERROR_STOP 1
SELECT is(:'with_right'::text, '0A000', 'attack 10: COPY FROM is not possible under row-level security');
SELECT is(:'without_right'::text, '42501', 'attack 10: nor where there is no right to insert');
RESET ROLE;

-- 11: an application that owns the table is held by its policies all the same.
SAVEPOINT owner;
ALTER TABLE saas.team_members OWNER TO attack_login;
SELECT is(pg_temp.attempt('attack_login', format('SELECT count(*) FROM saas.team_members WHERE team_id = %L', :'blue')), 'rows=0', 'attack 11: FORCE holds the owner');
ROLLBACK TO owner;

-- 12 and 13: keys that tell by conflict.
CREATE FUNCTION pg_temp.rule_insert(p_id uuid, p_name text, p_conflict text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.attempt('saas_app', format('INSERT INTO saas.fraud_detection_rules (team_id, id, name, rule) VALUES (saas.current_team_id(), %L, %L, %L) %s',
        p_id, p_name, 'REVIEW IF :amount: > 0', p_conflict))
$$;
SELECT is(pg_temp.rule_insert(t.id, t.name, 'ON CONFLICT DO NOTHING'), 'rows=1', 'attack 12: no conflict tells of another team''s ' || t.what)
FROM (VALUES (:'blue_rule'::uuid, 'fresh', 'id'), (saas.uuid_v7(), 'canary rule', 'name'), (saas.uuid_v7(), 'fresh', 'nothing')) AS t (id, name, what);
SELECT is((SELECT count(*)::integer FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN saas.declared_tables() AS d ON d.table_name = c.relname AND d.kind = 'tenant'
    WHERE c.relnamespace = 'saas'::regnamespace AND i.indisunique
        AND NOT (SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'team_id') = ANY (i.indkey::smallint[])), 0,
    'attack 12: every unique key of a tenant table has team_id');
SELECT is(pg_temp.attempt('saas_app', 'UPDATE saas.teams SET slug = ''blue'''), '23505', 'attack 12: the slug of a team, part of its address, is taken or not …');
SELECT is((SELECT count(*)::integer FROM pg_temp.answers AS a WHERE a.answer LIKE '23505%' AND a.answer LIKE '%Key (%'), 0, 'attack 12: … and no more is told of who has it');
SELECT is(pg_temp.rule_insert(:'blue_rule', 'mine', 'ON CONFLICT (team_id, id) DO UPDATE SET name = ''mine'''), 'rows=1', 'attack 13: the id of a hidden row is as good as any other');
SELECT is(pg_temp.attempt('saas_app', format('INSERT INTO saas.fraud_detection_rules (team_id, id, name, rule) VALUES (%L, %L, %L, %L) ON CONFLICT (team_id, id) DO UPDATE SET name = %L',
    :'blue', t.id, 'mine', 'REVIEW IF :amount: > 0', 'mine')), '42501', 'attack 13: an upsert into another team is refused, whether or not the row exists')
FROM (VALUES (:'blue_rule'::uuid), (saas.uuid_v7())) AS t (id);

-- 14: moving rows to another team, and making them there, for each tenant table.
SELECT is(pg_temp.attempt('saas_app', format('INSERT INTO saas.%I (team_id) VALUES (%L) RETURNING *', d.table_name, :'blue')), '42501', 'attack 14: no row of ' || d.table_name || ' is made in another team')
FROM saas.declared_tables() AS d WHERE d.kind = 'tenant';
SELECT is(pg_temp.attempt('saas_app', format('UPDATE saas.%I SET team_id = %L', d.table_name, :'blue')), '42501', 'attack 14: no row of ' || d.table_name || ' is moved to another team')
FROM saas.declared_tables() AS d WHERE d.kind = 'tenant';
SAVEPOINT granted;
GRANT UPDATE (team_id) ON saas.fraud_detection_rules TO saas_app;
SELECT is(pg_temp.attempt('saas_app', format('UPDATE saas.fraud_detection_rules SET team_id = %L', :'blue')), '42501', 'attack 14: not even with the right to change team_id');
ROLLBACK TO granted;

SELECT is(pg_temp.attempt('saas_app', format('MERGE INTO saas.fraud_detection_rules AS t USING (VALUES (%L::uuid)) AS s (id) ON t.id = s.id WHEN MATCHED THEN %s', :'blue_rule', a.action)), 'rows=0', 'attack 15: MERGE finds no hidden row to ' || a.action)
FROM (VALUES ('UPDATE SET name = ''taken'''), ('DELETE')) AS a (action);

SET LOCAL row_security = off;
SELECT is(pg_temp.attempt('saas_app', 'SELECT count(*) FROM saas.team_members'), '42501', 'attack 16: row_security = off is an error, not a way around');
SET LOCAL row_security = on;

SELECT is(pg_temp.belongings(:'blue'), :'blue_before', 'attacks 1 to 16 changed nothing of the other team');
SELECT is((SELECT string_agg(a.statement || ' → ' || a.answer, E'\n') FROM pg_temp.answers AS a WHERE a.answer LIKE '%canary%' AND a.answer NOT LIKE 'P6666%' AND a.statement NOT LIKE '%canary%'), NULL, 'attack 36: none was answered with a value of the other team');
SELECT * FROM finish();
ROLLBACK;
