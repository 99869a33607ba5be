-- Access over all teams of the person of the request context: answers, invalidation, and that the
-- planner's help changes plans but never results.
BEGIN;
SELECT no_plan();
SET LOCAL jit = off; -- switched off scans cost so much that every plan would be compiled

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob,
    saas.create_user('eve@example.com', 'Eve') AS eve \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue,
    saas.create_team('Green', 'green', :'bob') AS green \gset
INSERT INTO saas.team_members (team_id, user_id, role) VALUES (:'blue', :'ann', 'viewer'), (:'red', :'eve', 'member');

-- Without a context: nothing, and no error.
SELECT is(saas.can_access(:'red'), false, 'no access without a context');
SELECT is(saas.is_member(:'red'), false, 'no membership without a context');
SELECT is(saas.has_role(:'red', 'owner'), false, 'no role without a context');
SELECT is(saas.role_in_team(:'red'), NULL, 'none by name either');
SELECT is(saas.my_team_ids(), '{}', 'no teams without a context');
SELECT is_empty('SELECT * FROM saas.my_teams()', 'and an empty list');

-- With one: every team of the person, whichever the context names.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(saas.can_access(:'red'), true, 'the team of the context');
SELECT is(saas.can_access(:'blue'), true, 'another team of the same person');
SELECT is(saas.can_access(:'green'), false, 'not a team of somebody else');
SELECT is(saas.can_access(gen_random_uuid()), false, 'nor one that does not exist');
SELECT is(saas.can_access(NULL), false, 'nor none at all');
SELECT is(saas.is_member(:'red', 'owner'), true, 'owner in the one');
SELECT is(saas.is_member(:'blue'), true, 'at least viewer in the other');
SELECT is(saas.is_member(:'blue', 'member'), false, 'but no more than viewer there');
SELECT is(saas.is_member(NULL), false, 'is_member of no team is false, so that NOT denies');
SELECT is(saas.has_role(:'blue', 'viewer'), true, 'exactly viewer');
SELECT is(saas.has_role(:'red', 'admin'), false, 'an owner is not exactly admin');
SELECT is(saas.role_in_team(:'blue'), 'viewer', 'the role by name');
SELECT throws_ok(format('SELECT saas.is_member(%L, %L)', :'red', 'king'), '22023', NULL, 'an unknown role is an error');
SELECT throws_ok(format('SELECT saas.has_role(%L, %L)', :'red', 'king'), '22023', NULL, 'for has_role too');
SELECT set_eq('SELECT unnest(saas.my_team_ids())', ARRAY[:'red', :'blue']::uuid[], 'all my teams');
SELECT results_eq('SELECT name, slug, role FROM saas.my_teams()', $$VALUES ('Blue', 'blue', 'viewer'), ('Red', 'red', 'owner')$$, 'the list to choose from');
SELECT results_eq('SELECT slug FROM saas.teams', ARRAY['red'], 'plain policies still show the team of the context only');
RESET ROLE;

-- A worker acts for nobody: the team of its context.
SELECT saas.set_context(:'green') \g /dev/null
SELECT is(saas.my_team_ids(), ARRAY[:'green']::uuid[], 'a worker has the team of its context');
SELECT is(saas.has_role(:'green', 'service'), true, 'as service');
SELECT is(saas.can_access(:'red'), false, 'and no other');

-- What changes takes effect with the next statement, also when it is taken back.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT is(saas.role_in_team(:'blue'), 'viewer', 'before a change');
-- Somebody else owns the team, too, so that Ann can be deactivated.
INSERT INTO saas.team_members (team_id, user_id, role)
VALUES (:'red', saas.create_user('second-owner@example.com'), 'owner');
SAVEPOINT before_changes;
UPDATE saas.team_members SET role = 'admin' WHERE team_id = :'blue' AND user_id = :'ann';
SELECT is(saas.role_in_team(:'blue'), 'admin', 'a role that changed');
UPDATE saas.team_members SET status = 'suspended' WHERE team_id = :'blue' AND user_id = :'ann';
SELECT is(saas.can_access(:'blue'), false, 'a suspended member');
ROLLBACK TO before_changes;
SELECT is(saas.role_in_team(:'blue'), 'viewer', 'taken back');
UPDATE saas.team_members SET status = 'invited' WHERE team_id = :'blue' AND user_id = :'ann';
SELECT is(saas.can_access(:'blue'), false, 'an invited member');
ROLLBACK TO before_changes;
UPDATE saas.teams SET is_active = false WHERE id = :'blue';
SELECT is(saas.can_access(:'blue'), false, 'an inactive team');
ROLLBACK TO before_changes;
UPDATE saas.teams SET deleted_at = now() WHERE id = :'blue';
SELECT is(saas.can_access(:'blue'), false, 'a deleted team');
ROLLBACK TO before_changes;
UPDATE saas.users SET is_active = false WHERE id = :'ann';
SELECT is(saas.my_team_ids(), '{}', 'an inactive user');
ROLLBACK TO before_changes;
UPDATE saas.users SET deleted_at = now() WHERE id = :'ann';
SELECT is(saas.my_team_ids(), '{}', 'a deleted user');
ROLLBACK TO before_changes;
DELETE FROM saas.team_members WHERE team_id = :'blue' AND user_id = :'ann';
SELECT is(saas.my_team_ids(), ARRAY[:'red']::uuid[], 'a removed member');
INSERT INTO saas.team_members (team_id, user_id) VALUES (:'green', :'ann');
SELECT is(saas.has_role(:'green', 'member'), true, 'a new member');
ROLLBACK TO before_changes;
DELETE FROM saas.teams WHERE id = :'blue';
SELECT is(saas.my_team_ids(), ARRAY[:'red']::uuid[], 'a team that is gone');
ROLLBACK TO before_changes;
SET LOCAL session_replication_role = replica;
DELETE FROM saas.team_members WHERE team_id = :'blue' AND user_id = :'ann';
SELECT is(saas.my_team_ids(), ARRAY[:'red']::uuid[], 'a change that replication applies');
ROLLBACK TO before_changes;
SELECT is(cardinality(saas.my_team_ids()), 2, 'all is as before');

-- A statement that fails between a change and its triggers: what was read meanwhile is forgotten with it.
CREATE FUNCTION public.look_and_fail(p_team uuid, p_user uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM saas.sign_context(p_team, p_user, 'viewer');
    RAISE EXCEPTION 'as %', saas.role_in_team(p_team) USING ERRCODE = 'UT001';
END
$$;
SELECT throws_ok(
    format('WITH made AS (INSERT INTO saas.team_members (team_id, user_id, role) VALUES (%L, %L, ''owner'') RETURNING team_id, user_id)
        SELECT public.look_and_fail(team_id, user_id) FROM made', :'green', :'eve'),
    'UT001', 'as owner', 'a statement that looks at what it has just made'
);
SELECT saas.sign_context(:'green', :'eve', 'viewer') \g /dev/null
SELECT is(saas.role_in_team(:'green'), NULL, 'and fails leaves nothing of it');
SELECT saas.set_context(:'red', :'ann') \g /dev/null

-- Random data: 40 teams, 30 people in some of them, a table of their shared documents.
SELECT setseed(0.5) \g /dev/null
INSERT INTO saas.users (id, email) SELECT md5('u' || n)::uuid, 'u' || n || '@example.com' FROM generate_series(1, 30) AS n;
INSERT INTO saas.teams (id, name, slug) SELECT md5('t' || n)::uuid, 't' || n, 't' || n FROM generate_series(1, 40) AS n;
INSERT INTO saas.team_members (team_id, user_id, role, status)
SELECT md5('t' || t)::uuid, md5('u' || u)::uuid, (ARRAY['viewer', 'member', 'admin', 'owner'])[1 + floor(random() * 4)::integer],
    (ARRAY['active', 'active', 'active', 'suspended', 'invited'])[1 + floor(random() * 5)::integer]
FROM generate_series(1, 40) AS t CROSS JOIN generate_series(1, 30) AS u
WHERE random() < (u - 1 + 0 * t) / 30.0; -- from people in no team to people in most
-- An owner whom nothing happens to, so that others can be deactivated.
INSERT INTO saas.team_members (team_id, user_id, role)
SELECT md5('t' || t)::uuid, o.id, 'owner'
FROM generate_series(1, 40) AS t, saas.create_user('steady-owner@example.com') AS o (id);
UPDATE saas.teams SET is_active = false WHERE slug IN ('t3', 't7');
UPDATE saas.teams SET deleted_at = now() WHERE slug = 't9';
UPDATE saas.users SET is_active = false WHERE email = 'u29@example.com';

CREATE TABLE public.shared (
    team_id uuid NOT NULL, id integer NOT NULL, owner_id uuid NOT NULL, is_public boolean NOT NULL, rank integer NOT NULL,
    PRIMARY KEY (team_id, id)
);
INSERT INTO public.shared
SELECT md5('t' || (1 + floor(random() * 40)))::uuid, n, md5('u' || (1 + floor(random() * 30)))::uuid, random() < 0.01, floor(random() * 1000)
FROM generate_series(1, 4000) AS n;
CREATE INDEX shared_owner_idx ON public.shared (owner_id);
CREATE INDEX shared_rank_idx ON public.shared (rank, team_id);
CREATE INDEX shared_public_idx ON public.shared (id) WHERE is_public;
ANALYZE public.shared;
ALTER TABLE public.shared ENABLE ROW LEVEL SECURITY;
CREATE POLICY shared_app_select ON public.shared FOR SELECT TO saas_app USING (saas.can_access(team_id));
GRANT SELECT ON public.shared TO saas_app;

-- What each person may see, by a plain join, as the owner.
CREATE TABLE public.truth AS
SELECT u.id AS user_id, s.id, s.team_id, s.rank, m.role
FROM saas.users AS u
JOIN saas.team_members AS m ON m.user_id = u.id AND m.status = 'active'
JOIN saas.teams AS t ON t.id = m.team_id AND t.is_active AND t.deleted_at IS NULL
JOIN public.shared AS s ON s.team_id = t.id
WHERE u.is_active AND u.email ~ '^u[0-9]';
CREATE INDEX truth_idx ON public.truth (user_id, team_id, id);
ANALYZE public.truth;

-- A context for a person who may be in no team: the memberships decide, not the team of the context.
CREATE FUNCTION public.act_as(p_user uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM saas.sign_context(md5('t1')::uuid, p_user, 'viewer');
END
$$;

-- Each person's rows as saas_app, with the planner held to one kind of scan.
CREATE FUNCTION public.differences(p_query text, p_truth text, p_off text[]) RETURNS TABLE (person integer, wrong boolean, seen integer)
LANGUAGE plpgsql AS $$
DECLARE
    v_setting text;
    v_seen integer[];
    v_truth integer[];
BEGIN
    FOREACH v_setting IN ARRAY ARRAY['enable_seqscan', 'enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan'] LOOP
        PERFORM set_config(v_setting, CASE WHEN v_setting = ANY (p_off) THEN 'off' ELSE 'on' END, true);
    END LOOP;
    FOR person IN 1 .. 30 LOOP
        PERFORM public.act_as(md5('u' || person)::uuid);
        SET LOCAL ROLE saas_app;
        EXECUTE format('SELECT COALESCE(array_agg(q.id ORDER BY q.id), ''{}'') FROM (%s) AS q', p_query) INTO v_seen;
        RESET ROLE;
        EXECUTE format('SELECT COALESCE(array_agg(q.id ORDER BY q.id), ''{}'') FROM (%s) AS q', p_truth) INTO v_truth USING md5('u' || person)::uuid;
        wrong := v_seen <> v_truth;
        seen := cardinality(v_seen);
        RETURN NEXT;
    END LOOP;
    FOREACH v_setting IN ARRAY p_off LOOP
        PERFORM set_config(v_setting, 'on', true);
    END LOOP;
END
$$;

CREATE TEMPORARY TABLE scans (name text, off text[]);
INSERT INTO scans VALUES
    ('as the planner likes', '{}'), ('sequential scans', '{enable_indexscan,enable_indexonlyscan,enable_bitmapscan}'),
    ('index scans', '{enable_seqscan,enable_bitmapscan}'), ('bitmap scans', '{enable_seqscan,enable_indexscan,enable_indexonlyscan}');
SELECT is(
    (SELECT array_agg(d.person) FROM public.differences('SELECT id FROM public.shared', 'SELECT id FROM public.truth WHERE user_id = $1', s.off) AS d WHERE d.wrong),
    NULL, 'everybody sees exactly the rows of their teams: ' || s.name)
FROM scans AS s;
SELECT ok(count(*) FILTER (WHERE d.seen = 0) >= 1 AND count(*) FILTER (WHERE d.seen > 1500) >= 1, 'among them people who see nothing, and most')
FROM public.differences('SELECT id FROM public.shared', 'SELECT id FROM public.truth WHERE user_id = $1', '{}') AS d;
SELECT is(
    (SELECT array_agg(d.person) FROM public.differences(
        format('SELECT id FROM public.shared WHERE team_id = %L', md5('t5')),
        format('SELECT id FROM public.truth WHERE user_id = $1 AND team_id = %L', md5('t5')), s.off) AS d WHERE d.wrong),
    NULL, 'and within one team that the query names: ' || s.name)
FROM scans AS s;
SELECT is(
    (SELECT array_agg(d.person) FROM public.differences(
        $$SELECT id FROM public.shared WHERE saas.is_member(team_id, 'admin') AND rank < 900$$,
        $$SELECT id FROM public.truth WHERE user_id = $1 AND role IN ('admin', 'owner') AND rank < 900$$, s.off) AS d WHERE d.wrong),
    NULL, 'is_member in a query: ' || s.name)
FROM scans AS s;
SELECT is(
    (SELECT array_agg(d.person) FROM public.differences(
        $$SELECT id FROM public.shared WHERE saas.has_role(team_id, 'viewer')$$,
        $$SELECT id FROM public.truth WHERE user_id = $1 AND role = 'viewer'$$, s.off) AS d WHERE d.wrong),
    NULL, 'has_role in a query: ' || s.name)
FROM scans AS s;

CREATE FUNCTION public.plan_of(p_query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_line text;
    v_plan text := '';
BEGIN
    FOR v_line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || p_query LOOP
        v_plan := v_plan || v_line || E'\n';
    END LOOP;
    RETURN v_plan;
END
$$;

-- The order of an index whose later column is the team must not be taken for granted.
CREATE FUNCTION public.is_ordered() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_row record;
    v_last integer := -1;
BEGIN
    FOR v_row IN SELECT rank FROM public.shared ORDER BY rank LOOP
        IF v_row.rank < v_last THEN
            RETURN false;
        END IF;
        v_last := v_row.rank;
    END LOOP;
    RETURN v_last >= 0;
END
$$;
SELECT public.act_as(md5('u24')::uuid) \g /dev/null
SET LOCAL ROLE saas_app;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_sort = off;
SELECT matches(public.plan_of('SELECT rank FROM public.shared ORDER BY rank'), '^(Index Only|Index) Scan using shared_rank_idx', 'an index gives the order');
SELECT ok(public.is_ordered(), 'rows in the order of an index (rank, team_id) come in that order');
RESET enable_sort;
RESET enable_bitmapscan;
RESET enable_seqscan;
RESET ROLE;
SELECT public.act_as(md5('u2')::uuid) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT matches(public.plan_of('SELECT count(*) FROM public.shared'), 'Index Cond: \(team_id = ANY \(saas\.my_team_ids\(\)\)\)', 'the policy uses the index on the team');
SELECT matches(public.plan_of('SELECT count(*) FROM public.shared'), '(Filter|Recheck Cond): (saas\.)?can_access\(team_id\)', 'and asks again for each row');
SELECT unalike(public.plan_of(format('SELECT * FROM public.shared WHERE team_id = %L', md5('t5'))), '%my_team_ids%', 'a team that the query names is looked up by itself');
RESET ROLE;

-- OR: owner, team, or public.
DROP POLICY shared_app_select ON public.shared;
CREATE POLICY shared_app_select ON public.shared FOR SELECT TO saas_app
USING (owner_id = saas.current_user_id() OR saas.can_access(team_id) OR is_public);
SELECT is(
    (SELECT array_agg(d.person) FROM public.differences(
        'SELECT id FROM public.shared',
        'SELECT s.id FROM public.shared AS s WHERE s.owner_id = $1 OR s.is_public OR EXISTS (SELECT FROM public.truth AS t WHERE t.user_id = $1 AND t.id = s.id)',
        s.off) AS d WHERE d.wrong),
    NULL, 'a policy with OR: ' || s.name)
FROM scans AS s;
SELECT public.act_as(md5('u2')::uuid) \g /dev/null
SET LOCAL ROLE saas_app;
SET LOCAL enable_seqscan = off;
SELECT matches(public.plan_of('SELECT count(*) FROM public.shared'), 'BitmapOr.*shared_owner_idx.*team_id = ANY \(saas\.my_team_ids\(\)\)', 'each branch of OR uses its index');
RESET enable_seqscan;
RESET ROLE;

-- One plan, many people: generic plans, alternating on this backend.
DROP POLICY shared_app_select ON public.shared;
CREATE POLICY shared_app_select ON public.shared FOR SELECT TO saas_app USING (saas.can_access(team_id));
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE seen AS SELECT count(*) FROM public.shared;
PREPARE seen_in AS SELECT count(*) FROM public.shared WHERE team_id = $1;
CREATE FUNCTION public.counts(p_statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE 'EXECUTE ' || p_statement INTO v_count;
    RETURN v_count;
END
$$;
CREATE TEMPORARY TABLE alternating (step integer, person integer, seen bigint, truth bigint);
GRANT SELECT ON alternating TO saas_app;
DO $$
DECLARE
    v_seen bigint;
BEGIN
    FOR v_step IN 1 .. 24 LOOP
        PERFORM public.act_as(md5('u' || CASE WHEN v_step % 2 = 0 THEN 12 ELSE 24 END)::uuid);
        SET LOCAL ROLE saas_app;
        v_seen := public.counts('seen');
        RESET ROLE;
        INSERT INTO alternating SELECT v_step, 0, v_seen, count(*) FROM public.truth WHERE user_id = saas.current_user_id();
        SET LOCAL ROLE saas_app;
        v_seen := public.counts(format('seen_in(%L)', md5('t' || v_step)));
        RESET ROLE;
        INSERT INTO alternating SELECT v_step, 1, v_seen, count(*) FROM public.truth WHERE user_id = saas.current_user_id() AND team_id = md5('t' || v_step)::uuid;
    END LOOP;
END
$$;
SELECT is((SELECT count(*)::integer FROM alternating WHERE seen <> truth), 0, 'two people who alternate under one plan see their own rows');
SELECT cmp_ok((SELECT count(DISTINCT truth)::integer FROM alternating WHERE person = 0), '=', 2, 'which are not the same');
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(public.counts('seen'), 0::bigint, 'and without a context the plan shows nothing');
RESET ROLE;
RESET plan_cache_mode;

-- Partitions and joins.
CREATE TABLE public.parts (LIKE public.shared, PRIMARY KEY (team_id, id)) PARTITION BY RANGE (id);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES FROM (1) TO (2000);
CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (2000) TO (5000);
INSERT INTO public.parts SELECT * FROM public.shared;
ANALYZE public.parts;
ALTER TABLE public.parts ENABLE ROW LEVEL SECURITY;
CREATE POLICY parts_app_select ON public.parts FOR SELECT TO saas_app USING (saas.can_access(team_id));
GRANT SELECT ON public.parts TO saas_app;
SELECT is(
    (SELECT array_agg(d.person) FROM public.differences('SELECT id FROM public.parts', 'SELECT id FROM public.truth WHERE user_id = $1', s.off) AS d WHERE d.wrong),
    NULL, 'a partitioned table: ' || s.name)
FROM scans AS s;
SELECT is(
    (SELECT array_agg(d.person) FROM public.differences(
        format('SELECT a.id FROM public.parts AS a JOIN public.shared AS b ON b.team_id = a.team_id AND b.id = a.id WHERE a.team_id = %L OR a.rank < 500', md5('t5')),
        format('SELECT id FROM public.truth WHERE user_id = $1 AND (team_id = %L OR rank < 500)', md5('t5')), s.off) AS d WHERE d.wrong),
    NULL, 'a join of two such tables: ' || s.name)
FROM scans AS s;

-- Parallel workers answer like the leader.
SELECT public.act_as(md5('u24')::uuid) \g /dev/null
SET LOCAL ROLE saas_app;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT matches(public.plan_of('SELECT count(*) FROM public.shared'), 'Parallel', 'the plan is parallel');
SELECT is((SELECT count(*) FROM public.shared), (SELECT truth FROM alternating WHERE step = 1 AND person = 0), 'parallel workers see the same rows');
RESET ROLE;

-- Trusted settings, where they are allowed, are a context like any other.
SELECT saas.clear_context() \g /dev/null
SELECT set_config('app.current_user_id', :'ann', true), set_config('app.current_team_id', :'red', true) \g /dev/null
SELECT is(saas.can_access(:'blue'), false, 'settings of the session are no context while they are not trusted');
SET LOCAL saas.trusted_settings = on;
SELECT is(saas.role_in_team(:'blue'), 'viewer', 'trusted, they are');
SELECT set_eq('SELECT unnest(saas.my_team_ids())', ARRAY[:'red', :'blue']::uuid[], 'with all teams of that person');
RESET saas.trusted_settings;

-- Properties that the promises rest on.
SELECT is(
    (SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc AS p
     WHERE p.pronamespace = 'saas'::regnamespace AND p.proleakproof AND p.provolatile = 's' AND p.proparallel = 's'
        AND p.proname IN ('can_access', 'my_team_ids', 'role_in_team', 'is_member', 'has_role')),
    'can_access my_team_ids role_in_team', 'leakproof are those that never raise an error');
SELECT * FROM finish();
ROLLBACK;
