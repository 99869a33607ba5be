-- Who reads the trail, and that nobody changes it: not by rights, not through a partition, not as its
-- owner, not by code that an ordinary role gets run (attacks 22, 32, 34 and 40).
BEGIN;
SELECT plan(41);

CREATE FUNCTION pg_temp.month_partition() RETURNS text LANGUAGE sql AS $$
    SELECT 'saas.audit_logs' || to_char(now() AT TIME ZONE 'UTC', '_YYYY_MM')
$$;
SELECT saas.create_user('owner-1@example.com') AS owner_1 \gset
SELECT saas.create_user('owner-2@example.com') AS owner_2 \gset
SELECT saas.create_user('admin-1@example.com') AS admin_1 \gset
SELECT saas.create_user('member-1@example.com') AS member_1 \gset
SELECT saas.create_user('viewer-1@example.com') AS viewer_1 \gset
SELECT saas.create_team('One', 'audit-one', :'owner_1') AS team_1 \gset
SELECT saas.create_team('Two', 'audit-two', :'owner_2') AS team_2 \gset
INSERT INTO saas.team_members (team_id, user_id, role)
VALUES (:'team_1', :'admin_1', 'admin'), (:'team_1', :'member_1', 'member'), (:'team_1', :'viewer_1', 'viewer');

CREATE TABLE public.audited (team_id uuid, id uuid DEFAULT saas.uuid_v7(), name text, PRIMARY KEY (team_id, id));
SELECT saas.audit_table('public.audited') \g /dev/null
GRANT SELECT, INSERT, UPDATE, DELETE ON public.audited TO saas_app;
INSERT INTO public.audited (team_id, name) VALUES (:'team_1', 'a'), (:'team_1', 'b'), (:'team_2', 'c');

CREATE FUNCTION pg_temp.visible() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM saas.audit_logs AS l WHERE l.table_name = 'public.audited'
$$;
GRANT EXECUTE ON FUNCTION pg_temp.visible() TO PUBLIC;

-- Readers.
SELECT saas.set_context(:'team_1', :'owner_1') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.visible(), 2::bigint, 'an owner reads the trail of the team, and of no other');
SELECT is(
    (SELECT count(*) FROM saas.audit_logs AS l WHERE l.team_id = :'team_2'),
    0::bigint, 'not even by naming the other team'
);
RESET ROLE;
SELECT saas.set_context(:'team_1', :'admin_1') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.visible(), 2::bigint, 'an admin reads it');
RESET ROLE;
SELECT saas.set_context(:'team_1', :'member_1') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.visible(), 0::bigint, 'a member does not');
RESET ROLE;
SELECT saas.set_context(:'team_1', :'viewer_1') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.visible(), 0::bigint, 'a viewer does not');
RESET ROLE;
SELECT saas.set_context(:'team_2', :'owner_2') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.visible(), 1::bigint, 'the owner of another team reads that team''s');
RESET ROLE;
SELECT saas.set_context(:'team_1') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT is(pg_temp.visible(), 2::bigint, 'a worker of the team reads it');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(pg_temp.visible(), 0::bigint, 'without a context there is nothing');
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok('SELECT pg_temp.visible()', '42501', NULL, 'visitors are denied');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT throws_ok('SELECT pg_temp.visible()', '42501', NULL, 'analysts are denied');
RESET ROLE;

-- A partition addressed directly: no grants, and row-level security of its own.
SELECT saas.set_context(:'team_1', :'owner_1') \g /dev/null
SELECT throws_ok(
    format('SET LOCAL ROLE %I; SELECT count(*) FROM %s', r.name, pg_temp.month_partition()), '42501', NULL,
    r.name || ' cannot read a partition'
)
FROM (VALUES ('saas_app'), ('saas_service'), ('saas_analyst'), ('saas_anonymous')) AS r (name);
RESET ROLE;
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_partition_tree('saas.audit_logs') AS t
     JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
     WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)),
    0::bigint, 'row-level security is enabled and forced on every partition'
);
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_partition_tree('saas.audit_logs') AS t
     CROSS JOIN (VALUES ('saas_app'), ('saas_service'), ('saas_analyst'), ('saas_anonymous'), ('saas_internal'), ('public')) AS r (name)
     CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('TRIGGER'), ('REFERENCES')) AS p (privilege)
     WHERE has_table_privilege(r.name, t.relid, p.privilege)),
    0::bigint, 'no role has a right to write the trail'
);

-- Rows are written for users who have no right on the trail at all.
SET LOCAL ROLE saas_app;
SELECT lives_ok(
    format('INSERT INTO public.audited (team_id, name) VALUES (%L, %L)', :'team_1', 'd'),
    'a change by an ordinary role is recorded'
);
SELECT throws_ok(
    format('INSERT INTO saas.audit_logs (team_id, created_at, id, xact_id, operation, table_name)
        VALUES (%L, now(), gen_random_uuid(), pg_current_xact_id(), %L, %L)', :'team_1', 'I', 'public.audited'),
    '42501', NULL, 'an entry cannot be forged'
);
SELECT throws_ok(
    'CREATE TEMP TABLE forged (team_id uuid);
     CREATE TRIGGER forge AFTER INSERT ON forged FOR EACH ROW
     EXECUTE FUNCTION saas.audit_row_change(''public.audited'', ''team_id'', '''', '''')',
    '42501', NULL, 'nor by attaching the trigger to a table of one''s own'
);
SELECT throws_ok('SELECT saas.audit_table(''public.audited'')', '42501', NULL, 'nor is audit_table for everybody');
RESET ROLE;
SELECT is(pg_temp.visible(), 4::bigint, 'the change is there, the forged entry is not');

-- The owner, here even a superuser, cannot change what was recorded.
SELECT throws_ok(
    format('%s', c.command), 'SA041', format('table "%s" is append-only', c.relation),
    c.command || ' is refused'
)
FROM (
    SELECT format(a.template, r.name) AS command, split_part(r.name, '.', 2) AS relation
    FROM (VALUES ('saas.audit_logs'), (pg_temp.month_partition()), ('saas.audit_logs_default')) AS r (name)
    CROSS JOIN (VALUES ('UPDATE %s SET actor_id = NULL'), ('DELETE FROM %s'), ('TRUNCATE %s')) AS a (template)
) AS c;
SET LOCAL session_replication_role = replica;
SELECT throws_ok('DELETE FROM saas.audit_logs', 'SA041', NULL, 'also as a replica');
SET LOCAL session_replication_role = origin;
CREATE ROLE audit_test_owner;
GRANT SELECT, UPDATE, DELETE ON saas.audit_logs TO audit_test_owner;
GRANT USAGE ON SCHEMA saas TO audit_test_owner;
SET LOCAL ROLE audit_test_owner;
SELECT throws_ok(
    'DELETE FROM saas.audit_logs', 'SA041', NULL,
    'a role that was granted DELETE is refused, although it sees no rows'
);
RESET ROLE;

-- Attack 34: functions, operators and casts of the user never run in the trigger.
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.trap() RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'SA999', MESSAGE = 'hostile code ran as ' || current_user; END $$;
CREATE FUNCTION hostile.to_jsonb(p public.audited) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT hostile.trap(); SELECT '{}'::jsonb $$;
CREATE FUNCTION hostile.uuid_v7() RETURNS uuid LANGUAGE sql AS $$ SELECT hostile.trap(); SELECT gen_random_uuid() $$;
CREATE FUNCTION hostile.current_user_id() RETURNS uuid LANGUAGE sql AS $$ SELECT hostile.trap(); SELECT gen_random_uuid() $$;
CREATE FUNCTION hostile.statement_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT hostile.trap(); SELECT now() $$;
CREATE FUNCTION hostile.equal(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.trap(); SELECT true $$;
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.equal);
CREATE TABLE hostile.audit_logs (LIKE saas.audit_logs);
CREATE TYPE hostile.mood AS ENUM ('happy');
CREATE FUNCTION hostile.to_json(hostile.mood) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.trap(); RETURN '{}'; END $$;
CREATE CAST (hostile.mood AS json) WITH FUNCTION hostile.to_json(hostile.mood);
ALTER TABLE public.audited ADD COLUMN mood hostile.mood;
GRANT USAGE ON SCHEMA hostile TO saas_app;
SET LOCAL search_path = hostile, pg_catalog, public;
SET LOCAL ROLE saas_app;
INSERT INTO public.audited (team_id, id, name, mood) VALUES (:'team_1', saas.uuid_v7(), 'e', 'happy');
UPDATE public.audited SET name = 'f' WHERE mood IS NOT NULL;
DELETE FROM public.audited WHERE mood IS NOT NULL;
RESET ROLE;
RESET search_path;
SELECT is(
    (SELECT l.old_values ->> 'mood' FROM saas.audit_logs AS l
     WHERE l.table_name = 'public.audited' AND l.operation = 'D' ORDER BY l.created_at DESC, l.id DESC LIMIT 1),
    'happy', 'hostile functions, operators and casts do not run, and the row is recorded'
);
SELECT is((SELECT count(*) FROM hostile.audit_logs), 0::bigint, 'a table of the same name gets nothing');

-- The activity log.
SELECT saas.set_context(:'team_1', :'viewer_1') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT isnt(
    saas.log_activity(:'team_1', 'project.created', 'project', '0190b000-0000-7000-8000-000000000001', '{"name": "x"}'),
    NULL, 'a member adds to the activity log'
);
SELECT results_eq(
    'SELECT a.team_id, a.user_id, a.action, a.subject_type, a.details FROM saas.activity_logs AS a',
    format('VALUES (%L::uuid, %L::uuid, %L, %L, %L::jsonb)', :'team_1', :'viewer_1', 'project.created', 'project', '{"name": "x"}'),
    'in the own name, and reads it'
);
SELECT throws_ok(
    format('SELECT saas.log_activity(%L, %L)', :'team_2', 'project.created'), '42501', NULL,
    'not for another team'
);
SELECT throws_ok(
    format('INSERT INTO saas.activity_logs (team_id, action) VALUES (%L, %L)', :'team_1', 'x'), '42501', NULL,
    'not past the function'
);
RESET ROLE;
SELECT saas.set_context(:'team_2', :'owner_2') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas.activity_logs), 0::bigint, 'another team does not see it');
RESET ROLE;
SELECT saas.set_context(:'team_1', :'owner_1') \g /dev/null
SET LOCAL ROLE saas_analyst;
SELECT throws_ok('SELECT user_id FROM saas.activity_logs', '42501', NULL, 'an analyst does not see who');
SELECT is((SELECT count(a.action) FROM saas.activity_logs AS a), 1::bigint, 'but sees what');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
