-- saas.protect_table(): a table of one's own is safe after one call, and as before after another.
BEGIN;
SELECT plan(75);

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('ben@example.com', 'Ben') AS ben,
    saas.create_user('vic@example.com', 'Vic') AS vic, saas.create_user('dan@example.com', 'Dan') AS dan \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'dan') AS blue \gset
SELECT saas.set_context(:'red', :'ann');
SELECT saas.add_team_member(:'red', :'ben'), saas.add_team_member(:'red', :'vic', 'viewer');
SELECT saas.clear_context();

CREATE SCHEMA shop;
CREATE TABLE shop."Größe; --" (
    team_id uuid NOT NULL REFERENCES saas.teams (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    number serial,
    name text,
    secret text,
    updated_at timestamptz NOT NULL DEFAULT '2000-01-01',
    PRIMARY KEY (team_id, id),
    UNIQUE (team_id, name)
);
COMMENT ON COLUMN shop."Größe; --".secret IS 'Key. [restricted]';
COMMENT ON COLUMN shop."Größe; --".number IS 'Number. [internal]';
INSERT INTO shop."Größe; --" (team_id, name) VALUES (:'red', 'red one'), (:'blue', 'blue one');
ALTER TABLE shop."Größe; --" RENAME TO things;
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT * FROM shop.things', '42501', NULL, 'before, nobody reads it');
RESET ROLE;

-- What is not safe is refused, with what mends it.
CREATE FUNCTION pg_temp.refusal(p_table text, p_column text DEFAULT 'team_id') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_hint text;
BEGIN
    PERFORM saas.protect_table(p_table::regclass, p_column);
    RETURN 'protected';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ': ' || v_hint;
END
$$;
CREATE TABLE shop.no_column (id uuid PRIMARY KEY);
CREATE TABLE shop.bad_column (team_id text, id uuid PRIMARY KEY);
CREATE TABLE shop.bad_key (team_id uuid NOT NULL, id bigint PRIMARY KEY, name text UNIQUE);
CREATE TABLE shop.bad_child (team_id uuid NOT NULL, id uuid, thing uuid, PRIMARY KEY (team_id, id));
CREATE TABLE shop.bad_link (team_id uuid NOT NULL, id uuid PRIMARY KEY, invitation uuid, other_team uuid,
    FOREIGN KEY (other_team, invitation) REFERENCES saas.team_invitations (team_id, id));
CREATE TABLE shop.open (team_id uuid NOT NULL, id uuid PRIMARY KEY);
CREATE POLICY everybody ON shop.open FOR SELECT USING (true);
CREATE TABLE shop.granted (team_id uuid NOT NULL, id uuid PRIMARY KEY);
GRANT ALL ON shop.granted TO saas_app;
CREATE TABLE shop.parent (team_id uuid NOT NULL, id uuid PRIMARY KEY);
CREATE TABLE shop.heir () INHERITS (shop.parent);
CREATE VIEW shop.a_view AS SELECT * FROM shop.things;
SELECT is(pg_temp.refusal('shop.no_column'), 'SA032: ALTER TABLE shop.no_column ADD COLUMN team_id uuid NOT NULL; if it has rows: without NOT NULL, and fill it.', 'no column of the team');
SELECT matches(pg_temp.refusal('shop.bad_column'), '^SA032: .*TYPE uuid.*SET NOT NULL', 'a column that is no uuid, and may be NULL');
SELECT matches(pg_temp.refusal('shop.bad_key'), 'ADD PRIMARY KEY \(team_id, id\);.*ADD UNIQUE \(team_id, name\);', 'keys that tell teams about each other');
SELECT matches(pg_temp.refusal('shop.bad_link'), 'ADD FOREIGN KEY \(team_id, .*invitation\) REFERENCES', 'a foreign key that can point into another team');
SELECT is(pg_temp.refusal('shop.open'), 'SA032: DROP POLICY everybody ON shop.open;', 'a policy for everybody');
SELECT matches(pg_temp.refusal('shop.granted'), 'REVOKE TRUNCATE ON shop.granted FROM saas_app;', 'the right to truncate');
SELECT matches(pg_temp.refusal('shop.heir'), '^SA032', 'inheritance');
SELECT matches(pg_temp.refusal('shop.a_view'), '^SA032', 'a view');
SELECT matches(pg_temp.refusal('saas.teams'), '^SA032', 'a table of the package');
SELECT matches(pg_temp.refusal('pg_catalog.pg_class'), '^SA032', 'a catalog');
SELECT matches(pg_temp.refusal('shop.things', 'nothing; --'), '^SA032', 'a column that is not there');
SELECT throws_ok($$SELECT saas.protect_table('shop.things', p_read_role => 'king')$$, '22023', NULL, 'a role that is none');
SELECT throws_ok($$SELECT saas.protect_table('shop.things', p_read_role => 'admin', p_write_role => 'member')$$, '22023', NULL, 'writers who could not read');
SELECT throws_ok('SELECT saas.protect_table(NULL)', '22004', NULL, 'NULL, which is not taken for success');
SELECT is((SELECT count(*)::integer FROM pg_policy WHERE polname LIKE 'saas%'), 0, 'and nothing was half done');
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.protect_table('saas.teams')$$, '42501', NULL, 'the application protects nothing');
RESET ROLE;
DROP VIEW shop.a_view;

-- One call.
CREATE TEMPORARY TABLE state AS SELECT saas.protection_state('shop.things') AS was;
SELECT set_has('SELECT step FROM saas.protect_table(''shop.things'')',
    $$VALUES ('row-level security'), ('policy saas_select'), ('policy saas_insert'), ('policy saas_update'), ('policy saas_delete'),
        ('policy saas_analyst'), ('rights'), ('rights on the sequence'), ('audit'), ('updated_at')$$, 'it says what it did');
SELECT set_eq('SELECT step FROM saas.protect_table(''shop.things'')',
    $$VALUES ('policy saas_select'), ('policy saas_insert'), ('policy saas_update'), ('policy saas_delete'), ('policy saas_analyst'),
        ('rights'), ('rights of analysts'), ('audit')$$, 'a second call finds the rest done');
SELECT is_empty($$SELECT * FROM saas.validate() WHERE object LIKE 'shop.things%'$$, 'validate() finds nothing');
SELECT ok(relrowsecurity AND relforcerowsecurity, 'row-level security holds for the owner, too') FROM pg_class WHERE oid = 'shop.things'::regclass;

SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM shop.things), 0, 'without a context there is no row');
RESET ROLE;
SELECT saas.set_context(:'red', :'ben');
SET LOCAL ROLE saas_app;
SELECT results_eq('SELECT name FROM shop.things', ARRAY['red one'], 'a member reads the own team');
SELECT throws_ok('SELECT secret FROM shop.things', '42501', NULL, 'but no secret');
SELECT lives_ok(format('INSERT INTO shop.things (team_id, name) VALUES (%L, %L)', :'red', 'red two'), 'writes');
SELECT lives_ok($$UPDATE shop.things SET name = 'red 2' WHERE name = 'red two'$$, 'changes');
SELECT is((SELECT updated_at FROM shop.things WHERE name = 'red 2'), now(), 'which is noted');
SELECT throws_ok(format('INSERT INTO shop.things (team_id) VALUES (%L)', :'blue'), '42501', NULL, 'and nothing into another team');
SELECT throws_ok(format('UPDATE shop.things SET team_id = %L', :'blue'), '42501', NULL, 'nor moves a row there');
SELECT throws_ok('TRUNCATE shop.things', '42501', NULL, 'nor empties the table');
DELETE FROM shop.things;
RESET ROLE;
SELECT results_eq('SELECT name FROM shop.things', ARRAY['blue one'], 'deletes own rows only');
SELECT is((SELECT string_agg(operation, '' ORDER BY operation) FROM saas.audit_logs WHERE table_name = 'shop.things' AND team_id = :'red'), 'DDIU', 'the trail has it all');
INSERT INTO shop.things (team_id, name) VALUES (:'red', 'red three');
SELECT saas.set_context(:'red', :'vic');
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM shop.things), 1, 'a viewer reads');
SELECT throws_ok(format('INSERT INTO shop.things (team_id) VALUES (%L)', :'red'), '42501', NULL, 'and does not write');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT is((SELECT count(number)::integer FROM shop.things), 1, 'an analyst reads what is internal');
SELECT throws_ok('SELECT name FROM shop.things', '42501', NULL, 'and not what nobody classified');
RESET ROLE;

-- Other roles.
SELECT matches((SELECT statement FROM saas.protect_table('shop.things', p_read_role => 'admin', p_write_role => 'service', p_audit => false) WHERE step = 'policy saas_delete'),
    '^ALTER POLICY saas_delete .*{service}', 'run again with other roles, the policies change');
SELECT is((SELECT count(*)::integer FROM pg_trigger WHERE tgrelid = 'shop.things'::regclass AND tgname LIKE 'zz_audit%'), 0, 'and the trail ends');
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM shop.things), 0, 'a viewer reads nothing now');
RESET ROLE;
SELECT saas.set_context(:'red', :'ann');
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM shop.things), 1, 'an owner does');
SELECT throws_ok(format('INSERT INTO shop.things (team_id) VALUES (%L)', :'red'), '42501', NULL, 'and writes no more');
RESET ROLE;
SELECT saas.set_context(:'red');
SET LOCAL ROLE saas_service;
SELECT lives_ok(format('INSERT INTO shop.things (team_id) VALUES (%L)', :'red'), 'a worker does');
RESET ROLE;
SELECT saas.clear_context();

-- Foreign keys between protected tables, and drift.
ALTER TABLE shop.things ADD CONSTRAINT things_id_key UNIQUE (id);
ALTER TABLE shop.bad_child ADD FOREIGN KEY (thing) REFERENCES shop.things (id);
SELECT matches(pg_temp.refusal('shop.bad_child'), 'ADD FOREIGN KEY \(team_id, thing\) REFERENCES shop.things \(team_id, id\);', 'a key between protected tables contains the team');
CREATE POLICY another ON shop.things FOR SELECT TO saas_app USING (true);
ALTER TABLE shop.things NO FORCE ROW LEVEL SECURITY;
SELECT set_has($$SELECT finding FROM saas.validate() WHERE object = 'shop.things' AND severity = 'error'$$,
    $$VALUES ('policy another lets rows of other teams through'), ('row-level security is off, or does not hold for the owner')$$, 'validate() sees what was changed by hand');
DROP POLICY another ON shop.things;

-- Taking it back.
SELECT isnt_empty($$SELECT * FROM saas.unprotect_table('shop.things')$$, 'unprotect says what it did');
SELECT is(saas.protection_state('shop.things'), (SELECT was FROM state), 'and all is as it was');
SELECT is((SELECT count(*)::integer FROM shop.things), 3, 'with the data');
SELECT throws_ok($$SELECT saas.unprotect_table('shop.things')$$, 'SA032', NULL, 'once');

-- A comment that was changed by hand is read, not run.
GRANT SELECT (name), UPDATE ON shop.things TO saas_analyst;
ALTER TABLE shop.things ENABLE ROW LEVEL SECURITY;
UPDATE state SET was = saas.protection_state('shop.things');
SELECT is((SELECT count(*)::integer FROM saas.protect_table('shop.things') WHERE step = 'audit'), 1, 'it can be protected again');
ALTER TABLE shop.things RENAME TO renamed;
SELECT isnt_empty($$SELECT * FROM saas.unprotect_table('shop.renamed')$$, 'and back, whatever its name is by now');
ALTER TABLE shop.renamed RENAME TO things;
SELECT is(saas.protection_state('shop.things'), (SELECT was FROM state), 'with the rights and row-level security there were');
ALTER TABLE shop.things DISABLE ROW LEVEL SECURITY;
SELECT is_empty($$SELECT * FROM saas.unprotection_steps('shop.things', 'shop.things', '{"row_security": [], "forced": [], "triggers": [],
    "rights": [{"role": "saas_app; DROP TABLE shop.things", "privilege": "SELECT", "column": null},
        {"role": "saas_app", "privilege": "SELECT ON shop.things TO saas_app; DROP TABLE shop.things; --", "column": null}]}')
    WHERE statement LIKE 'GRANT%'$$, 'nothing but names is taken from the comment');
CREATE TABLE shop."Größe; --" (LIKE shop.things INCLUDING ALL);
SELECT isnt_empty($$SELECT * FROM saas.protect_table('shop."Größe; --"', 'team_id')$$, 'an odd name is a name');
SELECT isnt_empty($$SELECT * FROM saas.unprotect_table('shop."Größe; --"')$$, 'both ways');

-- The table that is pointed to comes second.
CREATE TABLE shop.target (team_id uuid NOT NULL, id uuid UNIQUE, PRIMARY KEY (team_id, id));
CREATE TABLE shop.pointer (team_id uuid NOT NULL, id uuid, target uuid REFERENCES shop.target (id), PRIMARY KEY (team_id, id));
SELECT isnt_empty($$SELECT * FROM saas.protect_table('shop.pointer')$$, 'a foreign key to a table that is not protected');
SELECT is(
    (SELECT statement FROM saas.protect_table('shop.target') WHERE step = 'advice: foreign key pointer_target_fkey of shop.pointer can point here from another team'),
    $$SELECT * FROM saas.protection_findings('shop.pointer', 'team_id');$$,
    'is told of when that one is protected'
);

-- Partitions.
CREATE TABLE shop.events (team_id uuid NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (team_id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE shop.events_old PARTITION OF shop.events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT matches(pg_temp.refusal('shop.events_old'), '^SA032', 'a partition is not protected alone');
SELECT isnt_empty($$SELECT * FROM saas.protect_table('shop.events')$$, 'a partitioned table is');
SELECT ok(relrowsecurity AND relforcerowsecurity AND relacl IS NULL OR NOT EXISTS (SELECT FROM aclexplode(relacl) AS a WHERE a.grantee <> relowner), 'with its partitions')
FROM pg_class WHERE oid = 'shop.events_old'::regclass;
CREATE TABLE shop.events_new PARTITION OF shop.events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT is((SELECT object FROM saas.validate() WHERE object LIKE 'shop.events%' AND severity = 'error'), 'shop.events_new', 'a partition that came later is found');

-- Policies that were there before.
CREATE ROLE shop_web NOLOGIN IN ROLE saas_app;
CREATE ROLE shop_staff NOLOGIN;
GRANT shop_staff TO saas_app;
CREATE TABLE shop.notes (team_id uuid NOT NULL, id uuid NOT NULL, PRIMARY KEY (team_id, id));
CREATE POLICY mine ON shop.notes FOR SELECT TO shop_web USING (true);
SELECT matches(pg_temp.refusal('shop.notes'), '^SA032', 'a policy for a member of the application''s role is refused');
ALTER POLICY mine ON shop.notes TO shop_staff;
SELECT matches(pg_temp.refusal('shop.notes'), '^SA032', 'and for a role that it is a member of');
DROP POLICY mine ON shop.notes;
CREATE POLICY saas_select ON shop.notes FOR ALL TO saas_app USING (true);
SELECT matches(pg_temp.refusal('shop.notes'), '^SA032', 'one that has the name of ours and lets viewers write, too');
DROP POLICY saas_select ON shop.notes;
CREATE POLICY saas_delete ON shop.notes AS RESTRICTIVE FOR DELETE TO saas_app USING (true);
SELECT matches(pg_temp.refusal('shop.notes'), '^SA032', 'or is restrictive');
DROP POLICY saas_delete ON shop.notes;
SELECT throws_ok($$SELECT * FROM saas.protect_table('shop.notes', p_write_role => NULL)$$, '22023', NULL, 'a role that is NULL is refused');
SELECT throws_ok($$SELECT * FROM saas.protect_table('shop.notes', p_redact => NULL)$$, '22004', NULL, 'nor with another argument that is NULL');
SELECT throws_ok($$SELECT saas.audit_table('shop.notes', p_redact => NULL)$$, '22004', NULL, 'nor is a table audited');
SELECT isnt_empty($$SELECT * FROM saas.protect_table('shop.notes')$$, 'without them it is protected');

CREATE TABLE shop."no.tes" (LIKE shop.notes INCLUDING ALL);
SELECT throws_ok($$SELECT * FROM saas.protect_table('shop."no.tes"')$$, 'SA040', NULL, 'a table with a dot in its name cannot be audited, which is said before its rows are refused');
-- Names of 63 bytes in few characters.
CREATE TABLE shop.größengrößengrößengrößengrößengrößengrößengröße (id uuid PRIMARY KEY, team_id uuid NOT NULL REFERENCES saas.teams (id) ON DELETE CASCADE);
SELECT c.oid::regclass AS long_table FROM pg_class AS c WHERE c.relnamespace = 'shop'::regnamespace AND c.relname LIKE 'größen%' AND c.relkind = 'r' \gset
SELECT matches((SELECT p.statement FROM saas.protect_table(:'long_table') AS p WHERE p.step = 'index'), 'CREATE INDEX "?größ.*_saas_team_idx"? ON', 'a long name of many bytes is shortened before its end is lost');
SELECT is((SELECT count(*) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid WHERE i.indrelid = :'long_table'::regclass AND c.relname LIKE '%\_saas\_team\_idx'), 1::bigint, 'and the index has it');
SELECT matches((SELECT string_agg(p.statement, ' ') FROM saas.unprotect_table(:'long_table') AS p WHERE p.step = 'index'), 'DROP INDEX', 'so it is found again');
SELECT is(saas.team_index_name(repeat('ä', 31) || 'a') = saas.team_index_name(repeat('ä', 31) || 'b'), false, 'names that differ at their end get different indexes');
SELECT ok(octet_length(saas.team_index_name(repeat('€', 21))) <= 63, 'of 63 bytes at most');

CREATE MATERIALIZED VIEW shop.all_notes AS SELECT * FROM shop.notes;
SELECT is((SELECT p.statement FROM saas.protect_table('shop.notes') AS p WHERE p.step = 'advice: materialized view shop.all_notes keeps rows of every team, without their policies'),
    'REVOKE ALL ON shop.all_notes FROM PUBLIC; and from every role that acts for one team', 'a materialized view over the table is warned of');
SELECT * FROM finish();
ROLLBACK;
