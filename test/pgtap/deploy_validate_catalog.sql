-- saas.validate() notices columns, constraints, indexes and rights of the package that are gone, names the statement
-- that brings each back, keeps noticing after another deployment, and leaves what owners added alone.
BEGIN;
SELECT plan(18);
CREATE FUNCTION pg_temp.found() RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(v.object, ', ' ORDER BY v.object), 'nothing') FROM saas.validate_catalog() AS v
$$;
CREATE FUNCTION pg_temp.mend() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_remedy text;
BEGIN
    FOR v_remedy IN SELECT v.remedy FROM saas.validate_catalog() AS v ORDER BY v.object LIKE '%saas.teams.settings' DESC LOOP
        EXECUTE v_remedy;
    END LOOP;
END
$$;
SELECT is(pg_temp.found(), 'nothing', 'as deployed nothing is missing');

ALTER TABLE saas.teams DROP COLUMN settings;
SELECT matches(pg_temp.found(), 'saas.teams.settings', 'a dropped column');
SELECT matches(pg_temp.found(), 'teams_settings_check ON saas.teams', 'and the constraint that went with it');
SELECT is((SELECT v.remedy FROM saas.validate() AS v WHERE v.object = 'saas.teams.settings'),
    $$ALTER TABLE saas.teams ADD COLUMN settings jsonb DEFAULT '{}'::jsonb NOT NULL;$$, 'with the statement that makes it again');
SELECT saas.deploy() \g /dev/null
SELECT matches(pg_temp.found(), 'saas.teams.settings', 'are found after another deployment, too');
SELECT pg_temp.mend();
SELECT is(pg_temp.found(), 'nothing', 'what the remedies say mends it');

DROP INDEX saas.users_created_at_idx;
SELECT is(pg_temp.found(), 'saas.users_created_at_idx ON saas.users', 'a dropped index');
SELECT pg_temp.mend();
DROP INDEX saas.audit_logs_xact_id_idx;
SELECT pg_temp.mend();
SELECT is((SELECT count(*) FROM saas.validate() AS v WHERE v.object LIKE '%audit_logs%'), 0::bigint, 'the index of a partitioned table comes back whole');
ALTER FUNCTION saas.seal_audit_log(bigint) OWNER TO CURRENT_USER;
SELECT is((SELECT v.remedy FROM saas.validate() AS v WHERE v.object LIKE '%seal_audit_log%'),
    'ALTER FUNCTION saas.seal_audit_log(bigint) OWNER TO saas_internal;', 'a function with the rights of somebody else');
ALTER FUNCTION saas.seal_audit_log(bigint) OWNER TO saas_internal;
ALTER TABLE saas.teams DROP CONSTRAINT teams_name_check, ADD CONSTRAINT teams_name_check CHECK (length(name) > 0);
SELECT matches((SELECT v.finding FROM saas.validate_catalog() AS v), '^the constraint was deployed as CHECK .* and is now CHECK', 'a constraint that says something else');
ALTER TABLE saas.teams DROP CONSTRAINT teams_name_check, ADD CONSTRAINT teams_name_check CHECK (length(name) BETWEEN 1 AND 200);
ALTER TABLE saas.team_invitations ALTER COLUMN role TYPE varchar(20);
SELECT matches((SELECT v.finding FROM saas.validate_catalog() AS v WHERE v.object = 'saas.team_invitations.role'), 'deployed as text and is now character varying', 'a column of another type');
ALTER TABLE saas.team_invitations ALTER COLUMN role TYPE text;

REVOKE SELECT ON saas.teams FROM saas_app;
REVOKE EXECUTE ON FUNCTION saas.create_team(text, text, uuid) FROM saas_service;
SELECT is(pg_temp.found(), 'EXECUTE ON FUNCTION saas.create_team(text,text,uuid) TO saas_service, SELECT ON saas.teams TO saas_app', 'rights that were taken away');
SELECT pg_temp.mend();
GRANT INSERT ON saas.audit_logs TO saas_app;
GRANT EXECUTE ON FUNCTION saas.create_team(text, text, uuid) TO PUBLIC;
SELECT results_eq('SELECT v.severity, v.remedy FROM saas.validate_catalog() AS v ORDER BY v.remedy',
    $$VALUES ('warning', 'REVOKE EXECUTE ON FUNCTION saas.create_team(text,text,uuid) FROM PUBLIC;'), ('warning', 'REVOKE INSERT ON saas.audit_logs FROM saas_app;')$$,
    'and rights that somebody gave');
SELECT saas.deploy() \g /dev/null
SELECT is((SELECT count(*) FROM saas.validate_catalog()), 2::bigint, 'still after a deployment');
SELECT pg_temp.mend();
SELECT is(pg_temp.found(), 'nothing', 'mended as well');

-- What an owner adds is theirs, before a deployment and after.
ALTER TABLE saas.users ADD COLUMN shoe_size integer;
CREATE INDEX users_shoe_size_idx ON saas.users (shoe_size);
SELECT saas.deploy() \g /dev/null
SELECT is(pg_temp.found(), 'nothing', 'a column of one''s own is no finding');
ALTER TABLE saas.users DROP COLUMN shoe_size;
SELECT is(pg_temp.found(), 'nothing', 'nor is its end');
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT saas.note_package_catalog(true)', '42501', NULL, 'an application notes nothing');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
