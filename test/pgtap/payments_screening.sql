-- Watch-lists: taken in, found by names that are written otherwise, scored, and the alerts that come of it.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
CREATE FUNCTION pg_temp.member(p_role text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid := saas.create_user(p_role || gen_random_uuid() || '@example.com');
BEGIN
    INSERT INTO saas.team_members (team_id, user_id, role) VALUES (pg_temp.team(), v_user, p_role);
    RETURN v_user;
END $$;
SELECT pg_temp.member('viewer') AS viewer, pg_temp.member('member') AS member, pg_temp.member('admin') AS admin, owner FROM fixture \gset
SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), :'owner') AS other \gset

-- Names.
SELECT is(saas.normalize_name(n.written), n.folded, n.written)
FROM (VALUES ('  Ödön  von-Horváth ', 'odon von horvath'), ('Щедрин, Юрий', 'shchedrin yuriy'), ('O''Neill', 'oneill'), ('Αλέξης', 'alexis'), ('', '')) AS n (written, folded);
SELECT is(saas.normalize_name(NULL), NULL, 'no name');
SELECT throws_ok($$SELECT saas.normalize_name(repeat('a', 1025))$$, '22023', NULL, 'a long name');
SELECT ok(saas.name_similarity('Moammar al-Qadhafi', ARRAY['John Smith', 'Muammar Gaddafi']) > 0.8, 'another spelling of one of the names');
SELECT ok(saas.name_similarity('Mary Jones', ARRAY['John Smith', 'Muammar Gaddafi']) < 0.7, 'another name');
SELECT is(saas.name_similarity('Mary', '{}'), 0::double precision, 'no names to compare with');
SELECT throws_ok($$SELECT saas.name_similarity('Mary', '{NULL}')$$, '22004', NULL, 'a name that is none');
SELECT ok(saas.name_keys(ARRAY['Vladimir Putin']) && saas.name_keys(ARRAY['Владимир Путин'], '', true), 'keys of the same name meet');
SELECT ok(NOT saas.name_keys(ARRAY['Vladimir Putin']) && saas.name_keys(ARRAY['Vladimir Putin'], 'team', true), 'not those of another scope');
SELECT is(saas.name_keys(NULL), NULL, 'no keys of nothing');

-- Dates and scores.
SELECT is(saas.watchlist_birth_date(d.written), d.days::daterange, d.written)
FROM (VALUES ('1950', '[1950-01-01,1951-01-01)'), ('1950-12', '[1950-12-01,1951-01-01)'), ('1950-12-31', '[1950-12-31,1951-01-01)'), ('1950/1952', '[1950-01-01,1953-01-01)')) AS d (written, days);
SELECT throws_ok(format('SELECT saas.watchlist_birth_date(%L)', d.written), 'SA096', NULL, 'no date: ' || d.written)
FROM (VALUES (''), ('1950-13'), ('1950-02-30'), ('about 1950'), ('1952/1950')) AS d (written);
SELECT is(saas.watchlist_score(s.likeness, s.births::daterange[], s.birth, s.countries, s.country), s.score, s.name)
FROM (VALUES
    (0.9, '{}', '1950-01-01'::date, '{}'::text[], 'GB', 90, 'nothing known on the list'), (0.9, '{"[1950-01-01,1951-01-01)"}', '1950-06-01', '{GB}', 'gb', 97, 'all fits'),
    (0.9, '{"[1950-01-01,1951-01-01)"}', '1951-06-01', '{}', NULL, 85, 'a year off'), (0.9, '{"[1950-01-01,1951-01-01)"}', '1960-01-01', '{FR}', 'GB', 60, 'nothing fits'),
    (1, '{"[1950-01-01,1951-01-01)"}', '1950-06-01', '{}', NULL, 100, 'no more than 100'), (0.1, '{"[1950-01-01,1951-01-01)"}', '1990-06-01', '{FR}', 'GB', 0, 'no less than 0')
) AS s (likeness, births, birth, countries, country, score, name);

-- Taking lists in.
SELECT saas.set_context(pg_temp.team());
SET LOCAL ROLE saas_service;
SELECT throws_ok($$SELECT saas.import_watchlist('test_list', '[{"reference": "1", "name": "Any Body"}]')$$, 'SA128', NULL, 'no list of the platform is changed in the name of a team');
SELECT saas.clear_context();
SELECT results_eq($$SELECT * FROM saas.import_watchlist('test_list', '[
    {"reference": "1", "name": "Muammar Gaddafi", "aliases": ["Abu Minyar"], "birth_dates": ["1942"], "countries": ["ly"], "programme": "LIBYA"},
    {"reference": "2", "name": "Zenith Shipping LLC", "kind": "organisation"},
    {"reference": "3", "name": "Maria Lopez Garcia", "birth_dates": ["1970-05-17"]}]')$$, 'VALUES (3::bigint, 0::bigint, 0::bigint)', 'three are new');
SELECT results_eq($$SELECT * FROM saas.import_watchlist('test_list', '[{"reference": "2", "name": "Zenith Shipping LLC", "kind": "organisation"}]')$$, 'VALUES (0::bigint, 0::bigint, 0::bigint)', 'the same again changes nothing');
SELECT results_eq($$SELECT * FROM saas.import_watchlist('test_list', '[{"reference": "1", "name": "Muammar Gaddafi", "aliases": ["Abu Minyar"], "birth_dates": ["1942"], "countries": ["LY"], "programme": "LIBYA 2"}, {"reference": "3", "name": "Maria Lopez Garcia", "birth_dates": ["1970-05-17"]}]', true)$$,
    'VALUES (0::bigint, 1::bigint, 1::bigint)', 'one has changed, one is no longer listed');
SELECT throws_ok(format('SELECT saas.import_watchlist(%L, %L)', 'test_list', b.entries), b.state, NULL, 'refused: ' || b.name)
FROM (VALUES
    ('{}', 'SA096', 'no array'), ('null', 'SA096', 'null'), ('[1]', 'SA096', 'no object'), ('[{"name": "x"}]', 'SA096', 'no reference'), ('[{"reference": "9"}]', 'SA096', 'no name'),
    ('[{"reference": "9", "name": "x", "aliases": "y"}]', 'SA096', 'aliases that are a text'), ('[{"reference": "9", "name": "x", "aliases": [1]}]', 'SA096', 'an alias that is a number'),
    ('[{"reference": "9", "name": "x", "birth_dates": ["soon"]}]', 'SA096', 'a date that is none'), ('[{"reference": "9", "name": "x"}, {"reference": "9", "name": "y"}]', 'SA096', 'a reference twice'),
    ('[{"reference": "9", "name": " . "}]', 'SA096', 'a name without a letter'), ('[{"reference": "9", "name": "x", "kind": "ghost"}]', '23514', 'a kind that is none')
) AS b (entries, state, name);
SELECT throws_ok($$SELECT saas.import_watchlist('test_list', NULL)$$, 'SA096', NULL, 'nothing');
SELECT throws_ok($$SELECT saas.import_watchlist(NULL, '[]')$$, '22023', NULL, 'no source');
SELECT is((SELECT count(*) FROM saas.watchlist_entries WHERE source = 'test_list' AND delisted_at IS NULL), 2::bigint, 'what was refused has changed nothing');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'admin');
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.import_watchlist('test_list', '[]', true)$$, '42501', NULL, 'no admin of a team changes the lists of the platform');
SELECT throws_ok('SELECT FROM saas.watchlist_entries', '42501', NULL, 'nor reads them');
SELECT is((SELECT added FROM saas.import_team_watchlist(pg_temp.team(), 'own', '[{"reference": "a", "name": "Jürgen Müller"}]')), 1::bigint, 'a list of the team');
SELECT throws_ok(format('SELECT saas.import_team_watchlist(%L, %L, %L)', :'other', 'own', '[]'), '42501', NULL, 'not one of another team');

-- Finding. The lists were taken in an hour ago.
RESET ROLE;
UPDATE saas.watchlist_entries SET changed_at = changed_at - interval '1 hour';
SELECT saas.set_context(pg_temp.team(), :'member');
SET LOCAL ROLE saas_app;
SELECT results_eq($$SELECT source_reference, score FROM saas.search_watchlists(pg_temp.team(), 'Maria Garcia Lopez', '1970-05-17')$$, $$VALUES ('3', 100)$$, 'another order of words, the same day of birth');
SELECT results_eq($$SELECT source_reference FROM saas.search_watchlists(pg_temp.team(), 'Moammar Al Qadhafi', '1942-06-07', 'LY')$$, $$VALUES ('1')$$, 'another spelling');
SELECT results_eq($$SELECT source FROM saas.search_watchlists(pg_temp.team(), 'Juergen Mueller')$$, $$VALUES ('own')$$, 'on the list of the team');
SELECT is_empty($$SELECT FROM saas.search_watchlists(pg_temp.team(), 'Zenith Shipping LLC')$$, 'what is no longer listed is not found');
SELECT is_empty($$SELECT FROM saas.search_watchlists(pg_temp.team(), 'Mary Jones')$$, 'nor who is not');
SELECT is_empty($$SELECT FROM saas.search_watchlists(pg_temp.team(), '...')$$, 'nor nobody');
SELECT throws_ok(format('SELECT saas.search_watchlists(%L, %L)', :'other', 'Mary'), '42501', NULL, 'not for another team');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'viewer');
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.search_watchlists(pg_temp.team(), 'Mary')$$, '42501', NULL, 'not for a viewer');
RESET ROLE;
SELECT saas.set_context(:'other', :'owner');
SET LOCAL ROLE saas_app;
SELECT is_empty(format('SELECT FROM saas.search_watchlists(%L, %L)', :'other', 'Jürgen Müller'), 'the list of one team is not that of another');

-- Screening opens alerts, once for the same facts.
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'member');
SET LOCAL ROLE saas_app;
CREATE TEMPORARY TABLE first_alert AS SELECT * FROM saas.screen_customer(pg_temp.team(), 'cus_1', 'Moammar Gadafi', '1942-06-07', 'LY');
SELECT results_eq('SELECT source_reference, is_new FROM first_alert', $$VALUES ('1', true)$$, 'one is like the customer');
SELECT results_eq($$SELECT is_new, alert_id FROM saas.screen_customer(pg_temp.team(), 'cus_1', 'Moammar Gadafi', '1942-06-07', 'LY')$$, 'SELECT false, alert_id FROM first_alert', 'the same again is the same alert');
SELECT results_eq($$SELECT is_new FROM saas.screen_customer(pg_temp.team(), 'cus_1', 'Moammar Gadafi', '1942-06-08', 'LY')$$, 'VALUES (true)', 'other facts are another one');
SELECT is_empty($$SELECT FROM saas.screen_customer(pg_temp.team(), 'cus_1', 'Moammar Gadafi', '1982-06-08', 'FR')$$, 'another date of birth and country: somebody else');
SELECT throws_ok($$SELECT saas.screen_customer(pg_temp.team(), 'cus_1', '')$$, '22023', NULL, 'no name');
SELECT throws_ok($$SELECT saas.screen_customer(pg_temp.team(), NULL, 'Mary')$$, '22023', NULL, 'nobody');
SELECT lives_ok($$SELECT saas.start_verification(pg_temp.team(), 'customer', 'cus_9', 'basic', 'any', NULL, 'Maria Lopez Garcia', '1970-05-17')$$, 'a customer with a name');
RESET ROLE;
SELECT saas.set_context(pg_temp.team());
SET LOCAL ROLE saas_service;
SELECT is(saas.rescreen_customers(pg_temp.team()), 1::bigint, 'who was verified is screened again');
SELECT is(saas.rescreen_customers(pg_temp.team()), 0::bigint, 'with nothing new');
RESET ROLE;
SELECT saas.clear_context();
SELECT lives_ok($$SELECT saas.import_watchlist('test_list', '[{"reference": "3", "name": "Maria Lopez Garcia", "birth_dates": ["1970-05-17"], "programme": "NEW"}]')$$, 'an entry changes');
SELECT saas.set_context(pg_temp.team());
SELECT is(saas.rescreen_customers(pg_temp.team()), 1::bigint, 'then it is asked about again');

-- Reviews and decisions.
SELECT saas.set_context(pg_temp.team(), :'member');
SET LOCAL ROLE saas_app;
SELECT alert_id AS alert FROM first_alert \gset
SELECT throws_ok(format('SELECT saas.decide_aml_alert(pg_temp.team(), %L, %L, %L)', :'alert', 'clear', 'x'), '42501', NULL, 'a member decides nothing');
SELECT throws_ok(format('SELECT saas.review_aml_alert(pg_temp.team(), %L, %L)', :'alert', gen_random_uuid()), '22023', NULL, 'nobody is assigned who is not in the team');
SELECT is((saas.review_aml_alert(pg_temp.team(), :'alert')).assignee_id, :'member'::uuid, 'a member takes it');
SELECT is((saas.review_aml_alert(pg_temp.team(), :'alert', NULL)).status, 'open', 'and puts it back');
SELECT throws_ok(format('SELECT saas.review_aml_alert(%L, %L)', :'other', :'alert'), '42501', NULL, 'not in another team');
SELECT throws_ok('SELECT saas.review_aml_alert(pg_temp.team(), gen_random_uuid())', 'SA094', NULL, 'an alert that is none');
SELECT throws_ok($$UPDATE saas.aml_alerts SET status = 'cleared'$$, '42501', NULL, 'not by hand');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'admin');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.decide_aml_alert(pg_temp.team(), %L, %L, %L)', :'alert', 'confirm', 'x'), 'SA095', NULL, 'what nobody has looked at is not decided');
SELECT saas.review_aml_alert(pg_temp.team(), :'alert', :'member');
SELECT throws_ok(format('SELECT saas.decide_aml_alert(pg_temp.team(), %L, %L, %L)', :'alert', d.decision, d.reason), '22023', NULL, 'no such decision')
FROM (VALUES ('maybe', 'x'), (NULL, 'x'), ('clear', NULL)) AS d (decision, reason);
SELECT is((saas.decide_aml_alert(pg_temp.team(), :'alert', 'confirm', 'same passport')).status, 'confirmed', 'confirmed');
SELECT is((SELECT count(*) FROM saas.payout_holds WHERE reason = 'aml' AND ref_id = :'alert' AND released_at IS NULL), 1::bigint, 'payouts are held');
SELECT throws_ok(format('SELECT saas.decide_aml_alert(pg_temp.team(), %L, %L, %L)', :'alert', 'clear', 'x'), 'SA095', NULL, 'a decision stands');
SELECT throws_ok(format('SELECT saas.review_aml_alert(pg_temp.team(), %L)', :'alert'), 'SA095', NULL, 'and is not taken again');
SELECT throws_ok(format('SELECT saas.decide_aml_alert(pg_temp.team(), %L, %L, %L)', :'alert', 'overturn', 'x'), '42501', NULL, 'an admin does not overturn it');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'owner');
SET LOCAL ROLE saas_app;
SELECT is((saas.decide_aml_alert(pg_temp.team(), :'alert', 'overturn', 'another person')).status, 'cleared', 'the owner does');
SELECT is((SELECT count(*) FROM saas.payout_holds WHERE reason = 'aml' AND ref_id = :'alert' AND released_at IS NULL), 0::bigint, 'and payouts go on');
SELECT isnt(saas.raise_aml_alert(pg_temp.team(), 'card', 'fp_1', 'looks odd'), NULL, 'somebody notices something');

-- Who sees what.
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'viewer');
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT FROM saas.aml_alerts', 'a viewer sees no alert');
SELECT is_empty('SELECT FROM saas.customer_verifications', 'and no verification');
SET LOCAL ROLE saas_analyst;
SELECT isnt((SELECT count(score) FROM saas.aml_alerts), 0::bigint, 'an analyst sees scores');
SELECT throws_ok('SELECT details FROM saas.aml_alerts', '42501', NULL, 'but no facts');
SELECT throws_ok('SELECT full_name FROM saas.customer_verifications', '42501', NULL, 'and no names');
SELECT throws_ok('SELECT FROM saas.team_watchlist_entries', '42501', NULL, 'nor lists');
RESET ROLE;
SELECT is((SELECT count(*) FROM saas.audit_logs WHERE table_name = 'saas.aml_alerts' AND team_id = pg_temp.team() AND new_values -> 'details' ->> 'name' IS NOT NULL), 0::bigint, 'the audit trail holds no facts either');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
