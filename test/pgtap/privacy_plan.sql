-- The plan: order, paths, circles, missing indexes, what stands against it, and who may ask for it.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
CREATE SCHEMA shop;
CREATE FUNCTION pg_temp.place(p_table text, p_mode text DEFAULT 'erase') RETURNS integer LANGUAGE sql AS $$
    SELECT min(s.place) FROM saas.planned_steps(p_mode) AS s WHERE s.table_name = p_table
$$;
SELECT cmp_ok(pg_temp.place('saas.addresses'), '<', pg_temp.place('saas.team_members'), 'children go before parents');
SELECT cmp_ok(pg_temp.place('saas.fraud_assessment_terms'), '<', pg_temp.place('saas.fraud_assessments'), 'over several hops');
SELECT is(pg_temp.place('saas.users'), (SELECT max(s.place) FROM saas.planned_steps('erase') AS s), 'the person is last');
SELECT is(
    (SELECT s.path FROM saas.planned_steps('erase') AS s WHERE s.table_name = 'saas.addresses'),
    'saas.users > saas.team_members.user > saas.addresses.member', 'the path says how rows belong to the person');
SELECT is(
    (SELECT count(*) FROM saas.planned_steps('erase') AS s JOIN pg_class AS c ON c.oid = to_regclass(s.table_name) WHERE c.relispartition),
    0::bigint, 'partitions are reached through their table');
SELECT results_eq($$SELECT action FROM saas.planned_steps('anonymise') WHERE table_name = 'saas.users'$$, $$VALUES ('anonymise')$$, 'anonymising keeps the account');
SELECT saas.set_retention_policy('kept_notifications', 'saas.notifications', 'created_at', '1 year', 'keep', 'test') \g /dev/null
SELECT is_empty($$SELECT * FROM saas.planned_steps('erase') WHERE (basis IS NOT NULL OR kept_for IS NOT NULL) AND action IN ('delete', 'null', 'reassign')$$, 'what goes has no basis for staying');
SELECT results_eq($$SELECT action FROM saas.planned_steps('anonymise') WHERE table_name = 'saas.team_members'$$, $$VALUES ('keep')$$, 'and its memberships');

CREATE TEMPORARY TABLE plan AS SELECT * FROM saas.gdpr_plan(:'ann');
SELECT is(
    (SELECT count(*) FROM plan AS p WHERE p.missing_index LIKE 'CREATE INDEX CONCURRENTLY ON saas.team_invitations (lower(email));%'),
    1::bigint, 'a missing index comes with its statement');
SELECT is(
    (SELECT bool_and(p.missing_index IS NULL) FROM plan AS p
     WHERE p.table_name IN ('saas.addresses', 'saas.user_sessions', 'saas.activity_logs', 'saas.refunds')),
    true, 'keys of the package have theirs');
SELECT lives_ok(replace(q.statement, 'CONCURRENTLY ', ''), 'the statement of each is right: ' || q.statement)
FROM (SELECT regexp_split_to_table(p.missing_index, E'\n') AS statement FROM plan AS p) AS q;
SELECT is((SELECT count(*) FROM saas.gdpr_plan(:'ann') AS p WHERE p.missing_index IS NOT NULL), 0::bigint, 'and after them none is missing');

-- Statistics make the estimate.
CREATE TABLE shop.clicks (id bigint PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id));
INSERT INTO shop.clicks SELECT n, CASE WHEN n % 2 = 0 THEN :'ann' ELSE :'bob' END::uuid FROM generate_series(1, 20000) AS n;
ANALYZE shop.clicks;
SELECT saas.declare_personal_data('shop.clicks', 'person', '{person}');
GRANT USAGE ON SCHEMA shop TO saas_internal;
GRANT SELECT, UPDATE, DELETE ON shop.clicks TO saas_internal;
SELECT results_eq(
    format($$SELECT estimated_rows, missing_index, index_saves > 0 FROM saas.gdpr_plan(%L) WHERE table_name = 'shop.clicks'$$, :'ann'),
    $$VALUES (10000::bigint, 'CREATE INDEX CONCURRENTLY ON shop.clicks (person);', false)$$, 'half of the table is not worth an index');
INSERT INTO saas.users (email) SELECT 'u' || n || '@example.org' FROM generate_series(1, 2000) AS n;
UPDATE shop.clicks SET person = u.id FROM (SELECT id, row_number() OVER () AS n FROM saas.users) AS u WHERE u.n = 1 + shop.clicks.id % 2000;
ANALYZE shop.clicks;
SELECT results_eq(
    format($$SELECT estimated_rows, index_saves > 100 FROM saas.gdpr_plan(%L) WHERE table_name = 'shop.clicks'$$, :'ann'),
    $$VALUES (10::bigint, true)$$, 'a few rows of many are');

-- Circles.
CREATE TABLE shop.people (id uuid PRIMARY KEY, user_id uuid REFERENCES saas.users (id), best_order uuid);
CREATE TABLE shop.orders (id uuid PRIMARY KEY, person uuid NOT NULL REFERENCES shop.people (id), previous uuid REFERENCES shop.orders (id));
ALTER TABLE shop.people ADD FOREIGN KEY (best_order) REFERENCES shop.orders (id);
SELECT saas.declare_personal_data('shop.people', 'user', '{user_id}'),
    saas.declare_personal_data('shop.orders', 'person', '{person}', 'shop.people', '{id}'),
    saas.declare_personal_data('shop.orders', 'previous', '{previous}', 'shop.orders', '{id}'),
    saas.declare_personal_data('shop.people', 'best_order', '{best_order}', 'shop.orders', '{id}');
SELECT is((SELECT string_agg(DISTINCT s.circle, ',') FROM saas.planned_steps('erase') AS s WHERE s.table_name IN ('shop.people', 'shop.orders')), 'together',
    'a circle with a key that may not be NULL goes in one statement');

-- What stands against it.
SELECT set_has(format('SELECT sqlstate_code, problem FROM saas.erasure_problems(%L, %L, false)', :'ann', 'erase'),
    format($$VALUES ('SA153', 'the person is the last owner of team %s')$$, :'red'), 'the last owner of a team');
SELECT is((SELECT count(*) FROM saas.erasure_problems(:'ann', 'anonymise', false) AS p WHERE p.problem LIKE '%last owner%'), 0::bigint, 'who may be anonymised');
SELECT is((SELECT count(*) FROM saas.erasure_problems(:'suspended', 'erase', false) AS p WHERE p.problem LIKE '%last owner%'), 0::bigint, 'who is none has no such problem');
CREATE TABLE shop.guests (id uuid PRIMARY KEY, phone text);
SELECT saas.place_legal_hold(:'suspended', 'case 17', 'GDPR Art. 17(3)(e)') AS hold \gset
TRUNCATE plan;
INSERT INTO plan SELECT * FROM saas.gdpr_plan(:'suspended');
SELECT set_has('SELECT table_name, problem FROM plan', $$VALUES ('shop.people', 'SA153: saas_internal may not delete its rows')$$, 'rights that are missing');
SELECT set_has('SELECT action, problem FROM plan', $$VALUES ('refuse', 'SA150: column phone: it is named like personal data')$$, 'an undeclared column');
SELECT set_has(format('SELECT action, problem FROM saas.gdpr_plan(%L, p_strict => false)', :'suspended'), $$VALUES ('warn', 'SA150: column phone: it is named like personal data')$$, 'of which a plan that is not strict warns');
SELECT is((SELECT count(*) FROM plan AS p WHERE p.problem LIKE 'SA151: legal hold since %'), 1::bigint, 'a hold');
SELECT results_eq($$SELECT problem FROM saas.gdpr_plan('00000000-0000-7000-8000-000000000001') WHERE problem LIKE 'P%'$$, $$VALUES ('P0002: there is no such user')$$, 'and somebody who is not there');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_plan(%L, %L)', :'ann', 'burn'), '22023', NULL, 'a mode that does not exist');

-- Who may ask.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT isnt_empty(format('SELECT * FROM saas.gdpr_plan(%L)', :'ann'), 'people may ask for their own plan');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_plan(%L)', :'bob'), '42501', NULL, 'nobody for another team''s people');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_plan(%L)', :'suspended'), '42501', NULL, 'owners not for their members either');
SELECT throws_ok('SELECT * FROM saas.gdpr_plan(NULL)', '42501', NULL, 'nor for nobody');
RESET ROLE;
SELECT saas.set_platform_role(:'ann', 'admin');
SET LOCAL ROLE saas_app;
SELECT isnt_empty(format('SELECT * FROM saas.gdpr_plan(%L)', :'bob'), 'an admin of the platform may');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT throws_ok(format('SELECT * FROM saas.gdpr_plan(%L)', :'ann'), '42501', NULL, 'analysts may not');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
