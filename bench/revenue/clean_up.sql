SET client_min_messages TO warning;
DELETE FROM saas.teams WHERE id = (SELECT t.team_id FROM revenue_bench.team AS t);
DELETE FROM saas.users WHERE id = (SELECT t.user_id FROM revenue_bench.team AS t);
DROP SCHEMA revenue_bench CASCADE;
