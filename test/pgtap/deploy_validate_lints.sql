-- The lints of saas.validate(): each fault is planted and found, and what is allowed is not.
BEGIN;
SELECT plan(54);
\ir include/finds.sql

-- Policies.
SELECT pg_temp.finds('CREATE POLICY x ON saas.team_members FOR SELECT TO saas_app USING (team_id = saas.current_team_id())', 'saas.team_members', 'policies team_members_app_select, x all hold for SELECT and saas_app');
SELECT pg_temp.finds('CREATE POLICY x ON saas.team_members TO saas_app USING (team_id = saas.current_team_id())', 'saas.team_members', 'policies team_members_app_select, x all hold for SELECT and saas_app');
SELECT pg_temp.finds('CREATE POLICY x ON saas.currencies FOR DELETE TO saas_app USING (true)', 'saas.currencies', 'policy x lets every row be written');
SELECT pg_temp.finds('CREATE POLICY x ON saas.currencies FOR INSERT TO saas_app WITH CHECK (true)', 'saas.currencies', 'policy x lets every row be written');
SELECT pg_temp.finds('CREATE POLICY x ON saas.team_members FOR UPDATE TO saas_app USING (team_id = saas.current_team_id())', 'saas.team_members', 'policy x has no WITH CHECK of its own');
SELECT pg_temp.finds('CREATE POLICY x ON saas.team_members FOR DELETE TO saas_app USING (user_id = saas.current_user_id())', 'saas.team_members', 'policy x does not compare team_id with the request context');
SELECT pg_temp.finds('CREATE POLICY x ON saas.team_members FOR UPDATE TO saas_app USING (team_id = saas.current_team_id()) WITH CHECK (user_id = saas.current_user_id())', 'saas.team_members', 'policy x does not compare team_id with the request context');
SELECT pg_temp.finds($$CREATE POLICY x ON saas.users FOR DELETE TO saas_app USING (id = current_setting('app.current_user_id')::uuid)$$, 'saas.users', 'policy x reads a setting or claims%');
SELECT pg_temp.finds($$CREATE FUNCTION saas.f() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT saas.current_team_id()'; CREATE POLICY x ON saas.teams FOR DELETE TO saas_app USING (id = saas.f())$$, 'saas.teams', 'policy x calls saas.f(), which is not native');

-- Tables.
SELECT pg_temp.finds('GRANT SELECT ON saas.activity_logs_default TO saas_app', 'saas.activity_logs_default', 'roles read the partition beside the policies of its parent');
SELECT pg_temp.finds('ALTER TABLE saas.activity_logs_default NO FORCE ROW LEVEL SECURITY', 'saas.activity_logs_default', 'row-level security does not hold for the owner');
SELECT pg_temp.finds('CREATE TABLE saas.own (id integer)', 'saas.own', 'the table has no primary key');
SELECT pg_temp.finds('CREATE TABLE saas.own (id integer); ALTER TABLE saas.own REPLICA IDENTITY FULL', 'saas.own', 'the table has no primary key');
SELECT pg_temp.finds('ALTER TABLE saas.rollup_changes REPLICA IDENTITY DEFAULT', 'saas.rollup_changes', 'the table has no primary key');
SELECT pg_temp.finds('CREATE TABLE saas.own () INHERITS (saas.users)', 'saas.own', 'the table inherits from saas.users');
SELECT pg_temp.finds('CREATE TABLE saas.own (id uuid PRIMARY KEY) PARTITION BY HASH (id)', 'saas.own', 'the table is partitioned in more than one level%');
SELECT pg_temp.finds('CREATE TABLE saas.own (id uuid PRIMARY KEY); ALTER EXTENSION pg_saas ADD TABLE saas.own', 'saas.own', 'the table belongs to an extension%');
SELECT pg_temp.finds('CREATE RULE x AS ON DELETE TO saas.team_members DO INSTEAD NOTHING', 'saas.team_members', 'rule x rewrites%');
SELECT pg_temp.finds('CREATE UNLOGGED TABLE saas.own (id uuid PRIMARY KEY)', 'saas.own', 'the table is unlogged%');

-- Keys and indexes.
SELECT pg_temp.finds('DROP INDEX saas.team_members_user_id_idx; CREATE INDEX x ON saas.team_members (id, user_id)', 'saas.team_members', 'foreign key team_members_user_id_fkey has no index');
SELECT pg_temp.finds('CREATE INDEX x ON saas.team_members (user_id)', 'saas.x', 'the index is the same as saas.team_members_user_id_idx');
SELECT pg_temp.finds('CREATE INDEX x ON saas.team_members (team_id, user_id)', 'saas.x', 'the index is the same as saas.team_members_team_id_user_id_key');
SELECT pg_temp.finds('ALTER TABLE saas.team_members ADD CONSTRAINT x EXCLUDE (user_id WITH =)', 'saas.x', 'a unique key of a tenant table without team_id%');
SELECT pg_temp.finds($$UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'saas.team_members_user_id_idx'::regclass$$, 'saas.team_members_user_id_idx', 'the index is not valid%');
SELECT pg_temp.finds('ALTER TABLE saas.team_members ADD CONSTRAINT x CHECK (user_id IS NOT NULL) NOT VALID', 'saas.team_members', 'constraint x was never checked%');
SELECT pg_temp.finds('ALTER TABLE saas.users ADD COLUMN t uuid, ADD COLUMN m uuid, ADD CONSTRAINT x FOREIGN KEY (t, m) REFERENCES saas.team_members (team_id, id)', 'saas.users', 'foreign key x points from a reference table to a tenant table');
SELECT pg_temp.finds('ALTER TABLE saas.team_members ADD COLUMN k uuid REFERENCES saas.context_keys (id)', 'saas.team_members', 'foreign key team_members_k_fkey points from a tenant table to a local table');
SELECT pg_temp.finds('ALTER TABLE saas.team_members ADD COLUMN t uuid, ADD CONSTRAINT x FOREIGN KEY (t, id) REFERENCES saas.team_members (team_id, id)', 'saas.team_members', 'foreign key x can point into another tenant');
SELECT pg_temp.finds('ALTER TABLE saas.team_members ADD COLUMN m uuid, ADD CONSTRAINT x FOREIGN KEY (team_id, m) REFERENCES saas.team_members (team_id, id) ON DELETE SET NULL (m)', 'saas.team_members', 'foreign key x sets columns to null%');

-- Columns and sequences.
SELECT pg_temp.finds('ALTER TABLE saas.team_members ADD COLUMN c regconfig', 'saas.team_members.c', 'pg_upgrade refuses columns of type regconfig');
SELECT pg_temp.finds('ALTER TABLE saas.team_members ADD COLUMN c serial', 'saas.team_members.c', 'a 32-bit sequence runs out%');
SELECT pg_temp.finds('ALTER TABLE saas.team_members ADD COLUMN c integer GENERATED ALWAYS AS IDENTITY', 'saas.team_members.c', 'a 32-bit sequence runs out%');
SELECT pg_temp.finds($$CREATE TYPE pg_temp.mood AS ENUM ('good'); ALTER TABLE saas.team_members ADD COLUMN c pg_temp.mood$$, 'saas.team_members.c', 'comparing an enum is not leakproof%');
SELECT pg_temp.finds($$ALTER TABLE saas.users ADD COLUMN api_key text; COMMENT ON COLUMN saas.users.api_key IS 'A key. [internal]'$$, 'saas.users.api_key', 'the column is named like a secret%');
SELECT pg_temp.finds('CREATE SEQUENCE saas.s; GRANT SELECT ON SEQUENCE saas.s TO saas_app', 'saas.s', 'roles use the sequence%');

-- Triggers.
SELECT pg_temp.finds('ALTER TABLE saas.team_members DISABLE TRIGGER zz_audit', 'saas.team_members', 'trigger zz_audit is disabled');
SELECT pg_temp.finds('ALTER TABLE saas.team_members DISABLE TRIGGER ALL', 'saas.team_members', 'trigger RI_ConstraintTrigger%is disabled');
SELECT pg_temp.finds('ALTER TABLE saas.team_members ENABLE TRIGGER zz_audit', 'saas.team_members', 'trigger zz_audit does not fire for replicated changes');
SELECT pg_temp.finds('ALTER TABLE saas.audit_logs ENABLE REPLICA TRIGGER aa_append_only_row', 'saas.audit_logs', 'trigger aa_append_only_row does not fire%');
SELECT pg_temp.finds($$COMMENT ON COLUMN saas.team_members.role IS 'A secret. [restricted]'$$, 'saas.team_members', 'column role is classified [restricted] and the audit trail records its values');
SELECT pg_temp.finds($$CREATE TABLE public.own (id uuid PRIMARY KEY, "a,b" text, c text); SELECT saas.audit_table('public.own', '{c}', '{"a,b"}'); COMMENT ON COLUMN public.own."a,b" IS '[restricted]'; COMMENT ON COLUMN public.own.c IS '[restricted]'; COMMENT ON COLUMN public.own.id IS '[restricted]'$$, 'public.own', 'column id is classified%');
SELECT pg_temp.finds('CREATE TRIGGER x AFTER UPDATE ON saas.team_members EXECUTE FUNCTION saas.keep_one_owner()', 'saas.team_members', 'trigger x fires per statement%');

-- Functions, aggregates, views, the schema.
SELECT pg_temp.finds('GRANT EXECUTE ON FUNCTION saas.create_user(text, text) TO saas_anonymous', 'saas.create_user%', 'SECURITY DEFINER that visitors%');
SELECT pg_temp.finds('CREATE SCHEMA open; GRANT CREATE ON SCHEMA open TO PUBLIC; ALTER FUNCTION saas.create_user(text, text) SET search_path = open, pg_catalog, pg_temp', 'saas.create_user%', 'the search_path of the function has schema open%');
SELECT pg_temp.finds('ALTER FUNCTION saas.create_user(text, text) SET search_path = saas', 'saas.create_user%', 'SECURITY DEFINER without a search_path%');
SELECT pg_temp.finds('ALTER FUNCTION saas.active_role(uuid, uuid) LEAKPROOF', 'saas.active_role%', 'marked LEAKPROOF%');
SELECT pg_temp.finds('CREATE AGGREGATE saas.total (bigint) (SFUNC = int8pl, STYPE = bigint)', 'saas.total(bigint)', 'the aggregate cannot be combined%');
SELECT pg_temp.finds('GRANT CREATE ON SCHEMA saas TO saas_app', 'schema saas', 'roles other than the owner create%');
SELECT pg_temp.finds('CREATE MATERIALIZED VIEW saas.m AS SELECT 1 AS one; GRANT SELECT ON saas.m TO saas_app', 'saas.m', 'roles read the materialized view%');
SELECT pg_temp.finds('CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE saas.f (a integer) SERVER s; GRANT SELECT ON saas.f TO saas_app', 'saas.f', 'roles read the foreign table%');
SELECT pg_temp.finds($$UPDATE pg_extension SET extversion = '0.0.1' WHERE extname = 'pg_saas'$$, 'extension pg_saas', 'version 0.0.1 is in use%');

-- Roles.
SELECT pg_temp.finds('ALTER ROLE saas_app BYPASSRLS', 'role saas_app', 'no policy holds the role back');
SELECT pg_temp.finds('CREATE ROLE lint_login LOGIN; GRANT saas_app, saas_internal TO lint_login', 'role lint_login', 'a login that acts for applications may become saas_internal%');

-- What is as it should be is no finding.
CREATE TABLE saas.own (
    team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), parent_id uuid, token_hash bytea,
    PRIMARY KEY (team_id, id),
    CONSTRAINT own_parent_fkey FOREIGN KEY (team_id, parent_id) REFERENCES saas.own (team_id, id)
);
CREATE INDEX ON saas.own (team_id, parent_id);
ALTER TABLE saas.own ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.own FORCE ROW LEVEL SECURITY;
CREATE POLICY own_app ON saas.own TO saas_app USING (team_id = saas.current_team_id()) WITH CHECK (team_id = saas.current_team_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.own TO saas_app;
CREATE ROLE lint_login LOGIN;
GRANT saas_app, saas_service TO lint_login;
SELECT results_eq($$SELECT object, finding FROM saas.validate()$$,
    $$VALUES ('saas.own', 'no manifest declares the table as tenant, reference or local')$$,
    'a table of one''s own that follows the rules is only undeclared');
SELECT * FROM finish();
ROLLBACK;
