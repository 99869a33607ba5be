-- What a row was at a time, its history, and taking changes back: with conflicts, for other types than
-- text, for redacted and erased values, and with the rights of the caller only.
BEGIN;
SELECT plan(47);

SELECT saas.create_user('history-owner@example.com') AS owner_id, saas.create_user('history-viewer@example.com') AS viewer_id,
    saas.create_user('history-other@example.com') AS other_id \gset
SELECT saas.create_team('History', 'history', :'owner_id') AS team_id, saas.create_team('Other', 'history-other', :'other_id') AS other_team \gset
SELECT saas.set_context(:'team_id', :'owner_id'), saas.add_team_member(:'team_id', :'viewer_id', 'viewer') \g /dev/null

CREATE TABLE public.things (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    name text,
    amount numeric,
    tags text[],
    options jsonb,
    raw json,
    due timestamptz,
    secret text,
    noise integer,
    doubled numeric GENERATED ALWAYS AS (amount * 2) STORED,
    PRIMARY KEY (team_id, id)
);
ALTER TABLE public.things ENABLE ROW LEVEL SECURITY;
CREATE POLICY things_all ON public.things TO saas_app USING (team_id = saas.current_team_id()) WITH CHECK (team_id = saas.current_team_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON public.things TO saas_app;
SELECT saas.audit_table('public.things', '{noise}', '{secret}') \g /dev/null

CREATE FUNCTION pg_temp.last_change(p_operation text) RETURNS uuid LANGUAGE sql AS $$
    SELECT l.id FROM saas.audit_logs AS l
    WHERE l.table_name = 'public.things' AND l.operation = p_operation ORDER BY l.id DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.undo(p_operation text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT saas.undo_change(%L, %L)', saas.current_team_id(), pg_temp.last_change(p_operation))
$$;
CREATE FUNCTION pg_temp.thing() RETURNS public.things LANGUAGE sql AS $$ SELECT t FROM public.things AS t LIMIT 1 $$;

-- A life, with the times between its changes.
SELECT clock_timestamp() AS before_life \gset
SET LOCAL ROLE saas_app;
INSERT INTO public.things (team_id, name, amount, tags, options, raw, due, secret, noise)
VALUES (:'team_id', 'first', 1.50, '{a,"b c"}', '{"k": [1, null]}', '{"x":  1, "x": 2}', '2026-02-03 04:05:06.789+02', 'hush', 1)
RETURNING id \gset
RESET ROLE;
SELECT clock_timestamp() AS after_insert \gset
SET LOCAL ROLE saas_app;
UPDATE public.things SET amount = 2, tags = '{}', raw = '[]', due = NULL, options = '{"k": 2}';
RESET ROLE;
SELECT clock_timestamp() AS after_update \gset
SET LOCAL ROLE saas_app;
UPDATE public.things SET name = 'second';
RESET ROLE;
SELECT clock_timestamp() AS after_rename \gset

SET LOCAL ROLE saas_app;
SELECT is((SELECT array_agg(h.operation ORDER BY h.id) FROM saas.row_history('public.things', :'id') AS h),
    '{I,U,U}', 'row_history has every change, oldest first');
SELECT is(saas.row_at('public.things', :'id', :'before_life'), NULL, 'before its insert the row was not');
SELECT is(saas.row_at('public.things', :'id', :'after_insert') - '{raw,doubled,id,team_id,due}'::text[],
    '{"name": "first", "amount": 1.50, "tags": ["a", "b c"], "options": {"k": [1, null]}, "secret": "[redacted]"}',
    'after the insert it was as inserted, the secret redacted');
SELECT is(saas.row_at('public.things', :'id', :'after_update') -> 'amount', '2', 'after the update the new value');
SELECT is(saas.row_at('public.things', :'id', :'after_update') -> 'name', '"first"', 'and the old one of what changed later');
SELECT is(saas.row_at('public.things', :'id', 'infinity') -> 'name', '"second"', 'now it is what it is');
SELECT is(saas.row_at('public.things', saas.uuid_v7(), 'infinity'), NULL, 'of an unknown row nothing is told');
RESET ROLE;

-- A table that was audited late: what is known from the changes alone.
CREATE TABLE public.late (id uuid PRIMARY KEY, team_id uuid, a int, b int, c int);
INSERT INTO public.late VALUES (:'team_id', :'team_id', 1, 1, 1);
SELECT saas.audit_table('public.late') \g /dev/null
SELECT clock_timestamp() AS late_start \gset
UPDATE public.late SET a = 2;
SELECT clock_timestamp() AS late_middle \gset
UPDATE public.late SET a = 3, b = 3;
SELECT is(saas.row_at('public.late', :'team_id', :'late_start'), '{"a": 1, "b": 1}', 'changes tell what they replaced');
SELECT is(saas.row_at('public.late', :'team_id', :'late_middle'), '{"a": 2, "b": 1}', 'and what they wrote');
SELECT clock_timestamp() AS late_end \gset
DELETE FROM public.late;
SELECT is(saas.row_at('public.late', :'team_id', :'late_end'), jsonb_build_object('id', :'team_id', 'team_id', :'team_id', 'a', 3, 'b', 3, 'c', 1),
    'a delete tells the whole row');
SELECT is(saas.row_at('public.late', :'team_id', 'infinity'), NULL, 'after the delete the row is gone');

-- TRUNCATE takes the rows of every team, whoever gives it.
RESET ROLE;
CREATE TABLE public.emptied (team_id uuid, id uuid, n int, PRIMARY KEY (team_id, id));
SELECT saas.audit_table('public.emptied') \g /dev/null
INSERT INTO public.emptied VALUES (:'team_id', :'team_id', 1);
SELECT clock_timestamp() AS filled \gset
SELECT saas.clear_context() \g /dev/null
TRUNCATE public.emptied;
SELECT clock_timestamp() AS emptied \gset
SELECT saas.set_context(:'team_id', :'owner_id') \g /dev/null
INSERT INTO public.emptied VALUES (:'team_id', :'team_id', 2);
SELECT clock_timestamp() AS filled_again \gset
UPDATE public.emptied SET n = 3;
SET LOCAL ROLE saas_app;
SELECT is(saas.row_at('public.emptied', :'team_id', :'filled') -> 'n', '1', 'before a TRUNCATE the row was there');
SELECT is(saas.row_at('public.emptied', :'team_id', :'emptied'), NULL, 'after it was not');
SELECT is(saas.row_at('public.emptied', :'team_id', :'filled_again') -> 'n', '2', 'until it came back');
SELECT is(saas.row_at('public.emptied', :'team_id', 'infinity') -> 'n', '3', 'with what happened since');
SELECT is((SELECT count(*) FROM saas.table_truncations('public.emptied')), 1::bigint, 'the TRUNCATE is found');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas.table_truncations('public.emptied')), 0::bigint, 'not by somebody without a context');
RESET ROLE;
SELECT saas.set_context(:'team_id', :'owner_id') \g /dev/null
SET LOCAL ROLE saas_app;

-- Undo of an update.
SELECT is((pg_temp.thing()).name, 'second', 'the row is what it is');
SET LOCAL ROLE saas_app;
SELECT lives_ok(pg_temp.undo('U'), 'an admin undoes the last update');
RESET ROLE;
SELECT is((pg_temp.thing()).name, 'first', 'the name is the old one');
SELECT is((pg_temp.thing()).amount, 2::numeric, 'the other columns are as they were');
SELECT is((SELECT l.new_values FROM saas.audit_logs AS l WHERE l.id = pg_temp.last_change('U')), '{"name": "first"}',
    'undoing is recorded like any change');
SELECT l.id AS big_update FROM saas.audit_logs AS l
WHERE l.table_name = 'public.things' AND l.new_values ? 'raw' AND l.operation = 'U' \gset
SET LOCAL TimeZone = 'Pacific/Auckland';
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.undo_change(%L, %L)', :'team_id', :'big_update'), 'an older update whose columns are untouched can be undone');
RESET ROLE;
SET LOCAL TimeZone = 'UTC';
SELECT is((pg_temp.thing()).tags, '{a,"b c"}', 'arrays come back');
SELECT is((pg_temp.thing()).options, '{"k": [1, null]}', 'jsonb comes back');
SELECT is((pg_temp.thing()).raw::text, '{"x":  1, "x": 2}', 'json comes back letter by letter');
SELECT is((pg_temp.thing()).due, '2026-02-03 02:05:06.789+00'::timestamptz, 'times come back in every time zone');
SELECT is((pg_temp.thing()).doubled, 3.00, 'generated columns follow');

-- Conflicts.
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.undo_change(%L, %L)', :'team_id', :'big_update'), 'SA046', NULL, 'what is undone already cannot be undone again');
UPDATE public.things SET amount = 7;
UPDATE public.things SET amount = 8;
SELECT throws_ok(format('SELECT saas.undo_change(%L, %L)', :'team_id', h.id), 'SA046', NULL, 'a change that a later one replaced cannot be undone')
FROM saas.row_history('public.things', :'id') AS h WHERE h.new_values ->> 'amount' = '7';
SELECT is((pg_temp.thing()).amount, 8::numeric, 'and nothing was changed');

-- Redacted values.
UPDATE public.things SET secret = 'other', name = 'third';
SELECT throws_ok(pg_temp.undo('U'), 'SA047', NULL, 'a redacted value cannot come back');

-- Undo of delete and insert.
UPDATE public.things SET secret = NULL;
DELETE FROM public.things;
SELECT lives_ok(pg_temp.undo('D'), 'a delete can be undone');
SELECT is((pg_temp.thing()).id::text || (pg_temp.thing()).name || (pg_temp.thing()).amount, :'id' || 'third8', 'the row is back');
SELECT throws_ok(pg_temp.undo('D'), 'SA046', NULL, 'not twice');
INSERT INTO public.things (team_id, name) VALUES (:'team_id', 'mistake');
SELECT lives_ok(pg_temp.undo('I'), 'an insert can be undone');
SELECT is((SELECT count(*) FROM public.things), 1::bigint, 'the row is gone');
RESET ROLE;

-- Rights: the role in the team, the team, the table.
SELECT pg_temp.last_change('U') AS change_id, saas.clear_context() \gset
SELECT saas.set_context(:'team_id', :'viewer_id') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.undo_change(%L, %L)', :'team_id', :'change_id'), '42501', NULL, 'a viewer may not undo');
SELECT is((SELECT count(*) FROM saas.row_history('public.things', :'id')), 0::bigint, 'nor read the history');
SELECT is(saas.row_at('public.things', :'id', 'infinity'), NULL, 'nor the row of a time');
RESET ROLE;
SELECT saas.set_context(:'other_team', :'other_id') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.undo_change(%L, %L)', :'team_id', :'change_id'), '42501', NULL, 'the owner of another team may not undo');
SELECT throws_ok(format('SELECT saas.undo_change(%L, %L)', :'other_team', :'change_id'), 'P0002', NULL, 'another team''s change is not found');
SELECT is((SELECT count(*) FROM saas.row_history('public.things', :'id')), 0::bigint, 'another team''s history is empty');
RESET ROLE;
SELECT saas.set_context(:'team_id', :'owner_id') \g /dev/null
SET LOCAL ROLE saas_app;
UPDATE public.things SET name = 'fourth';
RESET ROLE;
REVOKE UPDATE ON public.things FROM saas_app;
SET LOCAL ROLE saas_app;
SELECT throws_ok(pg_temp.undo('U'), '42501', NULL, 'who may not change the table may not undo its changes');
RESET ROLE;
GRANT UPDATE ON public.things TO saas_app;

-- What was erased.
SELECT saas.redact_audit_row(:'team_id', pg_temp.last_change('U'), 'request of the person') \g /dev/null
SELECT throws_ok(pg_temp.undo('U'), 'SA047', NULL, 'an erased change cannot be undone');
SELECT throws_ok(format('SELECT saas.row_at(''public.things'', %L, ''infinity'')', :'id'), 'SA047', NULL, 'and the row of then is not told');
TRUNCATE public.things;
SELECT throws_ok(pg_temp.undo('T'), 'SA047', NULL, 'TRUNCATE cannot be undone');

SELECT * FROM finish();
ROLLBACK;
