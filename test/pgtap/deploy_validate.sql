-- saas.validate() finds nothing on a deployed database, and each planted fault with what mends it.
BEGIN;
SELECT plan(26);
SELECT is_empty('SELECT * FROM saas.validate()', 'a deployed database has no finding');

\ir include/finds.sql

SELECT pg_temp.finds('ALTER TABLE saas.team_members DISABLE ROW LEVEL SECURITY', 'saas.team_members', 'row-level security is off');
SELECT pg_temp.finds('ALTER TABLE saas.team_members NO FORCE ROW LEVEL SECURITY', 'saas.team_members', 'row-level security does not hold for the owner');
SELECT pg_temp.finds('DROP POLICY team_members_app_select ON saas.team_members', 'policy team_members_app_select%', 'defined by % but missing');
SELECT pg_temp.finds('DROP POLICY team_members_app_select ON saas.team_members', 'saas.team_members', 'roles read the table but no policy%');
SELECT pg_temp.finds('CREATE POLICY x ON saas.teams AS RESTRICTIVE FOR DELETE TO saas_app USING (true)', 'saas.teams', 'policy x is restrictive%');
SELECT pg_temp.finds('CREATE POLICY x ON saas.teams FOR DELETE USING (true)', 'saas.teams', 'policy x holds for PUBLIC');
SELECT pg_temp.finds('CREATE POLICY x ON saas.teams FOR DELETE TO saas_app USING (id IN (SELECT team_id FROM saas.team_members))', 'saas.teams', 'policy x has a subquery');
SELECT pg_temp.finds('GRANT TRUNCATE ON saas.teams TO saas_app', 'saas.teams', 'roles may truncate the table');
SELECT pg_temp.finds('CREATE TABLE saas.own (id integer)', 'saas.own', 'no manifest declares%');
SELECT pg_temp.finds('ALTER TABLE saas.team_members DROP CONSTRAINT team_members_pkey, ADD PRIMARY KEY (id)', 'saas.team_members', 'the primary key does not begin with team_id');
SELECT pg_temp.finds('CREATE UNIQUE INDEX x ON saas.team_members (user_id)', 'saas.x', 'a unique key of a tenant table without team_id%');
SELECT pg_temp.finds('DROP INDEX saas.team_members_user_id_idx', 'saas.team_members', 'foreign key team_members_user_id_fkey has no index');
SELECT pg_temp.finds('ALTER TABLE saas.users ADD COLUMN shoe_size integer', 'saas.users.shoe_size', 'the column has no comment%');
SELECT pg_temp.finds('COMMENT ON TABLE saas.users IS NULL', 'saas.users', 'the table has no comment');
SELECT pg_temp.finds('DROP TRIGGER users_10_updated_at ON saas.users', 'trigger users_10_updated_at%', 'defined by % but missing');
SELECT pg_temp.finds('DROP FUNCTION saas.team_directory(uuid)', 'function saas.team_directory%', 'defined by % but missing');
SELECT pg_temp.finds('DROP TABLE saas.context_keys', 'saas.context_keys', 'declared by module core but missing');
SELECT pg_temp.finds('ALTER FUNCTION saas.create_user(text, text) RESET search_path', 'saas.create_user%', 'SECURITY DEFINER without a search_path%');
SELECT pg_temp.finds('GRANT EXECUTE ON FUNCTION saas.create_user(text, text) TO PUBLIC', 'saas.create_user%', 'SECURITY DEFINER that anyone may execute');
SELECT pg_temp.finds('ALTER FUNCTION saas.rotate_context_key() RESET search_path', 'saas.rotate_context_key()', 'no fixed search_path');
SELECT pg_temp.finds('CREATE VIEW saas.v AS SELECT 1 AS one', 'saas.v', 'the view reads with its owner''s rights');
SELECT pg_temp.finds($$UPDATE saas.schema_migrations SET checksum = 'x' WHERE module = 'core' AND version = 1$$, 'core/0001_identity', 'migration has another text%');
SELECT pg_temp.finds($$DELETE FROM saas.schema_migrations WHERE module = 'core' AND version = 1$$, 'core/0001_identity', 'migration is installed but not deployed');

-- What validate() says of a missing table helps, also when an index has gone.
SET LOCAL client_min_messages = warning;
DROP TABLE saas.currencies CASCADE;
DROP INDEX saas.payments_occurred_at_idx;
SELECT lives_ok(
    $$SELECT saas.rollback('privacy'), saas.rollback('metrics'), saas.rollback('fraud'), saas.rollback('payments'), saas.deploy()$$,
    'rolling back and deploying again'
);
SELECT is_empty('SELECT * FROM saas.validate()', 'brings a missing table and index back');
SELECT * FROM finish();
ROLLBACK;
