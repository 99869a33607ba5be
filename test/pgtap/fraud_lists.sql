-- Lists in rules: what they take, who may change them, how changes count, and how they were at a former time.
BEGIN;
SELECT plan(42);

INSERT INTO saas.users (id, email) VALUES
    ('00000000-0000-7000-8000-0000000000a1', 'owner@fraud.example'),
    ('00000000-0000-7000-8000-0000000000a2', 'viewer@fraud.example');
INSERT INTO saas.teams (id, name, slug) VALUES
    ('00000000-0000-7000-8000-000000000001', 'One', 'fraud-one'),
    ('00000000-0000-7000-8000-000000000002', 'Two', 'fraud-two');
INSERT INTO saas.team_members (team_id, user_id, role) VALUES
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 'owner'),
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2', 'viewer'),
    ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000a1', 'owner');
CREATE FUNCTION pg_temp.hits(p_attributes jsonb, p_team integer DEFAULT 1, p_as_of timestamptz DEFAULT now())
RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(m.name, ' ' ORDER BY m.name), '') || COALESCE(' ! ' || (e.errors -> 0 ->> 'message'), '')
    FROM saas.evaluate_team_rules(
        ('00000000-0000-7000-8000-00000000000' || p_team)::uuid, p_attributes, p_as_of => p_as_of
    ) AS e
    LEFT JOIN LATERAL (SELECT x ->> 'name' AS name FROM jsonb_array_elements(e.matched) AS x) AS m ON true
    GROUP BY e.errors
$$;

-- The forms of values.
SELECT is(saas.normalize_list_value('ip', '10.1.2.3/8'), '10.0.0.0/8', 'a network loses the bits behind its prefix');
SELECT is(saas.normalize_list_value('email', ' Eve@Mail.Example '), 'eve@mail.example', 'an address is in lower case');
SELECT throws_ok(
    $$SELECT saas.normalize_list_value('ip', '10.0.0.300')$$, 'SA053',
    '"10.0.0.300" is not an internet address or network', 'what is no address is refused'
);
SELECT throws_ok($$SELECT saas.normalize_list_value('colour', 'red')$$, '22023', NULL, 'so is an unknown kind');
SELECT is(
    saas.list_candidates('domain', 'eve@a.mail.example'), ARRAY['a.mail.example', 'mail.example', 'example'],
    'the domains that hold an address'
);

-- Who writes: the owner adds, the viewer looks, nobody reaches into another team.
SELECT saas.set_context('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1');
SET LOCAL ROLE saas_app;
SELECT lives_ok(
    $$INSERT INTO saas.fraud_lists (team_id, alias, kind) VALUES
        ('00000000-0000-7000-8000-000000000001', 'emails', 'email'),
        ('00000000-0000-7000-8000-000000000001', 'nets', 'ip'),
        ('00000000-0000-7000-8000-000000000001', 'domains', 'domain'),
        ('00000000-0000-7000-8000-000000000001', 'bins', 'bin')$$,
    'an owner makes lists'
);
SELECT throws_ok(
    $$INSERT INTO saas.fraud_lists (team_id, alias, kind) VALUES ('00000000-0000-7000-8000-000000000001', 'a b', 'email')$$,
    '23514', NULL, 'an alias is one word'
);
SELECT throws_ok(
    $$INSERT INTO saas.fraud_lists (team_id, alias, kind) VALUES ('00000000-0000-7000-8000-000000000001', 'x', 'colour')$$,
    '23514', NULL, 'kinds are those that there are'
);
SELECT throws_ok(
    $$INSERT INTO saas.fraud_lists (team_id, alias, kind) VALUES ('00000000-0000-7000-8000-000000000002', 'x', 'email')$$,
    '42501', NULL, 'not in another team'
);
SELECT is(
    saas.add_to_fraud_list(
        '00000000-0000-7000-8000-000000000001', '@emails', ARRAY['Eve@Mail.Example', 'eve@mail.example ', NULL, 'bob@x.example'], 'fraud'
    ),
    2::bigint, 'entries are added once each'
);
SELECT is(
    saas.add_to_fraud_list('00000000-0000-7000-8000-000000000001', 'emails', ARRAY['bob@x.example'], 'fraud'),
    0::bigint, 'what is there already changes nothing'
);
SELECT throws_ok(
    $$SELECT saas.add_to_fraud_list('00000000-0000-7000-8000-000000000001', 'emails', ARRAY['nobody'])$$,
    'SA053', NULL, 'a value that is no address is refused'
);
SELECT throws_ok(
    $$SELECT saas.add_to_fraud_list('00000000-0000-7000-8000-000000000001', 'emials', ARRAY['a@b.example'])$$,
    'P0002', NULL, 'a list must be there'
);
SELECT throws_ok(
    $$SELECT saas.add_to_fraud_list('00000000-0000-7000-8000-000000000002', 'emails', ARRAY['a@b.example'])$$,
    '42501', NULL, 'and of the own team'
);
SELECT saas.add_to_fraud_list('00000000-0000-7000-8000-000000000001', 'nets', ARRAY['10.0.0.0/8', '2001:db8::/32']);
SELECT saas.add_to_fraud_list('00000000-0000-7000-8000-000000000001', 'domains', ARRAY['bad.example']);
SELECT saas.add_to_fraud_list('00000000-0000-7000-8000-000000000001', 'bins', ARRAY['411111', '5555']);
SELECT throws_ok(
    $$UPDATE saas.fraud_lists SET kind = 'email'$$, '42501', NULL, 'the kind of a list is not for applications to change'
);
SELECT throws_ok(
    $$INSERT INTO saas.fraud_list_changes (team_id, list_id, value, present)
      SELECT l.team_id, l.id, 'x', true FROM saas.fraud_lists AS l$$, '42501', NULL, 'nobody writes the history'
);
SELECT lives_ok(
    $$INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES
        ('00000000-0000-7000-8000-000000000001', 'email', 'TAG ''e'' IF :email: IN @emails'),
        ('00000000-0000-7000-8000-000000000001', 'net', 'TAG ''n'' IF :ip: IN @nets'),
        ('00000000-0000-7000-8000-000000000001', 'domain', 'TAG ''d'' IF :email: IN @domains'),
        ('00000000-0000-7000-8000-000000000001', 'good', 'TAG ''g'' IF :email: NOT IN @emails'),
        ('00000000-0000-7000-8000-000000000001', 'bin', 'TAG ''b'' IF :card_bin: IN @bins')$$,
    'rules name lists'
);
SELECT throws_ok(
    $$INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES
        ('00000000-0000-7000-8000-000000000001', 'x', 'TAG ''e'' IF :email: IN @nobody')$$,
    'SA052', 'there is no fraud list @nobody in the team', 'that must be there'
);
RESET ROLE;
SELECT saas.set_context('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2');
SET LOCAL ROLE saas_app;
SELECT isnt_empty('SELECT value FROM saas.fraud_list_items', 'a viewer reads entries');
SELECT is_empty('DELETE FROM saas.fraud_list_items RETURNING 1', 'and deletes none');
SELECT throws_ok(
    $$SELECT saas.add_to_fraud_list('00000000-0000-7000-8000-000000000001', 'emails', ARRAY['a@b.example'])$$,
    '42501', NULL, 'nor adds any'
);
SELECT is(
    saas.fraud_list_holds('00000000-0000-7000-8000-000000000001', 'nets', '10.2.3.4'), true, 'but may ask'
);
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT throws_ok('SELECT value FROM saas.fraud_list_items', '42501', NULL, 'an analyst sees no entries');
SELECT isnt_empty('SELECT alias FROM saas.fraud_lists', 'but lists');
RESET ROLE;

-- What rules see.
SELECT is(pg_temp.hits('{"email": "EVE@mail.example"}'), 'email', 'an address of the list');
SELECT is(pg_temp.hits('{"email": "eve@a.Bad.example"}'), 'domain good', 'a domain below one of the list');
SELECT is(pg_temp.hits('{"ip": "10.9.8.7"}'), 'net', 'an address in a network of the list');
SELECT is(pg_temp.hits('{"ip": "2001:DB8:1::1"}'), 'net', 'of IPv6 as well');
SELECT is(pg_temp.hits('{"ip": "nowhere"}'), '', 'what is no address is in no network');
SELECT is(pg_temp.hits('{"card_bin": "55551234"}'), 'bin', 'a number that begins with an entry');
SELECT is(pg_temp.hits('{}'), '', 'what is missing is neither in a list nor outside');

-- Changes count at once, also when they are taken back.
SAVEPOINT before_change;
DELETE FROM saas.fraud_list_items WHERE value = 'eve@mail.example';
INSERT INTO saas.fraud_list_items (team_id, list_id, value, expires_at)
SELECT l.team_id, l.id, 'New@mail.example', now() + interval '1 hour' FROM saas.fraud_lists AS l WHERE l.alias = 'emails';
SELECT is(
    pg_temp.hits('{"email": "eve@mail.example"}') || ',' || pg_temp.hits('{"email": "new@mail.example"}'),
    'good,email', 'one entry less, another one more'
);
SELECT is(
    pg_temp.hits('{"email": "new@mail.example"}', p_as_of => now() + interval '1 hour'), 'good', 'an entry that has expired counts no more'
);
ROLLBACK TO SAVEPOINT before_change;
SELECT is(
    pg_temp.hits('{"email": "eve@mail.example"}') || ',' || pg_temp.hits('{"email": "new@mail.example"}'),
    'email,good', 'taken back'
);
SELECT is(
    (SELECT string_agg(format('%s %s', c.value, c.present), ', ' ORDER BY c.value)
     FROM saas.fraud_list_changes AS c JOIN saas.fraud_lists AS l ON l.id = c.list_id WHERE l.alias = 'emails'),
    'bob@x.example t, eve@mail.example t', 'the history has each change'
);
SELECT throws_ok('DELETE FROM saas.fraud_list_changes', 'SA051', NULL, 'and is append-only');
SELECT throws_ok($$UPDATE saas.fraud_lists SET kind = 'string'$$, 'SA071', NULL, 'the kind of a list never changes');

-- A list larger than its memory is looked up in its table.
SET LOCAL saas.fraud_list_memory = '64kB';
INSERT INTO saas.fraud_list_items (team_id, list_id, value)
SELECT l.team_id, l.id, 'u' || n || '@many.example' FROM saas.fraud_lists AS l, generate_series(1, 3000) AS n WHERE l.alias = 'emails';
SELECT is(
    pg_temp.hits('{"email": "U2999@many.example"}') || ',' || pg_temp.hits('{"email": "u3001@many.example"}'),
    'email,good', 'a list beyond saas.fraud_list_memory answers the same'
);
RESET saas.fraud_list_memory;

-- A list that goes away makes its rules fail, and nothing else.
UPDATE saas.fraud_lists SET alias = 'renamed' WHERE alias = 'nets';
SELECT is(pg_temp.hits('{"ip": "10.9.8.7"}'), ' ! the list does not exist', 'a rule whose list is gone fails');
DELETE FROM saas.fraud_lists WHERE alias = 'emails';
SELECT is(
    (SELECT count(*) FROM saas.fraud_list_changes WHERE value LIKE '%@many.example'), 0::bigint,
    'history and entries go with their list'
);
SELECT is(pg_temp.hits('{"email": "eve@a.bad.example"}', 2), '', 'the other team has no lists');
DELETE FROM saas.teams WHERE id = '00000000-0000-7000-8000-000000000001';
SELECT is((SELECT count(*) FROM saas.fraud_lists), 0::bigint, 'lists go with their team');

SELECT * FROM finish();
ROLLBACK;
