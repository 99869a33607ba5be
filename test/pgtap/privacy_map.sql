-- The map: no column of the package without class and action; what looks personal elsewhere is found, declared
-- or dismissed; who may do that.
BEGIN;
SELECT no_plan();
SELECT is(
    (SELECT string_agg(m.table_name || '.' || m.column_name, ', ') FROM saas.personal_data_map AS m
     WHERE m.classification IS NULL OR m.action IS NULL),
    NULL, 'every column of every table of the package has a class and an action');
SELECT is(
    (SELECT count(*) FROM saas.personal_data_map AS m WHERE m.table_name LIKE 'saas.%'),
    (SELECT count(*) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped),
    'each once');
SELECT is(
    (SELECT string_agg(m.table_name || '.' || m.column_name, ', ') FROM saas.personal_data_map AS m
     WHERE m.classification IN ('confidential', 'restricted') AND m.action = 'keep' AND m.basis IS NULL),
    NULL, 'nothing confidential is kept without a basis');
SELECT is(
    (SELECT string_agg(c.table_name || '.' || c.column_name, ', ') FROM saas.package_personal_columns() AS c
     WHERE NOT EXISTS (SELECT FROM saas.personal_data_map AS m WHERE m.table_name = c.table_name AND m.column_name = c.column_name)),
    NULL, 'the package declares no column that is not there');
SELECT is(
    (SELECT string_agg(l.table_name || '.' || l.link_name, ', ') FROM saas.package_personal_links() AS l
     CROSS JOIN LATERAL unnest(l.columns) AS k (name)
     WHERE NOT EXISTS (SELECT FROM saas.personal_data_map AS m WHERE m.table_name = l.table_name AND m.column_name = k.name)),
    NULL, 'nor a link');
SELECT is(
    (SELECT string_agg(m.table_name || '.' || m.column_name || ' ' || m.classification, ', ') FROM saas.personal_data_map AS m
     JOIN saas.package_personal_columns() AS c ON c.table_name = m.table_name AND c.column_name = m.column_name AND c.action IN ('null', 'anonymise')
     WHERE m.classification NOT IN ('confidential', 'restricted') AND m.column_name <> 'user_id'),
    NULL, 'only personal values are anonymised: no amount, state or key');
SELECT is_empty('SELECT * FROM saas.undeclared_personal_data()', 'nothing is undeclared');

-- A column added to a table of the package has neither class nor action.
ALTER TABLE saas.teams ADD COLUMN contact_person text;
SELECT results_eq('SELECT table_name, column_name, why FROM saas.undeclared_personal_data()',
    $$VALUES ('saas.teams', 'contact_person', 'it has no class')$$, 'a column that a user added is found');
COMMENT ON COLUMN saas.teams.contact_person IS 'Who to call. [confidential]';
SELECT results_eq('SELECT table_name, column_name, why FROM saas.undeclared_personal_data()',
    $$VALUES ('saas.teams', 'contact_person', 'it has no action')$$, 'a class alone is not enough');
ALTER TABLE saas.teams DROP COLUMN contact_person;

-- Tables of one's own.
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), buyer uuid REFERENCES saas.users (id), note text, payload jsonb);
CREATE TABLE shop."Odd Names" (id integer PRIMARY KEY, "E-Mail" text, born_at date, birthday date, visits integer);
CREATE TABLE shop.keyless (person uuid, text text);
SELECT results_eq('SELECT table_name, column_name, why FROM saas.undeclared_personal_data() ORDER BY 1, 2',
    $$VALUES ('shop."Odd Names"', 'E-Mail', 'it is named like personal data'), ('shop."Odd Names"', 'birthday', 'it is named like personal data'), ('shop.orders', 'buyer', 'it refers to saas.users')$$,
    'a key to people and names that speak for themselves');
ALTER TABLE shop."Odd Names" RENAME COLUMN "E-Mail" TO email;
SELECT set_has('SELECT column_name FROM saas.undeclared_personal_data()', $$VALUES ('email')$$, 'and an address');
SELECT saas.create_user('ann@example.com') AS ann \gset
INSERT INTO shop.orders (buyer, note, payload)
SELECT :'ann', 'call +44 20 7946 0000', jsonb_build_object('to', jsonb_build_object('mail', 'x' || n || '@example.com'), 'lines', jsonb_build_array(jsonb_build_object('by', :'ann')), 'n', n)
FROM generate_series(1, 20) AS n;
GRANT USAGE ON SCHEMA shop TO saas_internal;
GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO saas_internal;
SELECT results_eq(
    $$SELECT p.column_name || ' ' || p.json_path || ' ' || p.kind FROM saas.discover_personal_data() AS p WHERE p.table_name = 'shop.orders' ORDER BY 1$$,
    ARRAY['buyer  user_id', 'note  text with phone', 'payload lines,*,by user_id', 'payload to,mail email'],
    'samples tell more than names, inside JSON values too');
SELECT is((SELECT p.share FROM saas.personal_data_proposals AS p WHERE p.json_path = 'to,mail'), 1::real, 'with the share of values that look so');

SELECT throws_ok($$SELECT saas.declare_personal_data('shop.keyless', 'person', '{person}')$$, 'SA156', NULL, 'a table without a key cannot be declared');
SELECT throws_ok($$SELECT saas.declare_personal_data('shop.orders', 'buyer', '{nobody}')$$, 'SA156', NULL, 'nor a column that is not there');
SELECT throws_ok($$SELECT saas.declare_personal_data('saas.users', 'x', '{id}')$$, 'SA156', NULL, 'nor a table of the package');
SELECT throws_ok($$SELECT saas.declare_personal_data('shop.orders', 'x', '{id}', 'shop.keyless', '{person}')$$, 'SA156', NULL, 'nor below a table that is not on the map');
SELECT throws_ok($$SELECT saas.declare_personal_data('shop.orders', 'buyer', '{buyer}', p_action => 'keep')$$, '23514', NULL, 'nor kept without a basis');
SELECT throws_ok($$SELECT saas.declare_personal_data('shop.orders', 'buyer', '{buyer}', p_action => 'burn')$$, '23514', NULL, 'nor an action that does not exist');
SELECT lives_ok($$SELECT saas.declare_personal_data('shop.orders', 'buyer', '{buyer}', p_section => 'billing_history')$$, 'what makes sense is declared');
SELECT lives_ok($$SELECT saas.declare_personal_column('shop."Odd Names"', 'email', 'delete', p_identifying => true)$$, 'and a column');
SELECT throws_ok($$SELECT saas.dismiss_personal_data('shop."Odd Names"', 'birthday', '')$$, '22023', NULL, 'a dismissal has a reason');
SELECT lives_ok($$SELECT saas.dismiss_personal_data('shop."Odd Names"', 'birthday', 'of the shop')$$, 'with one it is noted');
SELECT is_empty('SELECT * FROM saas.undeclared_personal_data()', 'nothing is left undeclared');
SELECT results_eq($$SELECT column_name, action FROM saas.personal_data_map WHERE table_name = 'shop.orders' ORDER BY 1$$,
    $$VALUES ('buyer', 'delete'), ('id', 'delete'), ('note', 'delete'), ('payload', 'delete')$$, 'declared tables are on the map');
ALTER TABLE shop.orders RENAME TO purchases;
SELECT set_has('SELECT table_name, why FROM saas.undeclared_personal_data()',
    $$VALUES ('shop.orders', 'it was declared, and is gone or renamed'), ('shop.purchases', 'it refers to saas.users')$$, 'a table that is renamed does not slip away');

-- A table of somebody else, whose triggers would run with the engine's rights.
CREATE ROLE privacy_stranger;
CREATE TABLE public.trap (id uuid PRIMARY KEY, person uuid, mail text);
ALTER TABLE public.trap OWNER TO privacy_stranger;
INSERT INTO public.trap VALUES (:'ann', :'ann', 'ann@example.com');
GRANT ALL ON public.trap TO saas_internal;
SELECT throws_ok($$SELECT saas.declare_personal_data('public.trap', 'x', '{person}')$$, 'SA156', NULL, 'a table of another owner is not declared');
SELECT is_empty($$SELECT * FROM saas.discover_personal_data() WHERE table_name = 'public.trap' AND why = 'samples'$$, 'nor sampled');
ALTER TABLE shop.purchases RENAME TO orders;
ALTER TABLE shop.orders OWNER TO privacy_stranger;
SELECT set_has(format('SELECT table_name, problem FROM saas.gdpr_plan(%L)', :'ann'), $$VALUES ('shop.orders', 'SA153: it belongs to somebody else than the owner of the database, or runs code of theirs')$$,
    'one that was given away stops an erasure');
ALTER TABLE shop.orders RENAME TO purchases;

-- Who may.
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT * FROM saas.discover_personal_data()', '42501', NULL, 'an application does not discover');
SELECT throws_ok($$SELECT saas.declare_personal_data('shop.purchases', 'x', '{buyer}')$$, '42501', NULL, 'nor declare');
SELECT throws_ok($$SELECT saas.dismiss_personal_data('shop.purchases', 'buyer', 'x')$$, '42501', NULL, 'nor dismiss');
SELECT throws_ok($$SELECT * FROM saas.personal_data_map$$, '42501', NULL, 'nor read the map');
SET LOCAL ROLE saas_service;
SELECT throws_ok($$SELECT saas.declare_personal_column('shop.purchases', 'buyer', 'delete')$$, '42501', NULL, 'a worker does not declare');
SELECT isnt_empty('SELECT * FROM saas.personal_data_map', 'but reads the map');
SELECT throws_ok($$SELECT saas.erase_by('SELECT 1', NULL, NULL, NULL)$$, '42501', NULL, 'and runs no statement as the engine');
SELECT throws_ok($$SELECT saas.privacy_query('SELECT 1', NULL, NULL, NULL)$$, '42501', NULL, 'neither this way');
SELECT is(saas.is_erasing(), false, 'nothing is being erased');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
