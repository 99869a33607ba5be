-- SPDX-License-Identifier: PostgreSQL
DROP SCHEMA IF EXISTS privacy_bench CASCADE;
CREATE SCHEMA privacy_bench;
CREATE TABLE privacy_bench.notes AS
SELECT
    saas.uuid_v7() AS id,
    n AS amount,
    now() AS made_at,
    repeat(md5(n::text) || ' some words that stand in notes, ', 6) AS words,
    jsonb_build_object('a', md5(n::text), 'b', jsonb_build_array(n, 'street ' || n)) AS more
FROM generate_series(1, 100000) AS n;
GRANT USAGE ON SCHEMA privacy_bench TO saas_internal;
GRANT SELECT ON privacy_bench.notes TO saas_internal;

DELETE FROM saas.teams WHERE slug = 'privacy-bench';
DELETE FROM saas.users WHERE email LIKE 'bench%@example.org';
SELECT saas.create_user('bench0@example.org', 'Owner Bench') AS owner \gset
SELECT saas.create_team('Privacy bench', 'privacy-bench', :'owner') AS team \gset
INSERT INTO saas.users (email, display_name) SELECT 'bench' || n || '@example.org', 'Bench No ' || n FROM generate_series(1, 2000) AS n;
INSERT INTO saas.team_members (team_id, user_id, role)
SELECT :'team', u.id, 'member' FROM saas.users AS u WHERE u.email LIKE 'bench%@example.org' AND u.id <> :'owner';
INSERT INTO saas.notifications (team_id, user_id, title)
SELECT :'team', u.id, 'No. ' || n FROM saas.users AS u CROSS JOIN generate_series(1, 20) AS n
WHERE u.email LIKE 'bench%@example.org' AND u.id <> :'owner';
VACUUM ANALYZE;
