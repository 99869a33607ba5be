SELECT saas.drop_rollup(r.name) FROM saas.rollups AS r WHERE r.name IN ('bench', 'bench_noted', 'grown');
DELETE FROM saas.teams WHERE id IN (SELECT t.id FROM rollups_bench.teams AS t);
DELETE FROM saas.users WHERE email ~ '^bench[0-9]+@example\.com$';
DROP SCHEMA rollups_bench CASCADE;
