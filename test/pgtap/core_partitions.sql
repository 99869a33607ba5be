-- Partitions by month: made ahead, idempotent, protected, and refused where they make no sense.
BEGIN;
SELECT plan(20);

SELECT is(saas.ensure_all_partitions(), 0, 'the deployment left nothing to make for three months');
SELECT is(
    (SELECT count(*) FROM generate_series(0, 3) AS m
     CROSS JOIN (VALUES ('audit_logs'), ('activity_logs')) AS t (name)
     WHERE to_regclass('saas.' || t.name || to_char(
         date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => m), '_YYYY_MM')) IS NOT NULL),
    8::bigint, 'this month''s and the next three are there'
);

CREATE TABLE public.events (
    team_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    id uuid NOT NULL,
    name text,
    CONSTRAINT events_pkey PRIMARY KEY (team_id, created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX events_created_at_idx ON public.events USING brin (created_at);
CREATE TABLE public.events_default PARTITION OF public.events DEFAULT;
COMMENT ON COLUMN public.events.name IS 'Name. [internal]';
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO saas_app, PUBLIC;
SELECT is(saas.ensure_partitions('public.events', 13), 14, 'this month and 13 more');
SELECT is(saas.ensure_partitions('public.events', 13), 0, 'and none the second time');
SELECT is(saas.ensure_partitions('public.events', 14), 1, 'one more month, one more partition');
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_inherits AS i
     JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'public.events'::regclass AND c.relname <> 'events_default'
        AND c.relrowsecurity AND c.relforcerowsecurity
        AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee <> c.relowner)),
    15::bigint, 'each with row-level security forced and no grants, whatever default privileges say'
);
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_inherits AS i
     JOIN pg_catalog.pg_index AS x ON x.indrelid = i.inhrelid
     JOIN pg_catalog.pg_inherits AS p ON p.inhrelid = x.indexrelid
     WHERE i.inhparent = 'public.events'::regclass),
    32::bigint, 'each with the indexes of the table, and no others'
);
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_inherits AS i
     WHERE i.inhparent = 'public.events'::regclass AND i.inhrelid <> 'public.events_default'::regclass
        AND col_description(i.inhrelid, 4) = 'Name. [internal]'),
    15::bigint, 'and its comments'
);

-- Months are those of UTC, whatever the session's time zone.
SELECT is(
    saas.ensure_month_partition('public.events', '2020-02-10 12:00:00+00'), true, 'a month of the past'
);
SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL datestyle = 'SQL, DMY';
SELECT is(
    saas.ensure_month_partition('public.events', '2020-03-01 00:30:00 +09'::timestamptz), false,
    'half past midnight in Tokyo is still February in UTC'
);
SELECT is(
    saas.ensure_month_partition('public.events', '2020-03-01 00:00:00 +00'::timestamptz), true, 'and then comes March'
);
RESET timezone;
RESET datestyle;
INSERT INTO public.events VALUES
    (gen_random_uuid(), '2020-02-29 23:59:59.999999+00', gen_random_uuid(), 'leap'),
    (gen_random_uuid(), '2020-03-01 00:00:00+00', gen_random_uuid(), 'first'),
    (gen_random_uuid(), '2019-12-31 23:59:59.999999+00', gen_random_uuid(), 'old'),
    (gen_random_uuid(), '2020-01-01 00:00:00+00', gen_random_uuid(), 'new year'),
    (gen_random_uuid(), '2020-01-31 23:59:59.999999+00', gen_random_uuid(), 'new year');
SELECT is(
    (SELECT string_agg(e.name || ' ' || e.tableoid::regclass, ', ' ORDER BY e.name) FROM public.events AS e
     WHERE e.name IN ('leap', 'first')),
    'first events_2020_03, leap events_2020_02', 'rows at the edges are in their months'
);

-- Rows in the default partition move into the month's own.
SELECT saas.audit_table('public.events') \g /dev/null
SELECT is(saas.ensure_month_partition('public.events', '2020-01-15 00:00:00+00'), true, 'a month with rows in the default partition');
SELECT is(
    (SELECT string_agg(e.name || ' ' || e.tableoid::regclass, ', ' ORDER BY e.created_at) FROM public.events AS e
     WHERE e.created_at < '2020-02-01'),
    'old events_default, new year events_2020_01, new year events_2020_01', 'takes them, and only them'
);
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_trigger AS t
     JOIN pg_catalog.pg_partition_tree('public.events') AS p ON p.relid = t.tgrelid
     WHERE t.tgname = 'zz_audit_truncate' AND t.tgenabled = 'A'),
    (SELECT count(*) FROM pg_catalog.pg_partition_tree('public.events')),
    'the trail of an audited table records TRUNCATE of every partition'
);

SELECT throws_ok($$ SELECT saas.ensure_partitions('public.events', -1) $$, 'SA043', NULL, 'a negative number of months');
SELECT throws_ok($$ SELECT saas.ensure_partitions('public.events', 121) $$, 'SA043', NULL, 'more than ten years');
SELECT throws_ok($$ SELECT saas.ensure_partitions('saas.users') $$, 'SA043', NULL, 'a table without partitions');
CREATE TABLE public.by_name (name text) PARTITION BY RANGE (name);
SELECT throws_ok($$ SELECT saas.ensure_partitions('public.by_name') $$, 'SA043', NULL, 'a table partitioned by something else');
SET LOCAL ROLE saas_service;
SELECT throws_ok($$ SELECT saas.ensure_partitions('saas.audit_logs') $$, '42501', NULL, 'not for workers: partitions belong to the owner');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
