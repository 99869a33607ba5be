-- What the audit trigger records: operations, changed columns, who, when, left-out and redacted columns.
BEGIN;
SELECT plan(43);

CREATE TABLE public.audited (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    name text,
    amount bigint,
    document text,
    secret text,
    noise integer,
    PRIMARY KEY (team_id, id)
);
ALTER TABLE public.audited ALTER COLUMN document SET STORAGE EXTERNAL;
SELECT lives_ok(
    $$ SELECT saas.audit_table('public.audited', '{noise}', '{secret}') $$,
    'a table of the user can be audited'
);
SELECT is(
    (SELECT string_agg(format('%s %s', t.tgname, t.tgenabled), ', ' ORDER BY t.tgname)
     FROM pg_catalog.pg_trigger AS t
     WHERE t.tgrelid = 'public.audited'::regclass AND NOT t.tgisinternal),
    'zz_audit A, zz_audit_truncate A', 'both triggers fire always'
);

CREATE FUNCTION pg_temp.entry(p_operation text) RETURNS saas.audit_logs LANGUAGE sql AS $$
    SELECT l.* FROM saas.audit_logs AS l
    WHERE l.table_name = 'public.audited' AND l.operation = p_operation
    ORDER BY l.created_at DESC, l.id DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.entries() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM saas.audit_logs AS l WHERE l.table_name = 'public.audited'
$$;

-- Insert.
INSERT INTO public.audited VALUES (
    '0190a000-0000-7000-8000-000000000001', '0190b000-0000-7000-8000-000000000001',
    'first', 5, repeat('x', 5000), 'hush', 1
);
SELECT is(
    (pg_temp.entry('I')).new_values,
    jsonb_build_object(
        'team_id', '0190a000-0000-7000-8000-000000000001', 'id', '0190b000-0000-7000-8000-000000000001',
        'name', 'first', 'amount', 5, 'document', repeat('x', 5000), 'secret', '[redacted]'
    ),
    'an insert records the new row without the column left out, the secret redacted'
);
SELECT is((pg_temp.entry('I')).old_values, NULL, 'an insert has no old values');
SELECT is(
    (pg_temp.entry('I')).row_id, '0190b000-0000-7000-8000-000000000001'::uuid,
    'row_id is the primary key without the team'
);
SELECT is((pg_temp.entry('I')).row_key, NULL, 'a key of one uuid needs no row_key');
SELECT is(
    (pg_temp.entry('I')).team_id, '0190a000-0000-7000-8000-000000000001'::uuid,
    'the entry belongs to the team of the row'
);
SELECT is((pg_temp.entry('I')).actor_id, NULL, 'without a context there is no actor');
SELECT is((pg_temp.entry('I')).xact_id, pg_current_xact_id(), 'the transaction is recorded');
SELECT is((pg_temp.entry('I')).db_role, current_user::text, 'the role is recorded');
SELECT is((pg_temp.entry('I')).login_role, NULL, 'the same login role is not repeated');
SELECT is((pg_temp.entry('I')).request_id, NULL, 'no request id without the setting');
SELECT ok(
    (pg_temp.entry('I')).created_at BETWEEN transaction_timestamp() AND clock_timestamp(),
    'the time is between the start of the transaction and now'
);

-- Update: the time of the statement, changed columns only.
CREATE TEMP TABLE at_update AS SELECT clock_timestamp() AS before;
UPDATE public.audited SET amount = 6, name = 'first';
SELECT is((pg_temp.entry('U')).old_values, '{"amount": 5}', 'an update records changed columns before');
SELECT is((pg_temp.entry('U')).new_values, '{"amount": 6}', 'and after');
SELECT ok(
    (pg_temp.entry('U')).created_at > (SELECT before FROM at_update),
    'the time is that of the statement, not of the transaction'
);
UPDATE public.audited SET name = NULL;
SELECT is((pg_temp.entry('U')).old_values, '{"name": "first"}', 'from a value');
SELECT is((pg_temp.entry('U')).new_values, '{"name": null}', 'to NULL');
UPDATE public.audited SET name = '';
SELECT is((pg_temp.entry('U')).old_values, '{"name": null}', 'from NULL');
SELECT is((pg_temp.entry('U')).new_values, '{"name": ""}', 'to an empty text');
UPDATE public.audited SET secret = 'other';
SELECT is(
    (pg_temp.entry('U')).old_values || jsonb_build_object('new', (pg_temp.entry('U')).new_values),
    '{"secret": "[redacted]", "new": {"secret": "[redacted]"}}',
    'a redacted column says that it changed, not what it was'
);
CREATE TEMP TABLE counted AS SELECT pg_temp.entries() AS n;
UPDATE public.audited SET amount = 6, noise = 2;
UPDATE public.audited SET document = document;
SELECT is(
    pg_temp.entries(), (SELECT n FROM counted),
    'nothing is written when nothing changed, or only a column left out, or a large value was kept'
);
UPDATE public.audited SET document = repeat('x', 4999) || 'y';
SELECT is(
    (pg_temp.entry('U')).new_values, jsonb_build_object('document', repeat('x', 4999) || 'y'),
    'a large value that changed in its last byte is recorded'
);
SELECT is(
    (pg_temp.entry('U')).old_values, jsonb_build_object('document', repeat('x', 5000)),
    'with the old one'
);
UPDATE public.audited SET amount = 7;
SELECT is(
    (pg_temp.entry('U')).new_values, '{"amount": 7}', 'a large value that did not change is not'
);
UPDATE public.audited SET id = '0190b000-0000-7000-8000-000000000009';
SELECT is(
    (pg_temp.entry('U')).row_id, '0190b000-0000-7000-8000-000000000009'::uuid,
    'an update of the key is found under the new key'
);

-- Many rows of one statement keep their order.
INSERT INTO public.audited (team_id, id, amount)
SELECT '0190a000-0000-7000-8000-000000000002', gen_random_uuid(), i FROM generate_series(1, 5000) AS i;
SELECT is(
    (SELECT array_agg((l.new_values ->> 'amount')::integer ORDER BY l.created_at, l.id)
     FROM saas.audit_logs AS l WHERE l.table_name = 'public.audited' AND l.team_id = '0190a000-0000-7000-8000-000000000002'),
    (SELECT array_agg(i) FROM generate_series(1, 5000) AS i),
    'the rows of a statement are in the order of the changes'
);
SELECT is(
    (SELECT count(DISTINCT l.created_at) FROM saas.audit_logs AS l
     WHERE l.table_name = 'public.audited' AND l.team_id = '0190a000-0000-7000-8000-000000000002'),
    1::bigint, 'and have one time'
);

-- Delete.
DELETE FROM public.audited WHERE team_id = '0190a000-0000-7000-8000-000000000001';
SELECT is(
    (pg_temp.entry('D')).old_values - 'document',
    '{"team_id": "0190a000-0000-7000-8000-000000000001", "id": "0190b000-0000-7000-8000-000000000009",
      "name": "", "amount": 7, "secret": "[redacted]"}',
    'a delete records the old row'
);
SELECT is((pg_temp.entry('D')).new_values, NULL, 'and no new values');

-- An aborted change leaves no entry.
UPDATE counted SET n = pg_temp.entries();
SAVEPOINT undone;
UPDATE public.audited SET amount = 0;
ROLLBACK TO undone;
SELECT is(pg_temp.entries(), (SELECT n FROM counted), 'what is rolled back leaves no entry');

-- Replication and restore set this; an ordinary trigger would stay silent.
SET LOCAL session_replication_role = replica;
INSERT INTO public.audited (team_id, id, amount)
VALUES ('0190a000-0000-7000-8000-000000000003', gen_random_uuid(), 1);
SET LOCAL session_replication_role = origin;
SELECT is(
    (pg_temp.entry('I')).team_id, '0190a000-0000-7000-8000-000000000003'::uuid,
    'a replicated change is recorded'
);

-- Who: the request context, roles, request id.
SELECT saas.create_user('audit-owner@example.com') AS owner_id \gset
SELECT saas.create_team('Audit', 'audit-test', :'owner_id') AS team_id \gset
SELECT saas.set_context(:'team_id', :'owner_id') \g /dev/null
GRANT INSERT ON public.audited TO saas_app;
SET LOCAL saas.request_id = 'request-17';
SET LOCAL ROLE saas_app;
INSERT INTO public.audited (team_id, id) VALUES (:'team_id', gen_random_uuid());
RESET ROLE;
SELECT is((pg_temp.entry('I')).actor_id, :'owner_id'::uuid, 'the actor is the user of the context');
SELECT is((pg_temp.entry('I')).db_role, 'saas_app', 'the role is the one whose rights applied');
SELECT is((pg_temp.entry('I')).login_role, session_user::text, 'the login role is another one');
SELECT is((pg_temp.entry('I')).request_id, 'request-17', 'the request id is the setting');
SELECT is(
    (pg_temp.entry('I')).client_addr, inet_client_addr(), 'the client address is that of the connection'
);
SELECT throws_ok(
    format('SET LOCAL saas.request_id = %L', repeat('x', 201)), '22023',
    'invalid value for parameter "saas.request_id": "' || repeat('x', 201) || '"',
    'a request id has at most 200 bytes'
);

-- Tables without a team, and TRUNCATE: the team of the request, else the platform.
CREATE TABLE public.rates (currency text, day date, rate numeric, PRIMARY KEY (currency, day));
SELECT saas.audit_table('public.rates') \g /dev/null
INSERT INTO public.rates VALUES ('EUR', '2026-01-31', 1.25);
SELECT results_eq(
    $$ SELECT l.team_id, l.row_key, l.row_id FROM saas.audit_logs AS l WHERE l.table_name = 'public.rates' $$,
    format(
        $$ VALUES (%L::uuid, '{"currency": "EUR", "day": "2026-01-31"}'::jsonb,
            saas.audit_row_id('{"day": "2026-01-31", "currency": "EUR"}')) $$, :'team_id'
    ),
    'a table without team: the team of the request, the key as jsonb, its hash as row_id'
);
SELECT saas.clear_context() \g /dev/null
TRUNCATE public.audited;
SELECT results_eq(
    $$ SELECT l.team_id, l.row_id, l.old_values, l.new_values FROM saas.audit_logs AS l
       WHERE l.table_name = 'public.audited' AND l.operation = 'T' $$,
    $$ VALUES ('00000000-0000-0000-0000-000000000000'::uuid, saas.audit_row_id('{"truncated": "public.audited"}'), NULL::jsonb, NULL::jsonb) $$,
    'TRUNCATE is recorded, for the platform when there is no context'
);

-- A partitioned table: rows of every partition under the name of the table.
CREATE TABLE public.parted (team_id uuid, id bigint, PRIMARY KEY (team_id, id)) PARTITION BY HASH (team_id);
CREATE TABLE public.parted_0 PARTITION OF public.parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.parted_1 (id bigint NOT NULL, team_id uuid NOT NULL, PRIMARY KEY (team_id, id));
ALTER TABLE public.parted ATTACH PARTITION public.parted_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT saas.audit_table('public.parted') \g /dev/null
INSERT INTO public.parted SELECT gen_random_uuid(), i FROM generate_series(1, 50) AS i;
SELECT is(
    (SELECT count(*) FROM saas.audit_logs AS l
     JOIN public.parted AS p ON p.team_id = l.team_id AND l.new_values = to_jsonb(p)
        AND l.row_key = jsonb_build_object('id', p.id)
     WHERE l.table_name = 'public.parted'),
    50::bigint, 'rows of partitions with another order of columns are recorded right'
);
TRUNCATE public.parted_0;
SELECT is(
    (SELECT count(*) FROM saas.audit_logs AS l WHERE l.table_name = 'public.parted' AND l.operation = 'T'),
    1::bigint, 'TRUNCATE of one partition is recorded'
);

-- The end of it.
SELECT saas.unaudit_table('public.rates') \g /dev/null
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_trigger AS t
     WHERE t.tgrelid = 'public.rates'::regclass AND NOT t.tgisinternal),
    0::bigint, 'unaudit_table removes the triggers'
);

SELECT * FROM finish();
ROLLBACK;
