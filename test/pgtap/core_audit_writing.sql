-- How entries get into the log: the right partition and its indexes; an owner who has changed the log;
-- triggers that are defined wrongly.
BEGIN;
SELECT plan(39);

CREATE FUNCTION pg_temp.month_partition() RETURNS regclass LANGUAGE sql AS $$
    SELECT ('saas.audit_logs' || to_char(now() AT TIME ZONE 'UTC', '_YYYY_MM'))::regclass
$$;
CREATE TABLE public.audited (team_id uuid, id uuid DEFAULT saas.uuid_v7(), name text, PRIMARY KEY (team_id, id));
SELECT saas.audit_table('public.audited') \g /dev/null
CREATE FUNCTION pg_temp.write(p_name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.audited (team_id, name) VALUES ('0190a000-0000-7000-8000-000000000001', p_name)
$$;
CREATE FUNCTION pg_temp.partition_of(p_name text) RETURNS regclass LANGUAGE sql AS $$
    SELECT l.tableoid::regclass FROM saas.audit_logs AS l
    WHERE l.table_name = 'public.audited' AND l.new_values ->> 'name' = p_name
$$;

-- Partitions and indexes.
SELECT pg_temp.write('month');
SELECT is(pg_temp.partition_of('month'), pg_temp.month_partition(), 'an entry is in the partition of its month');
INSERT INTO public.audited (team_id, name)
SELECT ('0190a000-0000-7000-8000-00000000000' || i % 10)::uuid, 'many' FROM generate_series(1, 3000) AS i;
CREATE TEMP TABLE expected AS
SELECT count(*) AS entries FROM saas.audit_logs AS l WHERE l.table_name = 'public.audited';
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT is(
    (SELECT count(*) FROM public.audited AS a JOIN LATERAL (
        SELECT FROM saas.audit_logs AS l WHERE l.row_id = a.id OFFSET 0) AS l ON true),
    (SELECT entries FROM expected), 'every entry is found by row_id'
);
SELECT is(
    (SELECT count(*) FROM (
        SELECT l.id FROM generate_series(0, 9) AS i CROSS JOIN LATERAL (
            SELECT a.id FROM saas.audit_logs AS a
            WHERE a.team_id = ('0190a000-0000-7000-8000-00000000000' || i)::uuid
                AND a.created_at >= now() AND a.table_name = 'public.audited' OFFSET 0) AS l) AS found),
    (SELECT entries FROM expected), 'and by team and time'
);
SET LOCAL enable_seqscan = on;
SET LOCAL enable_bitmapscan = on;

-- Without a partition for the month, entries go to the default one, and move when there is one.
CREATE TEMP TABLE gone AS SELECT pg_temp.month_partition()::text AS name;
DO $$ BEGIN
    EXECUTE format('ALTER TABLE saas.audit_logs DETACH PARTITION %s', pg_temp.month_partition());
    EXECUTE format('ALTER TABLE %s RENAME TO audit_logs_detached', pg_temp.month_partition());
END $$;
SELECT pg_temp.write('default');
SELECT is(pg_temp.partition_of('default'), 'saas.audit_logs_default'::regclass, 'no partition: the default takes it');
SELECT is(saas.ensure_partitions('saas.audit_logs'), 1, 'ensure_partitions makes the missing partition');
SELECT is(pg_temp.partition_of('default'), pg_temp.month_partition(), 'and moves the entries into it');
SELECT pg_temp.write('month again');
SELECT is(pg_temp.partition_of('month again'), pg_temp.month_partition(), 'the next entry goes there at once');
SELECT throws_ok('DELETE FROM saas.audit_logs_default', 'SA041', NULL, 'the default partition is append-only again');
SELECT throws_ok(format('DELETE FROM %s', pg_temp.month_partition()), 'SA041', NULL, 'and so is the new one');
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_partition_tree('saas.audit_logs') AS t
     JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
     WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)),
    0::bigint, 'with row-level security on all'
);
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_trigger AS t
     JOIN pg_catalog.pg_partition_tree('saas.audit_logs') AS p ON p.relid = t.tgrelid
     WHERE t.tgname LIKE 'aa_append_only_%' AND t.tgenabled = 'A'),
    (SELECT 2 * count(*) FROM pg_catalog.pg_partition_tree('saas.audit_logs')),
    'and both append-only triggers always enabled'
);

-- A log that its owner has changed.
SELECT pg_temp.write('plain');
ALTER TABLE saas.audit_logs ADD COLUMN note text DEFAULT 'noted';
SELECT pg_temp.write('with column');
SELECT is(
    (SELECT l.note FROM saas.audit_logs AS l WHERE l.new_values ->> 'name' = 'with column'), 'noted',
    'a column of the owner''s gets its default'
);
ALTER TABLE saas.audit_logs DROP COLUMN note;
SELECT pg_temp.write('without column');
SELECT is(
    pg_temp.partition_of('without column'), pg_temp.month_partition(), 'a dropped column does no harm'
);
CREATE INDEX audit_test_idx ON saas.audit_logs (lower(table_name)) WHERE operation = 'I';
SELECT pg_temp.write('with index');
SELECT is(
    pg_temp.partition_of('with index'), pg_temp.month_partition(), 'nor does an index on an expression'
);
ALTER TABLE saas.audit_logs ADD CONSTRAINT audit_test_check CHECK (new_values ->> 'name' <> 'forbidden') NOT VALID;
SELECT throws_ok('SELECT pg_temp.write(''forbidden'')', '23514', NULL, 'a CHECK of the owner''s is respected');
SELECT is(
    (SELECT count(*) FROM public.audited AS a WHERE a.name = 'forbidden'), 0::bigint,
    'and the change that cannot be recorded is not made'
);
ALTER TABLE saas.audit_logs DROP CONSTRAINT audit_test_check;
SAVEPOINT before_not_null;
ALTER TABLE saas.audit_logs ALTER COLUMN new_values SET NOT NULL;
SELECT throws_ok('DELETE FROM public.audited', '23502', NULL, 'so is a NOT NULL');
ROLLBACK TO before_not_null;

-- The owner's trigger on the log runs with the owner's rights, neither the writer's nor a superuser's.
CREATE ROLE audit_test_owner;
GRANT CREATE, USAGE ON SCHEMA saas TO audit_test_owner;
DO $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN SELECT t.relid FROM pg_partition_tree('saas.audit_logs') AS t LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO audit_test_owner', v_table);
    END LOOP;
END $$;
CREATE TABLE public.witnessed (role_name text, superuser text);
GRANT INSERT ON public.witnessed TO audit_test_owner;
CREATE FUNCTION public.witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.witnessed VALUES (current_user, current_setting('is_superuser'));
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_test_witness AFTER INSERT ON saas.audit_logs FOR EACH ROW EXECUTE FUNCTION public.witness();
CREATE ROLE audit_test_writer;
GRANT INSERT ON public.audited TO audit_test_writer;
GRANT USAGE ON SCHEMA saas TO audit_test_writer;
SET LOCAL ROLE audit_test_writer;
INSERT INTO public.audited (team_id, name) VALUES ('0190a000-0000-7000-8000-000000000001', 'witnessed');
SELECT is(current_user::text, 'audit_test_writer', 'the writer''s role is what it was');
RESET ROLE;
SELECT is((SELECT w.role_name FROM public.witnessed AS w), 'audit_test_owner', 'the trigger ran as the owner of the log');
SELECT is(
    (SELECT l.db_role FROM saas.audit_logs AS l WHERE l.new_values ->> 'name' = 'witnessed'),
    'audit_test_writer', 'and the entry names the writer'
);
REVOKE INSERT ON public.witnessed FROM audit_test_owner;
SET LOCAL ROLE audit_test_writer;
SELECT throws_ok(
    $$ INSERT INTO public.audited (team_id, name) VALUES ('0190a000-0000-7000-8000-000000000001', 'failing') $$,
    '42501', 'permission denied for table witnessed', 'a trigger of the owner''s that fails undoes the change'
);
SELECT is(current_user::text, 'audit_test_writer', 'and leaves the writer''s role as it was');
RESET ROLE;
DROP TRIGGER audit_test_witness ON saas.audit_logs;

-- Triggers that are defined wrongly say so.
CREATE TABLE public.misused (id uuid PRIMARY KEY, name text, "odd, name" text);
CREATE FUNCTION pg_temp.try_trigger(p_definition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'CREATE OR REPLACE TRIGGER misuse ' || p_definition;
    RETURN NEXT throws_ok(
        'INSERT INTO public.misused (id) VALUES (gen_random_uuid())', 'SA040', NULL, p_definition
    );
    EXECUTE 'DROP TRIGGER misuse ON public.misused';
END
$$;
SELECT pg_temp.try_trigger(
    format('%s INSERT ON public.misused FOR EACH %s EXECUTE FUNCTION saas.audit_row_change(%s)', t.timing, t.level, t.arguments)
)
FROM (VALUES
    ('AFTER', 'ROW', ''),
    ('AFTER', 'ROW', '''public.misused'', ''''' || ', '''''),
    ('AFTER', 'ROW', '''misused'', '''', '''', '''''),
    ('AFTER', 'ROW', '''public.misused'', ''team_id'', '''', '''''),
    ('AFTER', 'ROW', '''public.misused'', ''name'', '''', '''''),
    ('AFTER', 'ROW', '''public.misused'', '''', ''nobody'', '''''),
    ('AFTER', 'ROW', '''public.misused'', '''', ''name,,id'', '''''),
    ('AFTER', 'ROW', '''public.misused'', '''', ''name'', ''name'''),
    ('BEFORE', 'ROW', '''public.misused'', '''', '''', '''''),
    ('AFTER', 'STATEMENT', '''public.misused'', '''', '''', ''''')
) AS t (timing, level, arguments);
SELECT throws_ok($$ SELECT saas.audit_table('public.misused', '{nobody}') $$, 'SA040', NULL, 'audit_table: no such column');
SELECT throws_ok($$ SELECT saas.audit_table('public.misused', '{name}', '{name}') $$, 'SA040', NULL, 'audit_table: a column in both lists');
SELECT throws_ok($$ SELECT saas.audit_table('saas.audit_logs') $$, 'SA040', NULL, 'audit_table: the log itself');
SELECT throws_ok($$ SELECT saas.audit_table('saas.audit_logs_default') $$, 'SA040', NULL, 'audit_table: a partition of the log');
SELECT throws_ok($$ SELECT saas.audit_table('pg_catalog.pg_stat_activity') $$, 'SA040', NULL, 'audit_table: a view');
SELECT saas.audit_table('public.misused', '{"odd, name"}') \g /dev/null
INSERT INTO public.misused VALUES ('0190b000-0000-7000-8000-000000000001', 'n', 'o');
SELECT is(
    (SELECT l.new_values FROM saas.audit_logs AS l WHERE l.table_name = 'public.misused'),
    '{"id": "0190b000-0000-7000-8000-000000000001", "name": "n"}', 'a column with an odd name can be left out'
);

-- Without its log nothing is changed.
DROP TABLE saas.audit_logs CASCADE;
SELECT throws_ok('SELECT pg_temp.write(''lost'')', 'SA042', 'table saas.audit_logs does not exist', 'without the log a change fails');

SELECT * FROM finish();
ROLLBACK;
