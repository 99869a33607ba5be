-- One pass; :pass is its number.
SET client_min_messages TO warning;
SELECT id AS team FROM rollups_bench.teams WHERE number = 7 \gset

-- As a worker does that has refreshed before: with its statements planned.
INSERT INTO rollups_bench.events (team_id, at, user_id, ms) VALUES (:'team', '2026-01-06 00:10+00', 1, 10);
SELECT rollups_bench.cpu() AS since \gset
SELECT * FROM saas.refresh_rollups('bench') \g /dev/null
CALL rollups_bench.note(:pass, 'one hour, new connection', :since);

-- 24 late rows of one team, one in each hour of a day.
INSERT INTO rollups_bench.events (team_id, at, user_id, ms)
SELECT :'team', timestamptz '2026-01-07 00:10+00' + h * INTERVAL '1 hour', 1, 10 FROM generate_series(0, 23) AS h;
SELECT rollups_bench.cpu() AS since \gset
SELECT * FROM saas.refresh_rollups('bench') \g /dev/null
CALL rollups_bench.note(:pass, 'late', :since);
SELECT rollups_bench.cpu() AS since \gset
CALL rollups_bench.by_time_refresh('2026-01-07 00:00+00', '2026-01-08 00:00+00');
CALL rollups_bench.note(:pass, 'late by time', :since);

-- The same hours after an update of one row each: computed anew.
UPDATE rollups_bench.events AS e SET ms = 11 WHERE e.team_id = :'team' AND e.at >= '2026-01-07 00:10+00' AND e.at < '2026-01-08 00:00+00' AND e.user_id = 1 AND e.ms = 10;
SELECT rollups_bench.cpu() AS since \gset
SELECT * FROM saas.refresh_rollups('bench') \g /dev/null
CALL rollups_bench.note(:pass, 'changed', :since);

-- 1 % of all rows, late by up to six hours; and, once, 1 % anywhere in the week.
INSERT INTO rollups_bench.events (team_id, at, user_id, ms)
SELECT * FROM rollups_bench.generate('2026-01-11 18:00+00', '2026-01-12 00:00+00', :events / 100);
SELECT rollups_bench.cpu() AS since \gset
SELECT * FROM saas.refresh_rollups('bench', 10000000) \g /dev/null
CALL rollups_bench.note(:pass, 'recent', :since);
SELECT :pass = 1 AS first \gset
\if :first
INSERT INTO rollups_bench.events (team_id, at, user_id, ms)
SELECT * FROM rollups_bench.generate('2026-01-05 00:00+00', '2026-01-12 00:00+00', :events / 100);
SELECT rollups_bench.cpu() AS since \gset
SELECT * FROM saas.refresh_rollups('bench', 10000000) \g /dev/null
CALL rollups_bench.note(:pass, 'anywhere', :since);
\endif
SELECT rollups_bench.cpu() AS since \gset
SELECT saas.rebuild_rollup('bench') \g /dev/null
CALL rollups_bench.note(:pass, 'full', :since);

-- One hour of one team.
INSERT INTO rollups_bench.events (team_id, at, user_id, ms) VALUES (:'team', '2026-01-07 00:10+00', 1, 10);
SELECT rollups_bench.cpu() AS since \gset
SELECT * FROM saas.refresh_rollups('bench') \g /dev/null
CALL rollups_bench.note(:pass, 'one hour', :since);

-- The report of a team over the week, by hour: from events, from the rollup, from the real-time view.
SELECT rollups_bench.cpu() AS since \gset
SELECT date_bin('1 hour', at, '2026-01-01'), count(*), sum(ms) FROM rollups_bench.events WHERE team_id = :'team' GROUP BY 1 \g /dev/null
CALL rollups_bench.note(:pass, 'read events', :since);
SELECT rollups_bench.cpu() AS since \gset
SELECT bucket, events, total FROM saas_rollups.bench_hour WHERE team_id = :'team' \g /dev/null
CALL rollups_bench.note(:pass, 'read rollup', :since);
SELECT rollups_bench.cpu() AS since \gset
SELECT bucket, events, total FROM saas_rollups.bench_hour_live WHERE team_id = :'team' \g /dev/null
CALL rollups_bench.note(:pass, 'read live', :since);

-- The cost of noting changes, by turns: 100,000 events of six hours in one statement; one row a transaction,
-- which does not wait for the disk.
CREATE TEMPORARY TABLE six_hours AS
SELECT * FROM rollups_bench.generate('2026-01-15 00:00+00', '2026-01-15 06:00+00', 100000);
PREPARE plain (uuid, bigint) AS INSERT INTO rollups_bench.plain (team_id, at, user_id, ms) VALUES ($1, '2026-01-16 00:00+00', $2, 1);
PREPARE noted (uuid, bigint) AS INSERT INTO rollups_bench.noted (team_id, at, user_id, ms) VALUES ($1, '2026-01-16 00:00+00', $2, 1);
SET synchronous_commit TO off;
SELECT rollups_bench.cpu() AS since \gset
INSERT INTO rollups_bench.plain (team_id, at, user_id, ms) SELECT * FROM six_hours;
CALL rollups_bench.note(:pass, 'bulk plain', :since);
SELECT rollups_bench.cpu() AS since \gset
INSERT INTO rollups_bench.noted (team_id, at, user_id, ms) SELECT * FROM six_hours;
CALL rollups_bench.note(:pass, 'bulk noted', :since);
\o /dev/null
\ir single_rows.sql
\ir single_rows.sql
\ir single_rows.sql
\ir single_rows.sql
\ir single_rows.sql
\o
RESET synchronous_commit;
TRUNCATE rollups_bench.plain, rollups_bench.noted;
SELECT * FROM saas.refresh_rollups('bench_noted', 10000000) \g /dev/null

-- 100,000 points in one call.
CREATE TEMPORARY TABLE batches AS
SELECT array_agg('metric.' || n % 20) AS metrics, array_agg(n::double precision) AS points, array_agg(now() - n * INTERVAL '1 second') AS times,
    jsonb_agg(jsonb_build_object('metric', 'metric.' || n % 20, 'value', n, 'at', now() - n * INTERVAL '1 second')) AS documents
FROM generate_series(1, 100000) AS n;
BEGIN;
SELECT saas.set_context(t.id, m.user_id) FROM rollups_bench.teams AS t JOIN saas.team_members AS m ON m.team_id = t.id WHERE t.number = 7 \g /dev/null
SELECT rollups_bench.cpu() AS since \gset
SELECT saas.record_metrics(:'team', b.metrics, b.points, b.times) FROM batches AS b \g /dev/null
CALL rollups_bench.note(:pass, 'arrays', :since);
SELECT rollups_bench.cpu() AS since \gset
SELECT saas.record_metrics(:'team', b.documents) FROM batches AS b \g /dev/null
CALL rollups_bench.note(:pass, 'documents', :since);
COMMIT;
DELETE FROM saas.usage_metrics WHERE team_id = :'team';
SELECT * FROM saas.refresh_rollups('usage_metrics') \g /dev/null
