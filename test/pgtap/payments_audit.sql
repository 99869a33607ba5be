-- The audit trail of the payment tables, as an application meets it.
BEGIN;
SELECT plan(12);

\ir include/two_teams.sql
INSERT INTO saas.team_members (team_id, user_id, role) SELECT :'red', saas.create_user('member@example.com'), 'member' \g /dev/null
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT saas.configure_payment_provider(:'red', 'adyen', ARRAY['\x736563726574'::bytea]) AS provider \gset
SELECT saas.configure_payment_provider(:'red', 'adyen', ARRAY['\x736563726574'::bytea, '\x6f74686572'::bytea]) \g /dev/null
SELECT saas.configure_payment_provider(:'red', 'adyen', p_webhook_tolerance_seconds => 60) \g /dev/null
SELECT saas.configure_payment_provider(:'red', 'adyen', p_webhook_tolerance_seconds => 60) \g /dev/null
RESET ROLE;

SET LOCAL ROLE saas_app;
SELECT results_eq(
    format($$ SELECT l.operation, l.actor_id, l.row_id, l.team_id, l.table_name FROM saas.payment_audit_log AS l
              WHERE l.row_id = %L ORDER BY l.created_at, l.id $$, :'provider'),
    format($$ VALUES ('I', %1$L::uuid, %2$L::uuid, %3$L::uuid, 'saas.payment_providers'),
                     ('U', %1$L, %2$L, %3$L, 'saas.payment_providers'),
                     ('U', %1$L, %2$L, %3$L, 'saas.payment_providers') $$, :'ann', :'provider', :'red'),
    'an owner sees who changed the team''s provider; a change of nothing is none'
);
SELECT results_eq(
    format($$ SELECT l.old_values, l.new_values FROM saas.payment_audit_log AS l
              WHERE l.row_id = %L AND l.operation = 'U' ORDER BY l.created_at, l.id $$, :'provider'),
    $$ VALUES
        ('{"webhook_secrets": "[redacted]"}'::jsonb, '{"webhook_secrets": "[redacted]"}'::jsonb),
        ('{"webhook_tolerance_seconds": 300}', '{"webhook_tolerance_seconds": 60}') $$,
    'secrets are redacted, and the time of the change is not a change'
);
SELECT is(
    (SELECT count(*) FROM saas.audit_logs AS l
     WHERE l.old_values::text || l.new_values::text ~* '736563726574|6f74686572'),
    0::bigint, 'no secret is anywhere in the trail'
);
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(
    (SELECT count(*) FROM saas.payment_audit_log AS l WHERE l.row_id = :'provider'), 0::bigint,
    'the owner of another team sees nothing of it'
);
RESET ROLE;
SELECT saas.set_context(:'red', (SELECT u.id FROM saas.users AS u WHERE u.email = 'member@example.com')) \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas.payment_audit_log), 0::bigint, 'nor does a member of the team');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_analyst;
SELECT throws_ok('SELECT * FROM saas.payment_audit_log', '42501', NULL, 'analysts are denied');
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok('SELECT * FROM saas.payment_audit_log', '42501', NULL, 'visitors are denied');
RESET ROLE;

-- Every column classified as a secret is redacted or left out wherever its table is audited.
SELECT is(
    (SELECT string_agg(format('%s.%s', t.tgrelid::regclass, a.attname), ', ')
     FROM pg_catalog.pg_trigger AS t
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.tgrelid AND a.attnum > 0 AND NOT a.attisdropped
     CROSS JOIN LATERAL string_to_array(encode(t.tgargs, 'escape'), '\000') AS g (arguments)
     WHERE t.tgfoid = 'saas.audit_row_change()'::regprocedure
        AND col_description(a.attrelid, a.attnum) LIKE '%[restricted]'
        AND a.attname <> ALL (string_to_array(g.arguments[3] || ',' || g.arguments[4], ','))),
    NULL, 'no audited table records a secret'
);
SELECT is(
    (SELECT count(*) FROM pg_catalog.pg_trigger AS t
     WHERE t.tgfoid = 'saas.audit_row_change()'::regprocedure AND t.tgenabled <> 'A'),
    0::bigint, 'every audit trigger fires always'
);
SELECT set_has(
    $$ SELECT t.tgrelid::regclass::text FROM pg_catalog.pg_trigger AS t
       WHERE t.tgfoid = 'saas.audit_row_change()'::regprocedure $$,
    $$ VALUES ('saas.payment_providers'), ('saas.payment_intents'), ('saas.payment_transactions'),
        ('saas.payments'), ('saas.refunds'), ('saas.fraud_detection_rules'), ('saas.users'),
        ('saas.teams'), ('saas.team_members') $$,
    'what must be audited is'
);
SELECT is(
    (SELECT l.new_values - 'created_at' - 'id' - 'team_id' FROM saas.audit_logs AS l
     WHERE l.table_name = 'saas.users' AND l.operation = 'I'
     ORDER BY l.created_at DESC, l.id DESC LIMIT 1) ->> 'email',
    '[redacted]', 'the trail says that a user came, not who'
);

\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
