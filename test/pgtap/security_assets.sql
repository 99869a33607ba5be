-- Assets: identifiers of columns.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql

-- The package's own columns.
SELECT is(
    (SELECT string_agg(c.relname || '.' || a.attname, ', ')
     FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
        AND NOT a.attisdropped
        AND NOT EXISTS (SELECT FROM saas.located_data_assets AS l
            WHERE l.table_name = c.oid AND l.column_name = a.attname AND col_description(c.oid, a.attnum) LIKE '%[' || l.classification || ']')),
    NULL, 'every column of the package is an asset, of the class that its comment says');
SELECT is(saas.refresh_data_assets(), 0::bigint, 'a second time there is nothing to do');
-- A newer version calls a column more sensitive, another less; what the owner made stricter stays so.
SELECT saas.register_asset('saas.addresses', 'id', 'internal'), saas.register_asset('saas.addresses', 'created_at', 'restricted') \g /dev/null
COMMENT ON COLUMN saas.addresses.id IS 'The row. [confidential]';
SELECT is(saas.refresh_data_assets(), 1::bigint, 'one column is raised');
SELECT is((SELECT string_agg(l.column_name || ' ' || l.classification, ', ' ORDER BY l.column_name) FROM saas.located_data_assets AS l
    WHERE l.table_name = 'saas.addresses'::regclass AND l.column_name IN ('id', 'created_at')), 'created_at restricted, id confidential', 'none is lowered');
SELECT results_eq('SELECT name FROM saas.data_classifications ORDER BY rank', ARRAY['public', 'internal', 'confidential', 'restricted'], 'four classes');

CREATE TABLE public.vault (first integer, secret bytea, other bytea);
SELECT saas.register_asset('public.vault', 'secret') AS secret \gset
SELECT is(saas.register_asset('public.vault', 'secret', 'restricted'), :'secret', 'a column is registered once');
SELECT is((SELECT classification FROM saas.data_assets WHERE id = :'secret'), 'restricted', 'and its class can change');
SELECT isnt(saas.register_asset('public.vault', 'secret', 'restricted', 'last_four'), :'secret', 'what is derived from it is another asset');
SELECT isnt(saas.register_asset('public.vault', 'other'), :'secret', 'another column too');
SELECT is(saas.asset_id('public.vault', 'secret'), :'secret', 'it is found by name');
SELECT throws_ok($$SELECT saas.asset_id('public.vault', 'first')$$, 'SA104', NULL, 'one that is not registered is not');
SELECT throws_ok($$SELECT saas.register_asset('public.vault', 'none')$$, '42703', NULL, 'a column that is not there');
SELECT throws_ok($$SELECT saas.register_asset('public.vault', 'secret', 'cosmic')$$, '22023', NULL, 'a class that is none');
SELECT throws_ok($$SELECT saas.register_asset(NULL, 'secret')$$, '42703', NULL, 'no table');
SELECT throws_ok($$SELECT saas.register_asset('public.vault', 'secret', 'restricted', 'Last Four')$$, '23514', NULL, 'a variant is a plain word');

-- Renaming changes nothing for values that are there.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT saas.encrypt_sensitive_data('x', p_table => 'public.vault', p_column => 'secret') AS value \gset
ALTER TABLE public.vault RENAME COLUMN secret TO hidden;
SELECT is(saas.decrypt_sensitive_data(:'value', p_table => 'public.vault', p_column => 'hidden'), 'x', 'under the new name of the column');
ALTER TABLE public.vault RENAME TO strongbox;
CREATE SCHEMA elsewhere;
ALTER TABLE public.strongbox SET SCHEMA elsewhere;
SELECT is(saas.decrypt_sensitive_data(:'value', p_table => 'elsewhere.strongbox', p_column => 'hidden'), 'x', 'and of the table');
SELECT is((SELECT column_name::text FROM saas.located_data_assets WHERE id = :'secret'), 'hidden', 'the view knows the new name');
SELECT is(saas.refresh_data_assets('elsewhere.strongbox'), 2::bigint, 'and so does the row, once refreshed');
SELECT is((SELECT column_name::text FROM saas.data_assets WHERE id = :'secret'), 'hidden', 'for the next dump');

-- A restored table has another oid and other numbers of columns.
CREATE TABLE elsewhere.restored (other bytea, hidden bytea);
UPDATE saas.data_assets SET table_name = 'elsewhere.restored' WHERE table_name = 'elsewhere.strongbox'::regclass;
SELECT is(saas.decrypt_sensitive_data(:'value', p_table => 'elsewhere.restored', p_column => 'hidden'), 'x', 'after a restore, by name');
SELECT is(saas.refresh_data_assets('elsewhere.restored'), 3::bigint, 'refreshed');
SELECT is(saas.asset_id('elsewhere.restored', 'hidden'), :'secret', 'it is still the same');
ALTER TABLE elsewhere.restored DROP COLUMN hidden;
SELECT throws_ok($$SELECT saas.asset_id('elsewhere.restored', 'hidden')$$, 'SA104', NULL, 'a column that is dropped is an asset no more');
SELECT is(saas.decrypt_sensitive_data(:'value', :'secret'::uuid), 'x', 'its values still open by the identifier');

-- Who registers.
CREATE ROLE asset_stranger;
GRANT USAGE ON SCHEMA saas TO asset_stranger;
GRANT EXECUTE ON FUNCTION saas.register_asset(regclass, name, text, text) TO asset_stranger;
SET LOCAL ROLE asset_stranger;
SELECT throws_ok($$SELECT saas.register_asset('saas.users', 'email', 'public')$$, '42501', NULL, 'only the owner of a table registers its columns');
RESET ROLE;
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.register_asset('saas.users', 'email', 'public')$$, '42501', NULL, 'applications do not');
SELECT throws_ok($$SELECT saas.refresh_data_assets()$$, '42501', NULL, 'nor refresh');
SELECT throws_ok($$INSERT INTO saas.data_assets (table_name, table_oid, column_number, column_name, classification) VALUES ('saas.users', 1, 1, 'x', 'public')$$, '42501', NULL, 'nor write the table');
SELECT isnt_empty('SELECT FROM saas.data_assets', 'but read it');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
